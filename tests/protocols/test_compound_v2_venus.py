"""What Venus adds: thresholds, incentives by market, e-mode pools, VAI, pauses, forced liquidation."""

from __future__ import annotations

import pytest

from liqtui.core.model import Change, Side
from liqtui.core.risk import complete
from liqtui.core.units import WAD
from liqtui.protocols import compound_v2_abi as abi
from tests.protocols.compound_v2_fake import (
    ADAPTER,
    BLOCK,
    ENTRY,
    ETH,
    REVERT,
    USDC,
    VAI,
    WALLET,
    Token,
    held,
    loan,
    opened,
    position,
    venus,
)
from tests.protocols.fake import addr, run


@pytest.mark.parametrize("kind", ["isolated", "core"])
@pytest.mark.parametrize(
    ("eth", "usdc", "flags", "blocked"),
    [
        (("adding",), (), ["ETH: adding is paused"], ""),
        (("repaying", "liquidating"), (), [], ""),  # nothing is owed in it
        (("adding", "withdrawing", "seizing"), (), ["ETH: adding and withdrawing and seizing are paused"], "seizing"),
        ((), ("seizing",), [], ""),
        ((), ("borrowing",), ["USDC: borrowing is paused"], ""),
        ((), ("repaying",), ["USDC: repaying is paused"], "repaying"),
        ((), ("liquidating",), ["USDC: liquidating is paused"], "liquidating"),
    ],
)
def test_paused_actions_of_venus(
    kind: str, eth: tuple[str, ...], usdc: tuple[str, ...], flags: list[str], blocked: str
) -> None:
    threshold = 80 * WAD // 100
    tokens = [Token(**ETH, threshold=threshold, paused=eth), Token(**USDC, threshold=threshold, paused=usdc)]
    found = position(loan(kind=kind, tokens=tokens).chain())
    assert [(flag.code, flag.text) for flag in found.flags] == [("paused", text) for text in flags]
    assert found.scope.blocked.partition(" ")[0] == blocked
    assert found.health.verified


def test_a_core_pool_that_is_paused_as_a_whole() -> None:
    fake = venus()
    fake.paused = True
    found = position(fake.chain())
    assert [flag.code for flag in found.flags] == ["paused"]
    assert found.scope.blocked == "the whole protocol is paused"


def test_an_isolated_pool_weighs_by_its_threshold() -> None:
    tokens = [Token(**ETH, factor=70 * WAD // 100, threshold=75 * WAD // 100), Token(**USDC, threshold=88 * WAD // 100)]
    found = position(loan(kind="isolated", tokens=tokens).chain())
    assert found.health.verified
    assert (found.health.raw, found.threshold, found.max_ltv) == (15 * WAD // 10, 7_500, 7_000)


@pytest.mark.parametrize(
    ("caps", "told"), [((0, 0), (0, 0)), ((7, 0), (0, 7)), ((2**256 - 1, 2**256 - 1), (None, None))]
)
def test_a_cap_of_zero_closes_a_market_of_venus(caps: tuple[int, int], told: tuple[int | None, int | None]) -> None:
    sizes, threshold = (3 * 10**24, 0, 10**24), 80 * WAD // 100
    tokens = [Token(**each, sizes=sizes, threshold=threshold, caps=caps) for each in (ETH, USDC)]
    held, owed = position(loan(kind="isolated", tokens=tokens).chain()).legs
    assert (held.cap, owed.cap) == told
    assert (held.cap_room, owed.cap_room) == tuple(None if cap is None else 0 for cap in told)


def test_venus_weighs_by_threshold_and_has_incentives_by_market() -> None:
    found = position(venus().chain())
    assert found.health.verified
    assert (found.health.raw, found.legs[0].bonus) == (17 * WAD // 10, 11_000)
    assert all(quote.proven for quote in found.quotes)


def test_a_forced_liquidation_that_is_not_told_is_not_taken_for_none() -> None:
    chain = venus().chain()
    chain.put(ENTRY, abi.IS_FORCED_FOR_USER, WALLET, addr("cUSDC"), result=REVERT)
    assert isinstance(held(chain), ValueError)
    chain = loan().chain()
    market = opened(chain)
    chain.put(ENTRY, abi.IS_DEPRECATED, addr("cUSDC"), result=REVERT)
    reading = run(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain)
    assert reading.errors == ("market USDC could not be read: revert",)


def test_an_e_mode_pool_of_venus() -> None:
    weights = {"ETH": (90 * WAD // 100, 92 * WAD // 100, 104 * WAD // 100)}
    found = position(venus(weights=weights, pool=3).chain())
    assert found.health.verified
    assert (found.threshold, found.max_ltv, found.legs[0].bonus) == (9_200, 9_000, 10_400)
    assert found.category == "pool 3"
    assert position(venus(weights=weights).chain()).category == ""


def test_vai_is_a_debt_of_one_dollar_each() -> None:
    found = position(venus(vai=360 * WAD).chain())
    assert found.health.verified
    assert found.health.raw == 125 * WAD // 100
    leg = found.legs[-1]
    assert (leg.asset.symbol, leg.asset.address, leg.side, leg.value) == ("VAI", VAI, Side.DEBT, 360 * WAD)
    assert found.debt_value == 1_360 * WAD
    assert {each.label for each in complete(found).boundaries} == {"ETH", "USDC"}
    assert found.book.health(Change(debt={VAI: -360 * WAD})) == 17 * WAD // 10


@pytest.mark.parametrize("kind", ["market", "account"])
def test_forced_liquidation_of_venus(kind: str) -> None:
    fake = venus(forced=("USDC",) if kind == "account" else ())
    fake.token("USDC").deprecated = kind == "market"
    found = position(fake.chain())
    assert found.health.verdict is True
    assert [flag.code for flag in found.flags] == ["forced"]
