"""`liqtui wallet add | list | remove | edit | import`: the watchlist from the shell."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeAlias

from liqtui.chain.addresses import checksum
from liqtui.cli.arguments import EXIT_USAGE
from liqtui.config.chains import known_chains
from liqtui.config.errors import WatchlistError, did_you_mean
from liqtui.config.imports import import_text
from liqtui.config.kinds import BadValueError, shown_wad
from liqtui.config.load import load
from liqtui.config.paths import locate
from liqtui.config.schema_alerts import threshold_settings
from liqtui.config.store import WatchlistStore
from liqtui.config.tags import without_wallet
from liqtui.config.watchlist import find_twin, is_resolved, read_address
from liqtui.core.text import clean
from liqtui.core.units import decimal_string
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds, Wallet, crossed

if TYPE_CHECKING:
    from collections.abc import Callable

    from liqtui.cli.arguments import Arguments
    from liqtui.config.kinds import Kind
    from liqtui.config.load import Config

Resolver: TypeAlias = "Callable[[str], str]"
"""ENS name → checksummed address; LookupError with a sentence."""

SCHEMA = 1
_LIMITS = ("warn", "critical", "warn_cushion", "critical_cushion", "warn_sigmas", "critical_sigmas")


class RefusedError(Exception):
    """What was asked for is not done; the text says why. The code is the process's."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class _Session:
    args: Arguments
    config: Config
    store: WatchlistStore
    resolve: Resolver
    ask: Callable[[str], str]

    def address_of(self, text: str) -> tuple[str, str]:
        """(checksummed address, ENS name or empty). Raises RefusedError."""
        try:
            address = read_address(text, checksum)
        except BadValueError as fault:
            raise RefusedError(f"{text} {fault.message}; {fault.hint}.", EXIT_USAGE) from None
        if address.startswith("0x"):
            return address, ""
        try:
            return self.resolve(text), text
        except LookupError as fault:
            raise RefusedError(f"{_text(fault)}.") from None


def run(args: Arguments, resolve: Resolver | None = None, ask: Callable[[str], str] = input) -> int:
    """Exit code: 0 done, 1 refused or in part, 64 wrong usage. Raises ConfigError and WatchlistError."""
    paths = locate(args.config, args.watchlist)
    config = load(paths.config, named=paths.config_named)
    store = WatchlistStore(paths.watchlist, checksum, {*known_chains(), *config.chains})
    store.load()
    session = _Session(args, config, store, resolve or _by_ethereum(config), ask)
    try:
        code = _ACTIONS[args.action](session)
    except RefusedError as refused:
        print(f"liqtui wallet {args.action}: {refused}", file=sys.stderr)
        return refused.code
    for name, remark in without_wallet(store.current.tags, store.current.wallets):
        print(f"tag {clean(name, 40)}: {remark}", file=sys.stderr)
    return code


def _by_ethereum(config: Config) -> Resolver:
    """Ask the registry on Ethereum, through the person's own endpoints."""

    def resolve(name: str) -> str:
        import asyncio

        from liqtui.engine.setup import pool, resolve_name

        return asyncio.run(resolve_name(name, config.chains.values(), pool))

    return resolve


def _add(session: _Session) -> int:
    args = session.args
    if args.label and len(args.addresses) > 1:
        raise RefusedError("--label is for one wallet; add them one by one.", EXIT_USAGE)
    new: list[Wallet] = []
    try:
        for text in args.addresses:
            address, name = session.address_of(text)
            new.append(_with_details(Wallet(address, name=name), session))
        wanted = session.store.current.add(*new)
    except (RefusedError, WatchlistError) as fault:
        code = fault.code if isinstance(fault, RefusedError) else 1
        raise RefusedError(f"{fault} Nothing was added." if len(args.addresses) > 1 else str(fault), code) from None
    session.store.save(wanted)
    for wallet in new:
        print(f"watching {_title(wallet)}")
    _remark_unwatched(session, new)
    print(f"{_count(len(session.store.current.wallets))} in {session.store.path}")
    return 0


