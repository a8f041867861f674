"""A chain for which many markets are known, none of which is there: each is told, in as many requests as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.sources import ChainSpec
from liqtui.core.wallet import Wallet
from liqtui.engine.once import run_once
from liqtui.engine.setup import Setup
from liqtui.protocols.registry import known_markets
from tests.lab.lab import _install_multicall
from tests.lab.node import Node
from tests.lab.packages import anvil_binary
from tests.lab.proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from liqtui.core.sources import MarketRef

MAINNET = 1


@pytest.fixture(scope="module")
def empty(lab_cache: Path) -> Iterator[Node]:
    """A node that says that it is the main chain, on which nothing is deployed."""
    with Node(anvil_binary(lab_cache), chain_id=MAINNET) as node:
        _install_multicall(node, lab_cache)
        node.mine(5)
        yield node


def test_each_market_that_is_not_there_is_told_in_constant_requests(empty: Node) -> None:
    refs = known_markets([MAINNET])
    assert len(refs) > 10

    def requests(markets: tuple[MarketRef, ...]) -> int:
        with FaultProxy(empty.url) as proxy:
            spec = ChainSpec(MAINNET, "ethereum", rpc=(proxy.url,), requests_per_second=1e6)
            snapshot = run_once(Setup((spec,), markets, (Wallet("0x" + "ab" * 20),)))
            told = dict(snapshot.unread)
            assert told.keys() == {f"ethereum: {ref.protocol} {ref.name}" for ref in markets}
            assert all(told.values())
            assert snapshot.chains[0].error == ""
            return sum(proxy.counts.values())

    many, one = requests(refs), requests(refs[:1])
    assert many <= one + 4  # other protocols may take a step or two more
