"""What a round reads of Morpho Blue, what does not answer, and which logs add markets."""

from __future__ import annotations

from dataclasses import replace

from liqtui.core.reads import Failure, Log
from liqtui.core.sources import MarketRef
from liqtui.protocols import morpho_blue_abi as morpho
from liqtui.protocols.morpho_blue import MorphoBlue
from liqtui.protocols.morpho_blue_logs import MOST_GIVEN, first_block, learn, log_filters
from liqtui.protocols.shipped import deployment
from tests.protocols.fake import addr, run
from tests.protocols.morpho_fake import (
    ADAPTER,
    ALICE,
    BLOCK,
    BOB,
    MORPHO,
    Fake,
    Oracle,
    opened,
    read,
)


def test_two_steps_whatever_the_number_of_wallets() -> None:
    fake = Fake(users={ALICE: (1, 1), BOB: (1, 1)})
    chain = fake.chain()
    market = opened(fake, chain)
    reading = run(ADAPTER.refresh(market, BLOCK, {ALICE: (fake.id,), BOB: (fake.id,)}), chain)
    assert chain.steps == 2
    assert set(reading.accounts) == {ALICE, BOB}
    assert {feed.address for feed in reading.feeds} == {addr("feedETH"), addr("feedUSDC")}
    assert reading.changed is False


def test_a_position_that_is_not_told_blinds_its_wallet_only() -> None:
    fake = Fake(users={ALICE: (1, 1), BOB: (1, 1)})
    chain = fake.chain()
    chain.put(MORPHO, morpho.POSITION, 1, ALICE, result=Failure("unread", "timeout"))
    reading = read(fake, chain)
    assert isinstance(reading.accounts[ALICE], ValueError)
    assert "could not be read: unread timeout" in str(reading.accounts[ALICE])
    assert not isinstance(reading.accounts[BOB], Exception)


def test_a_market_that_is_not_told() -> None:
    fake = Fake()
    chain = fake.chain()
    chain.put(MORPHO, morpho.MARKET, 1, result=Failure("unread"))
    reading = read(fake, chain)
    assert isinstance(reading.accounts[ALICE], ValueError)
    assert reading.errors == (f"market WETH / USDC ({fake.id[:10]}…) could not be read",)


def test_a_broken_market_leaves_the_others_of_a_wallet() -> None:
    good, bad = Fake(), Fake(number=2, oracle=Oracle(price=None))
    chain = bad.chain(good.chain())
    ref = replace(good.ref, options=(("market_ids", f"{good.id},{bad.id},{good.id}"),))
    market = run(ADAPTER.open(ref, BLOCK), chain)
    hints = run(ADAPTER.discover(market, [ALICE]), chain)
    assert hints == {ALICE: (good.id, bad.id)}
    reading = run(ADAPTER.refresh(market, BLOCK, hints), chain)
    found = ADAPTER.evaluate(market, BLOCK, reading.market, reading.accounts[ALICE], ALICE)
    assert [each.health.raw is None for each in found] == [False, True]
    assert [each.key.market_id for each in found] == [good.id, bad.id]


def log(topics: tuple[str, ...], address: str = MORPHO) -> Log:
    return Log(address, topics, b"", 5, "0x" + "1" * 64, "0x" + "2" * 64, 0)


def word(number: int) -> str:
    return f"0x{number:064x}"


def test_filters_ask_for_what_was_done_on_behalf_of_the_wallets() -> None:
    ref = Fake().ref
    who = (word(int(ALICE, 16)), word(int(BOB, 16)))
    borrowed, supplied = log_filters(ref, [ALICE, BOB.upper().replace("0X", "0x")])
    assert borrowed == ((MORPHO,), ((morpho.BORROW, morpho.SET_AUTHORIZATION), None, who))
    assert supplied == ((MORPHO,), ((morpho.SUPPLY_COLLATERAL,), None, None, who))
    assert log_filters(ref, []) == ()


def test_logs_add_ids_and_nothing_else_does() -> None:
    adapter = MorphoBlue()
    ref = replace(Fake().ref, options=(("market_ids", word(1)), ("other", "kept")))
    alice = word(int(ALICE, 16))
    logs = [
        log((morpho.BORROW, word(0xAB).upper().replace("0X", "0x"), alice, alice)),
        log((morpho.SUPPLY_COLLATERAL, word(3), alice, alice)),
        log((morpho.SUPPLY_COLLATERAL, word(1), alice, alice)),
        log((morpho.BORROW, word(7), alice)),
        log((word(99), word(8), alice, alice)),
        log(()),
        log((morpho.BORROW, word(9), alice, alice), addr("elsewhere")),
    ]
    learned = adapter.learn(ref, logs)
    ids = f"{word(1)},{word(0xAB)},{word(3)}"
    assert learned.options == (("other", "kept"), ("market_ids", ids), ("market_ids_learned", "yes"))
    assert adapter.learn(learned, logs) is learned
    assert adapter.log_filters(ref, [ALICE]) == log_filters(ref, [ALICE])


def test_collateral_that_anyone_can_give_does_not_add_markets_without_end() -> None:
    alice = word(int(ALICE, 16))
    given = [log((morpho.SUPPLY_COLLATERAL, word(number), alice, alice)) for number in range(1, 1000)]
    ref = learn(replace(Fake().ref, options=()), given)
    assert dict(ref.options)["market_ids"].count(",") == MOST_GIVEN - 1
    owed = log((morpho.BORROW, word(5000), alice, alice))
    assert word(5000) in dict(learn(ref, [*given, owed]).options)["market_ids"]


def test_where_a_search_begins() -> None:
    row = deployment("morpho-blue")["market"][0]
    ref = MarketRef("morpho-blue", row["chain_id"], row["name"], row["morpho"].lower())
    assert MorphoBlue().first_block(ref) == first_block(ref) == row["deploy_block"] == 18_883_124
    assert first_block(Fake().ref) == 0
    early = MorphoBlue().early_logs(ref)
    assert early is not None
    assert (early.first, early.last, early.wanted.addresses) == (18_883_124, 18_893_123, (ref.entry,))
    assert MorphoBlue().early_logs(Fake().ref) is None, "nobody knows when it was made"
