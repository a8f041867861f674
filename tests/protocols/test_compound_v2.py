"""The Compound v2 adapter without a chain: forks, what is missing, what is nonsense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core.model import ENGINE_LINES, Change
from liqtui.core.risk import complete, interest_known
from liqtui.core.severity import liquidatable
from liqtui.core.sources import MarketRef
from liqtui.core.units import HEALTH_INFINITE, RAY, WAD
from liqtui.protocols import compound_v2_abi as abi
from liqtui.protocols.compound_v2_math import Rounding
from tests.protocols.compound_v2_fake import (
    ADAPTER,
    BLOCK,
    ENTRY,
    ETH,
    REVERT,
    USDC,
    WALLET,
    Fake,
    Token,
    User,
    loan,
    opened,
    position,
)
from tests.protocols.fake import addr, run

if TYPE_CHECKING:
    from liqtui.protocols.abi import Function


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
    assert scope.toxic_below == 864 * WAD // 1_000
    assert dict(found.facts)["liquidity"] == "600 USD"
    assert str(found.key) == f"1:compound-v2:test market:{WALLET}"


def test_what_ifs_of_a_loan_to_the_last_digit() -> None:
    """At an exchange rate of 3 a third of what is given or taken makes cTokens, rounded down."""
    user = User({"ETH": WAD}, {"USDC": 1_000 * 10**6}, entered=("ETH", "USDC"))
    found = position(Fake(tokens=[Token(**ETH, rate=3 * WAD), Token(**USDC)], users={WALLET: user}).chain())
    eth, usdc, owed = addr("cETH"), addr("USDC"), 1_000 * WAD
    assert found.health.raw == 4_800 * WAD * WAD // owed
    assert [leg.notes for leg in found.legs] == [(), ()]

    def health(**change: Any) -> int:
        return found.book.health(Change(**change))

    assert health(collateral={eth: 8}) == (WAD + 2) * 4_800 * WAD // owed
    assert health(collateral={eth: -8}) == (WAD - 2) * 4_800 * WAD // owed
    assert health(collateral={eth: -4 * WAD}) == 0
    assert health(debt={usdc: 7}) == 4_800 * WAD * WAD // (owed + 7 * 10**12)
    assert health(debt={usdc: -7}) == 4_800 * WAD * WAD // (owed - 7 * 10**12)
    price = 1_000_000_000_000_000_003  # of the last of its digits nothing is left for a whole million of units
    assert health(prices={usdc: price}) == 4_800 * WAD * WAD // (1_000 * price)
    assert isinstance(health(prices={usdc: price}), int)
    assert health(debt={usdc: 3_800 * 10**6}) == WAD
    assert found.book.liquidatable(Change(debt={usdc: 3_800 * 10**6})) is False  # just covered is no shortfall
    assert found.book.liquidatable(Change(debt={usdc: 3_800 * 10**6 + 1})) is True
    assert health(prices={eth: 2_000 * WAD + 1}) == 3 * (8 * (2_000 * WAD + 1) // 10) * WAD // owed


def test_values_are_cut() -> None:
    user = User({"ETH": 10**8 - 1}, {"USDC": 1}, entered=("ETH", "USDC"))
    tokens = [Token(**{**ETH, "price": 200_012_345_679}), Token(**{**USDC, "decimals": 18, "price": 10**8 - 1})]
    user.owed["USDC"] = 10**8 - 1
    held, owed = position(Fake(tokens=tokens, users={WALLET: user}).chain()).legs
    assert held.value == 200_012_345_679 * 10**10 * (10**8 - 1) // WAD
    assert owed.value == (10**8 - 1) * 10**10 * (10**8 - 1) // WAD
    assert held.value != -(-200_012_345_679 * 10**10 * (10**8 - 1) // WAD)
    assert owed.value != -(-(10**8 - 1) * 10**10 * (10**8 - 1) // WAD)


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


@pytest.mark.parametrize(("owed", "asset"), [(700, "USDC"), (1_300, "USDC"), (1_400, "DAI")])
def test_a_debt_beside_one_that_is_closed_down_needs_a_shortfall(owed: int, asset: str) -> None:
    """Half of the DAI would cost more than all of the USDC, but of a healthy account nobody may repay it."""
    tokens = [Token(**ETH), Token(**USDC, deprecated=True), Token("DAI", 10**8)]
    debts = {"USDC": 300 * 10**6, "DAI": owed * WAD}
    user = User({"ETH": WAD}, debts, entered=("ETH", "USDC", "DAI"))
    found = position(Fake(tokens=tokens, users={WALLET: user}).chain())
    assert found.health.verified
    assert found.book.liquidatable()
    assert (found.scope.debt.symbol, found.scope.blocked) == (asset, "")
    assert found.scope.max_debt == (300 * 10**6 if asset == "USDC" else owed * WAD // 2)


def test_the_first_comptrollers_tell_of_a_market_in_two_words() -> None:
    fake = loan()
    chain = fake.chain()
    for token in fake.tokens:
        chain.set(ENTRY, abi.MARKETS, token.address, types=["bool", "uint256"], value=[True, token.factor])
    found = position(chain)
    assert found.health.verified
    assert found.threshold == 8_000


def test_comptrollers_that_know_no_deprecation() -> None:
    found = position(loan(with_deprecation=False).chain())
    assert found.health.verified


def test_paused_seizing() -> None:
    found = position(loan(paused=True).chain())
    assert found.scope.blocked == "seizing is paused"
    assert [flag.code for flag in found.flags] == ["paused"]


def test_paused_actions_of_compound() -> None:
    tokens = [Token(**ETH, paused=("adding", "borrowing")), Token(**USDC, paused=("adding", "borrowing"))]
    found = position(loan(tokens=tokens).chain())
    assert [flag.text for flag in found.flags] == ["ETH: adding is paused", "USDC: borrowing is paused"]
    assert found.scope.blocked == ""


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
        ((5 * 10**24, 5 * 10**24), (2 * 10**24 - 8, 10**24 - 6)),  # a total that reaches the cap is refused
        ((10**24, 10**24), (0, 0)),  # below what there is already
        ((0, 0), (None, None)),  # none in Compound
        ((2**256 - 1, 2**256 - 1), (None, None)),
        (None, (None, None)),
    ],
)
def test_what_caps_leave(caps: tuple[int, int] | None, rooms: tuple[int | None, int | None]) -> None:
    """Of 1 in cash and 3 lent, with the interest up to the block: 7 more are owed, 2 of them to the reserves."""
    sizes = (3 * 10**24, 0, 10**24)
    more: dict[str, Any] = {"sizes": sizes, "grown": (7, 2), "caps": caps}
    held, owed = position(loan(tokens=[Token(**ETH, **more), Token(**USDC, **more)]).chain()).legs
    assert (held.cap_room, owed.cap_room) == (rooms[1], rooms[0])
    assert (held.cap, owed.cap) == (tuple(caps or ())[::-1] if rooms[0] is not None else (None, None))


@pytest.mark.parametrize("silent", [abi.TOTAL_BORROWS_CURRENT, abi.GET_CASH])
def test_what_caps_leave_is_unknown_where_a_total_is(silent: Function) -> None:
    tokens = [Token(**each, sizes=(3, 0, 1), caps=(10**25, 10**25)) for each in (ETH, USDC)]
    chain = loan(tokens=tokens).chain()
    for token in tokens:
        chain.put(token.address, silent, result=REVERT)
    held, owed = position(chain).legs
    assert held.cap_room is None
    assert (owed.cap_room is None) is (silent is abi.TOTAL_BORROWS_CURRENT)


def test_how_a_liquidation_goes() -> None:
    card = dict(position(loan(tokens=[Token(**ETH, share=28 * WAD // 1000), Token(**USDC)]).chain()).engine)
    assert tuple(card) == ENGINE_LINES
    assert card["who"] == "anyone but the account itself"
    assert card["how much"] == "up to 50% of one debt in a call"
    assert (card["bonus"], card["protocol fee"]) == ("8%", "2.8% of what is taken")
    both = User({"ETH": WAD, "USDC": 10**6}, {"USDC": 1}, entered=("ETH", "USDC"))
    two = Fake(tokens=[Token(**ETH, share=28 * WAD // 1000), Token(**USDC)], users={WALLET: both})
    assert "2.8%" in dict(position(two.chain()).engine)["protocol fee"]
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
    assert [leg.rate for leg in found.legs] == [None, None]
    assert "yearly rates not known" in found.legs[0].notes
    assert not interest_known(found)
    assert complete(found).carry_per_year is None


def test_rates_that_a_market_refuses_are_unknown() -> None:
    chain = loan().chain()
    chain.put(addr("cUSDC"), abi.BORROW_RATE_PER_BLOCK, result=REVERT)
    found = position(chain)
    assert [leg.rate for leg in found.legs] == [RAY // WAD * 10**9 * 2_628_000, None]
    assert found.legs[1].notes == ("yearly rates not known",)


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
