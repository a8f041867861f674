"""Which chains and markets to look at, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

USUAL_MULTICALL3 = "0xca11bde05977b3631167028862be2a173976ca11"
MULTICALL3 = "multicall3"
"""Option of a `MarketRef`: where Multicall3 is on its chain, if elsewhere. For who lets one call do several things."""


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """One chain and how to reach it."""

    id: int
    name: str
    """As in `config.toml`: "ethereum"."""
    short: str = ""
    """For narrow columns: "eth"."""
    rpc: tuple[str, ...] = field(default=(), repr=False)
    """HTTP endpoints in order of preference. Secret: show them through `liqtui.core.redact` only."""
    ws: tuple[str, ...] = field(default=(), repr=False)
    """WebSocket endpoints for head hints. Secret likewise."""
    multicall3: str = USUAL_MULTICALL3
    block_time: float = 12.0
    """Usual seconds between blocks."""
    poll: float = 12.0
    """Seconds between rounds; never under 2."""
    max_calls: int = 500
    """Most inner calls in one request before it is split."""
    max_calldata: int = 120_000
    """Most bytes of call data in one request."""
    max_blocks: int | None = None
    """Most blocks in one request for logs; None: what each node is found to take."""
    gas: int | None = 50_000_000
    """Gas given to an eth_call; None: the node's own."""
    requests_per_second: float = 10.0
    """Per endpoint."""
    timeout: float = 10.0
    """Seconds for one request."""
    public: bool = False
    """The endpoints are the built-in public ones."""
    explorer: str = ""
    """https://etherscan.io"""

    @property
    def tag(self) -> str:
        return self.short or self.name


@dataclass(frozen=True, slots=True)
class MarketRef:
    """A deployment, by the one address from which all else is resolved on chain."""

    protocol: str
    chain_id: int
    name: str
    entry: str
    """Lower-case address: pool addresses provider, comet, morpho, comptroller."""
    options: tuple[tuple[str, str], ...] = ()
    """Further settings of that protocol, such as market ids; and "app", the address of its app."""
    custom: bool = False
    """From the person's config, not from the shipped data."""


def placed(ref: MarketRef, spec: ChainSpec) -> MarketRef:
    """The deployment with what its protocol has to know of the chain: see `MULTICALL3`. What it names itself stays."""
    if spec.multicall3 in {"", USUAL_MULTICALL3} or MULTICALL3 in dict(ref.options):
        return ref
    return replace(ref, options=(*ref.options, (MULTICALL3, spec.multicall3)))
