"""Any size of terminal: something useful is shown, and nothing overlaps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from liqtui.ui import columns
from liqtui.ui.layout import PANES, plan
from tests.ui import frames, scenes
from tests.ui.stage import make, stage

if TYPE_CHECKING:
    from liqtui.core.snapshot import Snapshot


@given(st.integers(1, 400), st.integers(1, 200), st.sampled_from(["", *PANES]), st.integers(0, 60))
def test_the_positions_always_have_room(width: int, height: int, zoom: str, prices: int) -> None:
    made = plan(width, height, zoom=zoom, prices=prices)
    lines = 1 + (made.clocks != "none") + made.footer + made.alerts
    body = height - lines
    if zoom in {"", "positions"} and height >= 2:
        assert body - made.preview >= (3 if made.framed else 1)
    if made.side and not zoom:
        assert body - made.prices >= 3
        assert width - made.side >= 76
    assert made.has(zoom or "positions")


@given(st.integers(1, 400), st.integers(0, 60), st.integers(0, 60))
def test_columns_fill_the_width_and_never_exceed_it(width: int, label: int, market: int) -> None:
    chosen = columns.layout(width, label, market)
    used = columns.LEAD + sum(column.width + column.gap for column in chosen) - chosen[-1].gap
    assert chosen[0].name in {"wallet", "health"}
    assert any(column.name == "health" for column in chosen)
    if width >= 10:
        assert used <= width
    names = [column.name for column in chosen]
    assert ("factor" in names) == ("price" in names)
    assert names == [column.name for column in columns.COLUMNS if column.name in names]


@given(st.integers(1, 400), st.integers(0, 40), st.integers(0, 40))
def test_a_long_name_gets_room_before_the_bar_grows_and_takes_no_column_away(
    width: int, label: int, market: int
) -> None:
    usual = {column.name: column.width for column in columns.layout(width)}
    wide = {column.name: column.width for column in columns.layout(width, label, market)}
    assert usual.keys() == wide.keys()
    if wide.get("bar", 0) > 6:
        assert wide["protocol"] >= min(market, 16)
        assert wide["wallet"] >= min(label, 14)
    assert wide.get("wallet", 8) <= max(label, 8), "a short one takes nothing from others"


@pytest.mark.parametrize(("inner", "label", "market"), [(78, 13, 12), (78, 9, 16), (90, 14, 12), (90, 11, 16)])
def test_how_much_of_a_name_is_seen_at_80_and_at_120(inner: int, label: int, market: int) -> None:
    widths = {column.name: column.width for column in columns.layout(inner, 20, market)}
    assert (widths["wallet"], widths["protocol"]) == (label, market)
    short = {column.name: column.width for column in columns.layout(inner, 8, 12)}
    assert columns.shared("wstETH/ETH", "1.1853", short["factor"], short["price"]) == ("wstETH/ETH", "1.1853")


def relabelled(labels: dict[str, str]) -> Snapshot:
    wallets = tuple(replace(wallet, label=labels.get(name, name)) for name, wallet in scenes.WALLETS.items())
    rows = tuple(replace(row, label=labels.get(row.label, row.label)) for row in scenes.ROWS)
    return scenes.snapshot(rows=rows, wallets=wallets)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 12), (40, 10)])
async def test_labels_that_are_alike_for_long_are_told_apart(size: tuple[int, int]) -> None:
    app = make(relabelled({"treasury": "customer 17 of the house", "degen-1": "customer 18 of the house"}))
    async with stage(app, size):
        lines = frames.text(app).splitlines()
        assert {strip.cell_length for strip in frames.strips(app)} == {size[0]}
    first, second = (next(line for line in lines if f"{glyph} c" in line or f"{glyph} …" in line) for glyph in "▲◆")
    assert "17" in first
    assert "18" in second


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 10), (160, 45)])
async def test_names_from_elsewhere_move_no_column(size: tuple[int, int]) -> None:
    """Wide letters, nothing at all, and more than any column has."""
    names = {"treasury": "財布" * 20, "degen-1": "", "family": "👩‍👩‍👧" * 9, "cold-01": "a" * 90}
    app = make(relabelled(names))
    async with stage(app, size):
        lines = frames.text(app).splitlines()
        assert {strip.cell_length for strip in frames.strips(app)} == {size[0]}
    found = [(line, far) for line in lines for far in ("−4.3%", "−24.3%") if far in line and "worst" not in line]
    assert len({cell_len(line[: line.index(far) + len(far)]) for line, far in found[:2]}) == 1


@pytest.mark.parametrize(
    ("label", "price", "shown"),
    [
        ("ETH", "2,308.5", "ETH     2,308.5"),
        ("wstETH/ETH", "1.1853", "wstETH/… 1.1853"),
        ("cbETH/ETH", "1.185", "cbETH/ETH 1.185"),
        ("DAI", "0.00039987", "DAI  0.00039987"),
        ("all volatile", "×0.86454", "all v… ×0.86454"),
        ("ETH", "0.000000000039", " 0.000000000039"),
        ("ETH", "0.00000000003918", "ETH           …"),
        ("", "", " " * 15),
    ],
)
def test_a_price_is_never_cut_and_a_factor_takes_what_it_leaves(label: str, price: str, shown: str) -> None:
    assert " ".join(columns.shared(label, price, 6, 8)) == shown


@pytest.mark.parametrize(
    "size", [(20, 4), (10, 3), (5, 1), (30, 8), (60, 12), (59, 40), (105, 19), (106, 20), (200, 60), (300, 5)]
)
async def test_every_size_shows_the_verdict_and_the_worst_position(size: tuple[int, int]) -> None:
    app = make()
    async with stage(app, size):
        strips = frames.strips(app)
        assert len(strips) == size[1]
        assert {strip.cell_length for strip in strips} == {size[0]}
        text = frames.text(app)
        assert "▲" in text
        if size[1] > 2 and size[0] >= 10:
            assert "1.042" in text


async def test_a_number_is_never_cut_in_the_verdict() -> None:
    for width in range(1, 50, 3):
        async with stage(app := make(), (width, 3)):
            verdict = frames.text(app).splitlines()[0].split("✗")[0].split()
            assert all(part in {"▲1", "◆2", "●16", "◌1", "14:02:10Z", "FROZEN"} for part in verdict), verdict


async def test_a_number_that_has_no_room_in_its_column_is_left_out() -> None:
    """Cut it would be another number; its unit may be cut."""
    first, second, third = scenes.ROWS[0], scenes.ROWS[1], scenes.ROWS[4]
    assert first.position is not None
    assert second.position is not None
    assert third.cushion is not None
    assert third.cushion.price_now is not None
    rows = (
        replace(first, position=replace(first.position, debt_value=396_780_000_000, base_symbol="oracle-USD")),
        replace(second, position=replace(second.position, debt_value=1, base_symbol="oracle-USD")),
        replace(third, cushion=replace(third.cushion, price=third.cushion.price_now * 14)),
    )
    app = make(scenes.snapshot(rows=rows))
    async with stage(app, (134, 36)):
        lines = [line.split("││")[1] for line in frames.text(app).splitlines() if line.count("││") == 1]
    whole, left_out, far = (
        next(line for line in lines if health in line) for health in (" 1.042 ", " 1.164 ", " 1.322 ")
    )
    assert whole.endswith(" 3.97k …    ·│")
    assert left_out.endswith("       …    ·│")
    assert " >+999% " in far


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_the_verdict_names_the_worst_position_however_long_its_name_is(size: tuple[int, int]) -> None:
    app = make(relabelled({"treasury": "customer 17 of the house and of its neighbours, who came later than 2024"}))
    async with stage(app, size):
        verdict = next(line for line in frames.text(app).splitlines() if "worst" in line)
    assert "worst 1.042  customer" in verdict
    assert "…" in verdict
    assert verdict.split("·")[0].rstrip().endswith("eth")


async def test_resizing_lays_out_again() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert frames.text(app) == (frames.FRAMES / "busy-40x10.txt").read_text(encoding="utf-8")
        await pilot.resize_terminal(120, 36)
        await pilot.pause()
        assert frames.text(app) == (frames.FRAMES / "busy-120x36.txt").read_text(encoding="utf-8")
