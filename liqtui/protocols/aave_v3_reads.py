"""What is read of an Aave v3 market every round: two steps, whatever the number of wallets.

First the accounts' own figures and whether the contracts are still those that were opened; then the reserves
that any account uses, their prices and the balances. A third step only where an eMode category (≤ v3.1) has a
price source of its own.
"""

from __future__ import annotations

from itertools import chain
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
    reserve_calls,
    reserve_state,
    with_prices,
)
from liqtui.protocols.aave_v3_state import Account, Category, Holding, Market, Reported, ReserveState, flagged_ids
from liqtui.protocols.abi import Asked, address, addresses, ask_all, asked, flag, known, ok, uint, words
from liqtui.protocols.adapter import Reading
from liqtui.protocols.figures import fed_by
from liqtui.protocols.price_sources import LATEST_ROUND_DATA, ZERO_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.core.reads import Block, Call, Plan, Result
    from liqtui.protocols.aave_v3_math import Rules
    from liqtui.protocols.aave_v3_state import Opened, Reserve
    from liqtui.protocols.abi import Question


def refresh(opened: Opened, block: Block, hints: Mapping[str, frozenset[int]]) -> Plan[Reading]:
    """The market and the accounts of the hinted wallets at the block. ValueError without the pool's revision."""
    dialect = opened.dialect
    first: dict[Any, Call] = {getter: getter.at(opened.ref.entry) for getter in dialect.of_provider}
    first |= {getter: getter.at(opened.pool) for getter in dialect.of_pool}
    if opened.sequencer:
        first[LATEST_ROUND_DATA] = LATEST_ROUND_DATA.at(opened.sequencer)
    users = asked(tuple((getter, opened.pool, ()) for getter in dialect.of_user))
    found, told = yield from ask_all(first, list(chain.from_iterable(map(users.__getitem__, hints))))
    rules = dialect.rules(uint(found[dialect.revision]))
    size, alike = len(dialect.of_user), _Alike(opened, rules)
    owners = {
        wallet: _owner(alike, wallet, hint, told[place * size : place * size + size])
        for place, (wallet, hint) in enumerate(hints.items())
    }
    accounts = [owner for owner in owners.values() if isinstance(owner, _Owner)]
    groups = sorted({owner.category for owner in accounts} - {0})
    used = sorted({part.id for held in alike.values() for part in held.parts} & opened.reserves.keys())
    reserves = [opened.reserves[i] for i in used]
    sentinel = _sentinel(rules, found.get(GET_PRICE_ORACLE_SENTINEL))

    prices = opened.prices.reads(reserve.source for reserve in reserves)
    second: dict[Any, Call] = dict(prices)
    for reserve in reserves:
        second |= reserve_calls(opened, rules, reserve)
    for i in groups:
        second |= category_calls(opened, rules, i)
    if sentinel:
        second[IS_LIQUIDATION_ALLOWED] = IS_LIQUIDATION_ALLOWED.at(sentinel)
    more = [call for owner in accounts for call in owner.held.asked[owner.wallet]]
    answered, balances = yield from ask_all(second, more)
    found |= answered

    errors: list[str] = []
    book = opened.prices.at({key: found[key] for key in prices}, block.timestamp)
    answers = Answers(opened, rules, block.timestamp, found, book)
    market = Market(
        rules=rules,
        timestamp=block.timestamp,
        reserves=_reserves(answers, reserves, errors),
        categories=(yield from with_prices(answers, _categories(answers, groups, errors))),
        prices=book,
        liquidation_allowed=_allowed(found[IS_LIQUIDATION_ALLOWED]) if sentinel else True,
        sequencer_down=_sequencer_down(found[LATEST_ROUND_DATA], errors) if opened.sequencer else False,
        paused=_paused(found[PAUSED], errors) if PAUSED in found else False,
    )
    changed = _changed(answers, reserves)
    outcome: dict[str, Account | Exception] = {}
    at, relisted = 0, _listing_changed(answers)
    for wallet, owner in owners.items():
        if isinstance(owner, ValueError):
            outcome[wallet] = owner
            continue
        until = at + owner.held.answers
        if owner.held.unknown and relisted:
            outcome[wallet] = ValueError("it uses a reserve that was listed after the market was opened")
        else:
            outcome[wallet] = _account(market, owner, balances[at:until], errors)
        at = until
    return Reading(market, outcome, fed_by(market.reserves.values()), changed, tuple(errors))


class _Part(NamedTuple):
    """One reserve that an account is in, and where the answers about it stand among those of the account."""

    id: int
    flagged: bool
    symbol: str
    first: int
    until: int


