"""`liqtui record FILE`: keep what the chains answer, until interrupted."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from liqtui.cli import lines
from liqtui.core.format import age, counted

if TYPE_CHECKING:
    from liqtui.cli.arguments import Arguments
    from liqtui.core.snapshot import Snapshot

EXIT_USAGE = 64


def run(args: Arguments) -> int:
    """Ends with 0 at ctrl+c or SIGTERM; the tape is good however it ends."""
    from liqtui.cli.session import begin, unresolved
    from liqtui.engine.recording import record

    session = begin(args)
    setup = session.setup()
    named = unresolved(setup.wallets)
    for wallet in named:
        print(f"liqtui: {wallet.address} has no address yet and is left out", file=sys.stderr)
    setup = replace(setup, wallets=tuple(wallet for wallet in setup.wallets if wallet not in named))
    if not setup.wallets:
        print("liqtui: no wallets to record: name some, or fill the watchlist", file=sys.stderr)
        return EXIT_USAGE
    if args.file.exists():
        print(f"liqtui: {args.file} exists; a tape is not written over", file=sys.stderr)
        return EXIT_USAGE
    print(f"recording to {args.file}; ctrl+c ends it", file=sys.stderr)
    teller = _Teller(ascii_only=bool(args.ascii))
    frames = record(setup, args.file, progress=teller)
    teller.clear()
    made = f"{counted(frames, 'frame')}, {counted(args.file.stat().st_size, 'byte')}"
    print(f"{made}: play it with `liqtui replay {args.file}`", file=sys.stderr)
    return 0


class _Teller:
    """Says each alert once, and how the recording goes."""

    def __init__(self, *, ascii_only: bool) -> None:
        self._ascii = ascii_only
        self._known = 0
        self._began: float | None = None
        self._live = sys.stderr.isatty()

    def __call__(self, snapshot: Snapshot, frames: int) -> None:
        self._began = snapshot.at if self._began is None else self._began
        for entry in lines.fresh_alerts(snapshot, self._known):
            self._known = entry.id
            self.clear()
            print(lines.alert(entry, ascii_only=self._ascii), flush=True)
        if self._live:
            sys.stderr.write(f"\r\x1b[K{counted(frames, 'frame')}, {age(snapshot.at - self._began)}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Away with how it goes: an alert, or the end, begins a line of its own."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
