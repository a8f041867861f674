"""What a comptroller of the Compound v2 family has paused, and whom that stops.

Compound and Moonwell pause adding, borrowing and seizing; Venus every action of every market by itself, and its core
pool the whole protocol. A liquidation repays one market and seizes in another: it needs both.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from liqtui.protocols.abi import flag, ok
from liqtui.protocols.compound_v2_abi import (
    ACTION_PAUSED,
    BORROW_PAUSED,
    MINT_PAUSED,
    PROTOCOL_PAUSED,
    SEIZE_PAUSED,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from liqtui.core.reads import Call, Result
    from liqtui.protocols.abi import Function
    from liqtui.protocols.compound_v2_state import Opened


class Action(StrEnum):
    """In Venus's order, whose numbers `actionPaused` takes."""

    ADD = "adding"
    WITHDRAW = "withdrawing"
    BORROW = "borrowing"
    REPAY = "repaying"
    SEIZE = "seizing"
    LIQUIDATE = "liquidating"


OF_COLLATERAL = (Action.ADD, Action.WITHDRAW, Action.SEIZE)
OF_DEBT = (Action.BORROW, Action.REPAY, Action.LIQUIDATE)
_BY_GETTER = {Action.ADD: MINT_PAUSED, Action.BORROW: BORROW_PAUSED}
_OF_ALL = (SEIZE_PAUSED, PROTOCOL_PAUSED)


def probes(entry: str, token: str) -> dict[Function, Call]:
    """Asked once: which of these a comptroller knows. `token`: any of its cTokens."""
    calls = {getter: getter.at(entry) for getter in _OF_ALL}
    calls |= {getter: getter.at(entry, token) for getter in _BY_GETTER.values()}
    return calls | {ACTION_PAUSED: ACTION_PAUSED.at(entry, token, 0)}


def known(found: Mapping[Any, Result]) -> frozenset[Function]:
    """The getters of `probes` that answered."""
    return frozenset(getter for getter in (*_OF_ALL, *_BY_GETTER.values(), ACTION_PAUSED) if ok(found[getter]))


def calls_of_all(opened: Opened) -> dict[Any, Call]:
    return {getter: getter.at(opened.ref.entry) for getter in _OF_ALL if getter in opened.pauses}


def calls_of(opened: Opened, token: str) -> dict[Any, Call]:
    """By (cToken, action)."""
    entry = opened.ref.entry
    if ACTION_PAUSED in opened.pauses:
        return {(token, action): ACTION_PAUSED.at(entry, token, number) for number, action in enumerate(Action)}
    return {
        (token, action): getter.at(entry, token) for action, getter in _BY_GETTER.items() if getter in opened.pauses
    }


def paused(token: str, found: Mapping[Any, Result]) -> frozenset[Action]:
    """What is paused in one market. What was not asked, or not answered, is not known to be."""
    return frozenset(action for action in Action if yes(found.get((token, action), b"")))


def yes(result: Result) -> bool:
    try:
        return flag(result)
    except ValueError:
        return False


def stopped(collateral: AbstractSet[Action], debt: AbstractSet[Action]) -> str:
    """Why a liquidation of this pair cannot go through, in words; empty if it can."""
    if Action.SEIZE in collateral:
        return "seizing this collateral is paused"
    if Action.LIQUIDATE in debt:
        return "liquidating this debt is paused"
    return "repaying this debt is paused, also for liquidators" if Action.REPAY in debt else ""


def words(symbol: str, actions: AbstractSet[Action]) -> str:
    """As "WETH: repaying and liquidating are paused"; empty for none."""
    told = " and ".join(action for action in Action if action in actions)
    return f"{symbol}: {told} {'are' if len(actions) > 1 else 'is'} paused" if told else ""
