"""What is read of an Aave v3 market every round: two steps, whatever the number of wallets.

First the accounts' own figures and whether the contracts are still those that were opened; then the reserves
that any account uses, their prices and the balances. A third step only where an eMode category (≤ v3.1) has a
price source of its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.protocols.aave_v3_abi import (
    BALANCE_OF,
    GET_PRICE_ORACLE,
    GET_PRICE_ORACLE_SENTINEL,
    GET_RESERVES_LIST,
    GET_SOURCE,
    GET_USER_STABLE_RATE,
    IS_LIQUIDATION_ALLOWED,
    PAUSED,
    SCALED_BALANCE_OF,
)
from liqtui.protocols.aave_v3_reserves import (
    Answers,
    category,
    category_calls,
    known,
    reserve_calls,
    reserve_state,
    with_prices,
)
from liqtui.protocols.aave_v3_state import Account, Category, Holding, Market, Reported, ReserveState, flagged_ids
from liqtui.protocols.abi import address, addresses, ask_all, flag, ok, uint, words
from liqtui.protocols.adapter import Reading
from liqtui.protocols.price_sources import LATEST_ROUND_DATA, ZERO_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.core.model import Feed
    from liqtui.core.reads import Block, Call, Plan, Result
    from liqtui.protocols.aave_v3_math import Rules
    from liqtui.protocols.aave_v3_state import Opened, Reserve


def refresh(opened: Opened, block: Block, hints: Mapping[str, frozenset[int]]) -> Plan[Reading]:
    """The market and the accounts of the hinted wallets at the block. ValueError without the pool's revision."""
    dialect = opened.dialect
    first: dict[Any, Call] = {getter: getter.at(opened.ref.entry) for getter in dialect.of_provider}
    first |= {getter: getter.at(opened.pool) for getter in dialect.of_pool}
    if opened.sequencer:
        first[LATEST_ROUND_DATA] = LATEST_ROUND_DATA.at(opened.sequencer)
    of_user, pool = dialect.of_user, opened.pool
    users = [getter.at(pool, wallet) for wallet in hints for getter in of_user]
    found, told = yield from ask_all(first, users)
    rules = dialect.rules(uint(found[dialect.revision]))
    size = len(of_user)
    outcome: dict[str, Account | Exception] = {
        wallet: _account(told[place * size : place * size + size]) for place, wallet in enumerate(hints)
    }
    accounts = {wallet: account for wallet, account in outcome.items() if isinstance(account, Account)}
    held = {wallet: _held(account.flags, hints[wallet]) for wallet, account in accounts.items()}
    used = sorted({i for ids in held.values() for i in ids} & opened.reserves.keys())
    reserves = [opened.reserves[i] for i in used]
    sentinel = _sentinel(rules, found.get(GET_PRICE_ORACLE_SENTINEL))

    prices = opened.prices.reads(reserve.source for reserve in reserves)
    second: dict[Any, Call] = dict(prices)
    for reserve in reserves:
        second |= reserve_calls(opened, rules, reserve)
    for i in {account.category for account in accounts.values()} - {0}:
        second |= category_calls(opened, rules, i)
    if sentinel:
        second[IS_LIQUIDATION_ALLOWED] = IS_LIQUIDATION_ALLOWED.at(sentinel)
    balances = {wallet: _balances(opened, rules, wallet, accounts[wallet], ids) for wallet, ids in held.items()}
    more = [call for asked in balances.values() for call in asked]
    answered, balances_found = yield from ask_all(second, more)
    found |= answered

    errors: list[str] = []
    book = opened.prices.at({key: found[key] for key in prices}, block.timestamp)
    answers = Answers(opened, rules, block.timestamp, found, book)
    market = Market(
        rules=rules,
        timestamp=block.timestamp,
        reserves=_reserves(answers, reserves, errors),
        categories=(yield from with_prices(answers, _categories(answers, accounts.values(), errors))),
        prices=book,
        liquidation_allowed=_allowed(found[IS_LIQUIDATION_ALLOWED]) if sentinel else True,
        sequencer_down=_sequencer_down(found[LATEST_ROUND_DATA], errors) if opened.sequencer else False,
        paused=_paused(found[PAUSED], errors) if PAUSED in found else False,
    )
    changed = _changed(answers, reserves)
    at = 0
    for wallet, account in accounts.items():
        until = at + len(balances[wallet])
        owner = _Owner(wallet, account, held[wallet], balances_found[at:until])
        outcome[wallet], at = _complete(answers, market, owner, errors), until
    return Reading(market, outcome, _feeds(market), changed, tuple(errors))


class _Owner(NamedTuple):
    """An account, the reserves that it is in, and what was read of its balances there."""

    wallet: str
    account: Account
    held: tuple[int, ...]
    balances: list[Result]


def _account(user: Sequence[Result]) -> Account | ValueError:
    """From the answers of `Dialect.of_user`."""
    try:
        flags = uint(user[1])
        group = uint(user[2]) if len(user) > 2 else 0
    except ValueError as fault:
        return ValueError(f"the pool did not tell what the account holds: {fault}")
    try:
        return Account(flags, group, (), Reported(*words(user[0], 6)))
    except ValueError as fault:
        return Account(flags, group, (), None, str(fault))


@lru_cache(maxsize=4096)
def _held(flags: int, hints: frozenset[int]) -> tuple[int, ...]:
    return tuple(sorted({*flagged_ids(flags), *hints}))


