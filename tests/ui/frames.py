"""A screen as text: what a person would read, line by line. The one place that looks into the compositor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot
    from textual.strip import Strip

    from liqtui.ui.app import LiqtuiApp

FRAMES = Path(__file__).parent / "frames"
UPDATE = bool(os.environ.get("LIQTUI_UPDATE_FRAMES"))


def strips(app: App[object]) -> list[Strip]:
    return app.screen._compositor.render_strips(app.size)


def text(app: App[object]) -> str:
    """The lines of the present screen, without blanks at their ends."""
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips(app)) + "\n"


def spans(app: LiqtuiApp, *variables: str) -> str:
    """The parts of the screen that have one of those colours: "line:column variable [bold] [reverse] text"."""
    wanted = {str(app.palette.style(name).color): name for name in variables}
    found: list[str] = []
    for y, strip in enumerate(strips(app)):
        x = 0
        for segment in strip:
            name = wanted.get(str(segment.style.color)) if segment.style else None
            if name and segment.text.strip("─│╭╮╰╯├┤› "):
                weight = "".join(f" {word}" for word in ("bold", "reverse", "dim") if getattr(segment.style, word))
                found.append(f"{y}:{x} {name}{weight} {segment.text.strip()!r}")
            x += segment.cell_length
    return "\n".join(found) + "\n"


async def settled(pilot: Pilot[None], words: str) -> str:
    """The frame once it has these words and stands still: a form judges and scrolls after it took a text."""
    seen = [""]
    for _ in range(200):
        await pilot.pause(0.05)
        seen.append(text(pilot.app))
        if words in seen[-1] and len(set(seen[-4:])) == 1:
            break
    return seen[-1]


def check(name: str, now: str) -> None:
    """Compare with the committed frame; LIQTUI_UPDATE_FRAMES=1 writes it anew."""
    path = FRAMES / f"{name}.txt"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(now, encoding="utf-8")
    wanted = path.read_text(encoding="utf-8")
    assert now == wanted, f"{path.name} differs:\n{now}"
