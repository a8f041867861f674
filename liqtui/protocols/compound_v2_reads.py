"""What is read of a Compound v2 market every round: three steps, whatever the number of wallets.

First which markets each account is in. Then what is stored: balances, debts, factors, prices. Last, in a step of its
own because it writes (and forgets) the contracts' state, what interest makes of exchange rates and debts by this
block, and the comptroller's own liquidity after that. Each of these calls accrues for itself all that it needs, so
that neither their order nor how they are spread over requests matters.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.units import RAY, WAD
from liqtui.protocols import compound_v2_pauses as pauses
from liqtui.protocols.abi import Asked, address, addresses, ask_all, asked, flag, known, ok, uint, words
from liqtui.protocols.adapter import Reading
from liqtui.protocols.compound_v2_abi import (
    ACCRUE_INTEREST,
    ACCRUE_VAI_INTEREST,
    BORROW_BALANCE_CURRENT,
    CLOSE_FACTOR,
    COMPTROLLER_IMPLEMENTATION,
    EFFECTIVE_FACTOR,
    EFFECTIVE_INCENTIVE,
    GET_ACCOUNT_LIQUIDITY,
    GET_ACCOUNT_SNAPSHOT,
    GET_ALL_MARKETS,
    GET_ASSETS_IN,
    GET_VAI_REPAY_AMOUNT,
    GET_VAI_REPAY_RATE,
    IS_FORCED,
    IS_FORCED_FOR_USER,
    LEAST_COLLATERAL,
    LIQUIDATION_INCENTIVE,
    ORACLE,
    PROTOCOL_PAUSED,
    SEIZE_PAUSED,
    USER_POOL,
    in_one,
    last_of,
)
from liqtui.protocols.compound_v2_book import rounding_of
from liqtui.protocols.compound_v2_state import Account, Holding, Market, TokenState
from liqtui.protocols.compound_v2_tokens import accrued_calls, token_calls, token_state
from liqtui.protocols.figures import fed_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.reads import Block, Call, Plan, Result
    from liqtui.protocols.abi import Question
    from liqtui.protocols.compound_v2_state import Opened, TokenInfo

_OF_COMPTROLLER = (ORACLE, GET_ALL_MARKETS, CLOSE_FACTOR, LIQUIDATION_INCENTIVE)
_BY_FACTOR, _BY_THRESHOLD = 0, 1
"""WeightFunction of Venus."""
_ERRORS = {4: "COMPTROLLER_MISMATCH", 9: "MARKET_NOT_LISTED", 11: "MATH_ERROR", 13: "PRICE_ERROR", 15: "SNAPSHOT_ERROR"}
"""ComptrollerErrorReporter.Error."""


def refresh(opened: Opened, block: Block, hints: Mapping[str, frozenset[str]]) -> Plan[Reading]:
    """The market and the accounts of the hinted wallets at the block. ValueError without a close factor."""
    first, questions = _of_market(opened), _of_user(opened)
    users, size = asked(questions), len(questions)
    found, told = yield from ask_all(first, list(chain.from_iterable(map(users.__getitem__, hints))))
    close_factor, alike = _close_factor(found[CLOSE_FACTOR]), _Alike(opened)
    owners = {
        wallet: _owner(opened, alike, wallet, hint, told[place * size : place * size + size])
        for place, (wallet, hint) in enumerate(hints.items())
    }
    accounts = [owner for owner in owners.values() if isinstance(owner, _Owner)]
    wanted = {token for held in alike.values() for token in held.tokens}
    used = [info for token, info in opened.tokens.items() if token in wanted]

    prices = opened.prices.reads(info.source for info in used)
    second: dict[Any, Call] = dict(prices)
    for info in used:
        second |= token_calls(opened, info)
    more = [call for owner in accounts for call in owner.held.asked[owner.wallet]]
    answered, told = yield from ask_all(second, more)
    found |= answered
    size, at = _holding_size(opened), 0
    stored: list[_Stored] = []
    for owner in accounts:
        until = at + size * len(owner.held.tokens)
        mine = told[at:until]
        stored.append(_Stored(mine, [words(each, 4) if ok(each, 4) else None for each in mine[::size]]))
        at = until

    third: dict[Any, Call] = {}
    for info in used:
        third |= accrued_calls(opened, info, found)
    more = [call for owner, mine in zip(accounts, stored, strict=True) for call in _accrued_calls(opened, owner, mine)]
    answered, told = yield from ask_all(third, more)
    found |= answered

    book = opened.prices.at({key: found[key] for key in prices}, block.timestamp)
    errors: list[str] = []
    states: dict[str, TokenState] = {}
    for info in used:
        try:
            states[info.address] = token_state(opened, info, found, book)
        except ValueError as fault:
            errors.append(f"market {info.asset.symbol} could not be read: {fault}")
    market = Market(
        states,
        close_factor,
        seize_paused=pauses.yes(found.get(SEIZE_PAUSED, b"")),
        paused=pauses.yes(found.get(PROTOCOL_PAUSED, b"")),
        least=_least(opened, found),
        vai_rate=None if (vai_rate := known(found.get(GET_VAI_REPAY_RATE, b""))) is None else vai_rate * (RAY // WAD),
    )
    rest = iter(told)
    outcome: dict[str, Account | ValueError] = {
        wallet: owner for wallet, owner in owners.items() if isinstance(owner, ValueError)
    }
    vai_forced = found.get(IS_FORCED, _NOTHING)
    for owner, mine in zip(accounts, stored, strict=True):
        liquidity, vai = next(rest), next(rest) if owner.owes_vai else None
        debts = [next(rest) if each and each[_OWED] else None for each in mine.snapshots]
        outcome[owner.wallet] = _account(opened, market, owner, mine, _Accrued(liquidity, debts, vai, vai_forced))
    whole = {wallet: account for wallet, account in outcome.items() if isinstance(account, Account)}
    market = replace(market, rounding=rounding_of(opened, market, whole))
    return Reading(market, outcome, fed_by(market.tokens.values()), _changed(opened, found), tuple(errors))


def _of_market(opened: Opened) -> dict[Any, Call]:
    entry = opened.ref.entry
    calls: dict[Any, Call] = {getter: getter.at(entry) for getter in _OF_COMPTROLLER} | pauses.calls_of_all(opened)
    if opened.implementation:
        calls[COMPTROLLER_IMPLEMENTATION] = COMPTROLLER_IMPLEMENTATION.at(entry)
    if opened.least is not None:
        calls[LEAST_COLLATERAL] = LEAST_COLLATERAL.at(entry)
    if opened.vai:
        calls[GET_VAI_REPAY_RATE] = GET_VAI_REPAY_RATE.at(opened.vai.controller)
        calls |= {of: of.at(entry, opened.vai.controller) for of in opened.forced if of == IS_FORCED}
    return calls


def _of_user(opened: Opened) -> tuple[Question, ...]:
    """Answers are taken apart by `_owner`, by place."""
    entry = opened.ref.entry
    questions: list[Question] = [(GET_ASSETS_IN, entry, ())]
    if opened.by_account:
        questions.append((USER_POOL, entry, ()))
    if opened.vai:
        questions.append((GET_VAI_REPAY_AMOUNT, opened.vai.controller, ()))
        questions += [(IS_FORCED_FOR_USER, entry, (opened.vai.controller,))] if opened.forced_by_account else []
    return tuple(questions)


def _least(opened: Opened, found: Mapping[Any, Result]) -> int | None:
    """As it is now; as it was at the opening where it is not told."""
    now = known(found.get(LEAST_COLLATERAL, b""))
    return opened.least if now is None else now


def _close_factor(result: Result) -> int:
    try:
        return uint(result)
    except ValueError as fault:
        raise ValueError(f"the comptroller tells no close factor: {fault}") from fault


class _Held(NamedTuple):
    """What accounts hold that entered the same markets, and what is asked of each."""

    entered: tuple[str, ...]
    tokens: tuple[str, ...]
    """Known cTokens in the order in which the account entered their markets, then the rest."""
    asked: Asked
    debts: Asked
    """What it owes in each of `tokens`, with interest."""
    whole: bool
    """All markets that it entered are known."""


class _Alike(dict[tuple[tuple[str, ...], "frozenset[str]"], _Held]):
    """(markets entered, hints) → what is the same for all accounts that have them; of one round."""

    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self._opened = opened

    def __missing__(self, key: tuple[tuple[str, ...], frozenset[str]]) -> _Held:
        opened, (entered, hints) = self._opened, key
        tokens = tuple(token for token in dict.fromkeys((*entered, *sorted(hints))) if token in opened.tokens)
        questions = tuple(question for token in tokens for question in _of_holding(opened, token))
        debts = asked(tuple((BORROW_BALANCE_CURRENT, token, ()) for token in tokens))
        held = _Held(entered, tokens, asked(questions), debts, opened.tokens.keys() >= set(entered))
        self[key] = held
        return held


class _Owner(NamedTuple):
    """An account as far as the first answers tell."""

    wallet: str
    held: _Held
    group: int
    owes_vai: bool
    vai: Sequence[Result]
    """What is owed in it, as stored; then whether that may be liquidated whatever the health. Empty without VAI."""


class _Stored(NamedTuple):
    """What is stored of an account, without the interest since."""

    told: list[Result]
    """For each cToken held, the answers to `_of_holding`."""
    snapshots: list[list[int] | None]
    """For each, the first of them: error, cTokens, debt, exchange rate. None where it does not answer."""


_OWED = 2
"""The place of the debt in a snapshot."""


class _Accrued(NamedTuple):
    """What interest makes of it."""

    liquidity: Result
    debts: list[Result | None]
    """For each cToken held; None where nothing is owed."""
    vai: Result | None
    """What is owed in it; None where nothing is."""
    vai_forced: Result
    """Whether that may be liquidated whatever the health, of all accounts."""


_NOTHING = bytes(32)


def _owner(
    opened: Opened, alike: _Alike, wallet: str, hints: frozenset[str], told: Sequence[Result]
) -> _Owner | ValueError:
    try:
        entered = addresses(told[0])
    except ValueError as fault:
        return ValueError(f"the comptroller did not tell which markets the account is in: {fault}")
    group = known(told[1]) or 0 if opened.by_account else 0
    vai = told[1 + opened.by_account :] if opened.vai else ()
    return _Owner(wallet, alike[entered, hints], group, bool(vai) and ok(vai[0]) and vai[0] != _NOTHING, vai)


def _accrued_calls(opened: Opened, owner: _Owner, stored: _Stored) -> list[Call]:
    """The comptroller's own word after all markets of the account have accrued, and its debts with interest."""
    held, wallet = owner.held, owner.wallet
    at = opened.vai.controller if opened.vai and owner.owes_vai else ""
    calls = [_liquidity_after(opened.multicall, opened.ref.entry, wallet, held.entered, at)]
    if at:
        calls.append(in_one(opened.multicall, [ACCRUE_VAI_INTEREST.at(at), GET_VAI_REPAY_AMOUNT.at(at, wallet)]))
    calls += [call for call, each in zip(held.debts[wallet], stored.snapshots, strict=True) if each and each[_OWED]]
    return calls


