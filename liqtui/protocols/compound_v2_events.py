"""What the logs of the cTokens of a comptroller tell of an account.

Compound indexes no field of a liquidation, so that those of all accounts are asked for; Venus's isolated pools index
three of them under the same topic, and close small accounts as a whole ("heal") with an event of its own. Debts in
VAI are liquidated by its controller, which writes as Compound does. Of the owner's own acts only taking collateral back
is looked for: it is a transfer of cTokens to the cToken itself, which is indexed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.events import EventKind, MarketEvent, Moved
from liqtui.core.model import Asset
from liqtui.core.reads import LogFilter
from liqtui.protocols.abi import as_address, event, topic_of
from liqtui.protocols.naming import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.reads import Log
    from liqtui.protocols.compound_v2_state import Opened

LIQUIDATE_BORROW = event(
    "LiquidateBorrow(address,address,uint256,address,uint256)",
    "0x298637f684da70674f26509b10f07ec2fbc77a335ab1e7d6215a4b2484d8bb52",
    indexed=0,
    words=5,
)
"""Liquidator, account, debt repaid, cToken seized, how many of it. Written by the cToken of the debt."""
LIQUIDATE_BORROW_INDEXED = LIQUIDATE_BORROW._replace(indexed=3, words=2)
"""Indexed: liquidator, account, cToken seized. Then: debt repaid, how many."""
LIQUIDATE_VAI = event(
    "LiquidateVAI(address,address,uint256,address,uint256)",
    "0x42d401f96718a0c42e5cea8108973f0022677b7e2e5f4ee19851b2de7a0394e7",
    indexed=0,
    words=5,
)
"""As LIQUIDATE_BORROW. Written by the controller of VAI."""
HEAL_BORROW = event(
    "HealBorrow(address,address,uint256)",
    "0x9fe0294717a8efbc6ace1c151b73a4c89982339b2228a27d1ca21394e348986f",
    indexed=2,
    words=1,
)
"""Indexed: who pays, account. Then: debt repaid; all of the account's collateral goes to who pays."""
BAD_DEBT = event(
    "BadDebtIncreased(address,uint256,uint256,uint256)",
    "0x90125ffdb441e57c4f6bf69789206424859f206bea5727f2d81ad2470826ef6a",
    indexed=1,
    words=3,
)
"""Indexed: account. Then: debt written off, the market's bad debt before and after."""
TRANSFER = event(
    "Transfer(address,address,uint256)",
    "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
    indexed=2,
    words=1,
)
SHARE_DECIMALS = 8
"""Of cTokens, whatever they stand for."""


def event_filters(opened: Opened, wallets: Sequence[str]) -> tuple[LogFilter, ...]:
    tokens, who = tuple(opened.tokens), tuple(map(topic_of, wallets))
    unfiltered = LogFilter(tokens, ((LIQUIDATE_BORROW.topic,),))
    if opened.vai:
        unfiltered = LogFilter((*tokens, opened.vai.controller), ((LIQUIDATE_BORROW.topic, LIQUIDATE_VAI.topic),))
    return (
        unfiltered,
        LogFilter(tokens, ((TRANSFER.topic, BAD_DEBT.topic), who)),
        LogFilter(tokens, ((HEAL_BORROW.topic,), None, who)),
    )


def events(opened: Opened, logs: Sequence[Log]) -> tuple[MarketEvent, ...]:
    mine = [log for log in logs if log.address in opened.tokens]
    vai = [log for log in logs if opened.vai and log.address == opened.vai.controller]
    found: list[MarketEvent] = []
    seized: set[tuple[str, str]] = set()
    for log in (*mine, *vai):
        told = _liquidated(opened, log) or _healed(opened, log)
        if told is not None:
            found.append(told)
            seized.add((log.tx_hash, told.key.wallet))
    redeemed = (_redeemed(opened, log) for log in mine)
    # the protocol's part of what is seized is a transfer to the cToken itself, too
    found += [each for each in redeemed if each is not None and (each.tx_hash, each.key.wallet) not in seized]
    return tuple(sorted(found, key=lambda each: (each.block_number, each.log_index)))


def _liquidated(opened: Opened, log: Log) -> MarketEvent | None:
    info = opened.tokens.get(log.address)
    plain = (LIQUIDATE_BORROW if info else LIQUIDATE_VAI).fields(log)
    indexed = LIQUIDATE_BORROW_INDEXED.fields(log) if info else None
    asset = info.asset if info else opened.vai.asset if opened.vai else None
    if asset is None:
        return None
    if plain is not None:
        liquidator, account, repaid, token, shares = plain
    elif indexed is not None:
        liquidator, account, token, repaid, shares = indexed
    else:
        return None
    try:
        key, who, seized = key_of(opened.ref, account), as_address(liquidator), as_address(token)
    except ValueError:
        return None
    taken = _shares(opened, seized, shares)
    return MarketEvent.of(log, EventKind.LIQUIDATED, key, collateral=taken, debt=Moved(asset, repaid), who=who)


def _healed(opened: Opened, log: Log) -> MarketEvent | None:
    if log.address not in opened.tokens:
        return None
    healed, lost = HEAL_BORROW.fields(log), BAD_DEBT.fields(log)
    asset = opened.tokens[log.address].asset
    try:
        if healed is not None:
            key, debt = key_of(opened.ref, healed[1]), Moved(asset, healed[2])
            return MarketEvent.of(log, EventKind.LIQUIDATED, key, debt=debt, who=as_address(healed[0]))
        if lost is not None:
            return MarketEvent.of(log, EventKind.WRITTEN_OFF, key_of(opened.ref, lost[0]), debt=Moved(asset, lost[1]))
    except ValueError:
        return None
    return None


def _redeemed(opened: Opened, log: Log) -> MarketEvent | None:
    fields = TRANSFER.fields(log)
    if fields is None:
        return None
    try:
        key, to = key_of(opened.ref, fields[0]), as_address(fields[1])
    except ValueError:
        return None
    if to != log.address:
        return None
    moved = _shares(opened, log.address, fields[2])
    return MarketEvent.of(log, EventKind.WITHDREW, key, collateral=moved, who=key.wallet)


def _shares(opened: Opened, token: str, amount: int) -> Moved | None:
    """cTokens: what they are worth in the underlying is not in the log."""
    info = opened.tokens.get(token)
    return None if info is None else Moved(Asset(token, f"{info.asset.symbol} shares", SHARE_DECIMALS), amount)
