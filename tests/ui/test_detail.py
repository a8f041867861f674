"""The detail of a position: what it shows at three sizes, its keys, and that nothing moves or fakes it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from liqtui.core.snapshot import Severity
from liqtui.ui import clipboard
from liqtui.ui.detail import PositionDetail
from liqtui.ui.detail_parts import columns
from liqtui.ui.detail_trust import copy_text
from liqtui.ui.filters import Filter
from liqtui.ui.state import place_of
from tests.ui import frames, lookalikes, scenes
from tests.ui.details import SIZES, app_with, opened, view_of, whole
from tests.ui.stage import engine_of, make, post, stage


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_frame(size: tuple[int, int]) -> None:
    app = app_with()
    async with stage(app, size) as pilot:
        await opened(pilot)
        text = frames.text(app)
        frames.check(f"detail-{size[0]}x{size[1]}", text)
        assert all(cell_len(line) <= size[0] for line in text.splitlines())
        assert {strip.cell_length for strip in frames.strips(app)} == {size[0]}


def test_frame_of_everything_it_can_show() -> None:
    frames.check("detail-capped-ratio-120", whole(lookalikes.row(lookalikes.looped())))


@pytest.mark.parametrize("tab", [1, 2, 3, 4])
async def test_tabs_on_a_narrow_screen(tab: int) -> None:
    app = app_with(lookalikes.row(lookalikes.looped()))
    async with stage(app, (80, 24)) as pilot:
        await opened(pilot)
        await pilot.press(str(tab))
        frames.check(f"detail-tab{tab}-80x24", frames.text(app))


async def test_every_box_can_be_reached_on_the_smallest_screen() -> None:
    app = app_with(lookalikes.row(lookalikes.looped()))
    seen = ""
    async with stage(app, (40, 10)) as pilot:
        screen = await opened(pilot)
        for tab in "1234":
            await pilot.press(tab)
            before = -1
            while screen.sheet.top != before:
                before = screen.sheet.top
                seen += frames.text(app)
                await pilot.press("pagedown")
    for title in (
        "what takes it",
        "24 h",
        "made of",
        "prices are",
        "ways out",
        "if wstETH",
        "if it is",
        "alerts",
        "comes from",
    ):
        assert f"╌ {title}" in seen or title in seen, title


async def test_stepping_goes_through_the_list_and_back() -> None:
    app = app_with()
    async with stage(app) as pilot:
        screen = await opened(pilot)
        await pilot.press("right_square_bracket")
        assert screen.sheet.position_id == scenes.ROWS[1].id
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert screen.sheet.position_id == scenes.ROWS[-1].id
        assert "20 of 20" in frames.text(app)
        await pilot.press("escape")
        assert app.screen is app.dashboard
        assert app.state.selected == scenes.ROWS[-1].key


async def test_in_a_list_of_one_there_is_nowhere_to_step() -> None:
    app = app_with(scenes.ROWS[0])
    async with stage(app) as pilot:
        screen = await opened(pilot)
        for key in ("left_square_bracket", "right_square_bracket"):
            screen.keys.say("")
            await pilot.press(key)
            assert screen.keys.said == "the list holds no other position"


async def test_raw_values_are_the_exact_integers() -> None:
    app = app_with()
    async with stage(app, (120, 60)) as pilot:
        await opened(pilot)
        await pilot.press("d")
        text = frames.text(app)
        position = scenes.ROWS[0].position
        assert position is not None
        assert str(position.health.raw) in text
        for leg in position.legs:
            assert str(leg.amount) in text
        frames.check("detail-raw-120x60", text)
        await pilot.press("escape")
        assert "raw values ──" not in frames.text(app)
        assert isinstance(app.screen, PositionDetail), "escape closed the raw values only"


async def test_acknowledge_takes_this_positions_newest_alert() -> None:
    app = app_with()
    async with stage(app) as pilot:
        await pilot.press("j")
        await opened(pilot)
        await pilot.press("a")
        assert engine_of(app).acked == [3]
        await pilot.pause()
        await pilot.press("a")
        assert engine_of(app).acked == [3]
        assert "nothing to acknowledge here" in frames.text(app)


async def test_an_alert_about_several_is_also_an_alert_of_each() -> None:
    row = scenes.ROWS[0]
    facts = ((scenes.ROWS[1].id, "of another one"), (row.id, "treasury · HF 1.042, under 1.05 · repay 5 USDC"))
    alert = replace(
        scenes.ALERTS[0], position=scenes.ROWS[1].id, positions=(scenes.ROWS[1].id, row.id), facts=facts,
        text="at the first reading",
    )  # fmt: skip
    over = replace(scenes.ALERTS[3], id=1, position=row.id, acked_at=None)
    app = make(scenes.snapshot(alerts=(alert, over)))
    async with stage(app, (80, 24)) as pilot:
        await pilot.press("enter", "4")
        await pilot.pause()
        lines = frames.text(app).splitlines()
        assert any("treasury · HF 1.042, under 1.05 · repay 5 USDC" in line and "●new" in line for line in lines)
        assert any("recovered" in line and "● " in line and "– │" in line for line in lines), "it waits for nobody"
        assert not any("of another one" in line for line in lines)
        await pilot.press("a")
        assert engine_of(app).acked == [alert.id]


async def test_copy_says_what_is_needed_to_act(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(
        clipboard, "copy", lambda _, text: copied.append(text) or clipboard.Copied(True, None, "no room")
    )
    app = app_with()
    async with stage(app) as pilot:
        await opened(pilot)
        await pilot.press("y")
        assert "HF 1.042000" in copied[0]
        assert "block 21993104" in copied[0]
        assert "liquidated when ETH falls to 2,308.5 (−4.3%)" in copied[0]
        assert "back to 1.25: repay 277,180.56 USDC or add 173.06 ETH" in copied[0]
        assert "no file: no room" in frames.text(app)


def test_no_way_is_copied_to_what_is_reached_already() -> None:
    row = scenes.ROWS[0]
    assert row.position is not None
    health = row.position.health._replace(reported=13 * 10**17, raw=13 * 10**17)
    text = copy_text(view_of(replace(row, position=replace(row.position, health=health))))
    assert "back to 1.50: repay" in text
    assert "back to 1.25" not in text


async def test_explorer_link_is_copied_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(clipboard, "copy", lambda _, text: copied.append(text) or clipboard.Copied(True, None))
    chains = tuple(replace(chain, explorer="https://explorer.example") for chain in scenes.CHAINS)
    app = make(scenes.snapshot(chains=chains))
    async with stage(app) as pilot:
        await opened(pilot)
        await pilot.press("o")
        assert copied == [f"https://explorer.example/address/{scenes.WALLETS['treasury'].address}"]
        assert copied[0] in frames.text(app)


async def test_without_an_explorer_it_says_so() -> None:
    app = app_with()
    async with stage(app) as pilot:
        await opened(pilot)
        await pilot.press("o")
        assert "no block explorer is set for ethereum" in frames.text(app)


async def test_the_link_to_the_app_is_copied_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(clipboard, "copy", lambda _, text: copied.append(text) or clipboard.Copied(True, None))
    row = lookalikes.row(lookalikes.looped())
    app = app_with(row)
    async with stage(app) as pilot:
        await opened(pilot)
        await pilot.press("O")
        assert copied == [row.app]
        assert row.app in frames.text(app)
        await post(pilot, scenes.snapshot(2, rows=(replace(row, app="", brand="[b]x[/b]"),)))
        await pilot.press("O")
        assert "no app is known for [b]x[/b] core" in frames.text(app)
        assert copied == [row.app]


async def test_a_fork_is_shown_and_found_by_its_own_name() -> None:
    row = lookalikes.row(lookalikes.looped(), brand="spark")
    app = app_with(row)
    async with stage(app) as pilot:
        assert "spark eth" in frames.text(app)
        await opened(pilot)
        assert "spark eth" in frames.text(app)
        assert "aave-v3" not in frames.text(app)
    for wanted in ("protocol:spark", "protocol:aave", "spark"):
        assert Filter(wanted).select([row]), wanted


async def test_an_address_that_has_no_room_in_the_head_is_left_out() -> None:
    """Its beginning alone says nothing."""
    row = lookalikes.row(lookalikes.looped(), label="customer 17 of the house", venue="a market of its own")
    app = app_with(row)
    async with stage(app, (80, 24)) as pilot:
        await opened(pilot)
        head = frames.text(app).splitlines()[0]
        assert "▸ aave-v3 eth" in head
        assert "0x" not in head
        await pilot.resize_terminal(120, 36)
        await pilot.pause()
        assert re.search(r"▸ 0x\w{4}…\w{4} ", frames.text(app).splitlines()[0])


async def test_a_new_snapshot_repaints_what_changed() -> None:
    app = app_with()
    async with stage(app) as pilot:
        await opened(pilot)
        worse = replace(scenes.ROWS[0], severity=Severity.LIQUIDATABLE)
        await post(pilot, scenes.snapshot(2, rows=(worse, *scenes.ROWS[1:])))
        assert "LIQUIDATABLE" in frames.text(app).splitlines()[0]


async def test_an_equal_snapshot_paints_nothing() -> None:
    app = app_with()
    async with stage(app) as pilot:
        screen = await opened(pilot)
        before = list(screen.sheet._lines)
        painted: list[object] = []
        screen.sheet.refresh = lambda *regions, **_: painted.append(regions)  # type: ignore[method-assign,assignment]
        await post(pilot, scenes.snapshot(2))
        assert screen.sheet._lines == before
        assert painted == []


async def test_a_position_that_is_gone_keeps_its_last_figures_and_says_so() -> None:
    app = app_with()
    async with stage(app) as pilot:
        await opened(pilot)
        await post(pilot, scenes.snapshot(2, rows=scenes.ROWS[1:]))
        text = frames.text(app)
        assert "no longer held or no longer watched: these are its last figures" in text
        assert "1.0420" in text


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_hostile_names_print_as_text_and_move_nothing(size: tuple[int, int]) -> None:
    app = app_with(lookalikes.hostile())
    async with stage(app, size) as pilot:
        screen = await opened(pilot)
        for keys in ("1", "2", "3", "4", "d"):
            await pilot.press(keys)
            before = -1
            while screen.sheet.top != before:
                before = screen.sheet.top
                for strip in frames.strips(app):
                    assert strip.cell_length == size[0]
                    assert "".join(segment.text for segment in strip).isprintable()
                assert "KEY" not in frames.text(app)
                await pilot.press("pagedown")


async def test_ascii_has_no_other_character() -> None:
    app = app_with(lookalikes.row(lookalikes.looped()), ascii=True)
    async with stage(app, (120, 64)) as pilot:
        await opened(pilot)
        text = frames.text(app)
        assert text.isascii()
        assert "1.029" in text.splitlines()[3]
        assert "?" not in text.replace("? help", ""), "each sign has a likeness"


@pytest.mark.parametrize("width", range(1, 60, 7))
async def test_any_size_is_survived(width: int) -> None:
    app = app_with(lookalikes.row(lookalikes.looped()))
    async with stage(app, (width, 5)) as pilot:
        await opened(pilot)
        assert {strip.cell_length for strip in frames.strips(app)} == {width}


@given(width=st.integers(10, 300))
def test_columns_fit(width: int) -> None:
    table = columns(width)
    assert table[0].heading == "side"
    if width >= 28:
        assert sum(column.width + 1 for column in table) - 1 <= width
        assert [column.heading for column in table][:3] == ["side", "asset", "amount"]


def test_a_position_is_found_by_its_whole_id() -> None:
    """Among ids that are parts of each other: "m1" and "m11", with and without a market of its own."""
    rows = (*reversed(scenes.many(40)), *scenes.ROWS)
    assert [place_of(rows, row.id) for row in rows] == list(range(len(rows)))
    assert place_of(rows, scenes.ROWS[0].id.removeprefix("1:")) is None
    assert place_of(rows, "") is None
