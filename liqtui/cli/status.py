"""`liqtui status`: one line for status bars: the verdict of a daemon where one runs, else the last that was saved."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from liqtui.core import format as fmt
from liqtui.core.states import Severity

if TYPE_CHECKING:
    from liqtui.cli.arguments import Arguments
    from liqtui.config.paths import Paths
    from liqtui.engine.verdict import Verdict

OLD = 180.0
"""Seconds after which a verdict says nothing about now: the monitor is not running, or stuck."""
PATIENCE = 1.0
"""Seconds that a daemon may take to greet: one that takes longer is stuck."""


def run(args: Arguments) -> int:
    """Exit code as of `check`: 0 ok, 1 warn, 2 critical or worse, 3 blind, unknown, or nothing recent to tell."""
    from liqtui.config import paths  # not cli.session: a status line cannot wait for all that reads configuration
    from liqtui.engine import verdict

    where = paths.locate(args.config, args.watchlist)
    found, lost = None, ""
    if where.socket.exists():  # a daemon that ends takes it away, one that was killed leaves it
        try:
            found = verdict.ask(str(where.socket), PATIENCE)
        except TimeoutError:
            lost = "the daemon does not answer"
        except OSError:
            lost = _lost(where)
    line, code = describe(found or verdict.read(where.state), time.time(), ascii_only=bool(args.ascii), lost=lost)
    print(line)
    return code


def _lost(where: Paths) -> str:
    """What to say where a socket lies and nobody greets; empty while a daemon or a screen keeps the verdict."""
    from liqtui.config.lock import InstanceLock

    return "the daemon has died" if InstanceLock(where.lock).holder is None else ""


def describe(found: Verdict | None, now: float, *, ascii_only: bool = False, lost: str = "") -> tuple[str, int]:
    """(line, exit code). `lost`: why the verdict is not the word of a daemon that should be there."""
    from liqtui.cli.lines import ASCII_GLYPHS, GLYPHS, plain

    glyphs = ASCII_GLYPHS if ascii_only else GLYPHS
    if found is None:
        return f"? liqtui: {lost or 'nothing seen yet'}", 3
    age = found.age(now)
    old = age > OLD or age < -OLD
    counts = [(s, found.counts[s.value]) for s in Severity if found.counts.get(s.value)]
    old_figures = old or lost
    parts = [" ".join(f"{glyphs[severity]}{count}" for severity, count in counts) or "no positions"]
    if found.title:
        parts.append(f"{found.health}{'~' if old_figures and not found.health.endswith('~') else ''} {found.title}")
    if found.nearest:
        parts.append(found.nearest)
    if found.engine_error:
        parts.insert(0, f"{glyphs[Severity.BLIND]} {found.engine_error}")
    if found.unread:
        parts.append(f"{glyphs[Severity.BLIND]} {found.unread} unread")
    if found.unacked:
        parts.append(f"{found.unacked} unacked")
    if old or lost:
        parts.insert(0, f"{glyphs[Severity.BLIND]} {lost or 'not watching'}, last seen {fmt.age(age)} ago:")
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
