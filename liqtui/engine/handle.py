"""What a screen may know of the engine: the newest snapshot, and a few wishes that it passes on.

The live engine, the tape player and the client of a running daemon all look like this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from liqtui.core.rehearse import Point
    from liqtui.core.snapshot import Alert, Snapshot
    from liqtui.core.wallet import Wallet


class Playback(Protocol):
    """The controls of a tape. All may be called from any thread."""

    @property
    def paused(self) -> bool: ...
    @property
    def speed(self) -> float:
        """Tape seconds per second, relative to the tape's own pace (1.0)."""
        ...

    @property
    def index(self) -> int:
        """Frame shown now."""
        ...

    @property
    def frames(self) -> int: ...
    @property
    def chapters(self) -> Sequence[tuple[int, str]]:
        """(frame, title) of what happens on the tape."""
        ...

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def set_speed(self, speed: float) -> None: ...
    def step(self, frames: int = 1) -> None:
        """Forward or (negative) back; pauses."""
        ...

    def jump(self, frame: int) -> None: ...


class EngineHandle(Protocol):
    @property
    def playback(self) -> Playback | None: ...
    def start(self) -> None:
        """Start the engine's thread; returns at once."""
        ...

    def stop(self) -> None:
        """Ask for the end and wait for it, a few seconds at most."""
        ...

    def snapshot(self) -> Snapshot: ...
    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Call `listener(version)` in the engine's thread for each new snapshot; returns the way to end it."""
        ...

    def refresh(self) -> None:
        """Read every chain now (not sooner than 2 s after the last time)."""
        ...

    def acknowledge(self, alert_id: int | None, newest: int | None = None) -> None:
        """One alert, or with None all up to the number `newest`, else all that the newest snapshot shows: nobody has
        seen what comes later.
        """
        ...

    def snooze(self, alert_id: int, seconds: float) -> None:
        """Keep one alert from ringing and escalating for so long; 0 ends it."""
        ...

    def mute(self, target: str, until: float | None) -> None:
        """Keep alerts of a position id or a wallet address from ringing until then; None lifts it.

        They still go into the log. Liquidations ring all the same.
        """
        ...

    def alerts(self, before: int | None = None, limit: int = 500) -> list[Alert]:
        """The log, newest first, those with an id under `before`: also what the snapshot no longer holds."""
        ...

    def watch(self, wallets: Sequence[Wallet]) -> None:
        """The watchlist has changed."""
        ...

    def inspect(self, position_id: str) -> None:
        """Somebody looks at this position: what an engine elsewhere does not send of all of them is needed of it."""
        ...

    def look(self, position_ids: Sequence[str]) -> None:
        """Likewise for all that a list shows now, until it shows others."""
        ...

    def resolve(self, name: str) -> Future[str]:
        """Checksummed address of an ENS name; the future raises LookupError with a sentence."""
        ...

    def samples(self, position_id: str, since: float) -> list[tuple[float, float]]:
        """(unix time, health) as recorded, oldest first, for a chart.

        Infinite without debt; NaN at both ends of a time that is not known.
        """
        ...

    def points(self, position_id: str, since: float) -> list[Point]:
        """Recorded readings, oldest first: what alert rules can be tried on."""
        ...

    def updates(self, position_id: str, since: float) -> list[tuple[int, str]]:
        """(unix time, feed label) of recorded updates of the feeds that the position relies on, oldest first."""
        ...


class Loss(NamedTuple):
    """Why the daemon that a screen showed does not answer it, and who watches now."""

    why: str
    """In words."""
    watcher: int | None = None
    """Process that holds the state folder, so it watches and alerts unless it is stuck; 0: which is not known;
    None: nobody does.
    """
    refused: bool = False
    """The daemon said so itself: it is well, and does not serve this screen."""


@runtime_checkable
class Attachment(Protocol):
    """What an engine can do besides that may be a daemon's."""

    @property
    def daemon(self) -> int | None:
        """Process id of the daemon that is shown; None while an engine runs here."""
        ...

    @property
    def loss(self) -> Loss | None:
        """None while the daemon is there, and while an engine runs here."""
        ...

    def take_over(self) -> None:
        """Run an engine here from now on. Raises what reading the configuration raises."""
        ...
