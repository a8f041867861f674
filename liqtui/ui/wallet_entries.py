"""What somebody types or pastes as wallets, line by line: good, wrong and why, or a name to be looked up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from liqtui.config.errors import ConfigError, did_you_mean
from liqtui.config.kinds import THRESHOLD, BadValueError
from liqtui.config.watchlist import find_twin, is_resolved
from liqtui.core.text import clean, short_address
from liqtui.core.units import decimal_string
from liqtui.core.wallet import Thresholds, crossed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from liqtui.core.wallet import Wallet
    from liqtui.ui.wallet_book import WalletBook


class FieldError(ValueError):
    """A sentence about one field of the form."""


@dataclass(frozen=True)
class Lookup:
    """Answers to names so far; a name that is in neither is still on its way."""

    addresses: Mapping[str, str] = field(default_factory=dict[str, str])
    errors: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Entries:
    """A reading of the text."""

    wallets: tuple[Wallet, ...] = ()
    """Good ones, with addresses."""
    waiting: tuple[str, ...] = ()
    """Names that are being looked up."""
    notes: tuple[tuple[str, str], ...] = ()
    """(mark, sentence) for each entry: ✓ good, ✗ wrong, … on its way."""
    wrong: int = 0

    @property
    def ready(self) -> bool:
        return bool(self.wallets) and not self.waiting and not self.wrong


def read_entries(text: str, book: WalletBook, lookup: Lookup) -> Entries:
    """Check every address and name in the text, against each other and the watchlist."""
    if not text.strip():
        return Entries()
    try:
        found = book.preview(text)
    except (ConfigError, ValueError) as fault:
        return Entries(notes=(("✗", clean(str(fault), 300)),), wrong=1)
    good: list[Wallet] = []
    waiting: list[str] = []
    notes: list[tuple[str, str]] = []
    wrong = len(found.rejected)
    for wallet in found.wallets:
        placed = _placed(wallet, lookup)
        if placed is None:
            name = wallet.address
            if name in lookup.errors:
                wrong += 1
                why = lookup.errors[name]
                notes.append(("✗", clean(why if why.startswith(name) else f"{clean(name, 42)}: {why}", 200)))
            else:
                waiting.append(name)
                notes.append(("…", f"{clean(name, 42)}: asking who that is"))
            continue
        twin = find_twin([*book.wallets, *good], placed)
        if twin is not None:
            wrong += 1
            where = "stands further up already" if twin in good else f"is already watched, as {clean(twin.title, 42)}"
            notes.append(("✗", f"{_shown(placed)} {where}"))
        else:
            good.append(placed)
            notes.append(("✓", _shown(placed)))
    many = len(found.wallets) + len(found.rejected) > 1
    for rejected in found.rejected:
        where = f"line {rejected.line}: " if many else ""
        notes.append(("✗", f"{where}{clean(rejected.text, 50)} {clean(rejected.reason, 160)}"))
    return Entries(tuple(good), tuple(waiting), tuple(notes), wrong)


def _placed(wallet: Wallet, lookup: Lookup) -> Wallet | None:
    """The wallet with its address; None while that is not known."""
    if is_resolved(wallet):
        return wallet
    address = lookup.addresses.get(wallet.address)
    return None if address is None else replace(wallet, address=address, name=wallet.address)


def _shown(wallet: Wallet) -> str:
    label = f"  {clean(wallet.label, 30)}" if wallet.label else ""
    if wallet.name and wallet.name != wallet.address:
        return f"{clean(wallet.name, 42)} → {short_address(wallet.address)}{label}"
    return f"{wallet.address}{label}"


def read_words(text: str) -> tuple[str, ...]:
    """Tags or chains, separated by blanks or commas, each once."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def read_chains(text: str, known: Collection[str]) -> tuple[str, ...]:
    """Raises FieldError for a chain that is not watched, where it is known which are."""
    chains = read_words(text)
    for chain in chains:
        if known and chain not in known:
            raise FieldError(f"no chain is called “{clean(chain)}”, {did_you_mean(chain, known)}")
    return chains


def read_thresholds(warn: str, critical: str, before: Thresholds, applied: Thresholds) -> Thresholds:
    """Both may be empty, where `applied` holds; cushions that were set in the file stay. Raises FieldError."""
    upper, lower = _threshold("warn", warn), _threshold("critical", critical)
    if upper is not None and lower is not None and lower >= upper:
        raise FieldError("warn has to be above critical")
    if found := crossed(Thresholds(upper, lower), applied):
        name, other, value = found
        side = "above" if name == "warn" else "under"
        raise FieldError(f"{name} has to be {side} {other}, which is {threshold_text(value)} where nothing is typed")
    return before._replace(warn=upper, critical=lower)


def _threshold(name: str, text: str) -> int | None:
    if not text.strip():
        return None
    try:
        raw: int = THRESHOLD.read(Decimal(text.strip().replace(",", ".")))
    except ArithmeticError:
        raise FieldError(f"{name}: “{clean(text, 40)}” is not a number such as 1.20") from None
    except BadValueError as fault:
        raise FieldError(f"{name} {fault}") from None
    return raw


def threshold_text(raw: int | None) -> str:
    return "" if raw is None else decimal_string(raw, 18)


def read_line(name: str, text: str) -> str:
    """A label or note. Raises FieldError for what a terminal must not be sent."""
    if not text.isprintable():
        raise FieldError(f"{name} holds characters that cannot be printed")
    return text.strip()


def with_fields(wallets: Sequence[Wallet], **fields: object) -> tuple[Wallet, ...]:
    """The same fields for all; a label only where it came with the text or there is one wallet."""
    given = {name: value for name, value in fields.items() if value not in {"", (), Thresholds()}}
    if len(wallets) > 1:
        given.pop("label", None)
    return tuple(replace(wallet, **given) for wallet in wallets)  # type: ignore[arg-type]