@lru_cache(maxsize=4096)
def _liquidity_after(multicall: str, entry: str, wallet: str, entered: tuple[str, ...], vai: str) -> Call:
    """`vai`: its controller, for who owes it."""
    accrued = [*map(ACCRUE_INTEREST.at, entered), *([ACCRUE_VAI_INTEREST.at(vai)] if vai else [])]
    return in_one(multicall, [*accrued, GET_ACCOUNT_LIQUIDITY.at(entry, wallet)])


def _of_holding(opened: Opened, token: str) -> list[Question]:
    """Answers are taken apart by `_holdings`, by place."""
    entry = opened.ref.entry
    questions: list[Question] = [(GET_ACCOUNT_SNAPSHOT, token, ())]
    if opened.by_account:
        questions += [(EFFECTIVE_FACTOR, entry, (token, kind)) for kind in (_BY_FACTOR, _BY_THRESHOLD)]
        questions.append((EFFECTIVE_INCENTIVE, entry, (token,)))
    if opened.forced_by_account:
        questions.append((IS_FORCED_FOR_USER, entry, (token,)))
    return questions


def _holding_size(opened: Opened) -> int:
    return 1 + 3 * opened.by_account + opened.forced_by_account


def _account(opened: Opened, market: Market, owner: _Owner, stored: _Stored, accrued: _Accrued) -> Account | ValueError:
    """The account with its balances, or what keeps its health from being known."""
    held, vai, forced = owner.held, 0, False
    if not held.whole:
        return ValueError("it is in a market that was listed after this one was opened")
    try:
        holdings = _holdings(opened, market, held, stored, accrued)
        if owner.vai:
            with_interest = last_of(accrued.vai or b"")
            vai = uint(with_interest if ok(with_interest) else owner.vai[0])
            forced = vai > 0 and any(map(flag, (accrued.vai_forced, *owner.vai[1:])))
    except ValueError as fault:
        return fault
    reported, refusal = _reported(accrued.liquidity)
    return Account(holdings, reported, refusal, vai, owner.group, forced)


