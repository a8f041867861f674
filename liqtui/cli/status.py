"""`liqtui status`: the last saved verdict in one line, for status bars. Reads one small file and nothing else."""

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


def run(args: Arguments) -> int:
    """Exit code as of `check`: 0 ok, 1 warn, 2 critical or worse, 3 blind, unknown, or nothing recent to tell."""
    from liqtui.config import paths  # not cli.session: a status line cannot wait for all that reads configuration
    from liqtui.engine import verdict

    where = paths.locate(args.config, args.watchlist)
    found = verdict.read(where.state)
    line, code = describe(found, time.time(), ascii_only=bool(args.ascii), daemon_died=_daemon_died(where))
    print(line)
    return code


def _daemon_died(where: Paths) -> bool:
    """A daemon that ends takes its socket away; one that was killed leaves it, and its lock is free."""
    if not where.socket.exists():
        return False
    from liqtui.config.lock import InstanceLock

    return InstanceLock(where.lock).holder is None


def describe(
    found: Verdict | None, now: float, *, ascii_only: bool = False, daemon_died: bool = False
) -> tuple[str, int]:
    from liqtui.cli.lines import ASCII_GLYPHS, GLYPHS, plain

    glyphs = ASCII_GLYPHS if ascii_only else GLYPHS
    if found is None:
        return "? liqtui: nothing seen yet", 3
    age = found.age(now)
    old = age > OLD or age < -OLD
    counts = [(s, found.counts[s.value]) for s in Severity if found.counts.get(s.value)]
    old_figures = old or daemon_died
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
    if daemon_died and not old:
        parts.insert(0, f"{glyphs[Severity.BLIND]} the daemon has died {fmt.age(max(0.0, age))} ago or less:")
    if old:
        parts.insert(0, f"{glyphs[Severity.BLIND]} not watching, last seen {fmt.age(age)} ago:")
    text = "  ".join(parts)
    code = 3 if old or daemon_died or found.engine_error or not found.ready else _code(found)
    return (plain(text) if ascii_only else text), code


def _code(found: Verdict) -> int:
    seen = {severity for severity in Severity if found.counts.get(severity.value)} | {Severity(found.worst)}
    if seen & {Severity.LIQUIDATED, Severity.LIQUIDATABLE, Severity.CRITICAL}:
        return 2
    if found.unread or seen & {Severity.BLIND, Severity.UNKNOWN}:
        return 3
    return 1 if Severity.WARN in seen else 0
