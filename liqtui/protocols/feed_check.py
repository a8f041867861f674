"""The shipped table of feeds held against the chain: what does not answer, and what is another feed than it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.text import clean
from liqtui.protocols.abi import ask, ok
from liqtui.protocols.feeds import feed_table, sequencer_feed
from liqtui.protocols.naming import text_of
from liqtui.protocols.price_sources import DESCRIPTION, LATEST_ROUND_DATA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.reads import Plan
    from liqtui.protocols.feeds import FeedInfo

_ROUND_WORDS = 5
_TOLD = 40


class FeedsFound(NamedTuple):
    """Of one chain."""

    known: int
    """How many the table holds, the sequencer's uptime feed among them."""
    silent: tuple[str, ...] = ()
    """Pairs, with their addresses, that tell no round."""
    others: tuple[tuple[str, str], ...] = ()
    """(pair and address, what the contract calls itself) where a named factor or the sequencer is not in that name."""


def look(chain_id: int, table: Mapping[str, FeedInfo] | None = None, sequencer: str | None = None) -> Plan[FeedsFound]:
    """In one step. `table` and `sequencer` are the shipped ones unless given.

    Names are compared only where a wrong one would do harm: a feed that is taken for ether's own moves all that hangs
    on ether. Other pairs are called by their contracts in ways of their own.
    """
    infos = feed_table(chain_id) if table is None else table
    uptime = sequencer_feed(chain_id) if sequencer is None else sequencer
    wanted = {at: (info.pair, {info.factor, "USD"} if info.factor else set[str]()) for at, info in infos.items()}
    if uptime:
        wanted[uptime] = ("sequencer uptime", {"SEQUENCER"})
    getters = DESCRIPTION, LATEST_ROUND_DATA
    found = yield from ask({(at, getter): getter.at(at) for at in wanted for getter in getters})
    silent: list[str] = []
    others: list[tuple[str, str]] = []
    for at, (pair, parts) in wanted.items():
        name = f"{pair} at {at}"
        if not ok(found[at, LATEST_ROUND_DATA], _ROUND_WORDS):
            silent.append(name)
            continue
        said = clean(text_of(found[at, DESCRIPTION]), _TOLD)
        if not parts <= {part.upper() for part in re.split(r"[^A-Za-z0-9]+", said)}:
            others.append((name, said or "nothing"))
    return FeedsFound(len(wanted), tuple(silent), tuple(others))
