"""Health equals the contract's to the wei, at every block of a walk of prices, time and users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.units import HEALTH_ONE, decimal_string
from tests.lab.walk import Walk
from tests.real.reader import Watch

if TYPE_CHECKING:
    from liqtui.core.model import Position
    from liqtui.protocols.aave_v3_state import Reported
    from tests.lab.lab import Lab

BLOCKS = 200
REDISCOVER = 20


def watches(lab: Lab) -> dict[str, Watch]:
    return {
        name: Watch(lab, market, [position.wallet for position in lab.positions[name]])
        for name, market in lab.markets.items()
    }


def same_as_reported(found: Position, said: Reported) -> bool:
    """All six figures of the pool's own account view."""
    room = dict(found.facts)["can still borrow"].split()[0]
    figures = (found.collateral_value, found.debt_value, found.threshold, found.max_ltv, found.health.raw, room)
    return figures == (
        said.collateral,
        said.debt,
        said.threshold,
        said.ltv,
        said.health,
        decimal_string(said.available, 8),
    )


def test_every_figure_at_every_block_of_a_walk(populated: Lab) -> None:
    watched = watches(populated)
    seen: dict[str, list[int]] = {name: [] for name in watched}
    for step, number in enumerate(Walk(populated, seed=7).take(BLOCKS)):
        for name, watch in watched.items():
            if step % REDISCOVER == 0:
                watch.discover()
            reading = watch.read()
            assert (reading.errors, reading.changed, watch.block.number) == ((), False, number)
            assert len(reading.accounts) >= 40
            for wallet, account in reading.accounts.items():
                found = watch.evaluate(reading, wallet)
                assert same_as_reported(found, account.reported), (number, name, wallet, found, account)
                assert found.health.verified
                assert all(quote.proven for quote in found.quotes)
                seen[name].append(found.health.raw)
    for healths in seen.values():
        assert min(healths) < HEALTH_ONE < max(healths)
        assert len(set(healths)) > 20 * BLOCKS


def test_discovery_finds_all_that_hold_something_and_nobody_else(populated: Lab) -> None:
    for name, watch in watches(populated).items():
        wallets = {position.wallet.lower(): position.name for position in populated.positions[name]}
        missing = {wallets[wallet] for wallet in wallets.keys() - watch.hints.keys()}
        assert missing == {"emptied"}
        held = {wallets[wallet]: hint for wallet, hint in watch.hints.items()}
        ids = {reserve.asset.symbol: i for i, reserve in watch.opened.reserves.items()}
        assert held["all switched off"] == {ids["USDC"]}
        assert held["one switched off"] == {ids["WBTC"]}
        assert held["supply only, never collateral"] == {ids["PT-sUSDe"]}
        assert held["weth usdc"] == frozenset()


def test_requests_do_not_grow_with_wallets(populated: Lab) -> None:
    watch = watches(populated)["aave36"]
    counts = []
    for number in (1, 12):
        watch.hints = dict(list(watch.hints.items())[:number])
        before = watch.reader.requests
        watch.read()
        counts.append(watch.reader.requests - before)
        watch.discover()
    assert counts == [2, 2]
