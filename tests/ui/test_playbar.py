"""The controls of a tape: what they show at any width, and what each key and command does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.ui import playbar
from liqtui.ui.app import LiqtuiApp
from liqtui.ui.playbar import Playbar, bar, chapter_at, chapter_beside, next_speed, tape_command
from liqtui.ui.state import Settings
from tests.ui import frames, scene_rows, scenes
from tests.ui.stage import stage
from tests.ui.stub import StubEngine
from tests.ui.tapes import CHAPTERS, Tape


def app_with(tape: Tape) -> LiqtuiApp:
    engine = StubEngine(playback=tape)
    return LiqtuiApp(engine, None, Settings(chain_tags=scene_rows.TAGS), clock=scenes.clock())


def bar_of(app: LiqtuiApp) -> str:
    return app.screen.query_one(Playbar).render().plain


def test_the_ladder_of_speeds_ends() -> None:
    assert next_speed(1.0, up=True) == 2.0
    assert next_speed(1.0, up=False) == 0.5
    assert next_speed(1.5, up=True) == 2.0
    assert next_speed(64.0, up=True) == 64.0
    assert next_speed(0.25, up=False) == 0.25


def test_chapters_by_place() -> None:
    assert [chapter_at(CHAPTERS, index) for index in (0, 39, 40, 99)] == [0, 0, 1, 2]
    assert chapter_at(CHAPTERS[1:], 5) == -1
    assert chapter_beside(CHAPTERS, 40, forward=True) == 80
    assert chapter_beside(CHAPTERS, 99, forward=True) is None
    assert chapter_beside(CHAPTERS, 40, forward=False) == 0
    assert chapter_beside(CHAPTERS, 0, forward=False) is None
    assert chapter_beside((), 3, forward=True) is None


def test_the_bar_shows_place_and_chapters() -> None:
    assert bar(0, 100, CHAPTERS, 10) == "●──╎───╎──"
    assert bar(99, 100, CHAPTERS, 10) == "┃━━┃━━━┃━●"
    assert bar(0, 1, (), 5) == "●────"


@given(
    index=st.integers(0, 10**6), frames_=st.integers(0, 10**6), width=st.integers(0, 200),
    chapters=st.lists(st.tuples(st.integers(0, 10**6), st.text(max_size=5)), max_size=5),
)  # fmt: skip
def test_the_bar_is_exactly_as_wide_as_asked(
    index: int, frames_: int, width: int, chapters: list[tuple[int, str]]
) -> None:
    assert len(bar(index, frames_, chapters, width)) == width


@given(
    width=st.integers(1, 200), index=st.integers(0, 99), paused=st.booleans(), speed=st.sampled_from(playbar.SPEEDS),
    title=st.text(max_size=100),
)  # fmt: skip
def test_the_line_never_overflows(width: int, index: int, paused: bool, speed: float, title: str) -> None:
    text = playbar.line(Tape(paused, speed, index, chapters=((0, title),)), width)
    assert text.cell_length <= width or width < 16
    assert text.plain.isprintable()


async def test_keys() -> None:
    tape = Tape()
    app = app_with(tape)
    async with stage(app) as pilot:
        assert " ▶ 1× " in bar_of(app)
        assert "1/3 calm" in bar_of(app)
        await pilot.press("p")
        assert tape.paused
        assert " ‖ " in bar_of(app)
        await pilot.press("p")
        assert not tape.paused
        await pilot.press("greater_than_sign", "greater_than_sign", "less_than_sign")
        assert tape.speed == 2.0
        await pilot.press("full_stop", "full_stop", "comma")
        assert tape.index == 1
        await pilot.press("n")
        assert tape.jumps == [40]
        assert "2/3 the feed lags" in frames.text(app)
        await pilot.press("N")
        assert tape.jumps == [40, 0]


async def test_keys_work_over_a_position_too() -> None:
    tape = Tape()
    app = app_with(tape)
    async with stage(app) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("p", "n", "full_stop", "greater_than_sign")
        assert (tape.paused, tape.index, tape.speed) == (True, 41, 2.0)
        assert "2/3 the feed lags" in frames.text(app)


async def test_the_bar_paints_only_when_the_tape_has_moved() -> None:
    tape = Tape()
    app = app_with(tape)
    async with stage(app):
        widget = app.screen.query_one(Playbar)
        widget.look()
        painted: list[bool] = []
        widget.refresh = lambda *_, **__: painted.append(True)  # type: ignore[method-assign,assignment]
        widget.look()
        assert painted == []
        tape.index = 7
        widget.look()
        assert painted == [True]


async def test_a_hostile_title_is_only_text() -> None:
    tape = Tape(chapters=((0, "\x1b[31m[bold]x\n" * 20),))
    app = app_with(tape)
    async with stage(app, (80, 24)):
        assert {strip.cell_length for strip in frames.strips(app)} == {80}
        assert "\x1b" not in bar_of(app)


@pytest.mark.parametrize(
    ("typed", "state"),
    [
        ("pause", (True, 1.0, 0)),
        ("play", (False, 1.0, 0)),
        ("speed 4", (False, 4.0, 0)),
        ("speed 0.5x", (False, 0.5, 0)),
        ("step 3", (True, 1.0, 3)),
        ("step", (True, 1.0, 1)),
        ("jump 100", (False, 1.0, 99)),
        ("jump LAGS", (False, 1.0, 40)),
    ],
)
def test_commands(typed: str, state: tuple[bool, float, int]) -> None:
    tape = Tape()
    tape_command(tape, typed)
    assert (tape.paused, tape.speed, tape.index) == state


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "say pause"),
        ("rewind", "say pause"),
        ("speed", "needs a number"),
        ("speed nan", "between 0.25 and 64"),
        ("speed 1000", "between 0.25 and 64"),
        ("step x", "not a whole number"),
        ("jump", "needs a frame"),
        ("jump 0", "frames 1 to 100"),
        ("jump 101", "frames 1 to 100"),
        ("jump nowhere", "no chapter is called"),
    ],
)
def test_what_a_tape_cannot_do_is_said(typed: str, said: str) -> None:
    tape = Tape()
    with pytest.raises(ValueError, match=said):
        tape_command(tape, typed)
    assert (tape.paused, tape.speed, tape.index) == (False, 1.0, 0)


def test_live_has_no_tape() -> None:
    with pytest.raises(ValueError, match="this is live"):
        tape_command(None, "pause")
