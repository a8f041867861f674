"""Upgrades of live proxies: the same contract as before, but for what `Upgrade.sol` is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

if TYPE_CHECKING:
    from tests.lab.compound_v2 import CompoundMarket
    from tests.lab.lab import Lab

_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
"""Where proxies keep the address of their implementation (EIP-1967)."""


def implementation(lab: Lab, proxy: str) -> str:
    word = lab.node.rpc("eth_getStorageAt", proxy, _SLOT, "latest")
    return to_checksum_address("0x" + word[-40:])


def upgrade(lab: Lab, before: str, *, asked: str = "", answer: int = 0, forgotten: str = "") -> str:
    """A new implementation that answers `asked` (a signature) with one word, and refuses `forgotten`."""
    first, last = (keccak(text=each)[:4] if each else bytes(4) for each in (asked, forgotten))
    return lab.assets.own.deploy("Upgrade", before, first, answer, last)


def upgrade_comptroller(market: CompoundMarket, *, asked: str = "", answer: int = 0, forgotten: str = "") -> None:
    """Of a Unitroller, which keeps the address of its implementation behind two others."""
    before = market.node.view(market.comptroller, "comptrollerImplementation()->address")
    new = upgrade(market.lab, before, asked=asked, answer=answer, forgotten=forgotten)
    market.node.rpc("anvil_setStorageAt", market.comptroller, "0x2", f"0x{int(new, 16):064x}")
    assert market.node.view(market.comptroller, "comptrollerImplementation()->address") == new.lower()
