"""What of a market does not answer, answers otherwise than before, or is told by the sentinel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from liqtui.core.reads import Failure
from liqtui.protocols import aave_v3_abi as aave
from liqtui.protocols import price_sources as sources
from liqtui.protocols.aave_v3 import AaveV3
from liqtui.protocols.abi import encode_word
from tests.protocols.aave_v3_loan import ALICE, LOAN_HEALTH, REPORTED, codes, loan, with_asset
from tests.protocols.fake import (
    ADAPTER,
    BLOCK,
    NOBODY,
    NOW,
    ORACLE,
    POOL,
    PROVIDER,
    REF,
    USDC,
    WBTC,
    WETH,
    Chain,
    Fake,
    User,
    addr,
    opened,
    position,
    read,
    run,
)


def test_one_bad_price_is_unknown_for_its_holders_only() -> None:
    fake = loan()
    other = addr("other")
    fake.users[other] = User(supplied={"WBTC": 10**8}, owed={"USDC": 10**9}, reported=None)
    chain = fake.chain()
    chain.put(ORACLE, aave.GET_ASSET_PRICE, addr("WBTC"), result=Failure("revert"))
    assert position(fake, chain=chain).health.verified
    found = position(fake, other, chain=chain)
    assert (found.health.raw, found.health.reported, found.health.shown) == (None, None, None)
    assert (
        found.health.reason
        == "the oracle gives no price for WBTC; the pool does not tell it: revert execution reverted"
    )
    assert codes(found)[0] == "unverified"
    assert (found.collateral_value, found.debt_value, found.ltv, found.scope) == (None, None, None, None)
    assert found.legs[0].value is None
    assert found.book.liquidatable() is None
    assert "can still borrow" not in dict(found.facts)


@pytest.mark.parametrize("result", [encode_word(0), b"", Failure("revert")])
def test_a_price_of_zero_is_no_price(result: Any) -> None:
    fake = loan()
    chain = fake.chain()
    chain.put(ORACLE, aave.GET_ASSET_PRICE, addr("USDC"), result=result)
    found = position(fake, chain=chain)
    assert found.health.raw is None
    assert found.health.shown == LOAN_HEALTH  # what the pool says still stands
    assert found.legs[1].value is None


def test_a_difference_is_said_and_the_pool_is_shown() -> None:
    found = position(loan(reported=(*REPORTED[:5], LOAN_HEALTH + 1)))
    assert not found.health.verified
    assert found.health.shown == LOAN_HEALTH + 1
    assert found.health.reason == "own arithmetic gives 1.375, the pool says 1.375000000000000001"
    assert codes(found) == ["unverified"]


def test_an_unknown_revision_is_said_even_when_equal() -> None:
    found = position(loan(12))
    assert found.health.raw == found.health.reported
    assert not found.health.confirmed
    assert found.health.reason == f"pool revision 12 of {POOL} is not known to this version"
    assert found.revision == "12 (unknown)"
    assert codes(found) == ["unverified"]


def test_a_pool_that_does_not_report_leaves_our_own_figure() -> None:
    found = position(loan(reported=None))
    assert (found.health.raw, found.health.reported) == (LOAN_HEALTH, None)
    assert "does not tell" in found.health.reason


def account(chain: Chain, fake: Fake, hint: frozenset[int] = frozenset()) -> tuple[Any, Any]:
    _, reading = read(fake, chain, {ALICE: hint})
    return reading.accounts[ALICE], reading


@pytest.mark.parametrize(
    ("target", "getter", "said"),
    [
        (POOL, aave.GET_USER_CONFIGURATION, "the pool did not tell what the account holds: short"),
        (POOL, aave.GET_USER_EMODE, "the pool did not tell what the account holds: short"),
        (addr("aWETH"), aave.SCALED_BALANCE_OF, "its WETH could not be read: short"),
        (addr("vUSDC"), aave.SCALED_BALANCE_OF, "its USDC could not be read: short"),
    ],
)
def test_an_account_that_cannot_be_read_is_an_error_in_words(target: str, getter: Any, said: str) -> None:
    fake = loan()
    chain = fake.chain()
    chain.put(target, getter, ALICE, result=Failure("short"))
    found, _ = account(chain, fake)
    assert isinstance(found, ValueError)
    assert str(found) == said


@pytest.mark.parametrize("result", [Failure("revert"), bytes(14 * 32)], ids=["silent", "short"])
def test_a_reserve_that_cannot_be_read_blinds_its_holders(result: Any) -> None:
    reading = after(loan(), lambda chain: chain.put(POOL, aave.GET_RESERVE_DATA, addr("WETH"), result=result))
    assert str(reading.accounts[ALICE]) == "its WETH could not be read: the reserve did not answer"
    assert any(error.startswith("reserve WETH could not be read") for error in reading.errors)


def test_a_reserve_updated_after_the_block_makes_no_sense() -> None:
    _, reading = read(with_asset(loan(), "WETH", updated=NOW + 1))
    assert reading.errors == ("reserve WETH could not be read: its indexes make no sense",)


def test_what_is_only_supplied_and_unreadable_is_an_error_beside_the_rest() -> None:
    fake = loan()
    chain = fake.chain()
    chain.put(addr("aWBTC"), aave.SCALED_BALANCE_OF, ALICE, result=Failure("revert"))
    found, reading = account(chain, fake, frozenset({2}))
    assert not isinstance(found, Exception)
    assert reading.errors == (f"{ALICE}: its WBTC could not be read: revert",)


def test_without_a_revision_there_is_no_reading() -> None:
    fake = loan()
    chain = fake.chain()
    market, _ = read(fake, chain)
    chain.put(POOL, aave.POOL_REVISION, result=Failure("unread"))
    with pytest.raises(ValueError, match="unread"):
        run(ADAPTER.refresh(market, BLOCK, {}), chain)


def after(fake: Fake, change: Any) -> Any:
    """The reading when something on chain changed after the market was opened."""
    chain = fake.chain()
    market = opened(fake, chain)
    change(chain)
    return run(ADAPTER.refresh(market, BLOCK, {ALICE: frozenset()}), chain)


@pytest.mark.parametrize(
    "change",
    [
        lambda chain: chain.set(POOL, aave.POOL_REVISION, types="uint256", value=11),
        lambda chain: chain.set(PROVIDER, aave.GET_POOL, types="address", value=addr("other")),
        lambda chain: chain.set(PROVIDER, aave.GET_PRICE_ORACLE, types="address", value=addr("other")),
        lambda chain: chain.set(POOL, aave.GET_RESERVES_LIST, types="address[]", value=[addr("WETH")]),
        lambda chain: chain.set(ORACLE, aave.GET_SOURCE, addr("WETH"), types="address", value=addr("other")),
    ],
    ids=["revision", "pool", "oracle", "reserves", "source"],
)
def test_changed_contracts_are_noticed(change: Any) -> None:
    assert after(loan(), change).changed


@pytest.mark.parametrize(
    ("target", "getter"),
    [(PROVIDER, aave.GET_POOL), (PROVIDER, aave.GET_PRICE_ORACLE), (POOL, aave.GET_RESERVES_LIST)],
)
def test_what_does_not_answer_is_no_change(target: str, getter: Any) -> None:
    assert not after(loan(), lambda chain: chain.put(target, getter, result=Failure("unread"))).changed


def test_a_reserve_listed_since_makes_its_holder_unknown_until_opened_again() -> None:
    link = replace(WBTC, symbol="LINK", id=3)

    def listed(chain: Chain) -> None:
        grown = Fake(
            assets=[WETH, USDC, WBTC, link], users={ALICE: User(supplied={"LINK": 10**8, "WETH": 1}, owed={"USDC": 1})}
        )
        chain.results.update(grown.chain().results)

    reading = after(loan(), listed)
    assert reading.changed
    assert "listed after the market was opened" in str(reading.accounts[ALICE])


def test_the_flag_of_a_dropped_reserve_means_nothing() -> None:
    def left_over(chain: Chain) -> None:
        chain.set(POOL, aave.GET_USER_CONFIGURATION, ALICE, types="uint256", value=0b1000_0000_0110)

    reading = after(loan(), left_over)
    assert not reading.changed
    assert [holding[0] for holding in reading.accounts[ALICE].holdings] == [0, 1]


def sentinel(revision: int, result: Any) -> Any:
    fake = replace(loan(revision), sentinel=addr("sentinel"))
    chain = fake.chain()
    chain.put(addr("sentinel"), aave.IS_LIQUIDATION_ALLOWED, result=result)
    return position(fake, chain=chain)


def test_the_sentinel_is_asked_up_to_3_6() -> None:
    assert codes(sentinel(10, encode_word(1))) == []
    waiting = sentinel(10, encode_word(0))
    assert codes(waiting) == ["sentinel"]
    assert "waits until health is under 0.95" in waiting.scope.blocked
    silent = sentinel(10, Failure("revert"))
    assert codes(silent) == ["sentinel"]
    assert "does not answer" in silent.scope.blocked
    assert codes(sentinel(11, encode_word(0))) == []


def sequencer(result: Any) -> tuple[list[str], tuple[str, ...]]:
    """Flags and errors of a round on a chain whose uptime feed answers this."""
    fake, adapter = loan(), AaveV3(sequencer=lambda _: addr("uptime"))
    chain = fake.chain()
    chain.put(addr("uptime"), sources.LATEST_ROUND_DATA, result=result)
    market = run(adapter.open(REF, BLOCK), chain)
    reading = run(adapter.refresh(market, BLOCK, {ALICE: frozenset()}), chain)
    (found,) = adapter.evaluate(market, BLOCK, reading.market, reading.accounts[ALICE], ALICE)
    return codes(found), reading.errors


def test_a_sequencer_that_is_down_is_said() -> None:
    def answers(down: int) -> bytes:
        return b"".join(map(encode_word, (1, down, NOW, NOW, 1)))

    assert sequencer(answers(0)) == ([], ())
    assert sequencer(answers(1)) == (["sequencer"], ())
    assert sequencer(b"") == ([], ("the sequencer uptime feed does not answer",))


def test_no_sentinel_is_none() -> None:
    fake = loan()
    chain = fake.chain()
    chain.put(PROVIDER, aave.GET_PRICE_ORACLE_SENTINEL, result=Failure("revert"))
    assert codes(position(fake, chain=chain)) == []
    assert fake.sentinel == NOBODY
