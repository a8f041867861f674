"""Whether a daemon runs that watches what is asked for, and how a screen and `check` come to use it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liqtui.cli.arguments import Arguments
    from liqtui.cli.session import Session
    from liqtui.core.snapshot import Snapshot
    from liqtui.core.wallet import Wallet
    from liqtui.engine.handle import EngineHandle
    from liqtui.engine.setup import Setup
    from liqtui.engine.wire import Hello

RECENT = 10.0
"""Seconds within which a daemon's engine has to have looked at everything, for `check` to believe it."""


def engine_for(args: Arguments, session: Session) -> EngineHandle:
    """The daemon's where one runs on the same files, else one of our own, with a notice where that needs a reason."""
    from liqtui.engine.live import LiveEngine

    hello, why = usable(session)
    if hello is None:

        def setup(*, shipped: bool = True) -> Setup:
            found = session.setup(shipped=shipped)
            return replace(found, notices=(*found.notices, f"not attached: {why}")) if why else found

        return LiveEngine(setup(shipped=False), whole=setup)  # the first frame need not wait for the shipped markets
    from liqtui.cli.session import begin
    from liqtui.engine.attached import Attached
    from liqtui.engine.client import RemoteEngine

    remote = RemoteEngine(session.paths.state, hello, session.wallets)
    return Attached(remote, lambda patience: LiveEngine(begin(args).setup(), patience=patience))


def find(session: Session) -> tuple[Hello | None, str]:
    """What the daemon of the state folder says of itself, or why it says nothing; empty: there is none."""
    if not session.paths.socket.exists():
        return None, ""
    from liqtui.engine.client import NoDaemon
    from liqtui.engine.client import find as greet

    try:
        return greet(session.paths.state), ""
    except NoDaemon as reason:
        return None, str(reason)


def usable(session: Session) -> tuple[Hello | None, str]:
    """The daemon if it is asked about the same files and speaks our language, else why not; empty: there is none."""
    if session.store is None:  # wallets of this one session: no daemon knows them
        return None, ""
    hello, why = find(session)
    if hello is None:
        return None, why
    from liqtui.engine import wire

    who = f"the daemon (process {hello.pid})"
    if wrong := wire.mismatch(hello, wire.greeting(), them=who, us="this one"):
        return None, wrong
    paths = session.paths
    for theirs, ours in ((hello.config, paths.config), (hello.watchlist, paths.watchlist)):
        if os.path.realpath(theirs) != os.path.realpath(ours):
            return None, f"{who} was started with {theirs}, this one with {ours}"
    return hello, ""


def ask(session: Session) -> tuple[Snapshot | None, str]:
    """A running daemon's snapshot if it is as good as reading the chains here; and what is to be said of it."""
    hello, why = usable(session)
    if hello is None:
        return None, f"{why}; reading the chains" if why else ""
    from liqtui.engine.client import NoDaemon
    from liqtui.engine.client import ask as whole

    who = f"the daemon (process {hello.pid})"
    if hello.digest != session.digest():
        return None, f"{who} has not read config.toml as it is now; reading the chains"
    try:
        snapshot = whole(session.paths.state)
    except NoDaemon as reason:
        return None, f"{reason or 'the daemon is gone'}; reading the chains"
    if doubt := _doubt(snapshot, session.wallets):
        return None, f"{who} {doubt}; reading the chains"
    return snapshot, f"answered by {who}; --fresh reads the chains"


def _doubt(snapshot: Snapshot, wallets: tuple[Wallet, ...]) -> str:
    """Why a daemon's snapshot will not do for `check`; empty when it will."""
    if snapshot.engine_error:
        return f"is in trouble: {snapshot.engine_error}"
    if abs(time.time() - snapshot.at) > RECENT:
        return "has not looked at anything lately"
    if set(snapshot.wallets) != set(wallets):
        return "watches another list of wallets, or has not read it yet"
    return "" if snapshot.ready else "has not read everything yet"
