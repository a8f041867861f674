"""Plans run on the laboratory's node: one aggregate3 per step, pinned to a block hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liqtui.chain.multicall import decode, encode
from liqtui.core.reads import Block, Call, Failure, Result
from liqtui.core.sources import MarketRef
from liqtui.protocols.aave_v3 import AaveV3
from tests.lab.node import RpcError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from liqtui.core.model import Position
    from liqtui.protocols.adapter import Reading
    from tests.lab.lab import Lab
    from tests.lab.market import AaveMarket

GENERATIONS = ("aave30", "aave36")
CHUNK = 400
GAS = 500_000_000


class LabReader:
    """Reads the node that the test started. Counts its requests."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.requests = 0

    def head(self) -> Block:
        raw = self.lab.node.rpc("eth_getBlockByNumber", "latest", False)
        return Block(int(raw["number"], 16), raw["hash"], int(raw["timestamp"], 16))

    def read(self, block: Block, calls: Sequence[Call]) -> list[Result]:
        out: list[Result] = []
        for at in range(0, len(calls), CHUNK):
            out += self._aggregate(block, calls[at : at + CHUNK])
        return out

    def _aggregate(self, block: Block, calls: Sequence[Call]) -> list[Result]:
        self.requests += 1
        request = {"to": self.lab.multicall3, "data": "0x" + encode(calls).hex(), "gas": hex(GAS)}
        try:
            answer = self.lab.node.rpc("eth_call", request, {"blockHash": block.hash})
        except RpcError as error:  # one call burns all the gas: find it by halves
            if len(calls) == 1:
                return [Failure("revert", str(error))]
            middle = len(calls) // 2
            return self._aggregate(block, calls[:middle]) + self._aggregate(block, calls[middle:])
        return decode(bytes.fromhex(answer[2:]), len(calls))


def run(reader: LabReader, block: Block, plan: Generator[list[Call], list[Result], Any]) -> Any:
    """One plan to its end."""
    try:
        calls = next(plan)
        while True:
            calls = plan.send(reader.read(block, calls))
    except StopIteration as stop:
        return stop.value


class Watch:
    """An opened market and the wallets in it."""

    def __init__(self, lab: Lab, market: AaveMarket, wallets: Sequence[str]) -> None:
        self.lab = lab
        self.market = market
        self.reader = LabReader(lab)
        self.adapter = AaveV3()
        chain_id = int(lab.node.rpc("eth_chainId"), 16)
        self.ref = MarketRef("aave-v3", chain_id, market.name, market.provider.lower(), custom=True)
        self.wallets = [wallet.lower() for wallet in wallets]
        self.block = self.reader.head()
        self.opened = run(self.reader, self.block, self.adapter.open(self.ref, self.block))
        self.hints: Mapping[str, Any] = {}
        self.discover()

    def discover(self) -> None:
        self.hints = run(self.reader, self.block, self.adapter.discover(self.opened, self.wallets))

    def read(self, later: int = 0) -> Reading:
        """The market at the head, or as it will be so many seconds later if nothing happens."""
        self.block = self.reader.head()
        self.block = self.block._replace(timestamp=self.block.timestamp + later)
        return run(self.reader, self.block, self.adapter.refresh(self.opened, self.block, self.hints))

    def positions(self) -> dict[str, Position]:
        """By wallet, at the head. An account that could not be read fails the test."""
        reading = self.read()
        return {wallet: self.evaluate(reading, wallet) for wallet in reading.accounts}

    def evaluate(self, reading: Reading, wallet: str) -> Position:
        account = reading.accounts[wallet]
        assert not isinstance(account, Exception), account
        (position,) = self.adapter.evaluate(self.opened, self.block, reading.market, account, wallet)
        return position


def watches(lab: Lab) -> dict[str, Watch]:
    """Of each generation, all its positions."""
    return {
        name: Watch(lab, market, [position.wallet for position in lab.positions[name]])
        for name, market in lab.markets.items()
    }
