"""Which protocols there are, and which of their markets are known without being told."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.sources import MarketRef
from liqtui.protocols.shipped import deployment, protocols, stem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.protocols.adapter import Adapter

APP = "app"
"""Option of a `MarketRef`: the app's address, from the person's own configuration."""


class About(NamedTuple):
    """What is known of a deployment besides what is read of it."""

    brand: str = ""
    """The name that its users know it by, where that is not the protocol's: "spark"."""
    app: str = ""
    """Where its users manage positions; "{wallet}" and "{market_id}" stand for those. Empty: not known."""
    source: str = ""
    """Where its addresses come from; empty for the person's own."""
    compiled: str = ""
    """ISO date of that."""
    facts: tuple[tuple[str, str], ...] = ()
    """(name, lower-case address) as shipped, to be compared with what the chain says."""


def about(ref: MarketRef) -> About:
    """By chain and entry address, so that a shipped deployment under a name of the person's own is found too."""
    own = dict(ref.options).get(APP, "")
    row = _rows().get((ref.protocol, ref.chain_id, ref.entry))
    if row is None:
        return About(app=own)
    file = deployment(ref.protocol)
    app: str = row.get("app", file.get("app", ""))
    return About(
        brand=row.get("brand", ""),
        app=own or app.replace("{entry}", row[file["entry"]]).replace("{chain_id}", str(ref.chain_id)),
        source=row.get("source", file["source"]),
        compiled=row.get("compiled", file["compiled"]),
        facts=tuple((key, row[key].lower()) for key in file.get("facts", ()) if key in row),
    )


@cache
def adapters() -> dict[str, Adapter]:
    """Adapter by protocol name. Loaded here: who asks which markets ship, as the screen's start does, needs none."""
    return {protocol: import_module(f"liqtui.protocols.{stem(protocol)}").ADAPTER for protocol in protocols()}


def known_markets(chain_ids: Iterable[int]) -> tuple[MarketRef, ...]:
    """The shipped markets on these chains, in the order of the chains."""
    markets = _shipped()
    return tuple(market for chain_id in dict.fromkeys(chain_ids) for market in markets if market.chain_id == chain_id)


def all_markets() -> tuple[MarketRef, ...]:
    """Every shipped market, on whatever chain."""
    return _shipped()


def counted_blocks(chain_id: int) -> int | None:
    """Blocks of a year by which the shipped data turn rates into yearly ones on that chain; None: by none."""
    told = (deployment(protocol).get("blocks_per_year", {}).get(str(chain_id)) for protocol in protocols())
    return next((blocks for blocks in told if blocks), None)


@cache
def _shipped() -> tuple[MarketRef, ...]:
    return tuple(
        MarketRef(protocol, chain_id, row["name"], entry) for (protocol, chain_id, entry), row in _rows().items()
    )


@cache
def _rows() -> dict[tuple[str, int, str], dict[str, Any]]:
    """The shipped data by (protocol, chain id, lower-case entry address), in the order of the files."""
    return {
        (protocol, row["chain_id"], row[naming.entry].lower()): row
        for protocol, naming in protocols().items()
        for row in deployment(protocol)["market"]
    }
