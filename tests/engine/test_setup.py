"""What markets are shown as: the name they go by, what tells them apart, and where their app is."""

from __future__ import annotations

from liqtui.core.model import PositionKey
from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.engine.setup import Setup, Sign, signs
from liqtui.protocols.registry import known_markets

CHAINS = (ChainSpec(1, "ethereum"), ChainSpec(56, "bnb"), ChainSpec(8453, "base"), ChainSpec(31337, "lab"))
WALLET = "0x" + "ab" * 20


def shown() -> dict[tuple[int, str, str], Sign]:
    own = MarketRef("aave-v3", 31337, "mine", WALLET, (("app", "https://mine.example/{wallet}/{other}"),), custom=True)
    return signs(Setup(CHAINS, (*known_markets(chain.id for chain in CHAINS), own)))


def test_forks_go_by_their_own_name_and_count_among_their_own() -> None:
    found = shown()
    assert found[1, "aave-v3", "spark"][:2] == ("spark", "")
    assert found[1, "aave-v3", "ethereum core"][:2] == ("", "core")
    assert found[8453, "aave-v3", "base"][:2] == ("", "")
    assert found[1, "compound-v2", "compound"][:2] == ("", "")
    assert found[1, "compound-v2", "venus ethereum liquid staked eth"][:2] == ("venus", "liquid staked eth")
    assert found[56, "compound-v2", "venus core"][:2] == ("venus", "core")
    assert found[56, "compound-v2", "venus bnb defi"][:2] == ("venus", "defi")
    assert found[8453, "compound-v2", "moonwell base"][:2] == ("moonwell", "")


def test_links_name_the_position() -> None:
    found = shown()
    market = "0x" + "cd" * 32
    key = PositionKey(1, "morpho-blue", "ethereum", WALLET, market)
    assert found[1, "morpho-blue", "ethereum"].link(key) == f"https://app.morpho.org/ethereum/market/{market}"
    own = found[31337, "aave-v3", "mine"].link(PositionKey(31337, "aave-v3", "mine", WALLET))
    assert own == f"https://mine.example/{WALLET}/{{other}}"
