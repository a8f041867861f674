"""Compound v2's own contracts: what the conformance suite does not ask of every protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core.model import Change, Side
from liqtui.core.reads import PlanFailed, run_plans
from liqtui.core.rescue import rescue
from liqtui.core.severity import liquidatable
from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.core.units import HEALTH_INFINITE, WAD
from liqtui.protocols.compound_v2 import CompoundV2
from liqtui.protocols.compound_v2_math import Rounding
from tests.chain.conftest import PoolMaker, make_pool
from tests.lab import abi
from tests.lab.compound_v2 import call_all, raw
from tests.lab.market import wallet as wallet_of
from tests.real.reader import LabReader, run
from tests.real.rooms import just_fits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.model import Position
    from liqtui.protocols.adapter import Reading
    from tests.lab.compound_v2 import CompoundMarket

__all__ = ["make_pool"]

ACCRUE = abi.encode("accrueInterest()")
THREE = "e()->uint256,uint256,uint256"
HALF_UP = Rounding(half_up=True)


class Watch:
    """The program's view of the market and its wallets."""

    def __init__(self, market: CompoundMarket) -> None:
        self.market = market
        self.adapter = CompoundV2()
        self.reader = LabReader(market.lab)
        self.ref = MarketRef("compound-v2", 31337, market.name, market.comptroller.lower(), custom=True)
        self.wallets = [position.wallet.lower() for position in market.lab.positions[market.name]]
        self.block = self.reader.head()
        self.opened = run(self.reader, self.block, self.adapter.open(self.ref, self.block))
        self.hints: Mapping[str, Any] = {}
        self.discover()

    def discover(self) -> None:
        self.hints = run(self.reader, self.block, self.adapter.discover(self.opened, self.wallets))

    def read(self) -> Reading:
        self.block = self.reader.head()
        return run(self.reader, self.block, self.adapter.refresh(self.opened, self.block, self.hints))

    def evaluate(self, reading: Reading, wallet: str) -> Position:
        account = reading.accounts[wallet]
        assert not isinstance(account, Exception), account
        (position,) = self.adapter.evaluate(self.opened, self.block, reading.market, account, wallet)
        return position

    def positions(self) -> dict[str, Position]:
        reading = self.read()
        return {wallet: self.evaluate(reading, wallet) for wallet in reading.accounts}

    def position(self, name: str) -> Position:
        return self.positions()[wallet_of(name).lower()]


@pytest.fixture
def watch(compound_v2: CompoundMarket) -> Watch:
    return Watch(compound_v2)


def truths(watch: Watch) -> dict[str, tuple[tuple[int, int], dict[str, tuple[int, int, int]]]]:
    """By wallet: liquidity and shortfall, and a snapshot of each market, after the contracts themselves accrued all."""
    market = watch.market
    users = list(watch.hints)
    calls = [(token, ACCRUE) for token in market.tokens.values()]
    calls += [(market.comptroller, abi.encode("getAccountLiquidity(address)", user)) for user in users]
    calls += [
        (token, abi.encode("getAccountSnapshot(address)", user)) for user in users for token in market.tokens.values()
    ]
    answers = iter(call_all(market, calls, watch.block.hash)[len(market.tokens) :])
    liquidity = {user: abi.decode(THREE, next(answers)) for user in users}
    out: dict[str, tuple[tuple[int, int], dict[str, tuple[int, int, int]]]] = {}
    for user in users:
        books = {token.lower(): abi.decode(THREE + ",uint256", next(answers))[1:] for token in market.tokens.values()}
        error, *rest = liquidity[user]
        assert not error
        out[user] = ((rest[0], rest[1]), books)
    return out


def amounts(position: Position, side: Side) -> dict[str, int]:
    return {leg.asset.address: leg.amount for leg in position.legs if leg.side is side}


def test_stored_figures_are_older_than_ours(watch: Watch) -> None:
    """Sixty blocks at high rates: what the comptroller's view says is behind what a liquidator finds."""
    watch.market.node.mine(60, dt=12)
    found = watch.position("c2 eth usdc tight")
    stored = watch.market.liquidity(found.key.wallet)
    liquidity = found.book.sums().liquidity
    assert found.health.verified
    assert liquidity == truths(watch)[found.key.wallet][0]
    assert liquidity != stored[1:]
    assert found.book.rounding == HALF_UP


