"""`:notes`: what the list only counts, whole and readable at any size."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from liqtui.ui.notes import NotesScreen, NotesSheet
from tests.ui import frames, scenes
from tests.ui.stage import make, post, stage

NOTES = (
    "public endpoints are used; an own endpoint in config.toml is faster and tells nobody what you watch",
    "quiet hours until 07:00 local time: below critical nothing rings, 2 alerts wait; what can be liquidated rings",
    "history cannot be written (database or disk is full); watching goes on",
)


def shown(notices: tuple[str, ...] = NOTES, number: int = 1):
    many = tuple(replace(scenes.snapshot().alerts[0], id=number) for number in range(40, 0, -1))
    return scenes.snapshot(number, alerts=many, notices=notices)


def read(app) -> str:
    """What the box says, without its frame and line ends."""
    strips = app.screen.query_one(NotesSheet).document(76)
    return " ".join("".join(segment.text for segment in strip).strip("│╰─╯ ") for strip in strips)


async def asked(pilot) -> None:
    await pilot.press("colon", *"notes", "enter")
    await pilot.pause()
    assert isinstance(pilot.app.screen, NotesScreen)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_frame(size: tuple[int, int]) -> None:
    app = make(shown())
    async with stage(app, size) as pilot:
        assert ("notes  :notes" in frames.text(app)) is (size[0] > 40)
        await asked(pilot)
        text = frames.text(app)
        frames.check(f"notes-{size[0]}x{size[1]}", text)
        assert all(cell_len(line) <= size[0] for line in text.splitlines())
        assert all(note in read(app).replace("   ", " ") for note in NOTES)
        await pilot.press("G")
        assert "more lines" not in frames.text(app)
        assert "watching goes on" in " ".join(frames.text(app).split()).replace(" │ │ ", " ")
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.dashboard


async def test_it_follows_what_is_remarked() -> None:
    app = make(shown(()))
    async with stage(app, (80, 24)) as pilot:
        assert ":notes" not in frames.text(app)
        await asked(pilot)
        assert "nothing to remark" in frames.text(app)
        await post(pilot, shown(NOTES, 2))
        text = frames.text(app)
        assert "nothing to remark" not in text
        assert "public endpoints are used" in text
        assert "watching goes on" in text
        await post(pilot, shown(NOTES[2:], 3))
        assert "public endpoints" not in frames.text(app)
        await pilot.press("q")
        await pilot.pause()
        assert app.screen is app.dashboard


async def test_from_the_palette_and_over_the_alert_log() -> None:
    app = make(shown())
    async with stage(app) as pilot:
        (entry,) = (entry for entry in app.host.palette_entries() if entry.title == "notes")
        await pilot.press("l")
        await pilot.pause()
        below = app.screen
        entry.callback()
        await pilot.pause()
        assert isinstance(app.screen, NotesScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is below


async def test_a_note_that_is_cut_names_the_command_too() -> None:
    app = make(scenes.snapshot(alerts=(), notices=("short",)))
    async with stage(app) as pilot:
        assert ":notes" not in frames.text(app)
        await post(pilot, scenes.snapshot(2, alerts=(), notices=("long " * 40,)))
        assert ":notes" in frames.text(app)


async def test_a_note_draws_nothing_but_itself() -> None:
    app = make(shown(("channel \x1b[2J[bold]x[/bold]\u202e failed\nat once " + "y" * 900,)))
    async with stage(app, (80, 24)) as pilot:
        await asked(pilot)
        assert "channel [2J[bold]x[/bold] failed at once" in read(app)
        assert read(app).isprintable()
        assert "y…" in read(app)
