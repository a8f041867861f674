"""Opening a Comet: its assets, feeds and symbols, and what is none."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from eth_utils.crypto import keccak

from liqtui.core.reads import Failure, PlanFailed
from liqtui.core.units import WAD
from liqtui.protocols import compound_v3_abi as comet
from liqtui.protocols.abi import Function, encode_word
from tests.protocols.comet_fake import (
    ADAPTER,
    ALICE,
    COMET,
    INFO,
    USDC,
    Asset,
    Fake,
    User,
    fake,
    opened,
    position,
)
from tests.protocols.fake import addr, run


def test_every_selector_is_that_of_its_signature() -> None:
    functions = [thing for _, thing in inspect.getmembers(comet) if isinstance(thing, Function)]
    assert len(functions) == 19
    for each in functions:
        assert keccak(text=each.signature)[:4] == each.selector, each.signature


def test_a_market_opens_in_four_steps() -> None:
    chain = fake().chain()
    market = opened(fake(), chain)
    assert chain.steps == 4  # the market, its assets, their symbols, their feeds
    assert (market.base.symbol, market.base.decimals, market.base_symbol) == ("USDC", 6, "USD")
    assert [asset.symbol for asset, _ in market.assets] == ["COMP", "WETH", "WBTC"]
    assert [asset.decimals for asset, _ in market.assets] == [18, 18, 8]
    assert (market.least_debt, market.store_front) == (100 * 10**6, WAD // 2)


def test_a_constant_feed_makes_the_base_token_the_currency() -> None:
    assert opened(fake(base_label="Constant price feed")).base_symbol == "USDC"


def test_a_known_feed_names_the_currency() -> None:
    market = fake()
    chain = market.chain()
    chain.set(COMET, comet.BASE_FEED, types="address", value=addr("feedWETH"))
    assert opened(market, chain).base_symbol == "USD"


def test_a_base_feed_that_says_nothing() -> None:
    chain = fake().chain()
    chain.set(COMET, comet.BASE_FEED, types="address", value="0x" + "0" * 40)
    assert opened(fake(), chain).base_symbol == "USDC"


@pytest.mark.parametrize(
    ("getter", "args", "result", "said"),
    [
        (comet.BASE_TOKEN, (), Failure("revert"), "is not a Compound v3 market: revert"),
        (comet.BASE_SCALE, (), encode_word(3), "make no sense"),
        (comet.BASE_SCALE, (), encode_word(10**40), "make no sense"),
        (comet.NUM_ASSETS, (), encode_word(25), "make no sense"),
        (comet.GET_ASSET_INFO, (1,), Failure("short"), "is not a Compound v3 market: short"),
        (comet.GET_ASSET_INFO, (1,), encode_word(7) * 8, "asset 1 makes no sense"),
    ],
)
def test_what_is_no_comet(getter: Function, args: tuple[int, ...], result: Any, said: str) -> None:
    chain = fake().chain()
    chain.put(COMET, getter, *args, result=result)
    with pytest.raises(PlanFailed, match=said):
        opened(fake(), chain)


@pytest.mark.parametrize(
    "info",
    [
        (0, USDC, USDC, 10**18, 0, WAD + 1, 0, 0),
        (0, USDC, USDC, 0, 0, 0, 0, 0),
        (0, USDC, USDC, 3, 0, 0, 0, 0),
        (1, USDC, USDC, 1, 0, 0, 0, 0),
    ],
)
def test_an_asset_that_makes_no_sense(info: tuple[Any, ...]) -> None:
    chain = fake().chain()
    chain.set(COMET, comet.GET_ASSET_INFO, 0, types=INFO, value=info)
    with pytest.raises(PlanFailed, match="asset 0 makes no sense"):
        opened(fake(), chain)


@pytest.mark.parametrize("decimals", [0, 2, 19])
def test_the_fewest_and_most_decimals_that_a_scale_can_have(decimals: int) -> None:
    """uint64 holds no power of ten above that."""
    user = User(-1_000 * 10**6, {"ODD": 1_000 * 10**decimals}, view=False, owed=1_000 * 10**6)
    assets = [Asset("ODD", 3, decimals, liquidate_cf=80 * WAD // 100)]
    found = position(Fake(users={ALICE: user}, assets=assets))
    held, owed = found.legs
    assert (held.asset.decimals, held.amount, held.value) == (decimals, 1_000 * 10**decimals, 3_000 * 10**8)
    assert owed.value == 1_000 * 10**8
    assert found.health.raw == 24 * WAD // 10
    assert found.health.confirmed


@pytest.mark.parametrize("said", [b"", b"\x01", b"\xff" * 64, b"ok\x1b\xe2\x80\xae".ljust(32, b"\0"), b"\xff" * 32])
def test_a_symbol_of_bytes_is_shown_or_stands_aside(said: bytes) -> None:
    chain = fake().chain()
    chain.put(addr("COMP"), comet.SYMBOL, result=said)
    symbol = opened(fake(), chain).assets[0][0].symbol
    assert symbol.isprintable()
    assert 0 < len(symbol) <= 16


def test_symbols_that_cannot_be_shown() -> None:
    chain = fake().chain()
    chain.put(addr("COMP"), comet.SYMBOL, result=Failure("revert"))
    chain.set(addr("WBTC"), comet.SYMBOL, types="string", value="\x1b[2J\n")
    chain.put(COMET, comet.STORE_FRONT, result=Failure("revert"))
    market = opened(fake(), chain)
    symbols = [asset.symbol for asset, _ in market.assets]
    assert symbols[0].startswith("0x0000…")
    assert symbols[2] == "[2J"
    assert market.store_front is None


def test_tokens_of_one_name_are_told_apart() -> None:
    """USDC and the bridged one were both USDC in some markets."""
    chain = fake().chain()
    chain.set(addr("WETH"), comet.SYMBOL, types="string", value="USDC")
    market = opened(fake(), chain)
    symbols = [market.base.symbol, *(asset.symbol for asset, _ in market.assets)]
    assert symbols == [f"USDC·{market.base.address[-4:]}", "COMP", f"USDC·{addr('WETH')[-4:]}", "WBTC"]


def test_discovery() -> None:
    users = {addr(name): User() for name in ("nobody", "lends", "owes", "holds", "silent")}
    users[addr("lends")].principal = 5
    users[addr("owes")].principal = -5
    users[addr("holds")].held = {"COMP": 1}
    market = Fake(users=users)
    chain = market.chain()
    chain.put(COMET, comet.USER_BASIC, addr("silent"), result=Failure("unread"))
    found = run(ADAPTER.discover(opened(market), list(users)), chain)
    assert set(found) == {addr("lends"), addr("owes"), addr("holds"), addr("silent")}
    assert run(ADAPTER.glance(opened(market), list(users)), chain) == set(found) - {addr("silent")}
    assert chain.steps == 1


def test_what_it_says_of_itself() -> None:
    said = ADAPTER.survey(opened(Fake()))
    assert (said.contents, said.revision, said.known) == ("USDC against 3 assets", "", True)
    assert dict(said.facts).keys() == {"base_token"}
