"""What the log of a Comet tells of an account.

Base tokens supplied repay a debt, and withdrawn make one, where there is or will be any: the log does not say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.events import EventKind, MarketEvent, Moved
from liqtui.core.model import PositionKey
from liqtui.core.reads import LogFilter
from liqtui.protocols.abi import as_address, event, topic_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.model import Asset
    from liqtui.core.reads import Log
    from liqtui.protocols.abi import Event
    from liqtui.protocols.compound_v3_state import Opened

ABSORB_DEBT = event(
    "AbsorbDebt(address,address,uint256,uint256)",
    "0x1547a878dc89ad3c367b6338b4be6a65a5dd74fb77ae044da1e8747ef1f4f62f",
    indexed=2,
    words=2,
)
"""Indexed: absorber, account. Then: base units paid out for the account, their value."""
ABSORB_COLLATERAL = event(
    "AbsorbCollateral(address,address,address,uint256,uint256)",
    "0x9850ab1af75177e4a9201c65a2cf7976d5d28e40ef63494b44366f86b2f9412e",
    indexed=3,
    words=2,
)
"""Indexed: absorber, account, asset. Then: amount, its value."""
SUPPLY = event(
    "Supply(address,address,uint256)",
    "0xd1cf3d156d5f8f0d50f6c122ed609cec09d35c9b9fb3fff6ea0959134dae424e",
    indexed=2,
    words=1,
)
WITHDRAW = event(
    "Withdraw(address,address,uint256)",
    "0x9b1bfa7fa9ee420a16e124f794c35ac9f90472acc99140eb2f6447c714cad8eb",
    indexed=2,
    words=1,
)
SUPPLY_COLLATERAL = event(
    "SupplyCollateral(address,address,address,uint256)",
    "0xfa56f7b24f17183d81894d3ac2ee654e3c26388d17a28dbd9549b8114304e1f4",
    indexed=3,
    words=1,
)
WITHDRAW_COLLATERAL = event(
    "WithdrawCollateral(address,address,address,uint256)",
    "0xd6d480d5b3068db003533b170d67561494d72e3bf9fa40a266471351ebba9e16",
    indexed=3,
    words=1,
)


class _Kind(NamedTuple):
    event: Event
    kind: EventKind
    account: int
    """Its field."""
    who: int
    asset: int | None
    """Its field; None: the base token."""
    amount: int


_KINDS = (
    _Kind(ABSORB_DEBT, EventKind.LIQUIDATED, account=1, who=0, asset=None, amount=2),
    _Kind(ABSORB_COLLATERAL, EventKind.LIQUIDATED, account=1, who=0, asset=2, amount=3),
    _Kind(SUPPLY, EventKind.SUPPLIED, account=1, who=0, asset=None, amount=2),
    _Kind(SUPPLY_COLLATERAL, EventKind.SUPPLIED, account=1, who=0, asset=2, amount=3),
    _Kind(WITHDRAW, EventKind.WITHDREW, account=0, who=0, asset=None, amount=2),
    _Kind(WITHDRAW_COLLATERAL, EventKind.WITHDREW, account=0, who=0, asset=2, amount=3),
)
_BY_TOPIC = {each.event.topic: each for each in _KINDS}


def event_filters(opened: Opened, wallets: Sequence[str]) -> tuple[LogFilter, ...]:
    who, comet = tuple(map(topic_of, wallets)), (opened.ref.entry,)
    first, second = (tuple(topic for topic, each in _BY_TOPIC.items() if each.account == place) for place in (0, 1))
    return (LogFilter(comet, (second, None, who)), LogFilter(comet, (first, who)))


def events(opened: Opened, logs: Sequence[Log]) -> tuple[MarketEvent, ...]:
    assets = {asset.address: asset for asset, _ in opened.assets}
    found = (_event(opened, assets, log) for log in logs if log.address == opened.ref.entry)
    return tuple(event for event in found if event is not None)


def _event(opened: Opened, assets: dict[str, Asset], log: Log) -> MarketEvent | None:
    kind = _BY_TOPIC.get(log.topics[0]) if log.topics else None
    fields = None if kind is None else kind.event.fields(log)
    if kind is None or fields is None:
        return None
    ref = opened.ref
    try:
        key = PositionKey(ref.chain_id, ref.protocol, ref.name, as_address(fields[kind.account]))
        who = as_address(fields[kind.who])
        asset = opened.base if kind.asset is None else assets.get(as_address(fields[kind.asset]))
    except ValueError:
        return None
    moved = None if asset is None else Moved(asset, fields[kind.amount])
    if kind.asset is None:
        return MarketEvent.of(log, kind.kind, key, debt=moved, who=who)
    return MarketEvent.of(log, kind.kind, key, collateral=moved, who=who)
