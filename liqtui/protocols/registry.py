"""Which protocols there are, and which of their markets are known without being told."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from liqtui.core.sources import MarketRef
from liqtui.protocols.feeds import deployment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.protocols.adapter import Adapter

ENTRY_KEYS = {
    "aave-v3": "pool_addresses_provider",
    "aave-v2": "pool_addresses_provider",
    "compound-v3": "comet",
    "compound-v2": "comptroller",
    "morpho-blue": "morpho",
}
"""Protocol → the one address that `config.toml` names for it."""


@cache
def adapters() -> dict[str, Adapter]:
    """Adapter by protocol name. Loaded here: who asks which markets ship, as the screen's start does, needs none."""
    from liqtui.protocols.aave_v2 import AaveV2
    from liqtui.protocols.aave_v3 import AaveV3
    from liqtui.protocols.compound_v2 import CompoundV2
    from liqtui.protocols.compound_v3 import CompoundV3
    from liqtui.protocols.morpho_blue import MorphoBlue

    known: tuple[Adapter, ...] = (AaveV3(), AaveV2(), CompoundV3(), CompoundV2(), MorphoBlue())
    return {adapter.protocol: adapter for adapter in known}


def adapter_for(protocol: str) -> Adapter:
    """Raises LookupError with a sentence for a protocol that is not there."""
    found = adapters().get(protocol)
    if found is None:
        raise LookupError(f"no protocol {protocol!r}; there is {', '.join(sorted(adapters()))}")
    return found


def known_markets(chain_ids: Iterable[int]) -> tuple[MarketRef, ...]:
    """The shipped markets on these chains, in the order of the chains."""
    markets = _shipped()
    return tuple(market for chain_id in dict.fromkeys(chain_ids) for market in markets if market.chain_id == chain_id)


@cache
def _shipped() -> tuple[MarketRef, ...]:
    return tuple(
        MarketRef(protocol, row["chain_id"], row["name"], row[key].lower())
        for protocol, key in ENTRY_KEYS.items()
        for row in deployment(protocol.replace("-", "_"))["market"]
    )
