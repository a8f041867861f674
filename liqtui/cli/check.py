"""`liqtui check`: one round of everything, printed, with the worst in the exit code. See docs/check.md."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from liqtui.cli import lines, report
from liqtui.core.format import age
from liqtui.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.cli.arguments import Arguments
    from liqtui.cli.session import Session
    from liqtui.core.snapshot import Snapshot, Stage
    from liqtui.core.wallet import Wallet
    from liqtui.engine.setup import Setup

EXIT_USAGE = 64


def run(args: Arguments) -> int:
    from liqtui.cli.session import begin

    session = begin(args)
    if not session.wallets:
        print("liqtui: no wallets: name some, or fill the watchlist with `liqtui wallet add ADDRESS`", file=sys.stderr)
        return EXIT_USAGE
    unknown: list[tuple[str, str]] = []
    snapshot = None if args.fresh else _asked(session)
    if snapshot is None:
        snapshot, unknown = _read(session)
    for name, why in unknown:
        print(f"liqtui: {name}: {why}", file=sys.stderr)
    if args.json:
        print(json.dumps(report.as_json(snapshot, unknown), ensure_ascii=False, indent=1))
    else:
        _print(snapshot, session, ascii_only=bool(args.ascii))
    return report.exit_code(snapshot, unknown)


def _asked(session: Session) -> Snapshot | None:
    """What a running daemon knows, if it watches the very same; who was asked is said on standard error."""
    from liqtui.cli.attach import ask

    snapshot, words = ask(session)
    if words:
        print(f"liqtui: {words}", file=sys.stderr)
    return snapshot


def _read(session: Session) -> tuple[Snapshot, list[tuple[str, str]]]:
    """The chains themselves, and the names that have no address."""
    from liqtui.engine.once import run_once

    setup, unknown = _resolved(session)
    progress = _Progress()
    snapshot = run_once(setup, progress=progress)
    progress.end()
    return snapshot, unknown


def _resolved(session: Session) -> tuple[Setup, list[tuple[str, str]]]:
    """The setup with every ENS name turned into its address, and (name, why) of those that could not be."""
    from liqtui.cli.session import unresolved
    from liqtui.config.watchlist import is_resolved
    from liqtui.engine.setup import pool, resolve_name

    setup = session.setup()
    if not unresolved(setup.wallets):
        return setup, []
    failed: list[tuple[str, str]] = []

    async def resolve(wallet: Wallet) -> Wallet | None:
        if is_resolved(wallet):
            return wallet
        try:
            address = await resolve_name(wallet.address, setup.chains, pool)
        except LookupError as fault:
            failed.append((wallet.address, redact(str(fault))))
            return None
        return replace(wallet, address=address, name=wallet.address)

    async def resolve_all() -> Sequence[Wallet | None]:
        return await asyncio.gather(*(resolve(wallet) for wallet in setup.wallets))

    found = asyncio.run(resolve_all())
    return replace(setup, wallets=tuple(wallet for wallet in found if wallet is not None)), failed


def _print(snapshot: Snapshot, session: Session, *, ascii_only: bool) -> None:
    def say(text: str) -> None:
        print(lines.plain(text) if ascii_only else text)

    say(lines.verdict(snapshot, ascii_only=ascii_only))
    if snapshot.rows:
        print()
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        target = session.config.target
        for line in lines.table(snapshot.rows, ascii_only=ascii_only, target=target, width=width):
            print(line)
    print()
    for chain in snapshot.chains:
        if chain.block is not None and not chain.error:
            say(f"{chain.name}: block {chain.block.number:,}, {age(max(0.0, snapshot.at - chain.block.timestamp))} old")
    for where, how_far in snapshot.searching:
        say(f"still looking for positions: {where}: {how_far}")
    told = {row.id for row in snapshot.rows}  # why a position could not be read stands in its line
    for where, why in snapshot.unread:
        if where not in told:
            say(f"not read: {where}: {redact(why)}")
    if any(row.position is not None and not row.position.health.confirmed for row in snapshot.rows):
        say("≠ the contract's own figure is shown; ours differs, could not be compared, or its rules are not known")


class _Progress:
    """One line on standard error that says what has been found; nothing where nobody looks."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._stages: dict[str, tuple[Stage, ...]] = {}

    def __call__(self, chain: str, stages: tuple[Stage, ...]) -> None:
        self._stages[chain] = stages
        if self._live:
            known = [stage for found in self._stages.values() for stage in found]
            done = sum(1 for stage in known if stage.done or stage.error)
            positions = sum(stage.positions for stage in known)
            sys.stderr.write(f"\r\x1b[Kreading: {done} of {len(known)} markets, {positions} positions found")
            sys.stderr.flush()

    def end(self) -> None:
        if self._live and self._stages:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
