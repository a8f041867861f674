"""`liqtui status`: one line for status bars: the verdict of a daemon where one runs, else the last that was saved."""

from __future__ import annotations

import os
import time

from liqtui.cli.glyphs import ASCII_GLYPHS, GLYPHS, plain
from liqtui.config import folders
from liqtui.core.ages import age as told_age
from liqtui.core.states import Severity
from liqtui.engine import verdict

TYPE_CHECKING = False  # as in `greeting`: what is imported here is waited for, and a status bar asks every few seconds
if TYPE_CHECKING:
    from liqtui.cli.arguments import Arguments
    from liqtui.engine.verdict import Verdict

OLD = 60.0
"""Seconds after which a verdict says nothing about now: the monitor is not running, or stuck. It is kept every five."""
MOVES = 10.0
"""Seconds within which an engine that moves is heard of, be it in trouble: what is older is told with its age."""
PATIENCE = 1.0
"""Seconds that a daemon may take to greet: one that takes longer is stuck."""


def run(args: Arguments) -> int:
    """Exit code as of `check`: 0 ok, 1 warn, 2 critical or worse, 3 blind, unknown, or nothing recent to tell."""
    found, lost = None, ""
    socket = folders.state_file(folders.SOCKET)
    if os.path.exists(socket):  # noqa: PTH110 (a daemon that ends takes it away, one that was killed leaves it)
        try:
            found = verdict.ask(socket, PATIENCE)
        except TimeoutError:
            lost = "the daemon does not answer"
        except OSError:
            lost = _lost()
    found = found or verdict.read(folders.state_dir(os.environ))
    line, code = describe(found, time.time(), ascii_only=bool(args.ascii), lost=lost)
    print(line)
    return code


def _lost() -> str:
    """What to say where a socket lies and nobody greets; empty while a daemon or a screen keeps the verdict."""
    from liqtui.config.lock import holder

    return "the daemon has died" if holder(folders.state_file(folders.LOCK)) is None else ""


def describe(found: Verdict | None, now: float, *, ascii_only: bool = False, lost: str = "") -> tuple[str, int]:
    """(line, exit code). `lost`: why the verdict is not the word of a daemon that should be there."""
    glyphs = ASCII_GLYPHS if ascii_only else GLYPHS
    if found is None:
        return f"? liqtui: {lost or 'nothing seen yet'}", 3
    age = found.age(now)
    old = age > OLD or age < -OLD
    old_figures = old or lost
    counts = {glyphs[severity]: found.counts.get(severity.value, 0) for severity in Severity}
    counts[glyphs[Severity.OK]] -= found.faded
    told = [f"{glyph}{count}" for glyph, count in counts.items() if count > 0]
    told += [f"{glyphs[Severity.BLIND]}{found.faded}~"] if found.faded else []
    parts = [" ".join(told) or "no positions"]
    if found.title:
        parts.append(f"{found.health}{'~' if old_figures and not found.health.endswith('~') else ''} {found.title}")
    if found.nearest:
        parts.append(found.nearest)
    if found.engine_error:
        silent = age > MOVES and not (old or lost)
        seen = f", last seen {told_age(age)} ago:" if silent else ""
        parts.insert(0, f"{glyphs[Severity.BLIND]} {found.engine_error}{seen}")
    if found.elsewhere > 0:
        places = "chain or market" if found.elsewhere == 1 else "chains or markets"
        parts.append(f"{glyphs[Severity.BLIND]} {found.elsewhere} {places} unread")
    if found.unacked:
        parts.append(f"{found.unacked} unacked")
    if old or lost:
        parts.insert(0, f"{glyphs[Severity.BLIND]} {lost or 'not watching'}, last seen {told_age(age)} ago:")
    text = "  ".join(parts)
    code = 3 if old or lost or found.engine_error or not found.ready else _code(found)
    return (plain(text) if ascii_only else text), code


def _code(found: Verdict) -> int:
    seen = {severity for severity in Severity if found.counts.get(severity.value)} | {Severity(found.worst)}
    if seen & {Severity.LIQUIDATED, Severity.LIQUIDATABLE, Severity.CRITICAL}:
        return 2
    if found.unread or seen & {Severity.BLIND, Severity.UNKNOWN}:
        return 3
    return 1 if Severity.WARN in seen else 0
