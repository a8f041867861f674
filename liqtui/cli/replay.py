"""`liqtui replay FILE`: a tape on the screen; without a terminal the same story as plain lines."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from liqtui.cli import lines

if TYPE_CHECKING:
    from pathlib import Path

    from liqtui.chain.tape import Tape
    from liqtui.cli.arguments import Arguments
    from liqtui.config.load import Config
    from liqtui.config.paths import Paths
    from liqtui.core.snapshot import ChainState, Snapshot

EXIT_DATA = 65


def run(args: Arguments) -> int:
    return play(args, args.file)


def play(args: Arguments, file: Path, *, speed: float = 1.0, loop: bool = False) -> int:
    """`speed` is how many seconds of the tape pass in one second on the screen."""
    from liqtui.cli.greeting import is_terminal
    from liqtui.cli.session import locate

    tape = read(file)
    if tape is None:
        return EXIT_DATA
    where = locate(args)
    config = _config(where)
    if is_terminal():
        return _show(args, tape, speed, config, where, loop=loop)
    tell(tape, config, ascii_only=bool(args.ascii))
    return 0


def read(file: Path) -> Tape | None:
    """The tape; None, with the reason told, where there is none to play."""
    from liqtui.chain.tape import TapeError, load_tape

    try:
        tape = load_tape(file)
    except TapeError as fault:
        print(f"liqtui: {fault}", file=sys.stderr)
        return None
    except OSError as fault:
        print(f"liqtui: {file}: {fault.strerror or fault}", file=sys.stderr)
        return None
    if not tape.frames:
        print(f"liqtui: {file}: nothing is recorded on this tape", file=sys.stderr)
        return None
    return tape


def _config(where: Paths) -> Config:
    """One's own; a tape plays whatever state that is in, unless it was named."""
    from liqtui.config import load
    from liqtui.config.errors import ConfigError

    try:
        return load.load(where.config, named=where.config_named)
    except ConfigError:
        if where.config_named:
            raise
        return load.parse("", where.config)


def _show(args: Arguments, tape: Tape, speed: float, config: Config, where: Paths, *, loop: bool) -> int:
    from liqtui.cli.tui import show
    from liqtui.engine.playback import TapeEngine

    known = {spec.name: spec for spec in tape.header.chains}
    engine = TapeEngine(tape, loop=loop, thresholds=config.thresholds)
    engine.set_speed(speed)
    return show(engine, None, args, config._replace(chains={**config.chains, **known}), where)


def tell(tape: Tape, config: Config, *, ascii_only: bool = False) -> None:
    """The story at full speed: chapters, alerts, chains lost and found, and how it ends."""
    from liqtui.engine.playback import fast_forward

    def say(text: str) -> None:
        print(lines.plain(text) if ascii_only else text)

    known, alive, snapshot = 0, dict[str, bool](), None
    if tape.header.title:
        say(tape.header.title)
    for snapshot in fast_forward(tape, thresholds=config.thresholds):
        for chain in snapshot.chains:
            if chain.block is not None and alive.get(chain.name) is not (not chain.error):
                alive[chain.name] = not chain.error
                say(_chain(chain, snapshot))
        for entry in lines.fresh_alerts(snapshot, known):
            known = entry.id
            print(lines.alert(entry, ascii_only=ascii_only))
    if snapshot is not None:
        print()
        print(lines.verdict(snapshot, ascii_only=ascii_only))
        for line in lines.table(snapshot.rows, ascii_only=ascii_only, target=config.target):
            print(line)


def _chain(chain: ChainState, snapshot: Snapshot) -> str:
    at = datetime.fromtimestamp(snapshot.at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    number = f"{chain.block.number:,}" if chain.block else "?"
    state = f"cannot be read: {chain.error}" if chain.error else f"is read, block {number}"
    return f"{at}  · {chain.name} {state}"
