from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.clock import FrozenClock, SystemClock
from liqtui.core.model import Health, PositionKey, is_infinite, is_liquidatable
from liqtui.core.reads import Block
from liqtui.core.results import FactorKind
from liqtui.core.snapshot import Alert, Freshness, Severity, Snapshot
from liqtui.core.sources import ChainSpec
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE, WAD
from liqtui.core.wallet import Thresholds, Wallet
from tests.core.books import USD, asset, quote, simple
from tests.core.rows import bare, boundary, key, row

DAI = asset("DAI")


def test_position_id() -> None:
    assert str(PositionKey(31337, "aave-v3", "lab market", "0xab")) == "31337:aave-v3:lab market:0xab"
    assert str(PositionKey(1, "morpho-blue", "morpho", "0xab", "0x01")) == "1:morpho-blue:morpho:0x01:0xab"


def test_quote_follows_feed_ratio_decimals_and_cap() -> None:
    assert quote(DAI, 2_500 * USD, ratio=122 * WAD // 100).price == 3_050 * USD
    finer = quote(DAI, 2_500 * WAD, answer_decimals=18)
    assert (finer.price, finer.at(2_500 * WAD + 9_999_999_999)) == (2_500 * USD, 2_500 * USD)
    assert quote(DAI, 2_500 * 10**6, answer_decimals=6).price == 2_500 * USD
    capped = quote(DAI, 110 * USD // 100, cap=104 * USD // 100)
    assert capped.price == 104 * USD // 100
    assert capped.uncapped().at(110 * USD // 100) == 110 * USD // 100
    assert quote(DAI, USD, ratio=WAD).at(USD, 2 * WAD) == 2 * USD


def test_quote_is_proven_only_when_it_reproduces_the_price() -> None:
    assert quote(DAI, USD).proven
    assert not quote(DAI, USD, price=USD + 1).proven
    assert not quote(DAI, None).proven
    assert not quote(DAI, None, price=USD).proven
    assert not replace(quote(DAI, USD), price=None).proven


@given(st.none() | st.integers(0, 10**20), st.none() | st.integers(0, 10**20))
def test_health_shows_the_contracts_word(raw: int | None, reported: int | None) -> None:
    health = Health(raw, reported)
    assert health.shown == (raw if reported is None else reported)
    assert health.verified is (raw is not None and raw == reported)


def test_health_at_one_is_safe() -> None:
    assert not is_liquidatable(HEALTH_ONE)
    assert is_liquidatable(HEALTH_ONE - 1)
    assert is_infinite(HEALTH_INFINITE)
    assert not is_infinite(None)


def test_boundary_move() -> None:
    assert boundary("ETH", 95).move == pytest.approx(-0.05)
    assert boundary("ETH", None).move is None
    assert boundary("ETH", 95, now=0).move is None


def test_position_nearest_leaves_single_assets_out() -> None:
    of = bare(simple())
    assert of.nearest is None
    far, near = boundary("BTC", 40), boundary("ETH", 130)
    single = boundary("asset:0x1", 99, kind=FactorKind.ASSET)
    assert replace(of, boundaries=(far, near, single, boundary("DAI", None))).nearest == near
    assert replace(of, boundaries=(single,)).nearest is None


def test_position_empty_and_debt() -> None:
    book = simple()
    assert bare(book).has_debt
    assert not bare(book).empty
    book.debts = {}
    assert not bare(book).has_debt
    book.collateral = {}
    assert bare(book).empty


def test_severities_in_order() -> None:
    assert sorted(Severity, key=lambda severity: severity.rank) == [
        Severity.LIQUIDATED,
        Severity.LIQUIDATABLE,
        Severity.CRITICAL,
        Severity.WARN,
        Severity.BLIND,
        Severity.UNKNOWN,
        Severity.OK,
    ]


def test_row_and_snapshot() -> None:
    calm, bad = row(bare(simple()), severity=Severity.OK), row(None, severity=Severity.BLIND)
    assert calm.id == str(key())
    assert calm.trusted
    assert replace(calm, freshness=Freshness.LATE).trusted
    assert not replace(calm, freshness=Freshness.STALE).trusted
    assert not bad.trusted
    waiting = Alert(1, 0.0, Severity.WARN, "threshold", "t", "x")
    alerts = (waiting, replace(waiting, acked_at=1.0), replace(waiting, severity=Severity.OK))
    snapshot = Snapshot(1, 0.0, rows=(calm, bad), alerts=alerts)
    assert snapshot.worst is bad
    assert snapshot.unacked == 1
    assert Snapshot(1, 0.0).worst is None


def test_thresholds_fall_back_one_by_one() -> None:
    own, wider = Thresholds(warn=3, warn_cushion=5), Thresholds(1, 2, 6, 7)
    assert own.over(wider) == Thresholds(3, 2, 5, 7)
    assert Thresholds().over(wider) == wider
    assert wider.over(own) == wider


def test_wallet_title() -> None:
    wallet = Wallet("0x7F3cE0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa91aE")
    assert wallet.title == "0x7F3c…91aE"
    assert replace(wallet, name="bob.eth").title == "bob.eth"
    assert replace(wallet, name="bob.eth", label="bob").title == "bob"
    assert wallet.key == wallet.address.lower()


def test_chain_hides_its_endpoints() -> None:
    chain = ChainSpec(1, "ethereum", rpc=("https://node.example/KEY",), ws=("wss://node.example/KEY",))
    assert "KEY" not in repr(chain)
    assert chain.tag == "ethereum"
    assert replace(chain, short="eth").tag == "eth"


def test_clocks() -> None:
    clock = FrozenClock(5.0)
    clock.advance(2.5)
    assert clock.now() == clock.monotonic() == 7.5
    system = SystemClock()
    assert system.now() > 1_700_000_000
    assert system.monotonic() <= system.monotonic()


def test_block_is_a_plain_value() -> None:
    assert Block(1, "0x", 2).timestamp == 2
