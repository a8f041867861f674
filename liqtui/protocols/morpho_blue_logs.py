"""Finding the markets of a wallet by its logs, since the contract keeps no list of them.

Who runs this keeps how far it has looked for each wallet: ask for the logs of `log_filters` from `first_block` on (or
from where it stopped), hand them to `learn`, open the market again when the ref has changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from liqtui.core.reads import LogFilter
from liqtui.protocols.adapter import EarlyLogs
from liqtui.protocols.morpho_blue_abi import BORROW, SET_AUTHORIZATION, SUPPLY_COLLATERAL
from liqtui.protocols.morpho_blue_open import AUTHORISED, LEARNED, MARKET_IDS, ids_of
from liqtui.protocols.shipped import deployment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.core.reads import Log
    from liqtui.core.sources import MarketRef

EARLY = 10_000
"""Blocks from that of the deployment on in which a node that keeps logs has some of the contract."""
TOPICS = 4
"""All three events have three indexed fields."""
MOST_GIVEN = 200
"""Ids from which on collateral alone adds no more: anyone may create markets and give collateral in them to anyone.

Debt is never given: only the wallet itself, or whom it authorised, can take it.
"""


def searches(ref: MarketRef) -> bool:
    """Whether the ids have to come from logs: nobody named any."""
    return MARKET_IDS not in dict(ref.options)


def first_block(ref: MarketRef) -> int:
    """The block in which the contract was deployed; 0 where it is not known."""
    rows = deployment("morpho-blue")["market"]
    mine = (row for row in rows if row["chain_id"] == ref.chain_id and row["morpho"].lower() == ref.entry)
    return next((row["deploy_block"] for row in mine), 0)


def early_logs(ref: MarketRef) -> EarlyLogs | None:
    """Of whatever it says: its constructor names the owner, who then enables rates and thresholds."""
    first = first_block(ref)
    return EarlyLogs(first, first + EARLY - 1, LogFilter((ref.entry,), ())) if first else None


def log_filters(ref: MarketRef, wallets: Sequence[str]) -> tuple[LogFilter, ...]:
    """What to look for: debt taken and collateral given on behalf of any of the wallets, and whom they authorised."""
    if not wallets:
        return ()
    who = tuple("0x" + wallet.removeprefix("0x").lower().rjust(64, "0") for wallet in wallets)
    return (
        LogFilter((ref.entry,), ((BORROW, SET_AUTHORIZATION), None, who)),
        LogFilter((ref.entry,), ((SUPPLY_COLLATERAL,), None, None, who)),
    )


def learn(ref: MarketRef, logs: Iterable[Log]) -> MarketRef:
    """The deployment with what these logs name added, markets and the authorised; the same object for nothing new.

    That an authorisation was taken back is no reason to forget it: whether it holds is asked of the contract. Also
    without a single log the ref then says that it was looked for, which makes it fit to be opened.
    """
    known = ids_of(ref)
    mine = [log.topics for log in logs if log.address == ref.entry and len(log.topics) == TOPICS]
    ids = dict.fromkeys(known or ()) | dict.fromkeys(topics[1].lower() for topics in mine if topics[0] == BORROW)
    for topics in mine:
        if topics[0] == SUPPLY_COLLATERAL and len(ids) < MOST_GIVEN:
            ids[topics[1].lower()] = None
    named = dict(ref.options).get(AUTHORISED, "")
    who = dict.fromkeys(filter(None, named.split(",")))
    who |= dict.fromkeys("0x" + topics[3].lower()[-40:] for topics in mine if topics[0] == SET_AUTHORIZATION)
    if known is not None and len(ids) == len(known) and ",".join(who) == named:
        return ref
    others = tuple(option for option in ref.options if option[0] not in {MARKET_IDS, LEARNED, AUTHORISED})
    told = ((AUTHORISED, ",".join(who)),) if who else ()
    return replace(ref, options=(*others, (MARKET_IDS, ",".join(ids)), (LEARNED, "yes"), *told))
