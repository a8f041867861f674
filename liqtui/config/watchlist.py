"""The list of watched wallets as a value. `watchlist_text` reads and writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from liqtui.config.errors import WatchlistError
from liqtui.config.kinds import BadValueError
from liqtui.core.rules import Rules
from liqtui.core.wallet import Thresholds, Wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from liqtui.config.tags import Tag

Checksum: TypeAlias = "Callable[[str], str]"
"""Address in any case → the same with its EIP-55 checksum."""

_HEX = re.compile(r"0[xX][0-9a-fA-F]{40}")
_NAME = re.compile(r"[^\s.,;\"'#/\\]+(\.[^\s.,;\"'#/\\]+)+")


class Layout(NamedTuple):
    """The text of a file that was read, so that comments outlive a change made by the program."""

    header: str = ""
    """The comment block at the top."""
    blocks: Mapping[str, tuple[Wallet, str, str]] = {}
    """Wallet key → (as read, comment lines above it, its own lines)."""
    tail: str = ""
    """Tables of tags that stand behind the first wallet; those before it are part of the header."""


@dataclass(frozen=True)
class Watchlist:
    """Wallets in the order in which they are shown; no two with the same address or name.

    Each says what is its own; `effective` are the same with what their tags say.
    """

    wallets: tuple[Wallet, ...] = ()
    layout: Layout = field(default_factory=Layout, compare=False, repr=False)
    tags: tuple[Tag, ...] = ()

    @property
    def effective(self) -> tuple[Wallet, ...]:
        """For the engine. Of several tags the first that says something counts."""
        if not self.tags:
            return self.wallets
        known = {tag.name: tag for tag in self.tags}
        found: list[Wallet] = []
        for wallet in self.wallets:
            thresholds, rules = Thresholds(), Rules()
            for name in wallet.tags:
                if name in known:
                    thresholds = thresholds.over(known[name].thresholds)
                    rules = rules.over(known[name].rules)
            found.append(replace(wallet, tag_thresholds=thresholds, tag_rules=rules))
        return tuple(found)

    def get(self, wallet: str) -> Wallet | None:
        """By address (any case), ENS name or label."""
        wanted = wallet.lower()
        if not wanted:
            return None
        found = [entry for entry in self.wallets if wanted in {entry.key, entry.name.lower()}]
        found = found or [entry for entry in self.wallets if entry.label == wallet]
        if len(found) > 1:
            raise WatchlistError(f'"{wallet}" means {len(found)} wallets: name one by its address.')
        return found[0] if found else None

    def add(self, *wallets: Wallet) -> Watchlist:
        """With these at the end. Raises WatchlistError for one that is there already."""
        out = list(self.wallets)
        for wallet in wallets:
            twin = find_twin(out, wallet)
            if twin:
                raise WatchlistError(f"{wallet.address} is already watched, as {twin.title}.")
            out.append(_own(wallet))
        return replace(self, wallets=tuple(out))

    def edit(self, wallet: str, changed: Wallet) -> Watchlist:
        """With `changed` in the place of the one named. Raises WatchlistError."""
        old = self._one(wallet)
        others = [entry for entry in self.wallets if entry is not old]
        twin = find_twin(others, changed)
        if twin:
            raise WatchlistError(f"{changed.address} is already watched, as {twin.title}.")
        own = _own(changed)
        if own.key != old.key and is_resolved(old):  # ids of positions have the address in them
            own = replace(own, position_thresholds=())
        return replace(self, wallets=tuple(own if entry is old else entry for entry in self.wallets))

    def remove(self, *wallets: str) -> Watchlist:
        gone = [self._one(wallet) for wallet in wallets]
        return replace(self, wallets=tuple(entry for entry in self.wallets if entry not in gone))

    def move(self, wallet: str, place: int) -> Watchlist:
        """With the one named at this index, counted without it; outside the list means its nearest end."""
        moved = self._one(wallet)
        out = [entry for entry in self.wallets if entry is not moved]
        out.insert(max(0, place), moved)
        return replace(self, wallets=tuple(out))

    def _one(self, wallet: str) -> Wallet:
        found = self.get(wallet)
        if found is None:
            raise WatchlistError(f"{wallet} is not in the watchlist.")
        return found


def _own(wallet: Wallet) -> Wallet:
    """Without what its tags say."""
    return replace(wallet, tag_thresholds=Thresholds(), tag_rules=Rules())


def is_address(text: str) -> bool:
    """Whether it looks like one: its checksum is another matter, see `read_address`."""
    return _HEX.fullmatch(text) is not None


def is_resolved(wallet: Wallet) -> bool:
    """Whether it has an address; else its `address` is the ENS name that the person wrote."""
    return is_address(wallet.address)


def find_twin(wallets: Iterable[Wallet], wallet: Wallet) -> Wallet | None:
    """One that is the same wallet: same address, or a name that has not been resolved yet."""
    names = {wallet.key, wallet.name.lower()} - {""}
    for other in wallets:
        unresolved = not is_resolved(wallet) or not is_resolved(other)
        if other.key == wallet.key or (unresolved and names & {other.key, other.name.lower()}):
            return other
    return None


def read_address(text: str, checksum: Checksum) -> str:
    """Address with its checksum, or an ENS name as it is. Raises BadValueError."""
    if not is_address(text):
        if text[:2].lower() == "0x":
            raise BadValueError("is not an address", "0x and 40 hex digits are needed")
        if not _NAME.fullmatch(text) or len(text) > 255:
            raise BadValueError("is neither an address nor an ENS name", "0x and 40 hex digits, or name.eth")
        return text
    digits = text[2:]
    address = checksum("0x" + digits.lower())
    if digits not in {digits.lower(), digits.upper()} and digits != address[2:]:
        raise BadValueError("has a wrong checksum: a digit or a letter's case was changed", "copy the address again")
    return address