def test_just_what_is_said_can_be_taken_out(compound_v2: CompoundMarket) -> None:
    just_fits(compound_v2)


def test_an_account_as_it_is_shown(watch: Watch) -> None:
    found = watch.position("c2 eth usdc")
    assert (found.base_symbol, found.base_decimals) == ("USD", 18)
    held, owed = found.legs
    assert (held.asset.symbol, held.asset.address, held.asset.decimals) == (
        "ETH",
        watch.market.tokens["ETH"].lower(),
        18,
    )
    assert (owed.asset.symbol, owed.asset.address) == ("USDC", watch.market.underlying["USDC"].lower())
    assert (held.threshold, held.bonus, found.threshold, found.max_ltv) == (8250, 10800, 8250, 8250)
    assert held.price == 2500 * WAD
    assert owed.price == WAD
    assert held.pool_cash
    assert {feed.label for feed in found.feeds} == {"ETH / USD", "USDC / USD"}
    assert held.notes == ("yearly rates not known",)
    not_entered = watch.position("c2 not entered")
    counts = {leg.asset.symbol: leg.counts for leg in not_entered.legs}
    assert counts == {"ETH": True, "WBTC": False, "USDC": True}
    idle = watch.position("c2 nothing entered")
    assert idle.health.raw == HEALTH_INFINITE
    assert idle.collateral_value == 0


def test_discovery_finds_what_is_not_entered(watch: Watch) -> None:
    tokens = {symbol: token.lower() for symbol, token in watch.market.tokens.items()}
    assert set(watch.hints) == set(watch.wallets)
    assert watch.hints[wallet_of("c2 not entered").lower()] == {tokens["WBTC"]}
    assert watch.hints[wallet_of("c2 eth usdc").lower()] == frozenset()
    stranger = "0x" + "77" * 20
    assert run(watch.reader, watch.block, watch.adapter.discover(watch.opened, [stranger])) == {}


def foreseen(watch: Watch, wallet: str) -> Position:
    """The position in the next block if nothing happens, seen on a branch of the chain that is then dropped."""
    branch = watch.market.lab.snapshot()
    watch.market.node.mine(dt=12)
    found = watch.evaluate(watch.read(), wallet)
    watch.market.lab.revert(branch)
    return found


def liquidate(watch: Watch, found: Position, amount: int) -> list[tuple[int, int]]:
    """In the next block, after everything has accrued. What was repaid, and the cTokens that were seized."""
    market, scope = watch.market, found.scope
    symbols = {info.asset.address: symbol for symbol, info in by_symbol(watch).items()}
    with market.node.batch(dt=12, check=False):
        for token in market.tokens.values():
            market.do(token, "accrueInterest()")
        market.liquidate(found.key.wallet, symbols[scope.collateral.address], symbols[scope.debt.address], amount)
    return market.liquidations()


def by_symbol(watch: Watch) -> dict[str, Any]:
    return {symbol: watch.opened.tokens[token.lower()] for symbol, token in watch.market.tokens.items()}


def test_less_collateral_than_the_close_factor_would_take(watch: Watch) -> None:
    watch.market.set_price("LINK", 2 * 10**8)
    before = foreseen(watch, wallet_of("c2 link dai").lower())
    assert before.scope.reason == "all of this collateral"
    branch = watch.market.lab.snapshot()
    assert liquidate(watch, before, before.scope.max_debt + 1) == []
    watch.market.lab.revert(branch)
    ((repaid, _),) = liquidate(watch, before, before.scope.max_debt)
    assert repaid == before.scope.max_debt


def test_what_ifs_are_what_the_contract_makes_of_them(watch: Watch) -> None:
    market = watch.market
    for name in ("c2 wbtc dai", "c2 link usdc eurs", "c2 usdc eurs"):
        user = wallet_of(name)
        now = foreseen(watch, user.lower())
        symbols = {info.asset.address: symbol for symbol, info in by_symbol(watch).items()}
        held = next(leg for leg in now.legs if leg.side is Side.COLLATERAL)
        owed = next(leg for leg in now.legs if leg.side is Side.DEBT)
        more, less = held.amount // 3 + 1, owed.amount // 4 + 1
        cases = (
            (Change(collateral={held.asset.address: more}), "supply", held, more),
            (Change(debt={owed.asset.address: -less}), "repay", owed, less),
        )
        for change, act, leg, amount in cases:
            branch = market.lab.snapshot()
            with market.node.batch(dt=12):
                getattr(market, act)(user, symbols[leg.asset.address], amount)
            after = watch.evaluate(watch.read(), user.lower())
            market.lab.revert(branch)
            expected = now.book.health(change)
            assert after.health.verified
            assert after.health.raw == pytest.approx(expected, rel=1e-12, abs=0)
            if act == "repay":
                assert amounts(after, Side.DEBT)[leg.asset.address] == leg.amount - amount


