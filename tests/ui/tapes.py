"""Controls of a tape, for screens that show one."""

from __future__ import annotations

from dataclasses import dataclass, field

CHAPTERS = ((0, "calm"), (40, "the feed lags"), (80, "crash"))


@dataclass
class Tape:
    """A tape that moves only when told to."""

    paused: bool = False
    speed: float = 1.0
    index: int = 0
    frames: int = 100
    chapters: tuple[tuple[int, str], ...] = CHAPTERS
    jumps: list[int] = field(default_factory=list)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def set_speed(self, speed: float) -> None:
        self.speed = speed

    def step(self, frames: int = 1) -> None:
        self.paused = True
        self.index = min(max(self.index + frames, 0), self.frames - 1)

    def jump(self, frame: int) -> None:
        self.jumps.append(frame)
        self.index = frame
