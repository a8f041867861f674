"""Help: complete because it is made from the tables themselves, and readable at any size."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from liqtui.core.snapshot import Severity
from liqtui.ui import bindings, filters
from liqtui.ui.commands import registry
from liqtui.ui.help import HelpScreen, HelpSheet
from liqtui.ui.sheet import wrap
from liqtui.ui.style import LOOKS
from tests.ui import frames
from tests.ui.stage import make, stage

SIZES = [(120, 36), (80, 24), (40, 10)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_frame(size: tuple[int, int]) -> None:
    app = make()
    async with stage(app, size) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        text = frames.text(app)
        frames.check(f"help-{size[0]}x{size[1]}", text)
        assert all(cell_len(line) <= size[0] for line in text.splitlines())
        await pilot.press("G")
        assert "more lines" not in frames.text(app)
        for key in ("escape",):
            await pilot.press(key)
        await pilot.pause()
        assert app.screen is app.dashboard


@pytest.mark.parametrize("width", [40, 80, 120])
async def test_nothing_is_left_out(width: int) -> None:
    app = make()
    every = registry()
    async with stage(app) as pilot:
        app.push_screen(HelpScreen(app.state, ("dashboard", "detail", "wallets", "tape", "everywhere"), every))
        await pilot.pause()
        lines = app.screen.query_one(HelpSheet).document(width)
        assert {strip.cell_length for strip in lines} == {width}
        text = " ".join("".join(segment.text for segment in strip) for strip in lines)
        for context in ("dashboard", "detail", "wallets", "tape", "everywhere"):
            for key in bindings.CONTEXTS[context][1]:
                assert key.tooltip.split()[0] in text
                assert bindings.show_key(key.keys.split(",")[0]) in text
        for severity in Severity:
            assert f"{LOOKS[severity].glyph} {LOOKS[severity].word}" in text
        for command in every:
            assert command.usage[: width - 6] in text
        for example, _ in filters.HELP:
            assert example in text


async def test_help_is_about_the_screen_it_was_called_on() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        text = frames.text(app)
        assert "╭─ position" in text
        assert "change the health targets" in text
        assert "╭─ dashboard" not in text


async def test_keys_that_were_changed_are_shown_as_they_are_now() -> None:
    app = make(keymap={"list.sort": "o"})
    async with stage(app) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        assert any(
            line.startswith("│ o  ") and "order by the next column" in line for line in frames.text(app).splitlines()
        )


async def test_without_unicode_keys_and_signs_are_those_of_the_screen() -> None:
    app = make(ascii=True)
    async with stage(app) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        lines = ["".join(segment.text for segment in strip) for strip in app.screen.query_one(HelpSheet).document(120)]
        text = "\n".join(lines)
        for name, meaning in (
            ("j down", "one row down"),
            ("enter d", "open the selected"),
            ("space", "mark the row"),
            ("inf", "no debt"),
            ("^.021", "change of health"),
        ):
            assert any(f"│ {name} " in line and meaning in line for line in lines), name
        assert "⏎" not in text
        assert "␣" not in text


async def test_a_command_names_the_key_that_does_it_here() -> None:
    app = make()
    async with stage(app) as pilot:
        said = {}
        for way in ("dashboard", "alerts"):
            sheet = HelpSheet(app.state, (way, "everywhere"), registry())
            await app.screen.mount(sheet)
            text = "\n".join("".join(segment.text for segment in strip) for strip in sheet.document(90))
            said[way] = ["(e)" in text, "(s)" in text, "commands  :" in text, "commands  ctrl+p" in text]
        assert said == {"dashboard": [False, True, True, False], "alerts": [True, False, False, True]}
        del pilot


async def test_every_line_can_be_read_by_paging() -> None:
    """A page never skips the line that the remark below it has covered."""
    app = make()
    async with stage(app, (80, 24)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        sheet = app.screen.query_one(HelpSheet)
        wanted = ["".join(segment.text for segment in strip) for strip in sheet.document(80)]
        seen: set[str] = set()
        before = -1
        while sheet.top != before:
            before = sheet.top
            seen.update("".join(segment.text for segment in strip) for strip in frames.strips(app))
            await pilot.press("pagedown")
            await pilot.pause()
        assert [line for line in wanted if line not in seen] == []


async def test_scrolling_keys() -> None:
    app = make()
    async with stage(app, (80, 24)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        sheet = app.screen.query_one(HelpSheet)
        places = []
        for key in ("j", "down", "k", "ctrl+d", "ctrl+u", "pagedown", "pageup", "G", "j", "g", "k"):
            await pilot.press(key)
            await pilot.pause()
            places.append(sheet.top)
        end = places[7]
        assert places == [1, 2, 1, 12, 1, 23, 1, end, end, 0, 0]
        assert end > 40


@pytest.mark.parametrize("text", ["", "one", "a bb ccc dddd", "x" * 50, "two 漢字漢字漢字漢字 wide", " spaced   out "])
@pytest.mark.parametrize("width", [1, 2, 5, 13, 80])
def test_wrapping_keeps_every_word_inside(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= max(width, 2) for line in lines)
