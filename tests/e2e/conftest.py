"""A home for the program, terminals for it, and a small zoo of positions on the laboratory's newest market."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.program import Home, Terminal
from tests.lab.node import free_port
from tests.lab.positions import Shape, open_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.lab import Lab
    from tests.lab.market import AaveMarket

SHAPES = {
    "calm": Shape("weth usdc", {"WETH": "10"}, {"USDC": "12000"}),  # 1.71
    "near": Shape("e2e near", {"WETH": "10"}, {"USDC": "18000"}),  # 1.14
    "tight": Shape("weth usdc tight", {"WETH": "10"}, {"USDC": "19900"}),  # 1.03
    "mixed": Shape("weth wbtc dai", {"WETH": "8", "WBTC": "0.4", "DAI": "3000"}, {"USDC": "27000", "EURS": "900"}),
    "link": Shape("usdc link", {"LINK": "1000", "USDC": "2000"}, {"DAI": "9000"}),
    "saver": Shape("supply only", {"WETH": "3.333333333333333333"}),
}


class Stage:
    """The laboratory at the present hour, with the zoo open on Aave 3.6."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.node = lab.node
        self.market: AaveMarket = lab.markets["aave36"]
        with self.node.batch():
            self.wallets = {name: open_shape(self.market, shape).wallet for name, shape in SHAPES.items()}
        lab.catch_up()

    def config(self, url: str = "", *, provider: str = "", extra: str = "", poll: int = 2) -> str:
        return (
            f'[chains.lab]\nid = {self.node.chain_id}\nrpc = ["{url or self.node.url}"]\npoll = {poll}\n'
            f"requests_per_second = 10000\n{extra}\n"
            '[[markets]]\nprotocol = "aave-v3"\nchain = "lab"\nname = "lab 3.6"\n'
            f'pool_addresses_provider = "{provider or self.market.provider}"\n'
        )

    def price(self, symbol: str, factor: float) -> None:
        """Move one feed to a multiple of what it says now, in a block of the present."""
        feed = self.market.feeds[symbol]
        with self.node.batch(dt=max(1, int(time.time()) - self.node.timestamp)):
            feed.set(round(feed.answer * factor))


@pytest.fixture
def stage(lab_state: Lab) -> Stage:
    return Stage(lab_state)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "config", tmp_path / "state")


@pytest.fixture
def lab_home(home: Home, stage: Stage) -> Home:
    """A home whose configuration knows the laboratory."""
    home.configure(stage.config())
    return home


@pytest.fixture
def sit(home: Home) -> Iterator[Callable[..., Terminal]]:
    """`sit("replay", file, size=(80, 24))`: the program on a terminal."""
    opened: list[Terminal] = []

    def begin(*words: str, **options: object) -> Terminal:
        opened.append(Terminal(home, words, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield begin
    for terminal in opened:
        terminal.close()


@pytest.fixture
def dead_url() -> str:
    """Where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


@contextlib.contextmanager
def mining(stage: Stage, now: Callable[[], float] = time.time) -> Iterator[None]:
    """Blocks at the pace of a clock, while inside."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.3):
            ahead = int(now()) - stage.node.timestamp
            if ahead > 0:
                stage.node.mine(dt=ahead)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
