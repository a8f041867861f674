"""Tokens, feeds and contracts that are not what they should be, on a real node."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from liqtui.core.reads import PlanFailed
from liqtui.core.sources import MarketRef
from tests.lab.assets import ASSETS
from tests.lab.feeds import Breakage
from tests.lab.market import wallet
from tests.real.reader import GENERATIONS, Watch, run, watches

if TYPE_CHECKING:
    from tests.lab.lab import Lab

HOSTILE = "\x1b[2J\u202e[bold red]" + "A" * 300


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("fault", list(Breakage))
def test_a_broken_source_makes_its_holders_unknown_and_nobody_else(
    populated: Lab, generation: str, fault: Breakage
) -> None:
    market = populated.markets[generation]
    watch = watches(populated)[generation]
    names = {position.wallet.lower(): position.name for position in populated.positions[generation]}
    market.set_source("LINK", populated.assets.own.deploy("BrokenFeed", int(fault)))
    reading = watch.read()
    assert reading.changed  # and so the market is opened again
    watch = watches(populated)[generation]
    unknown = set()
    for found_in, found in watch.positions().items():
        if found.health.raw is None:
            assert found.health.reported is None
            assert "no price for LINK" in found.health.reason
            unknown.add(names[found_in])
        else:
            assert found.health.verified
    assert {"bad debt", "usdc link fell", "all collaterals", "saved by another collateral"} <= unknown
    assert {"weth usdc", "supply only", "whale"}.isdisjoint(unknown)
    assert len(unknown) < len(names) / 2


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_hostile_symbol_is_harmless(populated: Lab, generation: str) -> None:
    market, user = populated.markets[generation], wallet("hostile holder")
    token = populated.assets.new_token(HOSTILE, 18)
    spec = next(each for each in ASSETS if each.symbol == "CRV")
    market.list_asset(replace(spec, symbol=HOSTILE, isolated_ceiling=0))
    market.supply(user, HOSTILE, 10**21)
    market.borrow(user, "USDC", 100 * 10**6)
    watch = Watch(populated, market, [user])
    (found,) = watch.positions().values()
    assert found.health.verified
    leg = next(leg for leg in found.legs if leg.asset.address == token.address.lower())
    assert leg.asset.symbol.isprintable()
    assert len(leg.asset.symbol) <= 16


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_listing_is_noticed_and_read_after_opening_again(populated: Lab, generation: str) -> None:
    market, user = populated.markets[generation], populated.positions[generation][0].wallet
    watch = watches(populated)[generation]
    spec = next(each for each in ASSETS if each.symbol == "LINK")
    market.list_asset(replace(spec, symbol="NEW"))
    assert watch.read().changed
    market.supply(user, "NEW", 10**20)
    reading = watch.read()
    assert "listed after the market was opened" in str(reading.accounts[user.lower()])
    again = watches(populated)[generation].positions()[user.lower()]
    assert again.health.verified
    assert "NEW" in {leg.asset.symbol for leg in again.legs}


def refused(lab: Lab, entry: str) -> str:
    watch = watches(lab)["aave36"]
    ref = MarketRef("aave-v3", watch.ref.chain_id, "wrong", entry.lower())
    with pytest.raises(PlanFailed) as fault:
        run(watch.reader, watch.block, watch.adapter.open(ref, watch.block))
    return str(fault.value)


def test_a_contract_that_is_no_market_is_refused_in_words(populated: Lab) -> None:
    market = populated.markets["aave36"]
    for entry in (market.pool, market.oracle, market.tokens["WETH"].address, wallet("nobody"), populated.multicall3):
        assert "is not the PoolAddressesProvider of an Aave v3 market" in refused(populated, entry)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_frozen_reserve_is_said_and_changes_no_figure(populated: Lab, generation: str) -> None:
    populated.markets[generation].freeze("WETH")
    watch = watches(populated)[generation]
    found = watch.positions()[dict(populated.positions[generation])["weth usdc"].lower()]
    assert found.health.verified
    assert {flag.code for flag in found.flags} >= {"frozen"}


def test_an_aggregator_swap_is_nothing_new(populated: Lab) -> None:
    watch = watches(populated)["aave36"]
    populated.assets.pairs["ETH / USD"].replace_aggregator(2_400 * 10**8)
    reading = watch.read()
    assert not reading.changed
    (feed,) = [feed for feed in reading.feeds if feed.label == "ETH / USD"]
    assert feed.answer == 2_400 * 10**8
