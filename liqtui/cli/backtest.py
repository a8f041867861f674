"""`liqtui backtest FILE`: would the rules have warned, on the recording of a crash?"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from liqtui.cli import lines
from liqtui.core import format as fmt
from liqtui.core.text import clean

if TYPE_CHECKING:
    from liqtui.chain.tape import Tape
    from liqtui.cli.arguments import Arguments
    from liqtui.engine.backtest import Episode, Liquidation, Record, Report
    from liqtui.engine.setup import Setup

EXIT_MISSED, EXIT_BLIND = 1, 3

COLUMNS = ("wallet", "protocol", "liquidated", "least lead", "missed", "warnings", "false", "messages")


def run(args: Arguments) -> int:
    """0: every liquidation was warned of; 1: one was not; 3: no position on the tape could be read."""
    from liqtui.cli.replay import EXIT_DATA, read
    from liqtui.engine.backtest import backtest

    tape = read(args.file)
    if tape is None:
        return EXIT_DATA
    setup = _setup(args, tape)
    report = backtest(tape, setup, lead=args.lead, window=args.window)
    if args.json:
        _print_json(report, tape, setup)
    else:
        for line in told(report, tape, setup):
            print(lines.plain(line.replace("✖", "X")) if args.ascii else line)
    if not any(record.read for record in report.records):
        print("liqtui: no position on this tape could be read: nothing was tested", file=sys.stderr)
        return EXIT_BLIND
    return EXIT_MISSED if report.missed else 0


def _setup(args: Arguments, tape: Tape) -> Setup:
    """The tape's chains, markets and wallets under one's own rules. Raises ConfigError, WatchlistError.

    Thresholds of single wallets are the tape's; what a watchlist that is named says of them and of their tags, rules
    too, takes their place.
    """
    from liqtui.chain.addresses import checksum
    from liqtui.cli.session import Session, locate
    from liqtui.config import load
    from liqtui.config.store import WatchlistStore

    where = locate(args)
    config = load.load(where.config, named=where.config_named)
    header, own = tape.header, {}
    if args.watchlist is not None:
        watched = WatchlistStore(where.watchlist, checksum, [spec.name for spec in header.chains]).load().effective
        own = {wallet.key: wallet for wallet in watched}
    wallets = tuple(own.get(wallet.key, wallet) for wallet in header.wallets)
    setup = Session(where, config, None, wallets).setup()
    return replace(setup, chains=header.chains, markets=header.markets, state=None, notices=(), channels=(), ping=None)


# -- for people ----------------------------------------------------------------------------------------------------


def told(report: Report, tape: Tape, setup: Setup) -> list[str]:
    """The whole report as lines."""
    head = f"{fmt.counted(report.frames, 'frame')}, {_time(report.start)} to {_time(report.end)}; {_rules(setup)}"
    made = [clean(report.title, 120)] if report.title else []
    made += [head, *([f"! {tape.cut}"] if tape.cut else []), ""]
    made += _table([COLUMNS, *(_cells(record) for record in report.records)])
    hits = [(hit.at, record, hit) for record in report.records for hit in record.liquidations]
    if hits:
        made.append("")
        for _, record, hit in sorted(hits, key=lambda found: (found[0], found[1].id)):
            made += _hit(record, hit)
    totals = (
        f"{fmt.counted(len(report.records), 'position')}, {report.liquidations} liquidated, {report.missed} missed, "
        f"{fmt.counted(report.false_alarms, 'false alarm')}, {fmt.counted(report.messages, 'message')}"
    )
    made += [
        "",
        totals,
        *([] if hits else ["no liquidation on this tape: no lead was tested"]),
        "",
        *_definitions(report),
    ]
    return made


def _cells(record: Record) -> tuple[str, ...]:
    place = clean(f"{record.protocol} {record.chain}", 40) + ("" if record.read else " (never read)")
    hits = len(record.liquidations)
    lead = "" if not hits else "none" if record.least_lead is None else span(record.least_lead)
    return (
        clean(record.label, 24) or record.id, place, str(hits or ""), lead, str(record.missed or ""),
        str(len(record.warnings) or ""), str(record.false_alarms or ""), str(record.messages or ""),
    )  # fmt: skip


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _hit(record: Record, hit: Liquidation) -> list[str]:
    name = clean(f"{record.label} {record.protocol} {record.chain}".strip(), 60)
    first = f"{_time(hit.at)}  ✖ {name} liquidated"
    if hit.warning is None or hit.lead is None:
        return [f"{first}: MISSED, no warning came before it", f"    {hit.text}"]
    only = f"warned only {span(hit.lead)} before" if hit.lead else "warned with the last reading before it"
    verdict = f"MISSED, {only}" if hit.missed else f"warned at least {span(hit.lead)} before"
    return [f"{first}: {verdict}", f"    {_time(hit.warning.at)}  {hit.warning.level.value}: {hit.warning.text}"]


def _definitions(report: Report) -> list[str]:
    missed = f"a lead under {span(report.lead)}" if report.lead else "a lead of 0"
    return [
        "liquidated    as noticed by liqtui, by the balances or by the protocol's own event",
        "warning       alerts from CALL on that say a liquidation is near, not held back, until they are over",
        "lead          from a warning's first alert to the last reading before the liquidation: so long, at least",
        f"missed        a liquidation without a warning, or with {missed}",
        f"false alarm   over within {span(report.window)} by itself: it never was liquidatable, nobody repaid or added",
        "messages      alerts from CALL on that were not held back, and every escalation",
    ]


def span(seconds: float) -> str:
    """As "1h 12m", cut: never longer than it is."""
    left, parts = int(seconds), list[str]()
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def _rules(setup: Setup) -> str:
    from liqtui.core.wallet import DEFAULT_THRESHOLDS

    found = setup.thresholds.over(DEFAULT_THRESHOLDS)
    assert found.warn is not None
    assert found.critical is not None
    return f"warn {fmt.threshold(found.warn)}, critical {fmt.threshold(found.critical)}, unless a wallet has its own"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


# -- for programs --------------------------------------------------------------------------------------------------


def _print_json(report: Report, tape: Tape, setup: Setup) -> None:
    import json

    json.dump(as_json(report, tape, setup), sys.stdout, indent=1, ensure_ascii=False)
    print()


def as_json(report: Report, tape: Tape, setup: Setup) -> dict[str, Any]:
    """Schema 1 of `docs/backtest.md`."""
    return {
        "schema": 1,
        "tape": {
            "title": report.title, "start": _iso(report.start), "end": _iso(report.end), "frames": report.frames,
            "cut": tape.cut,
        },
        "rules": _rules(setup),
        "lead_seconds": report.lead,
        "window_seconds": report.window,
        "totals": {
            "positions": len(report.records), "liquidations": report.liquidations, "missed": report.missed,
            "false_alarms": report.false_alarms, "messages": report.messages, "notices": report.notices,
        },
        "positions": [_record(record) for record in report.records],
    }  # fmt: skip


def _record(record: Record) -> dict[str, Any]:
    return {
        "id": record.id, "label": record.label, "chain": record.chain, "protocol": record.protocol,
        "market": record.market, "read": record.read, "messages": record.messages, "notices": record.notices,
        "missed": record.missed, "false_alarms": record.false_alarms, "least_lead_seconds": record.least_lead,
        "liquidations": [
            {
                "at": _iso(hit.at), "missed": hit.missed, "lead_seconds": hit.lead, "text": hit.text,
                "warning": None if hit.warning is None else _warning(hit.warning),
            }
            for hit in record.liquidations
        ],
        "warnings": [_warning(warning) for warning in record.warnings],
    }  # fmt: skip


def _warning(warning: Episode) -> dict[str, Any]:
    return {
        "at": _iso(warning.at), "level": warning.level.value, "kind": warning.kind, "text": warning.text,
        "ended_at": None if warning.ended_at is None else _iso(warning.ended_at), "outcome": warning.outcome.value,
    }  # fmt: skip


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