class _Held(NamedTuple):
    """Where accounts with the same flags hold something, and what is asked of each there."""

    parts: tuple[_Part, ...]
    asked: Asked
    answers: int
    """How many come of it."""
    unknown: bool
    """The account uses a reserve that was not listed when the market was opened, or was dropped since."""


class _Alike(dict[tuple[int, "frozenset[int]"], _Held]):
    """(flags, hints) → what is the same for all accounts that have them; of one round."""

    def __init__(self, opened: Opened, rules: Rules) -> None:
        super().__init__()
        self._opened, self._rules = opened, rules

    def __missing__(self, key: tuple[int, frozenset[int]]) -> _Held:
        flags, hints = key
        self[key] = held = _held(self._opened, self._rules, flags, hints)
        return held


def _held(opened: Opened, rules: Rules, flags: int, hints: frozenset[int]) -> _Held:
    questions: list[Question] = []
    parts: list[_Part] = []
    flagged = flagged_ids(flags)
    for i in sorted({*flagged, *hints}):
        reserve, first = opened.reserves.get(i), len(questions)
        if reserve is None:
            continue  # dropped from the list: the pool passes over it too
        questions.append((SCALED_BALANCE_OF, reserve.a_token, ()))
        if flags >> 2 * i & 1:
            questions.append((SCALED_BALANCE_OF, reserve.variable_debt, ()))
            if rules.stable_debt:
                questions.append((BALANCE_OF, reserve.stable_debt, ()))
                questions.append((GET_USER_STABLE_RATE, reserve.stable_debt, ()))
            elif rules.discounted_debt:
                questions.append((BALANCE_OF, reserve.variable_debt, ()))
        parts.append(_Part(i, i in flagged, reserve.asset.symbol, first, len(questions)))
    unknown = not opened.reserves.keys() >= set(flagged)
    return _Held(tuple(parts), asked(tuple(questions)), len(questions), unknown)


class _Owner(NamedTuple):
    """An account as far as the first answers tell."""

    wallet: str
    flags: int
    category: int
    figures: Result
    """What the pool says of it."""
    held: _Held


def _owner(alike: _Alike, wallet: str, hints: frozenset[int], user: Sequence[Result]) -> _Owner | ValueError:
    """From the answers of `Dialect.of_user`."""
    try:
        flags = uint(user[1])
        group = uint(user[2]) if len(user) > 2 else 0
    except ValueError as fault:
        return ValueError(f"the pool did not tell what the account holds: {fault}")
    return _Owner(wallet, flags, group, user[0], alike[flags, hints])


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


def _categories(answers: Answers, ids: Iterable[int], errors: list[str]) -> dict[int, Category]:
    groups: dict[int, Category] = {}
    for i in ids:
        try:
            groups[i] = category(answers, i)
        except ValueError as fault:
            errors.append(f"eMode category {i} could not be read: {fault}")
    return groups


def _account(market: Market, owner: _Owner, balances: Sequence[Result], errors: list[str]) -> Account | ValueError:
    """The account with its balances, or what keeps its health from being known."""
    wallet, flags, group, figures, held = owner
    if group and group not in market.categories:
        return ValueError(f"eMode category {group} could not be read")
    holdings: list[Holding] = []
    for i, flagged, symbol, first, until in held.parts:
        try:
            if i not in market.reserves:
                raise ValueError("the reserve did not answer")  # noqa: TRY301 - told as any other
            supplied = uint(balances[first])
            if until - first > 1:
                holdings.append((i, supplied, *_borrowed(market, i, balances[first + 1 : until])))
            else:
                holdings.append((i, supplied, 0, 0, 0))
        except ValueError as fault:
            said = f"its {symbol} could not be read: {fault}"
            if flagged:
                return ValueError(said)
            errors.append(f"{wallet}: {said}")
    try:
        return Account(flags, group, tuple(holdings), Reported(*words(figures, 6)))
    except ValueError as fault:
        return Account(flags, group, tuple(holdings), None, str(fault))


def _borrowed(market: Market, i: int, told: Sequence[Result]) -> tuple[int, int, int | None]:
    """The last three of a holding, from the answers to the questions of `_held` about debt in one reserve."""
    owed, rules = uint(told[0]), market.rules
    if rules.stable_debt:
        return owed, uint(told[1]), known(told[2])
    if rules.discounted_debt and not market.reserves[i].config.virtual:
        return 0, uint(told[1]), market.reserves[i].borrow_rate
    return owed, 0, 0


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