def test_a_rescue_is_enough_and_one_unit_less_is_not(watch: Watch) -> None:
    target, tried = 125 * WAD // 100, 0
    for found in watch.positions().values():
        if not found.has_debt or found.health.raw >= target:
            continue
        (ways,) = rescue(found.book, [target])
        for kind, sign, amounts_ in (("debt", -1, ways.repay), ("collateral", 1, ways.add)):
            for asset, least in amounts_:
                enough, short = (
                    found.book.health(Change(**{kind: {asset.address: sign * (least - less)}})) for less in (0, 1)
                )
                assert enough >= target > short
                tried += 1
    assert tried >= 20


def test_a_price_of_zero_is_unknown_for_all_who_are_in_that_market(watch: Watch) -> None:
    watch.market.set_price("LINK", 0)
    for found in watch.positions().values():
        inside = "LINK" in {leg.asset.symbol for leg in found.legs}
        assert (found.health.raw is None) is inside, found
        assert (liquidatable(found) is None) is inside
        if inside:
            assert "gives no price for LINK" in found.health.reason
            assert "error 13 PRICE_ERROR" in found.health.reason
            assert found.scope is None


def test_an_entered_market_without_a_balance_counts_too(watch: Watch) -> None:
    user = wallet_of("c2 eth usdc")
    watch.market.enter(user, "CRV")
    assert watch.position("c2 eth usdc").health.verified
    watch.market.set_price("CRV", 0)
    assert watch.position("c2 eth usdc").health.raw is None


def test_paused_seizing_blocks_what_health_allows(watch: Watch) -> None:
    watch.market.do(watch.market.comptroller, "_setSeizePaused(bool)", True)
    found = watch.position("c2 link dai")
    assert found.book.liquidatable()
    assert found.scope.blocked == "seizing is paused"
    assert [flag.code for flag in found.flags] == ["paused"]
    assert liquidate(watch, found, raw(watch.market, "DAI", "10")) == []


def test_contracts_that_change_are_noticed(watch: Watch) -> None:
    market = watch.market
    assert not watch.read().changed
    market.do(market.comptroller, "_setPriceOracle(address)", replaced_oracle(market))
    assert watch.read().changed


def replaced_oracle(market: CompoundMarket) -> str:
    other = "0x00000000000000000000000000000000000abc01"
    market.node.rpc("anvil_setCode", other, market.node.rpc("eth_getCode", market.oracle, "latest"))
    return other


async def test_read_through_the_program_s_own_chain(watch: Watch, make_pool: PoolMaker) -> None:
    """It reorders calls, asks some of them again and splits requests: nothing may hang on that."""
    node, adapter = watch.market.node, watch.adapter
    for most in (500, 23):
        rpc: dict[str, Any] = {"requests_per_second": 0.0, "timeout": 60.0, "block_time": 1.0, "max_calls": most}
        pool = make_pool(ChainSpec(node.chain_id, "lab", rpc=(node.url,), **rpc))
        block = await pool.head()
        (opened,) = await run_plans(pool, block, [adapter.open(watch.ref, block)])
        assert opened == watch.opened
        (hints,) = await run_plans(pool, block, [adapter.discover(opened, watch.wallets)])
        assert hints == watch.hints
        (reading,) = await run_plans(pool, block, [adapter.refresh(opened, block, hints)])
        expected = watch.read()
        assert (reading.market, reading.accounts) == (expected.market, expected.accounts)
        assert all(watch.evaluate(reading, wallet).health.verified for wallet in reading.accounts)


def test_what_is_no_comptroller_is_refused(watch: Watch) -> None:
    for entry in (watch.market.oracle, watch.market.tokens["USDC"], "0x" + "99" * 20):
        ref = MarketRef("compound-v2", 31337, "wrong", entry.lower())
        with pytest.raises(PlanFailed, match="is not a comptroller of the Compound v2 family"):
            run(watch.reader, watch.block, watch.adapter.open(ref, watch.block))
