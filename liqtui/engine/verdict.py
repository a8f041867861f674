"""The last verdict, for `status` and the first-paint banner: from the greeting of a daemon, else from one tiny file.

Neither opens a database. The file is replaced in one step, so a reader finds the old or the new one, whole, even after
a kill. How old it is decides whether it may be believed: see `Verdict.age`.
"""

from __future__ import annotations

import json
import os
from types import MappingProxyType

from liqtui.config.folders import VERDICT as FILE

TYPE_CHECKING = False  # as in `cli.status`, which waits for what is imported here
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from liqtui.core.results import Boundary
    from liqtui.core.snapshot import Row, Snapshot

GREETING = "verdict"
"""Under which key of its first frame a daemon tells its verdict."""
_SCHEMA = 1
_HEAD = 4
"""Bytes that tell the length of a frame, as in `wire`, which is not loaded for a status line."""
_LARGEST = 2**20


class Verdict:
    """A class by hand: `typing.NamedTuple` would double what `status` imports, `dataclasses` even more."""

    def __init__(
        self,
        at: float,
        ready: bool,
        worst: str,
        counts: Mapping[str, int] = MappingProxyType({}),
        *,
        health: str = "",
        title: str = "",
        nearest: str = "",
        unacked: int = 0,
        engine_error: str = "",
        unread: int = 0,
        faded: int = 0,
    ) -> None:
        self.at = at
        """Unix time of the snapshot."""
        self.ready = ready
        """Every chain had been read once."""
        self.worst = worst
        """Severity; "ok" without positions, "unknown" while not ready."""
        self.counts = dict(counts)
        """Severity → positions."""
        self.health = health
        """Of the worst position, decimal; "∞" without debt, "–" unknown, with "~" when old."""
        self.title = title
        """Of the worst position: "treasury aave-v3 eth"."""
        self.nearest = nearest
        """Its nearest boundary: "ETH −4.3%"; "now" when it has been passed."""
        self.unacked = unacked
        self.engine_error = engine_error
        self.unread = unread
        """Chains, markets and positions that could not be read: with any of them all is not well."""
        self.faded = faded
        """How many of the "ok" are so by figures that are old."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Verdict) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.at, self.worst))

    def __repr__(self) -> str:
        return f"Verdict({vars(self)})"

    def age(self, now: float) -> float:
        """Seconds; what is older than a few polls is no longer a verdict about now."""
        return now - self.at

    @property
    def elsewhere(self) -> int:
        """Chains and markets among what is unread. Its positions are counted as blind or unknown, and the engine that
        failed has a sentence of its own.
        """
        return self.unread - sum(self.counts.get(name, 0) for name in ("blind", "unknown")) - bool(self.engine_error)

    def says(self, other: Verdict) -> bool:
        """Whether both say the same, each at its own time."""
        return vars(self) | {"at": other.at} == vars(other)


def of(snapshot: Snapshot) -> Verdict:
    row = snapshot.worst
    return Verdict(
        snapshot.at,
        snapshot.ready,
        row.severity.value if row else "unknown" if snapshot.unread or not snapshot.ready else "ok",
        {severity.value: count for severity, count in snapshot.counts.items() if count},
        unacked=snapshot.unacked,
        engine_error=snapshot.engine_error,
        unread=len(snapshot.unread),
        faded=snapshot.faded,
        **(_position(row) if row else {}),
    )


def _position(row: Row) -> dict[str, str]:
    from liqtui.core.format import health  # here and below: who only reads a verdict needs no decimals

    return {
        "health": health(row.position.health.shown if row.position else None) + ("" if row.trusted else "~"),
        "title": " ".join(p for p in (row.label, row.protocol, row.chain, row.venue, row.key.market_id[:10]) if p),
        "nearest": _nearest(row.cushion) if row.cushion else "",
    }


def _nearest(cushion: Boundary) -> str:
    """A boundary that is behind has no distance: any would read as a cushion."""
    if cushion.passed:
        return "now"
    from liqtui.core.format import boundary_distance

    return "" if cushion.move is None else f"{cushion.label} {boundary_distance(cushion)}"


def write(verdict: Verdict, folder: Path) -> None:
    """Raises OSError when it cannot be written; the old file then stays."""
    path, temporary = folder / FILE, folder / f".{FILE}.{os.getpid()}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(plain(verdict), out, ensure_ascii=False)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def read(folder: str | Path) -> Verdict | None:
    """The last verdict; None when there is none or it cannot be read."""
    try:
        with open(os.path.join(folder, FILE), encoding="utf-8") as file:  # noqa: PTH118, PTH123 (without pathlib)
            return _from(json.load(file))
    except (OSError, ValueError):
        return None


def ask(socket_path: str, patience: float) -> Verdict | None:
    """The verdict of the daemon that listens there; None where it is of a build that tells none.

    Raises TimeoutError when it does not answer within `patience` seconds, OSError when nobody listens or it hangs up.
    """
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(patience)
        line.connect(socket_path)
        with line.makefile("rb") as stream:
            size = int.from_bytes(stream.read(_HEAD), "big")
            if not 0 < size <= _LARGEST:
                raise ConnectionError("what answered is no daemon of liqtui")
            greeting = stream.read(size)
    try:
        loaded: Any = json.loads(greeting)
    except ValueError:
        raise ConnectionError("what answered is no daemon of liqtui") from None
    try:
        return _from(loaded[GREETING])
    except (LookupError, TypeError):
        return None


def plain(verdict: Verdict) -> dict[str, Any]:
    """As JSON has it."""
    return {"schema": _SCHEMA, **vars(verdict)}


def _from(loaded: Any) -> Verdict | None:
    """Inverse of `plain`; None for anything else."""
    try:
        return Verdict(**loaded) if loaded.pop("schema", None) == _SCHEMA else None
    except (ValueError, TypeError, AttributeError):
        return None


class Keeper:
    """Writes the verdict when it says something new, and every few seconds so that its age tells of life."""

    def __init__(self, folder: Path, every: float = 5.0) -> None:
        self._folder = folder
        self._every = every
        self._last: Verdict | None = None

    def keep(self, snapshot: Snapshot) -> str:
        """What is wrong with the file, in words; empty when all is well."""
        verdict, last = of(snapshot), self._last
        if last is not None and verdict.says(last) and 0 <= last.age(verdict.at) < self._every:
            return ""
        try:
            write(verdict, self._folder)
        except OSError as error:
            return f"the last verdict cannot be saved: {error.strerror or error}"
        self._last = verdict
        return ""
