"""Any size of terminal: something useful is shown, and nothing overlaps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.ui import columns
from liqtui.ui.layout import PANES, plan
from tests.ui import frames, scenes
from tests.ui.stage import make, stage


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


@given(st.integers(1, 400), st.integers(0, 60))
def test_columns_fill_the_width_and_never_exceed_it(width: int, label: int) -> None:
    chosen = columns.layout(width, label)
    used = columns.LEAD + sum(column.width + column.gap for column in chosen) - chosen[-1].gap
    assert chosen[0].name in {"wallet", "health"}
    assert any(column.name == "health" for column in chosen)
    if width >= 10:
        assert used <= width
    names = [column.name for column in chosen]
    assert ("factor" in names) == ("price" in names)
    assert names == [column.name for column in columns.COLUMNS if column.name in names]


@given(st.integers(1, 400))
def test_a_long_label_gets_room_before_the_bar_grows_and_takes_no_column_away(width: int) -> None:
    usual, wide = ({column.name: column for column in columns.layout(width, label)} for label in (8, 11))
    assert usual.keys() == wide.keys()
    if wide.get("bar") and wide["bar"].width > 8:
        assert wide["wallet"].width >= 11
    assert columns.layout(width, 5) == columns.layout(width, 8), "a short one takes nothing from others"


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_labels_that_begin_alike_are_told_apart(size: tuple[int, int]) -> None:
    labels = {"treasury": "weth usdc", "degen-1": "weth usdt"}
    wallets = tuple(replace(wallet, label=labels.get(name, name)) for name, wallet in scenes.WALLETS.items())
    rows = tuple(replace(row, label=labels.get(row.label, row.label)) for row in scenes.ROWS)
    app = make(scenes.snapshot(rows=rows, wallets=wallets))
    async with stage(app, size):
        text = frames.text(app)
        assert "▲ weth usdc aave-v3 eth" in text
        assert "● weth usdt aave-v3 arb" in text


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


async def test_resizing_lays_out_again() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.resize_terminal(40, 10)
        await pilot.pause()
        assert frames.text(app) == (frames.FRAMES / "busy-40x10.txt").read_text(encoding="utf-8")
        await pilot.resize_terminal(120, 36)
        await pilot.pause()
        assert frames.text(app) == (frames.FRAMES / "busy-120x36.txt").read_text(encoding="utf-8")
