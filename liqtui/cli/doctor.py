"""`liqtui doctor`: what is configured, what answers, what the terminal can do; and what to do about it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liqtui.cli.glyphs import plain
from liqtui.cli.waiting import Asking
from liqtui.config.tags import without_wallet
from liqtui.core.format import age
from liqtui.core.reads import ReadError
from liqtui.core.redact import redact
from liqtui.core.text import clean
from liqtui.core.units import SECONDS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.chain.pool import EndpointPool
    from liqtui.cli.arguments import Arguments
    from liqtui.cli.session import Session
    from liqtui.core.rules import ChannelSpec
    from liqtui.core.sources import ChainSpec, MarketRef
    from liqtui.engine.examine import Examined
    from liqtui.protocols.feed_check import FeedsFound
    from liqtui.protocols.registry import About

GOOD, ODD, BAD = "ok", "note", "BAD"
_LATE_HEAD = 120.0
_AT_ONCE = 8
_OFF_PACE, _OFF_RATE = 1.5, 1.1
"""Times by which blocks may come faster or slower than was said, for what is late and for yearly rates."""


@dataclass(frozen=True)
class Finding:
    state: str
    what: str
    words: str


def run(args: Arguments) -> int:
    """0 when nothing is bad, 1 otherwise; 78 when the configuration cannot be read."""
    from liqtui.cli.session import begin

    bad = 0
    session = begin(args)
    for title, findings in (
        ("configuration", _configuration(session)),
        ("state", _state(session)),
        ("terminal", [*_terminal(args, session), *_screen(args, session)]),
        ("alerts", _alerts(session)),
    ):
        bad += _print(title, findings, ascii_only=bool(args.ascii))
    for spec, findings in asyncio.run(_chains(session)):
        bad += _print(f"chain {spec.name} ({spec.id})", findings, ascii_only=bool(args.ascii))
    print(f"\n{bad} bad" if bad else "\nnothing bad")
    return 1 if bad else 0


def _print(title: str, findings: Iterable[Finding], *, ascii_only: bool) -> int:
    print(f"\n{title}")
    bad = 0
    for finding in findings:
        line = f"  {finding.state:<5} {finding.what:<22} {finding.words}"
        print(plain(line) if ascii_only else line)
        bad += finding.state == BAD
    return bad


def _configuration(session: Session) -> Iterable[Finding]:
    source = session.config.source
    yield Finding(GOOD, "config.toml", str(session.paths.config) if source else "none: defaults")
    if session.store is not None:
        count = len(session.wallets)
        words = f"{session.paths.watchlist}, {count} wallet{'' if count == 1 else 's'}"
        yield Finding(GOOD if count else ODD, "watchlist", words if count else f"{session.paths.watchlist} is empty")
        for name, words in without_wallet(session.store.current.tags, session.wallets):
            yield Finding(ODD, f"tag {clean(name, 40)}", words)
    if session.config.public:
        yield Finding(ODD, "endpoints", "built-in public ones on some chains: add your own under [chains.NAME] rpc")
    folder = session.paths.config.parent
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    writable = there.is_dir() and os.access(there, os.W_OK)
    lacks = "" if there == folder else ": made when something is written to it"
    yield Finding(
        GOOD if writable else BAD, "config folder", f"{folder}{lacks if writable else ' cannot be written to'}"
    )


def _screen(args: Arguments, session: Session) -> Iterable[Finding]:
    """What of the configuration only the screen reads, and would end with."""
    from liqtui.config.errors import ConfigError

    try:
        if wanted := args.theme or session.config.ui.theme:
            from liqtui.config.themes import find

            find(wanted, session.paths.themes)
            yield Finding(GOOD, "theme", clean(wanted, 40))
    except ConfigError as fault:
        yield Finding(BAD, "theme", str(fault))
    try:
        if session.config.keys:
            from liqtui.ui.bindings import actions  # with all of Textual: only where there are keys to look at

            session.config.keymap(actions())
            yield Finding(GOOD, "keys", f"{len(session.config.keys)} of your own")
    except ConfigError as fault:
        yield from (Finding(BAD, "keys", line) for line in str(fault).splitlines())


def _state(session: Session) -> Iterable[Finding]:
    from liqtui.config.folders import LOCK
    from liqtui.config.lock import InstanceLock
    from liqtui.config.paths import private_dir

    try:
        folder = private_dir(session.paths.state)
        free = shutil.disk_usage(folder).free // 2**20
        lock = InstanceLock(folder / LOCK)
        held = lock.acquire()
        holder = "" if held else f"process {lock.holder or '?'} is watching and writes the history"
        lock.release()
    except OSError as fault:
        yield Finding(BAD, "state folder", f"{session.paths.state}: {fault.strerror}: no history, no verdict")
        return
    yield Finding(GOOD if free > 100 else BAD, "state folder", f"{folder}, {free:,} MB free")
    yield Finding(GOOD if held else ODD, "other liqtui", holder or "none")
    yield _daemon(session, held=not held)


def _daemon(session: Session, *, held: bool) -> Finding:
    """Whether one runs on this state folder, and whether screens can attach to it."""
    from liqtui.cli.attach import find

    hello, why = find(session)
    if hello is None:
        dead = session.paths.socket.exists() and not held
        words = "ended without a word: `liqtui daemon` starts it again" if dead else why or "none runs"
        return Finding(BAD if dead else ODD if why else GOOD, "daemon", words)
    screens = f"{hello.screens} screen{'' if hello.screens == 1 else 's'} attached"
    words = f"process {hello.pid}, since {age(time.time() - hello.started)}, liqtui {hello.program}, {screens}"
    stale = "" if hello.digest == session.digest() else f"; has not read config.toml yet: kill -HUP {hello.pid}"
    return Finding(ODD if stale else GOOD, "daemon", words + stale)


def _terminal(args: Arguments, session: Session) -> Iterable[Finding]:
    from liqtui.cli.tui import terminal_for

    terminal, env = terminal_for(args, session.config), os.environ
    size = shutil.get_terminal_size()
    yield Finding(GOOD if sys.stdout.isatty() else ODD, "terminal", env.get("TERM", "TERM is not set"))
    fits = size.columns >= 80 and size.lines >= 24
    words = f"{size.columns}×{size.lines}{'' if fits else ': 80×24 shows more, 120×36 shows all'}"
    yield Finding(GOOD if fits else ODD, "size", words)
    hint = ": SSH does not forward COLORTERM; SendEnv COLORTERM, or --color truecolor" if terminal.ssh else ""
    yield Finding(GOOD, "colours", f"{terminal.color}{'' if terminal.color == 'truecolor' else hint}")
    yield Finding(GOOD, "characters", "ASCII only" if terminal.ascii else "Unicode")
    yield Finding(GOOD, "mouse", "on" if terminal.mouse else "off (selecting text works; --mouse turns it on)")
    if env.get("TMUX"):
        words = "set -g allow-passthrough on · set -g set-clipboard on · set -g monitor-bell on"
        yield Finding(ODD, "tmux", f"notifications and copying need: {words}")


def _alerts(session: Session) -> Iterable[Finding]:
    """The channels as configured. Nothing is sent: that is what `liqtui alert test` is for."""
    if not session.config.channels:
        yield Finding(ODD, "channels", "none: alerts reach nobody away from the screen; add [channels.NAME]")
    for spec in session.config.channels:
        found = _channel(spec)
        yield replace(found, words=f"{found.words}, from level {spec.level}")
    ping = session.config.ping
    if ping is not None:
        yield Finding(GOOD, "dead-man ping", f"{redact(ping.url)}, every {ping.every:g} s at most")
    if session.config.channels or ping is not None:
        mode = session.paths.config.stat().st_mode
        if mode & 0o077 and session.config.source is not None:
            yield Finding(ODD, "config.toml", "others on this machine can read it: chmod 600, or ${NAME} for secrets")


def _channel(spec: ChannelSpec) -> Finding:
    if spec.kind == "webhook":
        signed = "signed" if spec.secret else "not signed"
        return Finding(GOOD, spec.name, f"webhook at {redact(spec.url)}, {signed}")
    if spec.kind == "command":
        program = clean(spec.command[0], 60)
        if shutil.which(spec.command[0]) is None:
            return Finding(BAD, spec.name, f"command {program}: there is no such program")
        return Finding(GOOD, spec.name, f"command {program}")
    from liqtui.engine.channels import UnsentError
    from liqtui.engine.channels.service import understood

    try:
        return Finding(GOOD, spec.name, f"{clean(understood(spec.url), 40)} through apprise")
    except UnsentError as fault:
        return Finding(BAD, spec.name, f"{redact(spec.url)}: {fault}")


async def _chains(session: Session) -> list[tuple[ChainSpec, list[Finding]]]:
    gate = asyncio.Semaphore(_AT_ONCE)
    markets, specs = session.markets, session.config.chains.values()
    asking = Asking("chains", len(specs))

    async def examine(spec: ChainSpec) -> tuple[ChainSpec, list[Finding]]:
        async with gate:
            return spec, await _chain(spec, [ref for ref in markets if ref.chain_id == spec.id])

    return await asyncio.gather(*(asking.counted(examine(spec)) for spec in specs))


async def _chain(spec: ChainSpec, refs: Sequence[MarketRef]) -> list[Finding]:
    from liqtui.chain.pool import EndpointPool

    findings = list(await asyncio.gather(*(_endpoint(spec, url) for url in spec.rpc)))
    if not spec.rpc:
        findings.append(Finding(BAD, "endpoint", f"none: add rpc under [chains.{spec.name}]"))
    findings += [await _socket(url) for url in spec.ws]
    pool = EndpointPool(spec)
    try:
        findings += await _markets(pool, refs)
        findings += await _feeds(pool)
        findings += await _pace(pool, spec)
    finally:
        await pool.close()
    return findings


async def _endpoint(spec: ChainSpec, url: str) -> Finding:
    """One endpoint by itself: does it answer, for the right chain, how fast, how far, and by block hash."""
    from liqtui.chain.pool import EndpointPool
    from liqtui.chain.transport import Wire
    from liqtui.core.reads import Call

    pool = EndpointPool(replace(spec, rpc=(url,)), cross_check_every=0)
    wire = Wire(url, timeout=spec.timeout)
    try:
        block = await pool.head()
        get_block_number = Call(spec.multicall3, bytes.fromhex("42cbb15c"))
        await pool.read(block, [get_block_number, Call(spec.multicall3, bytes.fromhex("0f28c97d"))])
        status = pool.endpoints()[0]
        archive = "archive" if await _is_archive(wire) else "no archive"
    except ReadError as fault:
        words = fault.detail.removeprefix(f"{wire.name}: ").removeprefix(wire.name).strip()
        return Finding(BAD, wire.name, words or fault.kind)
    finally:
        await wire.close()
        await pool.close()
    behind = time.time() - block.timestamp
    parts = [f"block {block.number:,}", f"{(status.latency or 0) * 1000:.0f} ms", archive]
    parts.append("by block hash" if status.by_hash else "by number only: rounds are checked twice")
    parts.append("Multicall3" if status.multicall else "no Multicall3: one request per value")
    if behind > max(_LATE_HEAD, 10 * spec.block_time):
        return Finding(BAD, wire.name, f"head is {behind:,.0f} s old, {', '.join(parts)}")
    return Finding(GOOD if status.multicall else ODD, wire.name, ", ".join(parts))


async def _is_archive(wire: object) -> bool:
    from liqtui.chain.transport import Wire

    assert isinstance(wire, Wire)
    try:
        return isinstance(await wire.call("eth_getBalance", ["0x" + "0" * 40, "0x1"]), str)
    except ReadError:
        return False


async def _socket(url: str) -> Finding:
    from liqtui.core.redact import redact_url

    try:
        from websockets.asyncio.client import connect

        async with asyncio.timeout(10), connect(url):
            return Finding(GOOD, redact_url(url), "connects")
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is the finding
        return Finding(ODD, redact_url(url), f"no head hints: {clean(redact(str(fault)), 120) or type(fault).__name__}")


async def _feeds(pool: EndpointPool) -> list[Finding]:
    from liqtui.engine.examine import feeds as ask

    found = await ask(pool)
    return [] if found is None else feeds(found)


def feeds(found: FeedsFound) -> list[Finding]:
    """What there is to say of the price feeds that the shipped data know on a chain."""
    if not found.known:
        return []
    right = found.known - len(found.silent) - len(found.others)
    findings = [Finding(GOOD, "price feeds", f"{right} of {found.known} known ones answer as they should")]
    findings += [Finding(ODD, "price feed", f"{name} tells no round: taken out of use?") for name in found.silent]
    findings += [
        Finding(ODD, "price feed", f"{name} calls itself {said}: is it that feed?") for name, said in found.others
    ]
    return findings


async def _pace(pool: EndpointPool, spec: ChainSpec) -> list[Finding]:
    from liqtui.engine.examine import block_time
    from liqtui.protocols.registry import counted_blocks

    found = await block_time(pool)
    return pace(spec, found, counted_blocks(spec.id)) if found else []


def pace(spec: ChainSpec, seconds: float, counted: int | None) -> list[Finding]:
    """What there is to say of how fast blocks come. `counted`: in a year, by the shipped data."""
    words, usual = f"one in {seconds:.3g} s", spec.block_time
    if not usual / _OFF_PACE < seconds < usual * _OFF_PACE:
        findings = [Finding(ODD, "blocks", f"{words}, not in {usual:g} s: set block_time under [chains.{spec.name}]")]
    else:
        findings = [Finding(GOOD, "blocks", words)]
    now = SECONDS_PER_YEAR / seconds
    if counted and not counted / _OFF_RATE < now < counted * _OFF_RATE:
        told = f"those told by the block are counted for {counted:,} in a year, and {now:,.0f} come at this pace"
        findings.append(Finding(ODD, "yearly rates", f"{told}: off by {abs(counted / now - 1):.0%}"))
    return findings


async def _markets(pool: EndpointPool, refs: Sequence[MarketRef]) -> list[Finding]:
    from liqtui.engine.examine import examine
    from liqtui.protocols.registry import about, adapters

    if not refs:
        return [Finding(ODD, "markets", "none known on this chain: add [[markets]] to config.toml")]
    try:
        found = await examine(pool, refs, adapters(), about)
    except ReadError as fault:
        return [Finding(BAD, "markets", f"{len(refs)} not looked at: no endpoint answered ({fault.kind})")]
    return [finding for each in found for finding in market(each, about(each.ref))]


def market(found: Examined, known: About) -> list[Finding]:
    """What there is to say of one deployment: whether it opens, whether its revision and addresses are known ones."""
    name = clean(found.ref.name, 40)
    if not known.brand or not name.startswith(known.brand):
        name = f"{known.brand or found.ref.protocol} {name}"
    if found.survey is None:
        return [Finding(BAD, name, found.error)]
    survey = found.survey
    words = ", ".join(part for part in (survey.contents, survey.revision and f"revision {survey.revision}") if part)
    if not survey.known:
        words += ": unknown to this version, so the contract's own figures are shown"
    if found.begins and found.missed is None:
        words += f"; no node knows whether it was there before block {found.begins:,}: not checked"
    findings = [Finding(GOOD if survey.known else ODD, name, words)]
    if found.missed:
        told = (
            f"it was there before block {found.begins:,}, where the search of its logs begins: what is older is missed"
        )
        findings.append(Finding(BAD, name, told))
    for difference in found.differences:
        label, shipped, now = difference.fact.replace("_", " "), difference.shipped, difference.chain
        if not difference.grave:
            told = f"its {label} was replaced since {known.compiled}: {now} is read, not {shipped}"
            findings.append(Finding(ODD, name, told))
        else:
            told = (
                f"the shipped data of {known.compiled} say {label} {shipped}, the chain says {now}: is it this market?"
            )
            findings.append(Finding(BAD, name, told))
    return findings
