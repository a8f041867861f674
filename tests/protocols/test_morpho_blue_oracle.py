"""How oracles of live markets make their price, and what is not believed of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.boundaries import boundaries
from liqtui.core.results import FactorKind
from liqtui.core.units import WAD
from tests.protocols.fake import NOBODY, NOW, addr, feed
from tests.protocols.morpho_fake import ALICE, ETH, STETH, USDC, Fake, Oracle, opened, position

VAULT = addr("vault")


def opaque(fake: Fake) -> Any:
    """The position, which must hang on the oracle as a whole."""
    found = position(fake)
    oracle = fake.params[2]
    assert found.quotes[0].factor == f"31337:{oracle}"
    assert (found.base_symbol, found.base_decimals) == ("USDC", 24)
    assert found.legs[0].price == fake.oracle.price
    assert found.legs[1].price == 10**24
    assert found.feeds[0].address == oracle
    assert found.feeds[0].updated_at is None
    return found


def test_feeds_of_both_sides() -> None:
    found = position(Fake())
    assert all(quote.proven for quote in found.quotes)
    assert [(each.address, each.updated_at, each.heartbeat) for each in found.feeds] == [
        (ETH, NOW - 60, 3600),
        (USDC, NOW - 60, 86_400),
    ]


def test_without_a_quote_feed_the_loan_token_is_the_currency() -> None:
    found = position(Fake(oracle=Oracle(quote=(NOBODY, NOBODY), scale=10**16)))
    assert (found.base_symbol, found.base_decimals) == ("USDC", 8)
    assert (found.legs[0].price, found.legs[1].price) == (2500 * 10**8, 10**8)
    assert found.quotes[0].factor == "ETH"
    assert not found.quotes[1].proven


def test_two_feeds_the_named_one_leads_and_the_other_is_a_rate() -> None:
    fake = Fake(oracle=Oracle(base=(STETH, ETH), scale=10**6))
    held = position(fake).quotes[0]
    assert (held.factor, held.feed, held.answer, held.answer_decimals) == ("ETH", ETH, 2500 * 10**8, 8)
    assert (held.ratio, held.ratio_decimals, held.ratio_label) == (WAD, 18, "WETH rate")
    assert held.proven


def test_two_unnamed_feeds_the_last_leads() -> None:
    first, last = addr("feedA"), addr("feedB")
    fake = Fake(oracle=Oracle(base=(first, last), scale=10**16))
    chain = fake.chain()
    feed(chain, first, 10**8, "A / B")
    feed(chain, last, 2500 * 10**8, "B / C")
    held = position(fake, chain=chain).quotes[0]
    assert (held.feed, held.ratio, held.proven) == (last, 10**8, True)


def test_two_quote_feeds() -> None:
    rate = addr("feedRate")
    fake = Fake(oracle=Oracle(quote=(rate, USDC), scale=10**42))
    chain = fake.chain()
    feed(chain, rate, WAD, "sUSDC / USDC", decimals=18)
    found = position(fake, chain=chain)
    owed = found.quotes[1]
    assert (owed.factor, owed.ratio, owed.ratio_decimals, owed.proven) == (f"31337:{USDC}", WAD, 18, True)
    assert (found.base_symbol, found.base_decimals) == ("USD", 26)


@pytest.mark.parametrize(("vault", "old"), [(VAULT, None), (None, VAULT)])
def test_a_vault_is_a_rate(vault: str | None, old: str | None) -> None:
    oracle = Oracle(
        price=3000 * 10**24,
        vault=vault,
        old_vault=old,
        sample=WAD,
        scale=10**6,
        converted=12 * WAD // 10,
    )
    held = position(Fake(oracle=oracle)).quotes[0]
    assert (held.factor, held.ratio, held.ratio_decimals, held.proven) == ("ETH", 12 * WAD // 10, 18, True)


def test_a_vault_alone_has_no_feed() -> None:
    oracle = Oracle(
        price=12 * 10**23,
        base=(NOBODY, NOBODY),
        quote=(NOBODY, NOBODY),
        vault=VAULT,
        sample=WAD,
        scale=10**6,
        converted=12 * WAD // 10,
    )
    found = position(Fake(oracle=oracle, users={ALICE: (5 * 10**11, WAD)}))
    assert found.feeds == ()
    assert (found.base_symbol, found.base_decimals, found.legs[0].price) == ("USDC", 18, 12 * WAD // 10)
    own = [each for each in boundaries(found.book) if each.kind is FactorKind.FACTOR]
    assert [each.factor[:3] for each in own] == ["own", "own"]


def test_the_price_of_other_feeds_is_in_their_own_word_never_dollars() -> None:
    other = addr("feedOther")
    fake = Fake(oracle=Oracle(quote=(other, NOBODY)))
    chain = fake.chain()
    feed(chain, other, 10**8, "USDC / USD\x1b[2J")
    assert position(fake, chain=chain).base_symbol == "oracle-USD[2J"
    feed(chain, other, 10**8, "no pair")
    assert position(fake, chain=chain).base_symbol == "oracle-units"


@pytest.mark.parametrize(
    "oracle",
    [
        Oracle(base=None),
        Oracle(scale=None),
        Oracle(scale=3 * 10**24),
        Oracle(scale=10**25),
        Oracle(scale=10**23),
        Oracle(quote_vault=VAULT),
        Oracle(base=(NOBODY, NOBODY), quote=(NOBODY, NOBODY)),
        Oracle(base=(addr("nothing"), NOBODY)),
        Oracle(price=2500 * 10**24 + 1),
        Oracle(vault=VAULT, sample=WAD, scale=10**6),
        Oracle(base=(STETH, ETH), scale=10**40),
    ],
    ids=[
        "no getters",
        "no scale",
        "odd scale",
        "scale too large",
        "scale too small",
        "vault of the loan",
        "no parts",
        "no feed there",
        "another price",
        "vault without an answer",
        "decimals that do not fit",
    ],
)
def test_what_does_not_give_the_oracles_own_answer_is_not_believed(oracle: Oracle) -> None:
    found = opaque(Fake(oracle=oracle))
    assert "not proven" in found.quotes[0].notes[0]


def test_feeds_that_are_read_keep_their_age_even_where_the_shape_is_not_proven() -> None:
    found = opaque(Fake(oracle=Oracle(price=1800 * 10**24)))
    assert [each.address for each in found.feeds[1:]] == [ETH, USDC]


def test_without_a_price_the_currency_stays() -> None:
    found = position(Fake(oracle=Oracle(price=None)))
    assert (found.base_symbol, found.base_decimals) == ("USD", 8)
    assert [leg.price for leg in found.legs] == [None, None]
    assert found.collateral_value is None
    assert [each.address for each in found.feeds] == [ETH, USDC]


def test_a_negative_answer_makes_no_price() -> None:
    fake = Fake(oracle=Oracle(price=7))
    chain = fake.chain()
    feed(chain, ETH, -5, "ETH / USD")
    assert position(fake, chain=chain).base_symbol == "USDC"


@given(
    st.integers(1, 10**14),
    st.integers(1, 10**12),
    st.integers(1, 10**20),
    st.sampled_from([(18, 6), (8, 6), (18, 18), (18, 2), (6, 18), (0, 18)]),
)
def test_prices_of_two_tokens_stand_for_the_oracles_answer(
    base: int, quote: int, rate: int, decimals: tuple[int, int]
) -> None:
    held, owed = decimals
    scale = 36 + owed - held - 18
    answer = 10**scale * base * rate // quote
    oracle = Oracle(price=answer, vault=VAULT, sample=WAD, scale=10**scale, converted=rate)
    fake = Fake(oracle=oracle, decimals=decimals)
    chain = fake.chain()
    feed(chain, ETH, base, "ETH / USD")
    feed(chain, USDC, quote, "USDC / USD")
    found = position(fake, chain=chain)
    assert all(each.proven for each in found.quotes)
    assert found.book.price() == answer
    assert opened(fake, chain).markets[fake.id].shape.decimals == found.base_decimals
