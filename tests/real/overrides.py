"""What the contracts would say at the very same block if a price were another one: eth_call with overrides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import eth_abi
from eth_utils.crypto import keccak

from liqtui.core.units import MAX_UINT256
from tests.lab import abi
from tests.lab.errors import LabRevert
from tests.lab.node import RpcError
from tests.lab.walk import LIQUIDATOR

if TYPE_CHECKING:
    from liqtui.core.results import Scope
    from tests.real.reader import Watch

STUB = "0x00000000000000000000000000000000005ab5ab"
GAS = 30_000_000
_OF_SOURCES = 0  # AaveOracle.assetsSources, in both generations
_ACCOUNT = "getUserAccountData(address)->uint256,uint256,uint256,uint256,uint256,uint256"
_LIQUIDATE = "liquidationCall(address,address,address,uint256,bool)"


def constant(value: int) -> dict[str, Any]:
    """A contract that answers every call with this one word."""
    return {"code": "0x7f" + (value % 2**256).to_bytes(32, "big").hex() + "60005260206000f3"}


def feed_at(feed: str, answer: int) -> dict[str, Any]:
    return {feed: constant(answer)}


def asset_at(oracle: str, asset: str, price: int) -> dict[str, Any]:
    """The oracle asks a source of this price for the one asset."""
    slot = keccak(eth_abi.encode(["address", "uint256"], [asset, _OF_SOURCES]))
    word = "0x" + bytes.fromhex(STUB[2:]).rjust(32, b"\0").hex()
    return {oracle: {"stateDiff": {"0x" + slot.hex(): word}}, STUB: constant(price)}


class WhatIf:
    """Questions to a market's contracts at the block that was read."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.node = watch.lab.node

    def _call(self, data: bytes, overrides: dict[str, Any], sender: str) -> bytes:
        request = {"from": sender, "to": self.watch.market.pool, "data": "0x" + data.hex(), "gas": hex(GAS)}
        place = {"blockHash": self.watch.block.hash}
        try:
            return bytes.fromhex(self.node.rpc("eth_call", request, place, overrides)[2:])
        except RpcError as error:
            raise self.node._revert(error) from None

    def health(self, wallet: str, overrides: dict[str, Any]) -> int:
        data = self._call(abi.encode("getUserAccountData(address)", wallet), overrides, LIQUIDATOR)
        return abi.decode(_ACCOUNT, data)[5]

    def refusal(self, wallet: str, scope: Scope, overrides: dict[str, Any]) -> str:
        """Why a liquidation of the pair would be refused; empty if it would go through."""
        pair = scope.collateral.address, scope.debt.address
        data = abi.encode(_LIQUIDATE, *pair, wallet, MAX_UINT256, False)
        try:
            self._call(data, overrides, LIQUIDATOR)
        except LabRevert as revert:
            return revert.reason
        return ""