def _list(session: _Session) -> int:
    wallets = session.store.current.wallets
    if session.args.json:
        print(json.dumps({"schema": SCHEMA, "wallets": [_as_json(wallet) for wallet in wallets]}, indent=2))
    elif wallets:
        rows = [("LABEL", "ADDRESS", "NAME", "CHAINS", "TAGS", "THRESHOLDS", "NOTE"), *map(_as_row, wallets)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        kept = [column for column in range(len(widths)) if column < 2 or any(row[column] for row in rows[1:])]
        for row in rows:
            print("  ".join(row[column].ljust(widths[column]) for column in kept).rstrip())
    else:
        print(f"No wallets yet: liqtui wallet add ADDRESS ({session.store.path})", file=sys.stderr)
    return 0


def _remove(session: _Session) -> int:
    args, store = session.args, session.store
    gone = [_find(session, wanted) for wanted in dict.fromkeys(args.wallets)]
    if not args.yes:
        for wallet in gone:
            print(_title(wallet))
        _confirm(session, f"Stop watching {_count(len(gone))}? [y/N] ")
    store.remove(*(wallet.address for wallet in gone))
    for wallet in gone:
        print(f"no longer watching {_title(wallet)}")
    print(f"The list as it was before is kept: cp {quote(str(store.backup))} {quote(str(store.path))} brings it back.")
    return 0


def _confirm(session: _Session, question: str) -> None:
    try:
        answer = session.ask(question)
    except EOFError:
        print(file=sys.stderr)
        raise RefusedError("nobody there to answer; --yes removes without asking.") from None
    if answer.strip().lower() not in {"y", "yes"}:
        raise RefusedError("nothing was changed.")


def _edit(session: _Session) -> int:
    old = _find(session, session.args.wallet)
    changed = _with_details(old, session)
    if changed == old:
        raise RefusedError("nothing to change: give --label, --tags, --chains, --note or a threshold.", EXIT_USAGE)
    session.store.edit(old.address, changed)
    print(f"changed {_title(changed)}")
    _remark_unwatched(session, [changed])
    return 0


def _import(session: _Session) -> int:
    store = session.store
    found = import_text(_text_of(session.args), store.current, checksum, {*known_chains(), *session.config.chains})
    told = [(row, " ".join(f"line {row.line}: {row.text} {row.reason}".split())) for row in found.rejected]
    wrong = [words for row, words in told if not row.harmless]
    known = [words for row, words in told if row.harmless and not row.aside]
    aside = [words for row, words in told if row.aside]
    new: list[Wallet] = []
    for wallet in found.wallets:
        try:
            address, name = (wallet.address, wallet.name) if is_resolved(wallet) else session.address_of(wallet.address)
        except RefusedError as refused:
            wrong.append(str(refused))
            continue
        resolved = replace(wallet, address=address, name=name)
        twin = find_twin((*store.current.wallets, *new), resolved)  # two names may be one address
        if twin:
            known.append(f"{_title(resolved)} is already watched, as {twin.title}")
        else:
            new.append(resolved)
    if new:
        store.add(*new)
    for text in (*aside, *known, *wrong):
        print(text, file=sys.stderr)
    print(f"{len(new)} added, {len(known)} known, {len(wrong)} refused")
    print(f"{_count(len(store.current.wallets))} in {store.path}")
    return 1 if wrong else 0


def _text_of(args: Arguments) -> str:
    try:
        data = sys.stdin.buffer.read() if str(args.file) == "-" else args.file.read_bytes()
        return data.decode("utf-8")
    except OSError as fault:
        raise RefusedError(f"{args.file} cannot be read: {fault.strerror or fault}.") from None
    except UnicodeDecodeError:
        raise RefusedError(f"{args.file} is not UTF-8 text.") from None


def _with_details(wallet: Wallet, session: _Session) -> Wallet:
    """The wallet with what the options say about it. Raises RefusedError."""
    args = session.args
    given: dict[str, Any] = {
        name: value for name in ("label", "tags", "chains", "note") if (value := getattr(args, name)) is not None
    }
    for chain in given.get("chains", ()):
        names = {*known_chains(), *session.config.chains}
        if chain not in names:
            raise RefusedError(f'unknown chain "{chain}": {did_you_mean(chain, names)}', EXIT_USAGE)
    for name in ("label", "note"):
        if not given.get(name, "").isprintable():
            raise RefusedError(f"--{name} holds characters that cannot be printed.", EXIT_USAGE)
    wide = session.config.thresholds.over(DEFAULT_THRESHOLDS)
    applied = wallet.tag_thresholds.over(wide)
    return replace(wallet, **given, thresholds=_thresholds(wallet.thresholds, args, applied))


def _thresholds(old: Thresholds, args: Arguments, applied: Thresholds) -> Thresholds:
    """`applied`: what holds where the wallet says nothing."""
    found = {setting.key: setting.kind for setting in threshold_settings()}
    changes = {name: _limit(name, text, found[name]) for name in _LIMITS if (text := getattr(args, name)) is not None}
    new = old._replace(**changes)
    for above, below in zip(_LIMITS[::2], _LIMITS[1::2], strict=True):
        upper, lower = getattr(new, above), getattr(new, below)
        if upper is not None and lower is not None and upper <= lower:
            raise RefusedError(f"{_option(above)} has to be above {_option(below)}.", EXIT_USAGE)
    if changes and (found := crossed(new, applied)):
        name, other, value = found
        side = "above" if name.startswith("warn") else "under"
        told = f"{_option(name)} has to be {side} {_option(other)}, which is {shown_wad(value)} where nothing is given."
        raise RefusedError(told, EXIT_USAGE)
    return new


def _limit(name: str, text: str, kind: Kind) -> int | None:
    """Exact, or None for nothing: "" takes a threshold away."""
    if not text.strip():
        return None
    try:
        return kind.read(Decimal(text))
    except InvalidOperation:
        raise RefusedError(f'{_option(name)}: "{text}" is no number.', EXIT_USAGE) from None
    except BadValueError as fault:
        raise RefusedError(f"{_option(name)} {fault.message}.", EXIT_USAGE) from None


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _find(session: _Session, wanted: str) -> Wallet:
    wallet = session.store.current.get(wanted)
    if wallet is None:
        names = [name for entry in session.store.current.wallets for name in (entry.label, entry.name) if name]
        raise RefusedError(f'"{wanted}" is not in the watchlist. {did_you_mean(wanted, names)}'.rstrip())
    return wallet


def _remark_unwatched(session: _Session, wallets: list[Wallet]) -> None:
    """A chain that is known but not configured is not read: that must not pass in silence."""
    for wallet in wallets:
        missing = [chain for chain in wallet.chains if chain not in session.config.chains]
        if missing:
            print(f"{wallet.title}: not configured, so not read: {', '.join(missing)}", file=sys.stderr)


def _title(wallet: Wallet) -> str:
    words = " ".join(part for part in (wallet.label, wallet.name if wallet.name != wallet.address else "") if part)
    return f"{words} {wallet.address}" if words else wallet.address


def _count(number: int) -> str:
    return f"{number} wallet" if number == 1 else f"{number} wallets"


def _text(fault: LookupError) -> str:
    return str(fault.args[0] if fault.args else fault).rstrip(".")


def _limits(thresholds: Thresholds) -> dict[str, str]:
    return {name: decimal_string(raw, 18) for name in _LIMITS if (raw := getattr(thresholds, name)) is not None}


def _as_row(wallet: Wallet) -> tuple[str, ...]:
    limits = " ".join(f"{name}={value}" for name, value in _limits(wallet.thresholds).items())
    name = wallet.name if wallet.name != wallet.address else ""
    return wallet.label, wallet.address, name, ",".join(wallet.chains), ",".join(wallet.tags), limits, wallet.note


def _as_json(wallet: Wallet) -> dict[str, Any]:
    """Decimals as exact strings, like everything in JSON that liqtui prints."""
    return {
        "address": wallet.address if is_resolved(wallet) else None,
        "name": wallet.name,
        "label": wallet.label,
        "chains": list(wallet.chains),
        "tags": list(wallet.tags),
        "note": wallet.note,
        "thresholds": _limits(wallet.thresholds),
        "positions": {name: _limits(own) for name, own in wallet.position_thresholds},
    }


_ACTIONS: dict[str, Callable[[_Session], int]] = {
    "add": _add,
    "list": _list,
    "remove": _remove,
    "edit": _edit,
    "import": _import,
}