def _sentinel(rules: Rules, result: Result | None) -> str:
    """Address of the price oracle sentinel; empty where there is none or the revision does not ask it."""
    if rules.isolated_categories or result is None or not ok(result):
        return ""
    found = address(result)
    return "" if found == ZERO_ADDRESS else found


def _allowed(result: Result) -> bool | None:
    try:
        return flag(result)
    except ValueError:
        return None


def _sequencer_down(result: Result, errors: list[str]) -> bool:
    """The uptime feed answers 0 while the sequencer is up."""
    if not ok(result, 5):
        errors.append("the sequencer uptime feed does not answer")
        return False
    return words(result, 2)[1] != 0


def _paused(result: Result, errors: list[str]) -> bool:
    try:
        return flag(result)
    except ValueError:
        errors.append("the pool does not tell whether it is paused")
        return False


def _reserves(answers: Answers, reserves: Iterable[Reserve], errors: list[str]) -> dict[int, ReserveState]:
    states: dict[int, ReserveState] = {}
    for reserve in reserves:
        try:
            states[reserve.id] = reserve_state(answers, reserve)
        except ValueError as fault:
            errors.append(f"reserve {reserve.asset.symbol} could not be read: {fault}")
    return states


def _categories(answers: Answers, accounts: Iterable[Account], errors: list[str]) -> dict[int, Category]:
    groups: dict[int, Category] = {}
    for i in sorted({account.category for account in accounts} - {0}):
        try:
            groups[i] = category(answers, i)
        except ValueError as fault:
            errors.append(f"eMode category {i} could not be read: {fault}")
    return groups


def _balances(opened: Opened, rules: Rules, wallet: str, account: Account, held: Iterable[int]) -> list[Call]:
    """What is read of an account in each reserve; `_complete` takes the answers in the same order."""
    calls: list[Call] = []
    flags, reserves = account.flags, opened.reserves
    for i in held:
        reserve = reserves.get(i)
        if reserve is None:
            continue
        calls.append(SCALED_BALANCE_OF.at(reserve.a_token, wallet))
        if flags >> 2 * i & 1:
            calls.append(SCALED_BALANCE_OF.at(reserve.variable_debt, wallet))
            if rules.stable_debt:
                calls.append(BALANCE_OF.at(reserve.stable_debt, wallet))
                calls.append(GET_USER_STABLE_RATE.at(reserve.stable_debt, wallet))
            elif rules.discounted_debt:
                calls.append(BALANCE_OF.at(reserve.variable_debt, wallet))
    return calls


def _complete(answers: Answers, market: Market, owner: _Owner, errors: list[str]) -> Account | ValueError:
    """The account with its balances, or what keeps its health from being known."""
    wallet, account, held, balances = owner
    flags, group, _, reported, refusal = account
    if group and group not in market.categories:
        return ValueError(f"eMode category {group} could not be read")
    holdings: list[Holding] = []
    rules, reserves, at = market.rules, answers.opened.reserves, 0
    for i in held:
        flagged, borrows = flags >> 2 * i & 3, flags >> 2 * i & 1
        if i not in reserves:
            if flagged and _listing_changed(answers):
                return ValueError("it uses a reserve that was listed after the market was opened")
            continue  # dropped from the list: the pool passes over it too
        until = at + (2 + 2 * rules.stable_debt + rules.discounted_debt if borrows else 1)
        try:
            holdings.append(_holding(market, i, balances[at:until]))
        except ValueError as fault:
            said = f"its {reserves[i].asset.symbol} could not be read: {fault}"
            if flagged:
                return ValueError(said)
            errors.append(f"{wallet}: {said}")
        at = until
    return Account(flags, group, tuple(holdings), reported, refusal)


def _holding(market: Market, i: int, told: Sequence[Result]) -> Holding:
    """From the answers of `_balances` in one reserve."""
    if i not in market.reserves:
        raise ValueError("the reserve did not answer")
    supplied = uint(told[0])
    if len(told) == 1:
        return Holding(i, supplied, 0)
    owed, rules = uint(told[1]), market.rules
    if rules.stable_debt:
        return Holding(i, supplied, owed, uint(told[2]), known(told[3]) or 0)
    if rules.discounted_debt and not market.reserves[i].config.virtual:
        return Holding(i, supplied, 0, uint(told[2]), market.reserves[i].borrow_rate)
    return Holding(i, supplied, owed)


def _changed(answers: Answers, reserves: Iterable[Reserve]) -> bool:
    """Whether the contracts are no longer those that were opened. What did not answer is no change."""
    opened, found = answers.opened, answers.found
    return (
        answers.rules.revision != opened.rules.revision
        or _differs(found[opened.dialect.pool], opened.pool)
        or _differs(found[GET_PRICE_ORACLE], opened.oracle)
        or _listing_changed(answers)
        or any(_differs(found[reserve.id, GET_SOURCE], reserve.source) for reserve in reserves)
    )


def _differs(result: Result, opened: str) -> bool:
    return ok(result) and address(result) != opened


def _listing_changed(answers: Answers) -> bool:
    listing = answers.found[GET_RESERVES_LIST]
    return ok(listing, 2) and addresses(listing) != answers.opened.listing


def _feeds(market: Market) -> tuple[Feed, ...]:
    feeds = {feed.address: feed for state in market.reserves.values() for feed in state.feeds}
    return tuple(feeds.values())
