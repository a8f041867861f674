"""The whole laboratory: one node, shared feeds, and the markets on it."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from tests.lab import aave, packages
from tests.lab.assets import SharedAssets
from tests.lab.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from tests.lab.market import AaveMarket
    from tests.lab.positions import Position

MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
DEPLOYERS = {"aave30": aave.deploy_30, "aave36": aave.deploy_36}
GROWTH = 30 * 86400  # the indexes have grown for this long when the build ends
MARGIN = 6 * 3600  # and the chain's clock is this far behind ours: tests may mine without reaching the future


class Lab:
    """A node and its markets, by generation: ``lab.markets["aave36"]``."""

    def __init__(self, node: Node, assets: SharedAssets, markets: dict[str, AaveMarket]) -> None:
        self.node = node
        self.assets = assets
        self.markets = markets
        self.multicall3 = MULTICALL3
        self.positions: dict[str, list[Position]] = {}

    @classmethod
    def build(
        cls,
        cache: Path | None = None,
        generations: Sequence[str] = ("aave30", "aave36"),
        *,
        port: int | None = None,
        margin: int = MARGIN,
        chain_id: int = 31337,
    ) -> Self:
        """Fetch, compile (both once), start a node and deploy everything on it."""
        cache = cache or packages.default_cache()
        _fetch_all(cache)
        genesis = int(time.time()) - GROWTH - margin
        node = Node(packages.anvil_binary(cache), port=port, chain_id=chain_id, genesis_time=genesis)
        node.start()
        try:
            _install_multicall(node, cache)
            assets = SharedAssets(node, cache)
            markets = {name: DEPLOYERS[name](assets, cache) for name in generations}
            for market in markets.values():
                aave.seed_liquidity(market)
            node.mine(dt=GROWTH)
            lab = cls(node, assets, markets)
            lab.refresh_feeds()
        except BaseException:
            node.close()
            raise
        return lab

    def refresh_feeds(self, dt: int | None = None) -> None:
        """A heartbeat of every feed, in one block."""
        with self.node.batch(dt=dt):
            for feed in self.assets.pairs.values():
                feed.refresh()

    def catch_up(self) -> None:
        """Bring the chain's clock to ours, with every feed fresh: for what compares with the wall clock."""
        self.refresh_feeds(dt=max(1, int(time.time()) - self.node.timestamp))

    def snapshot(self) -> tuple[str, list[dict[str, Any]]]:
        """The chain's state, and what we know of it: a token listed by a test must vanish on both sides."""
        return self.node.snapshot(), [dict(book) for book in self._books()]

    def revert(self, snapshot: tuple[str, list[dict[str, Any]]]) -> None:
        """Back to a snapshot, which is used up."""
        self.node.revert(snapshot[0])
        for book, before in zip(self._books(), snapshot[1], strict=True):
            book.clear()
            book.update(before)

    @contextmanager
    def branch(self) -> Iterator[None]:
        """Undo afterwards whatever is done inside."""
        snapshot = self.snapshot()
        yield
        self.revert(snapshot)

    def _books(self) -> list[dict[Any, Any]]:
        books: list[dict[Any, Any]] = [self.assets.pairs, self.assets.tokens]
        for market in self.markets.values():
            books += [market.specs, market.tokens, market.feeds, market.categories]
        return books

    def close(self) -> None:
        self.node.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _fetch_all(cache: Path) -> None:
    """Missing packages side by side: one after another they are most of the first run."""
    wanted = [packages.AAVE_CORE, packages.AAVE_ORIGIN, packages.OPENZEPPELIN, packages.SOLIDITY_UTILS]
    wanted += [packages.CHAINLINK, packages.VIEM, packages.SOLC_0_8, packages.SOLC_0_6]
    with ThreadPoolExecutor(4) as pool:
        pending = [pool.submit(packages.fetch, package, cache) for package in wanted]
        packages.anvil_binary(cache)
        for each in pending:
            each.result()


def _install_multicall(node: Node, cache: Path) -> None:
    """Run the published creation code, then put its result at the canonical address."""
    text = (packages.fetch(packages.VIEM, cache) / "constants" / "contracts.ts").read_text()
    found = re.search(r"multicall3Bytecode\s*=\s*'0x([0-9a-f]+)'", text)
    if found is None:
        raise packages.LabError("viem no longer holds Multicall3's creation code where it was")
    receipt = node.transact(None, bytes.fromhex(found[1]))
    assert receipt is not None
    assert receipt.contract is not None
    node.rpc("anvil_setCode", MULTICALL3, node.rpc("eth_getCode", receipt.contract, "latest"))
