"""Rules tried on a tape: the whole engine plays it, and what it would have told is counted.

Blocking, for a thread of its own. Quiet hours, maintenance and channels are left out: what counts is what rules say.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from liqtui.chain.tape import TapeError, load_tape
from liqtui.core.drafts import OFF
from liqtui.core.rehearse import Said
from liqtui.core.text import clean
from liqtui.engine.backtest import WINDOW, Judge, report
from liqtui.engine.reel import Reel, run_through, setup_of
from liqtui.engine.setup import shipped_adapters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liqtui.chain.tape import Tape
    from liqtui.core.rules import Rules
    from liqtui.core.snapshot import Alert
    from liqtui.core.wallet import Thresholds, Wallet
    from liqtui.engine.backtest import Record, Report
    from liqtui.protocols.adapter import Adapter

DEMO = Path(__file__).parent.parent / "demo.tape"
"""The tape that ships."""


class Terms(NamedTuple):
    """The settings that are tried."""

    wallet: Wallet
    """With the rules as they were typed."""
    thresholds: Thresholds
    """Resolved, of the position that they were typed for: what other wallets of the tape get."""
    configured: Thresholds
    """Of all wallets."""
    rules: Rules
    """The same."""
    position: str = ""
    """Id of the position that they are for alone; empty: all of the wallet."""


class Trial(NamedTuple):
    report: Report
    own: bool
    """The wallet is on the tape, and only its positions count; else all on the tape, as if each were that wallet."""
    said: Mapping[str, Sequence[Said]]
    """Position id → what was told of it, in order of time."""
    records: Sequence[Record]
    """Of the positions that count, as in the report."""

    @property
    def all_said(self) -> list[Said]:
        """Of the positions that count."""
        return [each for record in self.records for each in self.said.get(record.id, ())]


class TrialError(Exception):
    """A tape that cannot be tried, in a sentence."""


def open_tape(path: Path) -> Tape:
    """Raises TrialError."""
    try:
        tape = load_tape(path)
    except TapeError as fault:
        raise TrialError(clean(str(fault), 300)) from None
    except OSError as fault:
        raise TrialError(f"{clean(str(path), 80)}: {fault.strerror or fault}") from None
    if not tape.frames:
        raise TrialError(f"{clean(str(path), 80)}: nothing is recorded on this tape")
    return tape


def try_on(
    tape: Tape, terms: Terms, watch: Callable[[int, int], bool], adapters: Mapping[str, Adapter] | None = None
) -> Trial | None:
    """`watch` is told how much was played of how much, and says whether to go on; None when it did not.

    Not from within an event loop. Raises TrialError.
    """
    own = any(wallet.key == terms.wallet.key for wallet in tape.header.wallets)
    wallets = tuple(_under(wallet, terms, own=own) for wallet in tape.header.wallets)
    setup = replace(setup_of(tape, terms.configured), wallets=wallets, rules=terms.rules)
    try:
        reel = Reel(tape, shipped_adapters() if adapters is None else adapters, setup)
    except LookupError as fault:
        raise TrialError(f"this tape cannot be played: {clean(str(fault), 200)}") from None
    judge, log = Judge(0.0, WINDOW), _Log()
    with contextlib.closing(run_through(reel)) as snapshots:
        for snapshot in snapshots:
            judge.take(snapshot)
            log.take(snapshot.alerts)
            if not watch(reel.place, len(reel.events)):
                return None
    found = report(tape, judge)
    return Trial(found, own, log.said, _counting(found.records, terms, own=own))


def _under(wallet: Wallet, terms: Terms, *, own: bool) -> Wallet:
    if own:
        return terms.wallet if wallet.key == terms.wallet.key else wallet
    mine = terms.wallet
    rules = mine.rules.over(mine.tag_rules)
    return replace(wallet, thresholds=terms.thresholds, position_thresholds=(), rules=rules)


def _counting(records: Sequence[Record], terms: Terms, *, own: bool) -> Sequence[Record]:
    """Those of the wallet, where it is on the tape; of these the position alone that is meant, where that is."""
    if not own:
        return records
    mine = [record for record in records if record.id.rpartition(":")[2] == terms.wallet.key]
    return [record for record in mine if record.id == terms.position] or mine


class _Log:
    """Alerts as they turn up, each once for each position that it is about."""

    def __init__(self) -> None:
        self.said: dict[str, list[Said]] = {}
        self._last = 0

    def take(self, alerts: Sequence[Alert]) -> None:
        """Newest first, as a snapshot has them."""
        fresh = [alert for alert in alerts if alert.id > self._last]
        for alert in reversed(fresh):
            self._last = alert.id
            for position in alert.positions:
                said = Said(alert.at, alert.severity, alert.kind, alert.held == OFF)
                self.said.setdefault(position, []).append(said)
