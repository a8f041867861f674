"""How the tokens and the accounts of a market are named, whatever the family. What a token says is anybody's word."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from liqtui.core.model import PositionKey
from liqtui.core.text import clean, short_address
from liqtui.protocols.abi import as_address, ok, string_or_bytes32, uint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.reads import Result
    from liqtui.core.sources import MarketRef

SYMBOL_LENGTH = 16
MOST_DECIMALS = 36
"""More make no sense: prices have so many digits."""


def text_of(result: Result) -> str:
    """A text as the contract tells it, not yet cleaned; empty where it tells none."""
    try:
        return string_or_bytes32(result)
    except ValueError:
        return ""


def decimals_said(result: Result) -> int | None:
    """None where the contract tells none that make sense."""
    return uint(result) if ok(result) and uint(result) <= MOST_DECIMALS else None


def labels_of(found: Mapping[str, Result]) -> dict[str, str]:
    """Token → symbol that is safe to show, by its `symbol()`; told apart by the end of the address where two say the
    same.
    """
    labels = {token: clean(text_of(result), SYMBOL_LENGTH) or short_address(token) for token, result in found.items()}
    twice = {label for label, count in Counter(labels.values()).items() if count > 1}
    return {token: f"{label}·{token[-4:]}" if label in twice else label for token, label in labels.items()}


def key_of(ref: MarketRef, account: int, market_id: str = "") -> PositionKey:
    """Of an account as it stands in a log."""
    return PositionKey(ref.chain_id, ref.protocol, ref.name, as_address(account), market_id)
