"""What is counted and summed over all rows, held against each row by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.snapshot import Freshness, Row, Severity, Snapshot
from liqtui.core.tally import tally
from tests.core.books import simple
from tests.core.rows import bare, key, row

if TYPE_CHECKING:
    from liqtui.core.model import Position

PLAIN = bare(simple())
WALLETS = ("0xa", "0xb", "0xc")


def of(wallet: str = "0xa", severity: Severity = Severity.OK, /, **figures: object) -> Row:
    own = key(wallet=wallet)
    return row(replace(PLAIN, **({"key": own} | figures)), severity=severity)  # type: ignore[arg-type]


@st.composite
def rows(draw: st.DrawFn) -> Row:
    money, carry = st.none() | st.integers(0, 10**24), st.none() | st.integers(-(10**20), 10**20)
    found: Position | None = replace(
        PLAIN,
        base_symbol=draw(st.sampled_from(("USD", "ETH", "ETH", "USDC"))),
        base_decimals=draw(st.sampled_from((0, 8, 18))),
        collateral_value=draw(money),
        debt_value=draw(money),
        carry_per_year=draw(carry),
    )
    return row(
        draw(st.sampled_from((found, found, found, None))), key=key(wallet=draw(st.sampled_from(WALLETS))),
        severity=draw(st.sampled_from(Severity)), freshness=draw(st.sampled_from(Freshness)),
        chain=draw(st.sampled_from(("ethereum", "base"))),
    )  # fmt: skip


@given(st.lists(rows(), max_size=12))
def test_it_is_what_each_row_says(found: list[Row]) -> None:
    made = tally(found)
    assert made.counts == {each: n for each in Severity if (n := sum(r.severity is each for r in found))}
    assert made.faded == sum(r.faded for r in found)
    assert made.chains == {r.chain for r in found}
    assert list(made.wallets) == list(dict.fromkeys(r.key.wallet for r in found))
    groups = [(made.every, found)]
    groups += [(sums, [r for r in found if r.key.wallet == wallet]) for wallet, sums in made.wallets.items()]
    for sums, own in groups:
        assert sums.count == len(own)
        assert sums.worst is min(own, key=lambda r: r.severity.rank, default=None), "the first of the worst"
        symbols = {r.position.base_symbol for r in own if r.position}
        assert sums.symbol == ("USD" if "USD" in symbols else "" if len(symbols) > 1 else next(iter(symbols), None))
        held = [(r, p) for r in own if (p := r.position) and p.base_symbol == sums.symbol]
        known = [(r, p) for r, p in held if p.collateral_value is not None and p.debt_value is not None]
        assert sums.partial == (len(known) < len(own))
        scaled = [(r, p, 10 ** (18 - p.base_decimals)) for r, p in known]
        assert sums.collateral == sum((p.collateral_value or 0) * scale for _, p, scale in scaled)
        assert sums.debt == sum((p.debt_value or 0) * scale for _, p, scale in scaled)
        assert sums.carry == sum((p.carry_per_year or 0) * scale for _, p, scale in scaled)
        left_out = [r for r in own if r not in [one for one, _ in known]]
        assert sums.carry_partial == bool(left_out or any(p.carry_per_year is None for _, p in known))
        assert sums.endangered_partial == any(r.severity.rank <= Severity.WARN.rank for r in left_out)
        danger = [(p, scale) for r, p, scale in scaled if r.severity.rank <= Severity.WARN.rank]
        assert sums.endangered == sum((p.debt_value or 0) * scale for p, scale in danger)


@pytest.mark.parametrize(("decimals", "held", "owed"), [(18, 7, 7), (19, 0, 1), (36, 0, 1)])
def test_sums_stay_whole_numbers_whatever_the_decimals(decimals: int, held: int, owed: int) -> None:
    found = of("0xa", Severity.WARN, base_decimals=decimals, collateral_value=7, debt_value=7, carry_per_year=-7)
    total = tally((found,)).every
    assert (total.collateral, total.debt, total.endangered) == (held, owed, owed)
    assert total.carry == -owed, "rounded against the owner"
    assert all(isinstance(figure, int) for figure in (total.collateral, total.debt, total.carry))


def test_of_two_wallets_the_worst_row_is_the_one_that_stands_first() -> None:
    calm, first, second = of("0xa"), of("0xb", Severity.CRITICAL), of("0xa", Severity.CRITICAL)
    assert tally((calm, first, second)).every.worst is first
    assert tally(()).every.worst is None


def test_a_snapshot_takes_the_tally_of_the_one_before_only_with_the_very_same_rows() -> None:
    one, two = of("0xa"), of("0xb", Severity.WARN)
    before = Snapshot(1, 0.0, rows=(one, two))
    same = Snapshot(2, 1.0, rows=(one, two))
    same.take_stock(before)
    assert same.tally is before.tally
    for rows in ((one, replace(two, severity=Severity.OK)), (two, one), (one,), (one, two, one), ()):
        other = Snapshot(2, 1.0, rows=rows)
        other.take_stock(before)
        assert other.tally is not before.tally
        assert other.tally == Snapshot(2, 1.0, rows=rows).tally


def test_a_snapshot_with_other_rows_has_a_tally_of_its_own() -> None:
    snapshot = Snapshot(1, 0.0, rows=(of("0xa"), of("0xb", Severity.WARN)))
    assert (snapshot.faded, snapshot.counts) == (0, {Severity.OK: 1, Severity.WARN: 1})
    gone = snapshot.abandoned("the engine has died")
    assert gone.faded == 1
    assert gone.worst is gone.rows[1], "not the row of when it was fresh"
    assert replace(snapshot, rows=snapshot.rows[:1]).counts == {Severity.OK: 1}
