"""The shipped data: addresses, chains, names; and the look-ups over them."""

from __future__ import annotations

from collections import Counter

import pytest
from eth_utils.address import is_checksum_address

from liqtui.config.schema import PROTOCOLS
from liqtui.protocols.feeds import deployment, feed_table, sequencer_feed
from liqtui.protocols.registry import ENTRY_KEYS, adapter_for, adapters, known_markets

MARKETS = deployment("aave_v3")["market"]
FEEDS = deployment("feeds")["feed"]
CHAINS = {1, 10, 56, 100, 137, 143, 146, 196, 324, 1088, 1868, 4326, 5000, 8453, 9745, 42161, 42220, 43114, 57073}
CHAINS |= {59144, 534352}


def test_every_shipped_market_is_well_formed() -> None:
    assert len(MARKETS) == 26
    for row in MARKETS:
        assert row.keys() == {"chain_id", "name", "pool_addresses_provider"}
        assert row["chain_id"] in CHAINS
        assert is_checksum_address(row["pool_addresses_provider"])
        assert row["name"] == row["name"].lower().strip()
    names = Counter((row["chain_id"], row["name"]) for row in MARKETS)
    entries = Counter((row["chain_id"], row["pool_addresses_provider"].lower()) for row in MARKETS)
    assert max(names.values()) == max(entries.values()) == 1


def test_every_shipped_feed_is_well_formed() -> None:
    assert len(FEEDS) == 248
    for row in FEEDS:
        assert {"chain_id", "pair", "address"} <= row.keys() <= {"chain_id", "pair", "address", "heartbeat", "factor"}
        assert is_checksum_address(row["address"])
        assert 60 <= row.get("heartbeat", 60) <= 86_400
    assert max(Counter((row["chain_id"], row["address"].lower()) for row in FEEDS).values()) == 1


def test_only_eth_and_btc_itself_have_names() -> None:
    named = {(row["factor"], row["pair"].removesuffix(" (SVR)")) for row in FEEDS if "factor" in row}
    assert named == {("ETH", "ETH / USD"), ("BTC", "BTC / USD")}
    plain = {row["pair"] for row in FEEDS if "factor" not in row}
    assert not {"ETH / USD", "BTC / USD"} & plain
    assert {"WBTC / USD", "STETH / USD", "cbBTC / USD"} <= plain


def test_feeds_are_looked_up_by_chain_and_lower_case_address() -> None:
    svr = feed_table(1)["0x5424384b256154046e9667ddfaaa5e550145215e"]
    assert (svr.pair, svr.factor, svr.heartbeat) == ("ETH / USD (SVR)", "ETH", None)
    plain = feed_table(1)["0xf4030086522a5beea4988f8ca5b36dbc97bee88c"]
    assert (plain.factor, plain.heartbeat) == ("BTC", 3600)
    assert feed_table(31337) == {}


def test_sequencer_feeds() -> None:
    assert sequencer_feed(42161) == "0xfdb631f5ee196f0ed6faa767959853a9f217697d"
    assert sequencer_feed(1) == ""
    for row in deployment("feeds")["sequencer"]:
        assert is_checksum_address(row["address"])


def test_known_markets_are_those_of_the_chains_asked_for() -> None:
    found = [(market.protocol, market.name) for market in known_markets([8453, 1, 8453])]
    names = [name for protocol, name in found if protocol == "aave-v3"]
    assert names == ["base", "ethereum core", "ethereum etherfi", "ethereum horizon", "ethereum prime", "spark"]
    assert {("compound-v3", "usdc"), ("morpho-blue", "ethereum")} < set(found)
    assert next(market.chain_id for market in known_markets([8453, 1])) == 8453
    assert known_markets([31337]) == ()
    core = known_markets([1])[0]
    assert core.entry == "0x2f39d218133afab8f2b819b1066c7e434ad94e9e"
    assert (core.protocol, core.custom) == ("aave-v3", False)


def test_adapters_are_found_by_name() -> None:
    assert adapters().keys() == ENTRY_KEYS.keys()
    assert adapter_for("aave-v3").protocol == "aave-v3"
    with pytest.raises(LookupError, match=r"no protocol 'ave'; there is aave-v2, aave-v3, compound-v2"):
        adapter_for("ave")


def test_the_entry_keys_are_those_of_the_configuration() -> None:
    assert all(PROTOCOLS[protocol] == key for protocol, key in ENTRY_KEYS.items())


@pytest.mark.parametrize("protocol", sorted(ENTRY_KEYS))
def test_every_shipped_entry_is_an_address_and_named_once_on_its_chain(protocol: str) -> None:
    rows = deployment(protocol.replace("-", "_"))["market"]
    assert all(is_checksum_address(row[ENTRY_KEYS[protocol]]) for row in rows)
    assert max(Counter((row["chain_id"], row["name"]) for row in rows).values()) == 1
