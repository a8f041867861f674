"""What the log of an Aave pool tells of an account: version 2 and all revisions of version 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.events import EventKind, MarketEvent, Moved
from liqtui.core.reads import LogFilter
from liqtui.protocols.abi import as_address, event, topic_of
from liqtui.protocols.naming import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.model import Asset
    from liqtui.core.reads import Log
    from liqtui.protocols.aave_v3_state import Opened
    from liqtui.protocols.abi import Event

LIQUIDATION = event(
    "LiquidationCall(address,address,address,uint256,uint256,address,bool)",
    "0xe413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286",
    indexed=3,
    words=4,
)
"""Indexed: collateral, debt, account. Then: debt repaid, collateral that the liquidator got, liquidator, as aTokens."""
DEFICIT = event(
    "DeficitCreated(address,address,uint256)",
    "0x2bccfb3fad376d59d7accf970515eb77b2f27b082c90ed0fb15583dd5a942699",
    indexed=2,
    words=1,
)
"""Indexed: account, debt. Then: debt written off (3.3 on)."""


class _Act(NamedTuple):
    """An event of the owner's. Asset and account are the first two indexed fields of all of them."""

    event: Event
    kind: EventKind
    amount: int
    """Its field."""
    who: int
    """Field with who did it."""


_ACTS = (
    _Act(
        event(
            "Supply(address,address,address,uint256,uint16)",
            "0x2b627736bca15cd5381dcf80b0bf11fd197d01a037c52b927a881a10fb73ba61",
            indexed=3,
            words=2,
        ),
        EventKind.SUPPLIED,
        amount=4,
        who=3,
    ),
    _Act(
        event(
            "Deposit(address,address,address,uint256,uint16)",
            "0xde6857219544bb5b7746f48ed30be6386fefc61b2f864cacf559893bf50fd951",
            indexed=3,
            words=2,
        ),
        EventKind.SUPPLIED,
        amount=4,
        who=3,
    ),
    _Act(
        event(
            "Borrow(address,address,address,uint256,uint8,uint256,uint16)",
            "0xb3d084820fb1a9decffb176436bd02558d15fac9b0ddfed8c465bc7359d7dce0",
            indexed=3,
            words=4,
        ),
        EventKind.BORROWED,
        amount=4,
        who=3,
    ),
    _Act(
        event(
            "Borrow(address,address,address,uint256,uint256,uint256,uint16)",
            "0xc6a898309e823ee50bac64e45ca8adba6690e99e7841c45d754e2a38e9019d9b",
            indexed=3,
            words=4,
        ),
        EventKind.BORROWED,
        amount=4,
        who=3,
    ),
    _Act(
        event(
            "Withdraw(address,address,address,uint256)",
            "0x3115d1449a7b732c986cba18244e897a450f61e1bb8d589cd2e69e6c8924f9f7",
            indexed=3,
            words=1,
        ),
        EventKind.WITHDREW,
        amount=3,
        who=1,
    ),
    _Act(
        event(
            "Repay(address,address,address,uint256,bool)",
            "0xa534c8dbe71f871f9f3530e97a74601fea17b426cae02e1c5aee42c96c784051",
            indexed=3,
            words=2,
        ),
        EventKind.REPAID,
        amount=3,
        who=2,
    ),
    _Act(
        event(
            "Repay(address,address,address,uint256)",
            "0x4cdde6e09bb755c9a5589ebaec640bbfedff1362d4b255ebf8339782b9942faa",
            indexed=3,
            words=1,
        ),
        EventKind.REPAID,
        amount=3,
        who=2,
    ),
)
"""Supply and deposit, borrow, withdraw, repay; those that differ between the versions in both forms."""
_BY_TOPIC = {act.event.topic: act for act in _ACTS}


def event_filters(opened: Opened, wallets: Sequence[str]) -> tuple[LogFilter, ...]:
    who = tuple(map(topic_of, wallets))
    pool = (opened.pool,)
    return (
        LogFilter(pool, ((LIQUIDATION.topic,), None, None, who)),
        LogFilter(pool, (tuple(_BY_TOPIC), None, who)),
        LogFilter(pool, ((DEFICIT.topic,), who)),
    )


def events(opened: Opened, logs: Sequence[Log]) -> tuple[MarketEvent, ...]:
    assets = {reserve.asset.address: reserve.asset for reserve in opened.reserves.values()}
    found = (_event(opened, assets, log) for log in logs if log.address == opened.pool)
    return tuple(event for event in found if event is not None)


def _event(opened: Opened, assets: dict[str, Asset], log: Log) -> MarketEvent | None:
    act = _BY_TOPIC.get(log.topics[0]) if log.topics else None
    try:
        if act is not None:
            return _acted(opened, assets, log, act)
        return _liquidated(opened, assets, log) or _written_off(opened, assets, log)
    except ValueError:
        return None


def _acted(opened: Opened, assets: dict[str, Asset], log: Log, act: _Act) -> MarketEvent | None:
    fields = act.event.fields(log)
    if fields is None:
        return None
    moved = _moved(assets, fields[0], fields[act.amount])
    borrowing = act.kind in {EventKind.BORROWED, EventKind.REPAID}
    return MarketEvent.of(
        log,
        act.kind,
        key_of(opened.ref, fields[1]),
        collateral=None if borrowing else moved,
        debt=moved if borrowing else None,
        who=as_address(fields[act.who]),
    )


def _liquidated(opened: Opened, assets: dict[str, Asset], log: Log) -> MarketEvent | None:
    fields = LIQUIDATION.fields(log)
    if fields is None:
        return None
    collateral, debt, account, repaid, taken, liquidator, _ = fields
    return MarketEvent.of(
        log,
        EventKind.LIQUIDATED,
        key_of(opened.ref, account),
        collateral=_moved(assets, collateral, taken),
        debt=_moved(assets, debt, repaid),
        who=as_address(liquidator),
    )


def _written_off(opened: Opened, assets: dict[str, Asset], log: Log) -> MarketEvent | None:
    fields = DEFICIT.fields(log)
    if fields is None:
        return None
    account, debt, lost = fields
    return MarketEvent.of(log, EventKind.WRITTEN_OFF, key_of(opened.ref, account), debt=_moved(assets, debt, lost))


def _moved(assets: dict[str, Asset], asset: int, amount: int) -> Moved | None:
    known = assets.get(as_address(asset))
    return None if known is None else Moved(known, amount)
