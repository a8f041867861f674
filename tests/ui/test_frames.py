"""What a person reads at three sizes, as committed text; and where colour and weight say the same."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from liqtui.config.themes import load_all
from liqtui.core.snapshot import Severity
from liqtui.core.units import HEALTH_INFINITE
from liqtui.ui import theme
from liqtui.ui.app import LiqtuiApp
from liqtui.ui.state import Settings
from tests.ui import frames, scene_rows, scenes
from tests.ui.stage import make, stage
from tests.ui.stub import StubEngine

if TYPE_CHECKING:
    from liqtui.config.store import WatchlistStore

SIZES = [(120, 36), (80, 24), (40, 10)]
SEVERITIES = ("severity-critical", "severity-warn", "severity-ok", "severity-blind", "severity-unknown")

SCENES = {
    "busy": scenes.snapshot(),
    "loading": scenes.loading(),
    "empty": scenes.snapshot(rows=(), alerts=()),
    "dead": scenes.snapshot().abandoned("its thread ended: OSError"),
}


def named(scene: str, size: tuple[int, int]) -> str:
    return f"{scene}-{size[0]}x{size[1]}"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES)
async def test_frame(scene: str, size: tuple[int, int]) -> None:
    app = make(SCENES[scene])
    async with stage(app, size):
        text = frames.text(app)
        frames.check(named(scene, size), text)
        frames.check(f"{named(scene, size)}.style", frames.spans(app, *SEVERITIES))
        assert all(cell_len(line) <= size[0] for line in text.splitlines())


async def test_every_line_is_exactly_as_wide_as_the_screen() -> None:
    app = make()
    async with stage(app):
        assert {strip.cell_length for strip in frames.strips(app)} == {120}
        assert {sum(segment.cell_length for segment in strip) for strip in frames.strips(app)} == {120}


async def test_without_colours_the_terminal_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Greys of "the terminal's own" are black on black."""
    monkeypatch.setenv("NO_COLOR", "1")
    mono = next(data for data in load_all(Path("none"))[0] if data.name == "liqtui-mono")
    engine = StubEngine(scenes.snapshot())
    app = LiqtuiApp(engine, None, Settings(theme=mono.name), clock=scenes.clock(), own_themes=[theme.of(mono)])
    async with stage(app) as pilot:
        await pilot.press("+")
        styles = {segment.style for strip in frames.strips(app) for segment in strip if segment.style is not None}
        colours = {colour for style in styles for colour in (style.color, style.bgcolor) if colour is not None}
        assert colours
        assert all(colour.is_default for colour in colours), colours
        app.theme = "liqtui-dark"
        await pilot.pause()
        styles = {segment.style for strip in frames.strips(app) for segment in strip if segment.style is not None}
        assert len({style.color for style in styles}) > 3, "a theme with colours becomes grey"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_ascii_frame_has_ascii_only(size: tuple[int, int]) -> None:
    app = make(ascii=True)
    async with stage(app, size):
        text = frames.text(app)
        assert text.isascii()
        frames.check(named("ascii", size), text)


async def test_ascii_holds_on_every_screen_and_dialog() -> None:
    app = make(ascii=True)
    async with stage(app, (80, 24)) as pilot:
        for keys in (("question_mark",), ("enter",), ("colon", "t"), ("slash", "x"), ("ctrl+p",)):
            await pilot.press(*keys)
            await pilot.pause()
            assert frames.text(app).isascii(), keys
            await pilot.press("escape")
            await pilot.pause()


async def test_severity_is_told_without_colour() -> None:
    """Each severity has its own glyph and word, whatever the theme."""
    rows = tuple(replace(scenes.ROWS[0], key=scene_rows.key("cold-01", f"p{n}", "base"), severity=severity)
                 for n, severity in enumerate(scenes.Severity))  # fmt: skip
    app = make(scenes.snapshot(rows=rows), theme="liqtui-mono")
    async with stage(app, (160, 36)):
        lines = frames.text(app).splitlines()
        shown = [found[1] for line in lines if (found := re.search(r"(\S) treasury +p\d", line))]
        assert shown == ["✖", "✖", "▲", "◆", "◌", "?", "●"]
        for word in ("LIQUIDATED", "LIQUIDATABLE", "CRITICAL", "WARN", "BLIND", "UNKNOWN", "OK"):
            assert word in lines[1]


async def test_mono_uses_no_colour_at_all() -> None:
    app = make(theme="liqtui-mono")
    async with stage(app):
        for strip in frames.strips(app):
            for segment in strip:
                assert segment.style is None or segment.style.color is None or segment.style.color.is_default
        assert "reverse" in frames.spans(app, "severity-critical")


async def test_sixteen_colours_stay_sixteen() -> None:
    app = make(theme="liqtui-16")
    async with stage(app):
        colors = {
            color
            for strip in frames.strips(app)
            for segment in strip
            if segment.style
            for color in (segment.style.color, segment.style.bgcolor)
            if color is not None and not color.is_default
        }
        assert colors
        assert all(color.number is not None and color.number < 16 for color in colors)


async def test_no_debt_is_a_word_in_ascii_wherever_health_stands(store: WatchlistStore) -> None:
    """As the help says it: a sign would be looked up in vain."""
    row = scenes.ROWS[0]
    assert row.position is not None
    free = row.position.health._replace(raw=HEALTH_INFINITE, reported=HEALTH_INFINITE)
    position = replace(row.position, legs=row.position.legs[:1], health=free, debt_value=0, rescue=(), book=None)
    rows = (replace(row, position=position, severity=Severity.OK, cushion=None, sigmas=None),)
    app = make(scenes.snapshot(rows=rows, alerts=()), store=store, ascii=True)
    async with stage(app) as pilot:
        lines = frames.text(app).splitlines()
        assert "worst inf " in lines[1]
        wallets, listed = lines[4].split("||")
        assert " inf " in wallets
        assert " inf " in listed
        assert " * " not in frames.text(app)
        for keys, words in ((("enter",), "health factor"), (("colon", *"wallets", "enter"), "multisig 3/5")):
            await pilot.press(*keys)
            await pilot.pause()
            text = frames.text(app)
            assert words in text
            assert " inf " in text, words
            assert " * " not in text, words
            await pilot.press("escape")
            await pilot.pause()
