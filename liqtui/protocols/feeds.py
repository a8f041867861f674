"""What is known beforehand about public price feeds: the factor that they quote and their heartbeat."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = Path(__file__).with_name("feeds.toml")

ASSUMED_HEARTBEAT = 86_400
"""Seconds; the longest that Chainlink configures for a price, used where nothing better is known."""


class FeedInfo(NamedTuple):
    pair: str
    """"ETH / USD"."""
    factor: str
    """Named factor such as "ETH"; empty where the feed is a factor of its own."""
    heartbeat: int | None
    """Seconds; None when not known."""


@cache
def feed_table(chain_id: int) -> Mapping[str, FeedInfo]:
    """Known feeds of one chain by lower-case address."""
    return {
        row["address"].lower(): FeedInfo(row["pair"], row.get("factor", ""), row.get("heartbeat"))
        for row in shipped_feeds()["feed"]
        if row["chain_id"] == chain_id
    }


@cache
def sequencer_feed(chain_id: int) -> str:
    """The L2 sequencer uptime feed of a chain, lower case; empty where there is none or it is not known."""
    rows = shipped_feeds()["sequencer"]
    return next((row["address"].lower() for row in rows if row["chain_id"] == chain_id), "")


@cache
def shipped_feeds() -> dict[str, Any]:
    """`feeds.toml`, parsed."""
    return tomllib.loads(_FILE.read_text("utf-8"))
