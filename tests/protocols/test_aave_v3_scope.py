"""What one liquidation may take: close factors, dust, the worst pair, what blocks it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqtui.core.model import ENGINE_LINES
from liqtui.core.units import BPS, HEALTH_INFINITE, WAD
from liqtui.protocols.aave_v3_math import Side, rules_for, seize
from liqtui.protocols.aave_v3_scope import MIN_LEFTOVER, _largest_without_dust, _leaves_dust
from tests.protocols.fake import NOW, Fake, User, addr, position

USD = 10**8


def loan(
    *,
    revision: int = 10,
    weth: str = "10",
    usdc: float = 20_000,
    price: int = 2_500,
    users: User | None = None,
    **change: Any,
) -> Any:
    """A loan of so many dollars against so much WETH at this price."""
    user = users or User(supplied={"WETH": int(float(weth) * 10**18)}, owed={"USDC": int(usdc * 10**6)})
    fake = Fake(revision=revision, users={addr("user"): user})
    assets = [replace(a, price=price * USD, **change) if a.symbol == "WETH" else a for a in fake.assets]
    return position(replace(fake, assets=assets))


def scope(**of: Any) -> Any:
    return loan(**of).scope


@pytest.mark.parametrize(
    ("revision", "who", "how_much", "bad_debt"),
    [
        (
            1,
            "anyone",
            "up to half of one debt in a call; all of it once health is 0.95 or less",
            "stays with the account",
        ),
        (7, "anyone", "is under 2,000 USD; else up to half of the total debt", "becomes a deficit of the protocol"),
        (
            11,
            "anyone but the account itself",
            "A part has to leave 1,000 USD of both",
            "becomes a deficit of the protocol",
        ),
    ],
)
def test_how_a_liquidation_goes(revision: int, who: str, how_much: str, bad_debt: str) -> None:
    card = dict(loan(revision=revision).engine)
    assert tuple(card) == ENGINE_LINES
    assert (card["who"], card["bad debt"]) == (who, bad_debt)
    assert how_much in card["how much"]
    assert (card["bonus"], card["protocol fee"]) == ("5%", "10% of the bonus")
    assert card["goes to"] == "the liquidator; the fee to the protocol's treasury"
    free = dict(loan(revision=revision, fee=0).engine)
    assert (free["protocol fee"], free["goes to"]) == ("none", "the liquidator")


def test_rules_of_a_revision_that_is_not_known_are_not_told() -> None:
    card = dict(loan(revision=99).engine)
    assert tuple(card) == ENGINE_LINES
    assert {card[label] for label in ("who", "how much", "bad debt")} == {"not known for this revision of the pool"}
    assert card["bonus"] == "5%"


def test_bonuses_are_told_by_asset_where_they_differ() -> None:
    user = User(supplied={"WETH": 10**19, "USDC": 10**9}, owed={"USDC": 10**9})
    fake = Fake(revision=10, users={addr("user"): user})
    assets = [replace(a, bonus=10_650, fee=2_000) if a.symbol == "WETH" else a for a in fake.assets]
    card = dict(position(replace(fake, assets=assets)).engine)
    assert card["bonus"] == "WETH 6.5%, USDC 4.5%"
    assert card["protocol fee"] == "WETH 20%, USDC 10% of the bonus"


@pytest.mark.parametrize(
    ("revision", "reason"), [(1, "half of this debt"), (6, "half of this debt"), (7, "half of the whole debt")]
)
def test_half_may_be_repaid_just_below_one(revision: int, reason: str) -> None:
    found = scope(revision=revision)
    assert (found.collateral.symbol, found.debt.symbol) == ("WETH", "USDC")
    assert (found.close_factor, found.max_debt, found.reason) == (5_000, 10_000 * 10**6, reason)
    assert found.seized == 42 * 10**17  # 10,000 ÷ 2,500 plus 5 %
    assert found.loss == 500 * USD
    assert (found.bonus, found.blocked) == (10_500, "")
    assert found.toxic_below == 8_250 * 10_500 * WAD // BPS**2


@pytest.mark.parametrize("revision", [1, 7, 11])
def test_all_may_be_repaid_at_0_95_and_below(revision: int) -> None:
    assert scope(revision=revision, usdc=25_000 * 0.825 / 0.951).close_factor == 5_000
    below = scope(revision=revision, usdc=25_000 * 0.825 / 0.949)
    assert below.close_factor == 10_000
    assert below.reason.startswith("health at or under 0.95")


def test_half_of_the_whole_debt_is_cut_to_what_the_price_divides() -> None:
    """At 1.10 dollars the half is 10,000.00000065 ÷ 1.1: 9,090.9090915 USDC."""
    user = User(supplied={"WETH": 10 * 10**18}, owed={"USDC": 18_181_818_183})
    fake = Fake(users={addr("user"): user})
    prices = {"WETH": 2_400 * USD, "USDC": 11 * USD // 10}
    found = position(replace(fake, assets=[replace(a, price=prices.get(a.symbol, a.price)) for a in fake.assets]))
    assert found.debt_value == 2_000_000_000_130
    assert found.scope.max_debt == 9_090_909_091


def test_the_card_names_collateral_that_counts_only() -> None:
    user = User(supplied={"WETH": 10**19, "USDC": 10**9}, owed={"WBTC": 10**6}, off=("USDC",))
    card = dict(loan(users=user).engine)
    assert card["bonus"] == "5%"
    emptied = User(supplied={"WETH": 10**19, "USDC": 0}, owed={"WBTC": 10**6})
    assert dict(loan(users=emptied).engine)["bonus"] == "5%"


def test_what_is_left_of_a_debt_is_what_is_not_repaid() -> None:
    """999 dollars of 4,000 would be left, of collateral more: that is dust. With 1,001 it is not."""
    held, owed = Side(4 * 10**18, 2_500 * USD, 10**18), Side(4_000 * 10**6, USD, 10**6)
    for left, dusty in ((999, True), (1_001, False)):
        taken = seize(rules_for(10), held, owed, (4_000 - left) * 10**6, bonus=10_500, fee=0)
        assert _leaves_dust(rules_for(10), held, owed, taken) is dusty


def test_exactly_0_95_is_not_above() -> None:
    user = User(supplied={"WETH": 950 * 10**16}, owed={"USDC": 10_000 * 10**6})
    found = scope(users=user, price=1_000, threshold=10_000)
    assert found.close_factor == 10_000


@pytest.mark.parametrize(("revision", "factor"), [(6, 5_000), (7, 10_000), (11, 10_000)])
def test_small_positions_may_be_closed_whole_since_3_3(revision: int, factor: int) -> None:
    assert scope(revision=revision, weth="1", usdc=1_999.99).close_factor == factor
    assert scope(revision=revision, weth="0.79", usdc=1_600).close_factor == factor


def test_both_sides_of_2000_make_it_large() -> None:
    # worth exactly 2,000 on both sides counts as large
    found = scope(weth="1", usdc=2_000, price=2_000, threshold=9_700)
    assert found.close_factor == 5_000


def test_two_equal_debts_may_each_be_closed_whole() -> None:
    user = User(supplied={"WETH": 20 * 10**18}, owed={"USDC": 18_000 * 10**6, "WBTC": 3 * 10**7})
    found = scope(users=user)
    assert (found.close_factor, found.reason) == (10_000, "no more than half of the whole debt: all of this debt")
    assert scope(users=user, revision=6).close_factor == 5_000


def test_collateral_that_is_not_enough_is_taken_whole() -> None:
    user = User(supplied={"WETH": 10**18, "WBTC": 10**8}, owed={"USDC": 50_000 * 10**6})
    fake = Fake(revision=10, users={addr("user"): user})
    found = position(fake).scope
    assert found.collateral.symbol == "WBTC"  # the worse of the two for the owner
    weth_only = replace(user, off=("WBTC",))
    found = position(Fake(revision=10, users={addr("user"): weth_only})).scope
    assert (found.seized, found.reason[:22]) == (10**18, "all of this collateral")
    assert found.max_debt == 2_380_952_381  # 2,500 ÷ 1.05, up


def test_what_just_covers_the_debt_leaves_nothing_to_write_off() -> None:
    """One USDC and a bit, worth a fraction of a base unit more than its value by rounding down."""
    owed = Side(1_000_007, 100_000_003, 10**6)
    held = seize(rules_for(10), Side(10**18, 2_500 * USD, 10**18), owed, owed.amount, bonus=10_500, fee=0).seized
    user = User(supplied={"WETH": held}, owed={"USDC": owed.amount})
    fake = Fake(users={addr("user"): user})
    assets = [replace(a, price=owed.price) if a.symbol == "USDC" else a for a in fake.assets]
    found = position(replace(fake, assets=assets))
    assert found.scope.seized == held
    assert found.scope.max_debt == owed.amount
    assert found.scope.reason == "health at or under 0.95: all of this debt"
    more = replace(user, owed={"USDC": owed.amount, "WBTC": 1})
    found = position(replace(fake, users={addr("user"): more}, assets=assets))
    assert found.scope.debt.symbol == "USDC"
    assert found.scope.reason.endswith("the pool writes off the rest of the debt")


def test_bad_debt_is_written_off_since_3_3() -> None:
    def after(revision: int) -> Any:
        return scope(revision=revision, weth="1", usdc=10_000)

    assert after(10).health_after == HEALTH_INFINITE
    assert "writes off the rest" in after(10).reason
    assert after(6).health_after == 0
    assert "writes off" not in after(6).reason


def test_health_after_is_told_of_what_is_liquidatable_now() -> None:
    assert scope().health_after is None  # health 1.03: nobody knows at which prices it would happen
    found = scope(usdc=21_000)
    left = 25_000 - 10_500 * 1.05
    assert found.health_after == pytest.approx(left * 0.825 / 10_500 * WAD, rel=1e-9)


def test_the_worst_pair_is_the_one_that_costs_most() -> None:
    user = User(supplied={"WETH": 10 * 10**18, "USDC": 20_000 * 10**6}, owed={"WBTC": 4 * 10**7})
    found = position(Fake(revision=10, users={addr("user"): user})).scope
    assert (found.collateral.symbol, found.bonus) == ("WETH", 10_500)  # USDC costs 4.5 %


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"paused": True}, "WETH is paused"),
        ({"active": False}, "WETH is not active"),
        ({"grace": NOW}, "WETH is in a liquidation grace period"),
    ],
)
def test_what_blocks_every_pair_is_said(change: dict[str, Any], said: str) -> None:
    assert scope(**change).blocked == said


def test_a_pair_that_can_go_through_is_worse_than_a_blocked_one() -> None:
    user = User(supplied={"WETH": 10 * 10**18, "USDC": 20_000 * 10**6}, owed={"WBTC": 4 * 10**7})
    found = scope(users=user, paused=True)
    assert (found.collateral.symbol, found.blocked) == ("USDC", "")


def test_nothing_to_take_or_to_repay_is_no_scope() -> None:
    assert scope(users=User(supplied={"WETH": 10**18})) is None
    assert scope(users=User(supplied={"WETH": 10**18}, owed={"USDC": 10**6}, off=("WETH",))) is None
    assert scope(bonus=0) is None


def almost_dust(revision: int) -> Any:
    """3,000 of debt, of which half may go: that would leave 425 of the 2,000 in WETH. USDC costs next to nothing."""
    user = User(supplied={"WETH": 8 * 10**17, "USDC": 1_800 * 10**6}, owed={"WBTC": 5 * 10**6})
    fake = Fake(revision=revision, users={addr("user"): user})
    return position(replace(fake, assets=[replace(a, bonus=10_001) if a.symbol == "USDC" else a for a in fake.assets]))


def test_what_leaves_dust_is_cut_until_it_does_not() -> None:
    found = almost_dust(10).scope
    assert (found.collateral.symbol, found.reason, found.blocked) == ("WETH", "what leaves no dust", "")
    spare = (8 * 10**17 - found.seized) * 2_500 * USD // 10**18 - MIN_LEFTOVER
    assert 0 <= spare < 63_000  # one more satoshi of debt takes that much
    assert found.close_factor == 5_000


def test_before_3_3_dust_does_not_matter() -> None:
    found = almost_dust(6).scope
    assert (found.collateral.symbol, found.reason) == ("WETH", "half of this debt")
    assert (8 * 10**17 - found.seized) * 2_500 * USD // 10**18 == 425 * USD


@settings(max_examples=300)
@given(
    revision=st.sampled_from([7, 8, 9, 10, 11]),
    held=st.integers(2_000 * 10**6, 5_000 * 10**6),
    owed=st.integers(2_000 * 10**6, 6_000 * 10**6),
    bonus=st.integers(10_100, 11_500),
    fee=st.sampled_from([0, 1_000]),
)
def test_the_largest_amount_without_dust_is_the_largest(
    *, revision: int, held: int, owed: int, bonus: int, fee: int
) -> None:
    rules = rules_for(revision)
    mine, theirs = Side(held, USD, 10**6), Side(owed, USD, 10**6)
    half = owed // 2
    full = seize(rules, mine, theirs, half, bonus=bonus, fee=fee)
    if not _leaves_dust(rules, mine, theirs, full):
        return
    found = _largest_without_dust(rules, mine, theirs, half, bonus=bonus, fee=fee)
    assert 0 < found.repaid < half
    assert not _leaves_dust(rules, mine, theirs, found)
    more = seize(rules, mine, theirs, found.repaid + 1, bonus=bonus, fee=fee)
    assert _leaves_dust(rules, mine, theirs, more)


def test_when_even_the_smallest_amount_leaves_dust_it_is_blocked() -> None:
    rules = rules_for(10)
    mine, theirs = Side(900 * 10**6, USD, 10**6), Side(5_000 * 10**6, USD, 10**6)
    assert _largest_without_dust(rules, mine, theirs, 100, bonus=10_500, fee=0).repaid == 0
