"""Wallets that the person gave by name only: looked up by the engine, and said until it is known."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from liqtui.config.watchlist import is_resolved
from liqtui.engine.words import safe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from liqtui.core.wallet import Wallet

AGAIN = 60.0
"""Seconds before a name that could not be looked up is tried again."""


class Names:
    def __init__(self, look_up: Callable[[str], Awaitable[str]], found: Callable[[], None]) -> None:
        """`look_up` gives an address or raises LookupError with a sentence; `found` is told of each new one."""
        self._look_up = look_up
        self._found = found
        self._known: dict[str, str] = {}
        self._faults: dict[str, str] = {}
        self._wallets: Sequence[Wallet] = ()
        self._woken = asyncio.Event()

    def watch(self, wallets: Sequence[Wallet]) -> None:
        self._wallets = tuple(wallets)
        self._woken.set()

    def wallets(self) -> tuple[Wallet, ...]:
        """All that are watched, with the addresses that are known by now. An address goes before a name that means it:
        what is set for it must not be replaced.
        """
        twins = set(self._twins())
        return tuple(self._with_address(wallet) for wallet in self._wallets if wallet.address not in twins)

    def _twins(self) -> Mapping[str, str]:
        """Names that turned out to mean a wallet that is listed by its address or before: what that is called."""
        listed = {wallet.key: wallet.title for wallet in self._wallets if is_resolved(wallet)}
        found: dict[str, str] = {}
        for wallet in self._wallets:
            address = self._known.get(wallet.address, "").lower()
            if address in listed:
                found[wallet.address] = listed[address]
            elif address:
                listed[address] = wallet.label or wallet.address
        return found

    def remark(self) -> str:
        """Which are not watched, and why, or are there twice; empty when all is well."""
        waiting = [wallet.address for wallet in self._missing()]
        told = [f"{safe(name)} is not watched: {self._faults.get(name, 'being looked up')}" for name in waiting]
        told += [
            f"{safe(name)} is {safe(title)}: what is set for that one holds" for name, title in self._twins().items()
        ]
        return "; ".join(told)

    async def run(self) -> None:
        """Look up what is missing, now and whenever the list changes. Never returns."""
        while True:
            self._woken.clear()
            for wallet in self._missing():
                try:
                    self._known[wallet.address] = await self._look_up(wallet.address)
                except LookupError as fault:
                    self._faults[wallet.address] = str(fault)
                self._found()
            try:
                async with asyncio.timeout(AGAIN if self._missing() else None):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _missing(self) -> list[Wallet]:
        return [wallet for wallet in self._wallets if not is_resolved(wallet) and wallet.address not in self._known]

    def _with_address(self, wallet: Wallet) -> Wallet:
        address = self._known.get(wallet.address)
        return wallet if address is None else replace(wallet, address=address, name=wallet.address)
