"""Price sources: real Chainlink aggregators behind real proxies, and adapters over them."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address

from tests.lab.artifacts import Artifacts, Source, compile_source
from tests.lab.packages import CHAINLINK, SOLC_0_6, fetch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.deployer import Deployer
    from tests.lab.node import Node, Receipt

ORACLE = "0x0c00000000000000000000000000000000000001"
_NOBODY = "0x" + "00" * 20
_LIMIT = 2**190  # zero and negative answers must be possible: they happen


def chainlink_artifacts(cache: Path) -> Artifacts:
    """FluxAggregator and EACAggregatorProxy, compiled from Chainlink's own sources."""
    roots = {"chainlink/": fetch(CHAINLINK, cache) / "src" / "v0.6"}
    entries = ("chainlink/FluxAggregator.sol", "chainlink/EACAggregatorProxy.sol")
    return compile_source(Source(SOLC_0_6, entries, roots), cache)


class Breakage(IntEnum):
    """How a broken source fails; the order is that of ``BrokenFeed.Fault`` in PriceSources.sol."""

    REVERTS = 0
    REVERTS_WITH_TEXT = 1
    BURNS_ALL_GAS = 2
    ANSWERS_HALF_A_WORD = 3
    ANSWERS_ZERO = 4
    ANSWERS_NEGATIVE = 5


class ChainlinkFeed:
    """One price pair. ``address`` is the proxy that consumers read, ``aggregator`` holds the rounds."""

    def __init__(self, deployer: Deployer, description: str, decimals: int = 8, heartbeat: int = 3600) -> None:
        self.node: Node = deployer.node
        self.description = description
        self.decimals = decimals
        self.heartbeat = heartbeat
        self._deployer = deployer
        self._first_aggregator = self._new_aggregator()
        self.address = deployer.deploy("EACAggregatorProxy", self._first_aggregator, _NOBODY)

    def _new_aggregator(self) -> str:
        created = self._deployer.deploy(
            "FluxAggregator", _NOBODY, 0, 3600, _NOBODY, -_LIMIT, _LIMIT, self.decimals, self.description
        )
        change = "changeOracles(address[],address[],address[],uint32,uint32,uint32)"
        self.node.do(created, change, [], [ORACLE], [ORACLE], 1, 1, 0)
        return created

    def first(self, answer: int) -> None:
        """The very first round; unlike :meth:`set` it may be queued behind the deployment."""
        self.node.do(self._first_aggregator, "submit(uint256,int256)", 1, answer, sender=ORACLE)

    @property
    def aggregator(self) -> str:
        """Where the rounds are now. Read from the chain, since a test's swap is undone there."""
        return to_checksum_address(self.node.view(self.address, "aggregator()->address"))

    def set(self, answer: int) -> Receipt | None:
        """A new round with this raw answer; ``updatedAt`` is the time of the block it lands in."""
        aggregator = self.aggregator
        following = self.node.view(aggregator, "latestRound()->uint256") + 1
        return self.node.do(aggregator, "submit(uint256,int256)", following, answer, sender=ORACLE)

    def refresh(self) -> Receipt | None:
        """A new round with the same answer, as a heartbeat publishes it."""
        return self.set(self.answer)

    @property
    def answer(self) -> int:
        """Latest raw answer, read through the proxy."""
        return int(self.node.view(self.address, "latestAnswer()->int256"))

    @property
    def updated_at(self) -> int:
        """Chain time of the latest round."""
        return int(self.node.view(self.address, "latestRoundData()->uint80,int256,uint256,uint256,uint80")[3])

    def replace_aggregator(self, answer: int) -> None:
        """Swap the aggregator behind the proxy: the phase goes up, the address of events changes."""
        created = self._new_aggregator()
        self.node.do(created, "submit(uint256,int256)", 1, answer, sender=ORACLE)
        self.node.do(self.address, "proposeAggregator(address)", created)
        self.node.do(self.address, "confirmAggregator(address)", created)


class RatioAdapter:
    """A staking share priced as base feed times ratio, with a cap on the ratio's growth."""

    def __init__(self, deployer: Deployer, base: ChainlinkFeed, description: str, ratio: int) -> None:
        self.node = deployer.node
        self.base = base
        self.provider = deployer.deploy("RatioProvider", ratio)
        self.address = deployer.deploy("RatioCapAdapter", base.address, self.provider, description, 968)

    def set(self, ratio: int) -> Receipt | None:
        """Set the ratio (18 decimals), upwards as well as by a slashing."""
        return self.node.do(self.provider, "set(uint256)", ratio)

    @property
    def ratio(self) -> int:
        return int(self.node.view(self.address, "getRatio()->int256"))
