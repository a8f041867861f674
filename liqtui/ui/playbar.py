"""The tape's controls in one line: state, speed, place with chapter marks, and what happens now.

Quiet: it looks at the tape a few times a second, and paints only what has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widget import Widget

from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.engine.handle import Playback

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
_LOOK_EVERY = 0.25
_MIN_BAR = 8


def next_speed(speed: float, up: bool) -> float:
    """The neighbour on the ladder; its ends stay."""
    if up:
        return next((step for step in SPEEDS if step > speed), SPEEDS[-1])
    return next((step for step in reversed(SPEEDS) if step < speed), SPEEDS[0])


def chapter_at(chapters: Sequence[tuple[int, str]], index: int) -> int:
    """Place in the list of the chapter that the frame belongs to; -1 before the first."""
    return sum(1 for frame, _ in chapters if frame <= index) - 1


def chapter_beside(chapters: Sequence[tuple[int, str]], index: int, forward: bool) -> int | None:
    """First frame of the next chapter, or of the previous one; None where there is none."""
    frames = sorted(frame for frame, _ in chapters)
    if forward:
        return next((frame for frame in frames if frame > index), None)
    return next((frame for frame in reversed(frames) if frame < index), None)


def bar(index: int, frames: int, chapters: Sequence[tuple[int, str]], width: int) -> str:
    """The way done ━, the way ahead ─, chapters ┃ and ╎, the place ●."""
    if width <= 0:
        return ""

    def cell(frame: int) -> int:
        return min(frame * (width - 1) // max(frames - 1, 1), width - 1)

    here = cell(index)
    cells = ["━" if place < here else "─" for place in range(width)]
    for frame, _ in chapters:
        cells[cell(frame)] = "┃" if cell(frame) < here else "╎"
    cells[here] = "●"
    return "".join(cells)


def line(playback: Playback, width: int) -> Content:
    """The whole line, exactly `width` cells or fewer."""
    index, frames, chapters = playback.index, playback.frames, playback.chapters
    number = chapter_at(chapters, index)
    state = " ‖ " if playback.paused else " ▶ "
    left = f"{playback.speed:g}× "
    count = f" {min(index + 1, frames)}/{frames}"
    room = width - len(state) - len(left) - len(count)
    title = ""
    if number >= 0 and room > _MIN_BAR + 8:
        title = f"  {number + 1}/{len(chapters)} {clean(chapters[number][1], limit=60)}"
        title = clean_end(title, room - max(_MIN_BAR, room // 3))
    return Content.assemble(
        (state, "$severity-warn bold" if playback.paused else "$key bold"),
        (left, "$muted"),
        (bar(index, frames, chapters, min(max(room - cell_len(title) - 1, 0), 60)), "$frame-focus"),
        (count, "$muted"),
        (title, "$ink"),
    )


def clean_end(text: str, limit: int) -> str:
    """Cut with "…" at that many cells."""
    return text if cell_len(text) <= limit else set_cell_size(text, max(limit - 1, 0)) + "…"


class Playbar(Widget):
    """One line at the bottom for an engine that plays a tape; mount it only there.

    The keys are in the bindings table; they call the methods here.
    """

    DEFAULT_CSS: ClassVar[str] = """
    Playbar { height: 1; width: 1fr; background: $surface; }
    """

    def __init__(self, playback: Playback) -> None:
        super().__init__()
        self.playback = playback
        self._painted: tuple[object, ...] = ()

    def on_mount(self) -> None:
        self.set_interval(_LOOK_EVERY, self.look)

    def look(self) -> None:
        """Repaint when the tape has moved."""
        playback = self.playback
        now = (playback.paused, playback.speed, playback.index, playback.frames)
        if now != self._painted:
            self._painted = now
            self.refresh()

    def render(self) -> Content:
        return line(self.playback, self.size.width)

    def toggle(self) -> None:
        if self.playback.paused:
            self.playback.resume()
        else:
            self.playback.pause()
        self.look()

    def faster(self) -> None:
        self.playback.set_speed(next_speed(self.playback.speed, up=True))
        self.look()

    def slower(self) -> None:
        self.playback.set_speed(next_speed(self.playback.speed, up=False))
        self.look()

    def step(self, frames: int) -> None:
        self.playback.step(frames)
        self.look()

    def chapter(self, forward: bool) -> bool:
        """To the neighbouring chapter; whether there is one."""
        frame = chapter_beside(self.playback.chapters, self.playback.index, forward)
        if frame is not None:
            self.playback.jump(frame)
        self.look()
        return frame is not None


class TapeKeys:
    """The actions of the keys of a tape, for a screen that has a playbar; without a tape the keys mean nothing."""

    playbar: Playbar | None = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return self.playbar is not None if action.startswith("tape_") else True

    def say_of_tape(self, remark: str) -> None:
        """At the bottom of the screen."""
        raise NotImplementedError

    def action_tape_pause(self) -> None:
        if self.playbar is not None:
            self.playbar.toggle()

    def action_tape_speed(self, by: int) -> None:
        if self.playbar is not None:
            (self.playbar.faster if by > 0 else self.playbar.slower)()

    def action_tape_step(self, by: int) -> None:
        if self.playbar is not None:
            self.playbar.step(by)

    def action_tape_chapter(self, by: int) -> None:
        if self.playbar is not None and not self.playbar.chapter(forward=by > 0):
            self.say_of_tape(f"no chapter {'after' if by > 0 else 'before'} this place")


def tape_command(playback: Playback | None, argument: str) -> None:
    """`:tape pause | play | speed X | step N | jump N or the name of a chapter`. Raises ValueError with a sentence."""
    if playback is None:
        raise ValueError("no tape is playing: this is live")
    word, _, rest = argument.partition(" ")
    rest = rest.strip()
    match word.casefold():
        case "pause":
            playback.pause()
        case "play":
            playback.resume()
        case "speed":
            playback.set_speed(_speed(rest))
        case "step":
            playback.step(_whole(rest or "1"))
        case "jump":
            playback.jump(_frame(playback, rest))
        case _:
            raise ValueError("say pause, play, speed, step or jump")


def _speed(text: str) -> float:
    try:
        speed = float(text.removesuffix("x").removesuffix("×"))
    except ValueError:
        raise ValueError("speed needs a number, for example :tape speed 4") from None
    if not SPEEDS[0] <= speed <= SPEEDS[-1]:
        raise ValueError(f"the speed is between {SPEEDS[0]:g} and {SPEEDS[-1]:g}")
    return speed


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"“{clean(text)}” is not a whole number") from None


def _frame(playback: Playback, text: str) -> int:
    """A frame by number (1 is the first), or the first frame of the chapter whose title holds the text."""
    if not text:
        raise ValueError("jump needs a frame or a chapter, for example :tape jump 120")
    if text.isascii() and text.isdigit():
        frame = int(text)
        if not 1 <= frame <= playback.frames:
            raise ValueError(f"the tape has frames 1 to {playback.frames}")
        return frame - 1
    for frame, title in playback.chapters:
        if text.casefold() in title.casefold():
            return frame
    raise ValueError(f"no chapter is called “{clean(text)}”")
