"""Tapes of made-up frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.chain.tape import (
    Frame,
    TapeHeader,
    TapeWriter,
)
from liqtui.core.reads import Call
from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.core.wallet import Thresholds, Wallet
from tests.chain.node import SECRET

if TYPE_CHECKING:
    from pathlib import Path


WALLET = Wallet("0x" + "ab" * 20, "treasury", tags=("dao",), thresholds=Thresholds(warn=5), note="multisig 3/5")


MARKET = MarketRef("aave-v3", 1, "main", "0x" + "12" * 20, (("ids", "1"),))


CHAIN = ChainSpec(
    1, "ethereum", rpc=(f"https://node.example/{SECRET}",), ws=(f"wss://node.example/{SECRET}",), poll=3.0
)


HEADER = TapeHeader("a crash", 1.5, (WALLET,), (CHAIN,), (MARKET,), ((0, "before"),))


pool_of_calls = [Call("0x" + bytes([at]).hex() * 20, bytes([at])) for at in range(6)]


def write(path: Path, wanted: list[Frame], header: TapeHeader = HEADER, *, close: bool = True) -> Path:
    writer = TapeWriter(path, header)
    for frame in wanted:
        writer.frame(frame)
    if close:
        writer.close()
    else:
        writer._file.close()
    return path
