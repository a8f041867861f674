"""What the log of Morpho Blue tells of an account.

A pre-liquidation is a contract that the owner authorised, repaying and taking collateral in the owner's name: by
Morpho's log alone it looks like the owner's own act. It writes an event of its own, which is believed where Morpho says
in the same transaction that this contract acted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.events import EventKind, MarketEvent, Moved
from liqtui.core.reads import LogFilter
from liqtui.protocols.abi import as_address, event, topic_of
from liqtui.protocols.naming import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from liqtui.core.reads import Log
    from liqtui.protocols.abi import Event
    from liqtui.protocols.morpho_blue_state import MarketInfo, Opened

LIQUIDATE = event(
    "Liquidate(bytes32,address,address,uint256,uint256,uint256,uint256,uint256)",
    "0xa4946ede45d0c6f06a0f5ce92c9ad3b4751452d2fe0e25010783bcab57a67e41",
    indexed=3,
    words=5,
)
"""Indexed: market, liquidator, account. Then: debt repaid, in shares, collateral seized, debt lost, in shares."""
PRE_LIQUIDATE = event(
    "PreLiquidate(bytes32,address,address,uint256,uint256,uint256)",
    "0xd5b01f148b35d6069b626af105bf8881bc2e30ee1ce3de4630903abab0ba8580",
    indexed=3,
    words=3,
)
"""Indexed: market, liquidator, account. Then: debt repaid, in shares, collateral seized."""


class _Act(NamedTuple):
    """An event of the owner's. The market is the first field of all of them."""

    event: Event
    kind: EventKind
    account: int
    """Its field."""
    who: int
    amount: int


_ACTS = (
    _Act(
        event(
            "Borrow(bytes32,address,address,address,uint256,uint256)",
            "0x570954540bed6b1304a87dfe815a5eda4a648f7097a16240dcd85c9b5fd42a43",
            indexed=3,
            words=3,
        ),
        EventKind.BORROWED,
        account=1,
        who=3,
        amount=4,
    ),
    _Act(
        event(
            "Repay(bytes32,address,address,uint256,uint256)",
            "0x52acb05cebbd3cd39715469f22afbf5a17496295ef3bc9bb5944056c63ccaa09",
            indexed=3,
            words=2,
        ),
        EventKind.REPAID,
        account=2,
        who=1,
        amount=3,
    ),
    _Act(
        event(
            "SupplyCollateral(bytes32,address,address,uint256)",
            "0xa3b9472a1399e17e123f3c2e6586c23e504184d504de59cdaa2b375e880c6184",
            indexed=3,
            words=1,
        ),
        EventKind.SUPPLIED,
        account=2,
        who=1,
        amount=3,
    ),
    _Act(
        event(
            "WithdrawCollateral(bytes32,address,address,address,uint256)",
            "0xe80ebd7cc9223d7382aab2e0d1d6155c65651f83d53c8b9b06901d167e321142",
            indexed=3,
            words=2,
        ),
        EventKind.WITHDREW,
        account=1,
        who=3,
        amount=4,
    ),
)
_BY_TOPIC = {act.event.topic: act for act in _ACTS}


def event_filters(opened: Opened, wallets: Sequence[str]) -> tuple[LogFilter, ...]:
    who, morpho = tuple(map(topic_of, wallets)), (opened.ref.entry,)
    second, third = (tuple(act.event.topic for act in _ACTS if act.account == place) for place in (1, 2))
    return (
        LogFilter(morpho, ((LIQUIDATE.topic, *third), None, None, who)),
        LogFilter(morpho, (second, None, who)),
        LogFilter((), ((PRE_LIQUIDATE.topic,), None, None, who)),
    )


def events(opened: Opened, logs: Sequence[Log]) -> tuple[MarketEvent, ...]:
    acts: list[MarketEvent] = []
    others: list[MarketEvent] = []
    for log in logs:
        if log.address == opened.ref.entry:
            act = _acted(opened, log)
            if act is not None:
                acts.append(act)
            others += _liquidated(opened, log)
    agents = {(act.tx_hash, act.key, act.who) for act in acts}
    for log in logs:
        early = _pre_liquidated(opened, log)
        if early is not None and (log.tx_hash, early.key, log.address) in agents:
            others.append(early)
            acts = [act for act in acts if (act.tx_hash, act.key, act.who) != (log.tx_hash, early.key, log.address)]
    return tuple(sorted((*acts, *others), key=lambda each: (each.block_number, each.log_index)))


def _market(opened: Opened, number: int) -> MarketInfo | None:
    return opened.markets.get(f"0x{number:064x}")


def _acted(opened: Opened, log: Log) -> MarketEvent | None:
    act = _BY_TOPIC.get(log.topics[0]) if log.topics else None
    fields = None if act is None else act.event.fields(log)
    info = None if fields is None else _market(opened, fields[0])
    if act is None or fields is None or info is None:
        return None
    try:
        key, who = key_of(opened.ref, fields[act.account], info.id), as_address(fields[act.who])
    except ValueError:
        return None
    amount = fields[act.amount]
    if act.kind in {EventKind.BORROWED, EventKind.REPAID}:
        return MarketEvent.of(log, act.kind, key, debt=Moved(info.loan, amount), who=who)
    return MarketEvent.of(log, act.kind, key, collateral=Moved(info.collateral, amount), who=who)


def _liquidated(opened: Opened, log: Log) -> Iterator[MarketEvent]:
    """With bad debt two events: what was repaid, and what was written off."""
    fields = LIQUIDATE.fields(log)
    info = None if fields is None else _market(opened, fields[0])
    if fields is None or info is None:
        return
    _, liquidator, account, repaid, _, seized, lost, _ = fields
    taken = _taken(opened, info, log, account, liquidator, Moved(info.collateral, seized), Moved(info.loan, repaid))
    if taken is None:
        return
    yield taken
    if lost:
        yield MarketEvent.of(log, EventKind.WRITTEN_OFF, taken.key, debt=Moved(info.loan, lost), who=taken.who)


def _pre_liquidated(opened: Opened, log: Log) -> MarketEvent | None:
    fields = PRE_LIQUIDATE.fields(log)
    info = None if fields is None else _market(opened, fields[0])
    if fields is None or info is None:
        return None
    _, liquidator, account, repaid, _, seized = fields
    return _taken(opened, info, log, account, liquidator, Moved(info.collateral, seized), Moved(info.loan, repaid))


def _taken(  # noqa: PLR0917 - what both kinds of liquidation have in common
    opened: Opened, info: MarketInfo, log: Log, account: int, liquidator: int, collateral: Moved, debt: Moved
) -> MarketEvent | None:
    try:
        key, who = key_of(opened.ref, account, info.id), as_address(liquidator)
    except ValueError:
        return None
    return MarketEvent.of(log, EventKind.LIQUIDATED, key, collateral=collateral, debt=debt, who=who)
