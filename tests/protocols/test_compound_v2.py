"""The Compound v2 adapter without a chain: forks, what is missing, what is nonsense."""

from __future__ import annotations

from typing import Any

import eth_abi
import pytest

from liqtui.core.model import ENGINE_LINES, Change, Side
from liqtui.core.reads import Failure, PlanFailed
from liqtui.core.risk import complete
from liqtui.core.severity import liquidatable
from liqtui.core.sources import MarketRef
from liqtui.core.units import HEALTH_INFINITE, RAY, WAD
from liqtui.protocols import compound_v2_abi as abi
from liqtui.protocols import price_sources
from liqtui.protocols.compound_v2_math import Rounding
from liqtui.protocols.compound_v2_open import MULTICALL3
from liqtui.protocols.feeds import deployment
from tests.protocols.compound_v2_fake import (
    ADAPTER,
    BLOCK,
    ENTRY,
    ETH,
    ORACLE,
    REF,
    USDC,
    VAI,
    WALLET,
    Fake,
    Token,
    User,
    loan,
    opened,
    position,
    read,
)
from tests.protocols.fake import NOBODY, Chain, addr, run

REVERT = Failure("revert")


def test_a_loan() -> None:
    chain = loan().chain()
    found = position(chain)
    assert found.health.verified
    assert found.flags == ()
    assert (found.health.raw, found.base_symbol, found.base_decimals) == (16 * WAD // 10, "USD", 18)
    assert (found.collateral_value, found.debt_value) == (2_000 * WAD, 1_000 * WAD)
    assert (found.ltv, found.max_ltv, found.threshold) == (5_000, 8_000, 8_000)
    held, owed = found.legs
    assert (held.asset.symbol, held.asset.address, held.amount) == ("ETH", addr("cETH"), WAD)
    assert (owed.asset.symbol, owed.asset.address, owed.amount) == ("USDC", addr("USDC"), 1_000 * 10**6)
    assert (held.rate, owed.rate) == (10**9 * 2_628_000 * 10**9, 2 * 10**9 * 2_628_000 * 10**9)
    assert all(quote.proven for quote in found.quotes)
    assert [feed.label for feed in found.feeds] == ["ETH / USD", "USDC / USD"]
    assert chain.steps == 3
    scope = found.scope
    assert (scope.max_debt, scope.close_factor, scope.bonus) == (500 * 10**6, 5_000, 10_800)
    assert (scope.seized, scope.loss) == (27 * WAD // 100, 40 * WAD)
    assert (scope.reason, scope.health_after) == ("50 % of this debt", None)
    assert dict(found.facts)["liquidity"] == "600 USD"
    assert str(found.key) == f"1:compound-v2:test market:{WALLET}"


def test_interest_since_the_last_accrual_counts() -> None:
    fake = loan()
    fake.users[WALLET].stored_owed["USDC"] = 900 * 10**6
    fake.token("ETH").stored_rate = WAD * 9 // 10
    found = position(fake.chain())
    assert found.health.verified
    assert found.health.raw == 16 * WAD // 10


def test_nothing_owed_and_nothing_held() -> None:
    fake = Fake(users={WALLET: User({"USDC": 5}, entered=("USDC",))})
    found = position(fake.chain())
    assert found.health.raw == HEALTH_INFINITE
    assert found.scope is None
    empty = Fake(users={WALLET: User(entered=("USDC",))})
    found = position(empty.chain())
    assert found.empty
    assert (found.ltv, found.threshold) == (None, None)


def test_what_is_not_entered_does_not_count() -> None:
    fake = loan()
    fake.users[WALLET].entered = ("USDC",)
    found = position(fake.chain(), frozenset({addr("cETH")}))
    eth = next(leg for leg in found.legs if leg.asset.symbol == "ETH")
    assert (eth.counts, "not used as collateral" in eth.notes) == (False, True)
    assert (found.health.raw, found.collateral_value) == (0, 0)
    with pytest.raises(KeyError, match=addr("cETH")):
        found.book.health(Change(collateral={addr("cETH"): 1}))


def test_discovery() -> None:
    fake = loan()
    fake.users[addr("idle")] = User({"USDC": 7})
    fake.users[addr("none")] = User()
    fake.users[addr("blank")] = User()
    chain = fake.chain()
    chain.put(ENTRY, abi.GET_ASSETS_IN, addr("blank"), result=REVERT)
    chain.put(addr("cETH"), abi.BALANCE_OF, addr("blank"), result=REVERT)
    market = opened(chain)
    wallets = [WALLET, addr("idle"), addr("none"), addr("blank")]
    assert run(ADAPTER.glance(market, wallets), chain) == {WALLET}
    assert chain.steps == 1
    found = run(ADAPTER.discover(market, wallets), chain)
    assert found == {
        WALLET: frozenset(),
        addr("idle"): {addr("cUSDC")},
        addr("blank"): {addr("cETH")},
    }


def test_an_account_with_a_shortfall() -> None:
    fake = loan()
    fake.users[WALLET].owed["USDC"] = 1_700 * 10**6
    found = position(fake.chain())
    assert liquidatable(found) is True
    assert found.scope.max_debt == 850 * 10**6
    after = found.book.health(
        Change(collateral={addr("cETH"): -found.scope.seized}, debt={addr("USDC"): -found.scope.max_debt})
    )
    assert found.scope.health_after == after
    assert dict(found.facts)["shortfall"] == "100 USD"


def test_the_rounding_is_the_one_that_the_comptroller_has() -> None:
    odd = {"ETH": {"rate": 3 * WAD + 1_234_567_890_123}, "USDC": {"price": 99_999_999}}
    for rounding in (Rounding(half_up=True), Rounding(price_first=True), Rounding()):
        tokens = [Token(**(ETH | odd["ETH"])), Token(**(USDC | odd["USDC"] | {"rate": 20_000_000_001}))]
        user = User({"ETH": WAD + 7, "USDC": 10**22 + 3}, {"USDC": 10**6}, entered=("ETH", "USDC"))
        fake = Fake(tokens=tokens, users={WALLET: user}, rounding=rounding)
        found = position(fake.chain())
        assert found.health.verified
        assert found.book.rounding == rounding


def test_a_difference_to_the_comptroller_is_said_and_its_word_decides() -> None:
    fake = loan()
    fake.users[WALLET].off = 1
    found = position(fake.chain())
    assert not found.health.verified
    assert found.health.verdict is False
    assert "own arithmetic gives a liquidity of 600, the comptroller says 600.000000000000000001" in found.health.reason
    assert [flag.code for flag in found.flags] == ["unverified"]


@pytest.mark.parametrize(("deprecated", "verdict"), [(True, True), (False, None)])
def test_a_debt_in_a_market_that_is_closed_down(deprecated: bool, verdict: bool | None) -> None:
    fake = loan()
    fake.token("USDC").deprecated = deprecated
    found = position(fake.chain())
    assert found.health.verdict is verdict
    assert found.book.liquidatable() is deprecated
    assert found.book.liquidatable(Change(debt={addr("USDC"): -1_000 * 10**6})) is False
    assert [flag.code for flag in found.flags] == (["forced"] if deprecated else [])
    assert found.scope.max_debt == (1_000 if deprecated else 500) * 10**6
    assert liquidatable(found) is deprecated


def test_comptrollers_that_know_no_deprecation() -> None:
    found = position(loan(with_deprecation=False).chain())
    assert found.health.verified


def test_paused_seizing() -> None:
    found = position(loan(paused=True).chain())
    assert found.scope.blocked == "seizing is paused"
    assert [flag.code for flag in found.flags] == ["paused"]


@pytest.mark.parametrize("kind", ["isolated", "core"])
@pytest.mark.parametrize(
    ("eth", "usdc", "flags", "blocked"),
    [
        (("adding",), (), ["ETH: adding is paused"], ""),
        (("repaying", "liquidating"), (), [], ""),  # nothing is owed in it
        (("adding", "withdrawing", "seizing"), (), ["ETH: adding and withdrawing and seizing are paused"], "seizing"),
        ((), ("seizing",), [], ""),
        ((), ("borrowing",), ["USDC: borrowing is paused"], ""),
        ((), ("repaying",), ["USDC: repaying is paused"], "repaying"),
        ((), ("liquidating",), ["USDC: liquidating is paused"], "liquidating"),
    ],
)
def test_paused_actions_of_venus(
    kind: str, eth: tuple[str, ...], usdc: tuple[str, ...], flags: list[str], blocked: str
) -> None:
    threshold = 80 * WAD // 100
    tokens = [Token(**ETH, threshold=threshold, paused=eth), Token(**USDC, threshold=threshold, paused=usdc)]
    found = position(loan(kind=kind, tokens=tokens).chain())
    assert [(flag.code, flag.text) for flag in found.flags] == [("paused", text) for text in flags]
    assert found.scope.blocked.partition(" ")[0] == blocked
    assert found.health.verified


def test_paused_actions_of_compound() -> None:
    tokens = [Token(**ETH, paused=("adding", "borrowing")), Token(**USDC, paused=("adding", "borrowing"))]
    found = position(loan(tokens=tokens).chain())
    assert [flag.text for flag in found.flags] == ["ETH: adding is paused", "USDC: borrowing is paused"]
    assert found.scope.blocked == ""


def test_a_core_pool_that_is_paused_as_a_whole() -> None:
    fake = venus()
    fake.paused = True
    found = position(fake.chain())
    assert [flag.code for flag in found.flags] == ["paused"]
    assert found.scope.blocked == "the whole protocol is paused"


def test_a_pair_that_can_go_through_is_worse_than_a_paused_one() -> None:
    threshold = 80 * WAD // 100
    big, small = Token(**ETH, threshold=threshold), Token("LINK", 20 * 10**8, threshold=threshold)
    user = User({"ETH": WAD, "LINK": WAD}, {"USDC": 1_000 * 10**6}, entered=("ETH", "LINK", "USDC"))

    def scope() -> Any:
        tokens = [big, small, Token(**USDC, threshold=threshold)]
        return position(Fake(kind="isolated", tokens=tokens, users={WALLET: user}).chain()).scope

    assert scope().collateral.symbol == "ETH"
    big.paused = ("seizing",)
    assert (scope().collateral.symbol, scope().blocked) == ("LINK", "")
    small.paused = ("seizing",)
    assert (scope().collateral.symbol, scope().blocked) == ("ETH", "seizing this collateral is paused")


def test_an_isolated_pool_weighs_by_its_threshold() -> None:
    tokens = [Token(**ETH, factor=70 * WAD // 100, threshold=75 * WAD // 100), Token(**USDC, threshold=88 * WAD // 100)]
    found = position(loan(kind="isolated", tokens=tokens).chain())
    assert found.health.verified
    assert (found.health.raw, found.threshold, found.max_ltv) == (15 * WAD // 10, 7_500, 7_000)


@pytest.mark.parametrize(
    ("sizes", "lent"),
    [
        ((3 * 10**24, 0, 10**24), 7_500),
        ((0, 0, 10**24), 0),
        ((10**24, 3 * 10**24, 10**24), None),  # reserves above all that there is: nonsense
        (None, None),
    ],
)
def test_how_much_of_a_market_is_lent_out(sizes: tuple[int, int, int] | None, lent: int | None) -> None:
    tokens = [Token(**ETH, sizes=sizes), Token(**USDC)]
    assert position(loan(tokens=tokens).chain()).legs[0].utilization == lent


@pytest.mark.parametrize(
    ("caps", "rooms"),
    [
        ((5 * 10**24, 4 * 10**24), (2 * 10**24, 2 * 10**24)),
        ((10**24, 10**24), (0, 0)),  # below what there is already
        ((0, 0), (None, None)),  # none in Compound
        ((2**256 - 1, 2**256 - 1), (None, None)),
        (None, (None, None)),
    ],
)
def test_what_caps_leave(caps: tuple[int, int] | None, rooms: tuple[int | None, int | None]) -> None:
    sizes = (3 * 10**24, 0, 10**24)
    tokens = [Token(**ETH, sizes=sizes, rate=2 * WAD, caps=caps), Token(**USDC, sizes=sizes, caps=caps)]
    held, owed = position(loan(tokens=tokens).chain()).legs
    assert (held.cap_room, owed.cap_room) == (rooms[1], rooms[0])
    assert (held.cap, owed.cap) == (tuple(caps or ())[::-1] if rooms[0] is not None else (None, None))


@pytest.mark.parametrize(
    ("caps", "told"), [((0, 0), (0, 0)), ((7, 0), (0, 7)), ((2**256 - 1, 2**256 - 1), (None, None))]
)
def test_a_cap_of_zero_closes_a_market_of_venus(caps: tuple[int, int], told: tuple[int | None, int | None]) -> None:
    sizes, threshold = (3 * 10**24, 0, 10**24), 80 * WAD // 100
    tokens = [Token(**each, sizes=sizes, threshold=threshold, caps=caps) for each in (ETH, USDC)]
    held, owed = position(loan(kind="isolated", tokens=tokens).chain()).legs
    assert (held.cap, owed.cap) == told
    assert (held.cap_room, owed.cap_room) == tuple(None if cap is None else 0 for cap in told)


def test_how_a_liquidation_goes() -> None:
    card = dict(position(loan(tokens=[Token(**ETH, share=28 * WAD // 1000), Token(**USDC)]).chain()).engine)
    assert tuple(card) == ENGINE_LINES
    assert card["who"] == "anyone but the account itself"
    assert card["how much"] == "up to 50% of one debt in a call"
    assert (card["bonus"], card["protocol fee"]) == ("8%", "2.8% of what is taken")
    assert card["bad debt"] == "stays with the account"
    core = dict(position(loan(liquidator=addr("only")).chain()).engine)
    assert core["who"] == f"only the contract {addr('only')}"
    assert core["protocol fee"] == "none told"
    tokens = [Token(**ETH, threshold=WAD // 2, share=5 * WAD // 100), Token(**USDC, threshold=WAD // 2)]
    isolated = dict(position(loan(kind="isolated", tokens=tokens, least=100 * WAD).chain()).engine)
    assert isolated["how much"].endswith("with collateral up to 100 USD only all at once")
    assert isolated["protocol fee"] == "5% of what is repaid"
    assert isolated["bad debt"] == "becomes bad debt of the pool"
    fake = loan()
    fake.token("USDC").deprecated = True
    assert "whatever the health" in dict(position(fake.chain()).engine)["how much"]


def venus(**user: Any) -> Fake:
    tokens = [
        Token(**ETH, threshold=85 * WAD // 100, incentive=110 * WAD // 100),
        Token(**USDC, threshold=88 * WAD // 100, incentive=105 * WAD // 100),
    ]
    fake = loan(kind="core", tokens=tokens, feeds="token")
    for name, value in user.items():
        setattr(fake.users[WALLET], name, value)
    return fake


def test_venus_weighs_by_threshold_and_has_incentives_by_market() -> None:
    found = position(venus().chain())
    assert found.health.verified
    assert (found.health.raw, found.legs[0].bonus) == (17 * WAD // 10, 11_000)
    assert all(quote.proven for quote in found.quotes)


def test_a_forced_liquidation_that_is_not_told_is_not_taken_for_none() -> None:
    chain = venus().chain()
    chain.put(ENTRY, abi.IS_FORCED_FOR_USER, WALLET, addr("cUSDC"), result=REVERT)
    assert isinstance(held(chain), ValueError)
    chain = loan().chain()
    market = opened(chain)
    chain.put(ENTRY, abi.IS_DEPRECATED, addr("cUSDC"), result=REVERT)
    reading = run(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain)
    assert reading.errors == ("market USDC could not be read: revert",)


def test_a_comptroller_that_knows_no_pause() -> None:
    chain = loan().chain()
    chain.put(ENTRY, abi.SEIZE_PAUSED, result=REVERT)
    assert position(chain).scope.blocked == ""


def test_more_debt_than_collateral_can_be_seized_for() -> None:
    fake = loan()
    fake.users[WALLET].owed["USDC"] = 9_000 * 10**6
    found = position(fake.chain())
    assert found.scope.reason == "all of this collateral"
    assert found.scope.seized <= WAD
    assert WAD - found.scope.seized < 10**10
    assert found.scope.health_after is not None
    assert found.scope.health_after < 10**9


def test_collateral_that_is_worth_nothing_cannot_be_seized() -> None:
    tokens = [Token("BAD", 1, decimals=28, rate=WAD - 1), Token(**USDC)]
    user = User({"BAD": 10**30}, {"USDC": 10**6}, entered=("BAD", "USDC"))
    found = position(Fake(tokens=tokens, users={WALLET: user}).chain())
    assert found.health.verified
    assert (found.health.raw, found.scope) == (0, None)


def test_an_e_mode_pool_of_venus() -> None:
    weights = {"ETH": (90 * WAD // 100, 92 * WAD // 100, 104 * WAD // 100)}
    found = position(venus(weights=weights, pool=3).chain())
    assert found.health.verified
    assert (found.threshold, found.max_ltv, found.legs[0].bonus) == (9_200, 9_000, 10_400)
    assert found.category == "pool 3"
    assert position(venus(weights=weights).chain()).category == ""


def test_vai_is_a_debt_of_one_dollar_each() -> None:
    found = position(venus(vai=360 * WAD).chain())
    assert found.health.verified
    assert found.health.raw == 125 * WAD // 100
    leg = found.legs[-1]
    assert (leg.asset.symbol, leg.asset.address, leg.side, leg.value) == ("VAI", VAI, Side.DEBT, 360 * WAD)
    assert found.debt_value == 1_360 * WAD
    assert {each.label for each in complete(found).boundaries} == {"ETH", "USDC"}
    assert found.book.health(Change(debt={VAI: -360 * WAD})) == 17 * WAD // 10


@pytest.mark.parametrize("kind", ["market", "account"])
def test_forced_liquidation_of_venus(kind: str) -> None:
    fake = venus(forced=("USDC",) if kind == "account" else ())
    fake.token("USDC").deprecated = kind == "market"
    found = position(fake.chain())
    assert found.health.verdict is True
    assert [flag.code for flag in found.flags] == ["forced"]


@pytest.mark.parametrize(
    ("change", "year"), [({"periods": 100}, 100), ({"per_second": True}, 31_536_000), ({}, 2_628_000)]
)
def test_rates_of_a_year(change: dict[str, Any], year: int) -> None:
    fake = loan(tokens=[Token(**ETH, **change), Token(**USDC)])
    assert position(fake.chain()).legs[0].rate == year * RAY // WAD * 10**9


def test_rates_that_nobody_tells_are_said_to_be_unknown() -> None:
    chain = loan().chain()
    market = opened(chain, MarketRef("compound-v2", 777, "elsewhere", ENTRY))
    reading = run(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain)
    (found,) = ADAPTER.evaluate(market, BLOCK, reading.market, reading.accounts[WALLET], WALLET)
    assert found.legs[0].rate == 0
    assert "yearly rates not known" in found.legs[0].notes


def test_an_oracle_that_does_not_tell_its_feeds() -> None:
    found = position(loan(feeds="").chain())
    assert found.health.verified
    assert found.feeds == ()
    assert all("not proven" in quote.notes[0] for quote in found.quotes)


def test_a_feed_that_does_not_give_the_price_is_not_believed() -> None:
    chain = loan().chain()
    chain.set(addr("feedETH"), price_sources.LATEST_ROUND_DATA, types=["uint256"] * 5, value=[1, 7, 8, 9, 1])
    eth = position(chain).quotes[0]
    assert (eth.price, eth.source) == (2_000 * WAD, NOBODY)
    chain.put(addr("feedETH"), price_sources.DECIMALS, result=REVERT)
    assert position(chain).quotes[0].source == NOBODY


def test_odd_decimals_of_what_ifs() -> None:
    token = Token("FINE", 10**8, decimals=20, rate=WAD)
    token_price = token.oracle_price
    fake = Fake(
        tokens=[token, Token(**USDC)], users={WALLET: User({"FINE": 10**22}, {"USDC": 10**6}, entered=("FINE", "USDC"))}
    )
    found = position(fake.chain())
    assert found.health.verified
    assert token_price == 10**16
    assert found.book.health(Change(prices={addr("FINE"): 2 * WAD})) == 2 * found.health.raw
    assert found.book.health(Change(prices={addr("FINE"): 0})) is None
    assert found.book.liquidatable(Change(prices={addr("FINE"): 0})) is None
    assert found.book.health(Change(collateral={addr("FINE"): -(10**30)})) == 0


def held(chain: Chain) -> Any:
    return read(chain)[1].accounts[WALLET]


def test_prices_that_are_missing() -> None:
    chain = loan().chain()
    chain.put(ORACLE, abi.GET_UNDERLYING_PRICE, addr("cETH"), result=REVERT)
    found = position(chain)
    assert found.health.raw is None
    assert found.health.verdict is False
    assert "gives no price for ETH" in found.health.reason
    assert (found.collateral_value, found.threshold, found.scope) == (None, None, None)
    assert [name for name, _ in found.facts] == ["comptroller", "oracle"]


@pytest.mark.parametrize("getter", ["rate", "debt"])
def test_interest_that_is_not_known_is_not_ignored(getter: str) -> None:
    chain = loan().chain()
    if getter == "rate":
        chain.put(addr("cETH"), abi.EXCHANGE_RATE_CURRENT, result=REVERT)
    else:
        chain.put(addr("cUSDC"), abi.BORROW_BALANCE_CURRENT, WALLET, result=REVERT)
    found = position(chain)
    assert found.health.raw is None
    assert "up to this block is not known" in found.health.reason
    assert any("without the interest since its last update" in leg.notes for leg in found.legs)


@pytest.mark.parametrize(("error", "said"), [(13, "error 13 PRICE_ERROR"), (99, "error 99")])
def test_an_error_of_the_comptroller_is_no_zero(error: int, said: str) -> None:
    fake = loan()
    fake.users[WALLET].error = error
    found = position(fake.chain())
    assert found.health.reason.endswith(f"it answers {said}")
    assert (found.health.reported, found.health.verdict) == (None, None)


def test_without_the_comptrollers_word_nothing_is_verified() -> None:
    chain = loan().chain()
    for target, data in list(chain.results):
        if target == MULTICALL3:
            chain.results[target, data] = REVERT
    market, reading = read(chain)
    assert reading.market.rounding is None
    (found,) = ADAPTER.evaluate(market, BLOCK, reading.market, reading.accounts[WALLET], WALLET)
    assert (found.health.raw, found.health.reported) == (16 * WAD // 10, None)
    assert found.health.reason == "the comptroller does not tell the liquidity: it does not answer"


def test_another_multicall() -> None:
    ref = MarketRef("compound-v2", 1, "test market", ENTRY, (("multicall3", "0x" + "AB" * 20),))
    assert opened(loan().chain(), ref).multicall == "0x" + "ab" * 20


@pytest.mark.parametrize(
    ("target", "getter", "result", "said"),
    [
        (ENTRY, abi.GET_ASSETS_IN, REVERT, "did not tell which markets"),
        (addr("cETH"), abi.GET_ACCOUNT_SNAPSHOT, REVERT, "its ETH could not be read: revert"),
        (addr("cETH"), abi.GET_ACCOUNT_SNAPSHOT, eth_abi.encode(["uint256"] * 4, [9, 0, 0, 0]), "ETH .* error 9"),
        (addr("cETH"), abi.GET_ACCOUNT_SNAPSHOT, eth_abi.encode(["uint256"] * 4, [0, 1, 0, 0]), "rate of zero"),
        (ENTRY, abi.GET_ASSETS_IN, eth_abi.encode(["address[]"], [[addr("new")]]), "listed after"),
    ],
)
def test_an_account_that_cannot_be_read_says_why(target: str, getter: Any, result: Any, said: str) -> None:
    chain = loan().chain()
    chain.put(target, getter, WALLET, result=result)
    account = held(chain)
    assert isinstance(account, ValueError)
    with pytest.raises(ValueError, match=said):
        raise account


def test_a_market_that_cannot_be_read_is_an_error_of_its_holders() -> None:
    chain = loan().chain()
    chain.put(ENTRY, abi.MARKETS, addr("cETH"), result=REVERT)
    _, reading = read(chain)
    assert reading.errors == ("market ETH could not be read: revert",)
    assert f"its market {addr('cETH')} could not be read" in str(reading.accounts[WALLET])


def test_vai_that_cannot_be_read() -> None:
    chain = venus().chain()
    chain.put(addr("vaic"), abi.GET_VAI_REPAY_AMOUNT, WALLET, result=REVERT)
    assert isinstance(held(chain), ValueError)


def test_contracts_that_change_are_noticed() -> None:
    chain = loan().chain()
    market = opened(chain)

    def changed() -> bool:
        return run(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain).changed

    assert not changed()
    chain.set(ENTRY, abi.GET_ALL_MARKETS, types="address[]", value=[addr("cETH")])
    assert changed()
    chain.put(ENTRY, abi.GET_ALL_MARKETS, result=REVERT)
    chain.put(ENTRY, abi.ORACLE, result=REVERT)
    assert not changed()
    chain.set(ENTRY, abi.ORACLE, types="address", value=addr("other"))
    assert changed()


def test_another_implementation_behind_the_comptroller_is_noticed() -> None:
    chain = loan(implementation=addr("first")).chain()
    market = opened(chain)

    def changed() -> bool:
        return run(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain).changed

    assert not changed()
    chain.set(ENTRY, abi.COMPTROLLER_IMPLEMENTATION, types="address", value=addr("second"))
    assert changed()
    chain.put(ENTRY, abi.COMPTROLLER_IMPLEMENTATION, result=REVERT)
    assert not changed()


def test_one_underlying_listed_twice_is_told_apart() -> None:
    tokens = [Token("WBTC", 10**8, decimals=8), Token("WBTC2", 10**8, decimals=8, underlying=addr("WBTC"))]
    chain = Fake(tokens=tokens, users={}).chain()
    chain.set(addr("WBTC"), abi.SYMBOL, types="string", value="WBTC")
    market = opened(chain)
    assets = [info.asset for info in market.tokens.values()]
    assert [asset.address for asset in assets] == [addr("cWBTC"), addr("cWBTC2")]
    assert len({asset.symbol for asset in assets}) == 2
    assert all(asset.symbol.startswith("WBTC·") for asset in assets)


@pytest.mark.parametrize(
    ("target", "getter", "result", "said"),
    [
        (ENTRY, abi.ORACLE, REVERT, "not a comptroller"),
        (ENTRY, abi.CLOSE_FACTOR, b"", "not a comptroller"),
        (ENTRY, abi.GET_ALL_MARKETS, eth_abi.encode(["address[]"], [[]]), "makes no sense"),
        (ENTRY, abi.GET_ALL_MARKETS, eth_abi.encode(["address[]"], [[NOBODY, NOBODY]]), "makes no sense"),
        (addr("cUSDC"), abi.UNDERLYING, Failure("unread"), "cannot be read: unread"),
        (addr("USDC"), abi.DECIMALS, REVERT, "cannot be read: revert"),
        (addr("USDC"), abi.DECIMALS, eth_abi.encode(["uint256"], [77]), "77 decimals"),
    ],
)
def test_what_is_no_market_is_refused_in_words(target: str, getter: Any, result: Any, said: str) -> None:
    chain = loan().chain()
    chain.put(target, getter, result=result)
    with pytest.raises(PlanFailed, match=said):
        opened(chain)


def test_symbols_that_say_nothing() -> None:
    chain = loan().chain()
    chain.put(addr("USDC"), abi.SYMBOL, result=REVERT)
    chain.put(addr("cETH"), abi.UNDERLYING, result=Failure("short"))
    market = opened(chain)
    eth, usdc = market.tokens.values()
    assert eth.asset.symbol == "ETH"
    assert usdc.asset.symbol.startswith("0x")
    assert usdc.source == NOBODY


def test_a_close_factor_is_needed() -> None:
    chain = loan().chain()
    market = opened(chain)
    chain.put(ENTRY, abi.CLOSE_FACTOR, result=REVERT)
    with pytest.raises(ValueError, match="the comptroller tells no close factor: revert"):
        run(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain)


def test_the_shipped_paces_are_those_of_blocks() -> None:
    assert all(blocks > 10**6 for blocks in deployment("compound_v2")["blocks_per_year"].values())
    assert REF.protocol == ADAPTER.protocol