def _reported(result: Result) -> tuple[tuple[int, int] | None, str]:
    """The comptroller's liquidity and shortfall, or None and why not."""
    said = last_of(result)
    if not ok(said, 3):
        return None, "it does not answer"
    error, liquidity, shortfall = words(said, 3)
    if error:
        return None, f"it answers error {error} {_ERRORS.get(error, '')}".strip()
    return (liquidity, shortfall), ""


def _holdings(opened: Opened, market: Market, held: _Held, stored: _Stored, accrued: _Accrued) -> tuple[Holding, ...]:
    """ValueError in words for what was not read."""
    told, size = stored.told, _holding_size(opened)
    holdings: list[Holding] = []
    for place, (token, snapshot, debt) in enumerate(zip(held.tokens, stored.snapshots, accrued.debts, strict=True)):
        if token not in market.tokens:
            raise ValueError(f"its market {token} could not be read")
        if snapshot is None or snapshot[0] or not snapshot[3]:
            raise ValueError(_no_balance(market.tokens[token].info, told[place * size]))
        _, tokens, owed, rate = snapshot
        now, entered = 0 if debt is None else known(debt), token in held.entered
        if size == 1:
            holdings.append(Holding(token, tokens, owed, rate, now, entered))
            continue
        more = told[place * size + 1 : (place + 1) * size]
        factor, weight, incentive = map(known, more[:3]) if opened.by_account else (None, None, None)
        forced = flag(more[-1]) if opened.forced_by_account else False
        holdings.append(Holding(token, tokens, owed, rate, now, entered, factor, weight, incentive, forced))
    return tuple(holdings)


def _no_balance(info: TokenInfo, snapshot: Result) -> str:
    """Why there is none."""
    symbol = info.asset.symbol
    try:
        error = words(snapshot, 4)[0]
    except ValueError as fault:
        return f"its {symbol} could not be read: {fault}"
    if error:
        return f"its {symbol} could not be read: error {error}"
    return f"its {symbol} makes no sense: an exchange rate of zero"


def _changed(opened: Opened, found: Mapping[Any, Result]) -> bool:
    """Whether the contracts are no longer those that were opened. What did not answer is no change."""
    oracle, listing = found[ORACLE], found[GET_ALL_MARKETS]
    behind = found.get(COMPTROLLER_IMPLEMENTATION, b"")
    if (ok(oracle) and address(oracle) != opened.oracle) or (ok(behind) and address(behind) != opened.implementation):
        return True
    return ok(listing, 2) and addresses(listing) != tuple(opened.tokens)
