"""Opening a market and finding wallets in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liqtui.core.model import Asset
from liqtui.core.reads import Failure, PlanFailed
from liqtui.protocols import aave_v3_abi as aave
from liqtui.protocols.abi import encode_word
from tests.protocols.fake import (
    ADAPTER,
    BLOCK,
    NOBODY,
    ORACLE,
    POOL,
    PROVIDER,
    REF,
    REVERT,
    WBTC,
    Fake,
    User,
    addr,
    opened,
    run,
)


def test_a_market_opens_from_its_provider_in_four_steps() -> None:
    chain = Fake().chain()
    market = opened(Fake(), chain)
    assert chain.steps == 4  # provider, pool, reserves, price sources
    assert (market.pool, market.oracle, market.base_symbol, market.base_decimals) == (POOL, ORACLE, "USD", 8)
    assert market.rules.version == "3.6"
    assert [reserve.asset for reserve in market.reserves.values()] == [
        Asset(addr("WETH"), "WETH", 18),
        Asset(addr("USDC"), "USDC", 6),
        Asset(addr("WBTC"), "WBTC", 8),
    ]
    assert market.reserves[1].unit == 10**6
    assert market.reserves[1].source == addr("feedUSDC")
    assert market.prices.sources[addr("feedUSDC")].label == "USDC / USD"


def test_the_id_of_a_reserve_is_not_its_place_in_the_list() -> None:
    fake = Fake(assets=[replace(WBTC, id=5), replace(WBTC, symbol="LINK", id=2)])
    assert {i: reserve.asset.symbol for i, reserve in opened(fake).reserves.items()} == {5: "WBTC", 2: "LINK"}


@pytest.mark.parametrize(
    ("target", "function", "result", "said"),
    [
        (PROVIDER, aave.GET_POOL, Failure("revert"), "is not the PoolAddressesProvider"),
        (PROVIDER, aave.GET_POOL, b"", "0 bytes where 32 were expected"),
        (PROVIDER, aave.GET_POOL, encode_word(2**200), "not an address"),
        (PROVIDER, aave.GET_PRICE_ORACLE, encode_word(NOBODY), "names no pool or no oracle"),
        (POOL, aave.POOL_REVISION, Failure("revert", "unknown function"), "unknown function"),
        (POOL, aave.GET_RESERVES_LIST, encode_word(32) + encode_word(9), "array runs past the end"),
        (POOL, aave.GET_RESERVES_LIST, encode_word(32) + encode_word(2) + encode_word(7) * 2, "makes no sense"),
        (ORACLE, aave.BASE_CURRENCY_UNIT, encode_word(3), "no power of ten"),
        (ORACLE, aave.BASE_CURRENCY, bytes(31), "31 bytes"),
    ],
)
def test_what_is_no_aave_market_is_refused_in_words(target: str, function: object, result: object, said: str) -> None:
    chain = Fake().chain()
    chain.put(target, function, result=result)
    with pytest.raises(PlanFailed, match=said):
        opened(Fake(), chain)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"index": 10**26}, "makes no sense"), ({"decimals": 77}, "makes no sense")],
)
def test_a_reserve_that_makes_no_sense_is_refused(change: dict[str, int], said: str) -> None:
    with pytest.raises(PlanFailed, match=said):
        opened(Fake(assets=[replace(WBTC, **change)]))


def test_a_reserve_that_does_not_answer_is_named() -> None:
    chain = Fake().chain()
    chain.put(POOL, aave.GET_RESERVE_DATA, addr("WBTC"), result=bytes(14 * 32))
    with pytest.raises(PlanFailed, match=r"reserve WBTC .* cannot be read: 448 bytes"):
        opened(Fake(), chain)


def symbols(*results: object) -> list[str]:
    fake = Fake()
    chain = fake.chain()
    for asset, result in zip(fake.assets, results, strict=True):
        chain.put(asset.address, aave.SYMBOL, result=result)
    return [reserve.asset.symbol for reserve in opened(fake, chain).reserves.values()]


def test_hostile_symbols_become_harmless() -> None:
    evil = "\x1b[31m\u202e[bold]" + "A" * 5000
    text = encode_word(32) + encode_word(len(evil.encode())) + evil.encode().ljust(6000, b"\0")
    names = symbols(text, b"MKR".ljust(32, b"\0"), Failure("revert"))
    assert names[0].startswith("[31m[bold]A")
    assert len(names[0]) <= 16
    assert names[0].isprintable()
    assert names[1:] == ["MKR", "0x0000…5443"]


def test_symbols_that_are_nothing_or_too_long_for_their_bytes() -> None:
    empty = encode_word(32) + encode_word(0)
    lie = encode_word(32) + encode_word(2**60)
    assert symbols(empty, lie, b"") == ["0x0000…5448", "0x0000…4443", "0x0000…5443"]


def test_two_tokens_of_one_symbol_are_told_apart() -> None:
    same = encode_word(32) + encode_word(4) + b"USDC".ljust(32, b"\0")
    assert symbols(same, same, b"MKR".ljust(32, b"\0")) == ["USDC·5448", "USDC·4443", "MKR"]


def test_a_base_currency_that_is_a_token_is_named() -> None:
    fake = Fake(base=addr("WETH"), unit=10**18)
    market = opened(fake)
    assert (market.base_symbol, market.base_decimals) == ("WETH", 18)


def found(fake: Fake, *wallets: str, chain: object = None) -> dict[str, frozenset[int]]:
    chain = chain or fake.chain()
    market = opened(fake, chain)
    return run(ADAPTER.discover(market, [addr(wallet) for wallet in wallets]), chain)


def test_discovery_finds_debt_collateral_and_what_is_only_supplied() -> None:
    fake = Fake(
        users={
            addr("loan"): User(supplied={"WETH": 10}, owed={"USDC": 5}),
            addr("idle"): User(supplied={"WBTC": 3}, off=("WBTC",)),
            addr("both"): User(supplied={"WETH": 10, "USDC": 4}, off=("USDC",)),
            addr("none"): User(),
        }
    )
    chain = fake.chain()
    hints = found(fake, "loan", "idle", "both", "none", chain=chain)
    assert hints == {addr("loan"): frozenset(), addr("idle"): frozenset({2}), addr("both"): frozenset({1})}
    assert chain.steps == 2
    market = run(ADAPTER.open(REF, BLOCK), chain)
    chain.put(POOL, aave.GET_USER_CONFIGURATION, addr("none"), result=REVERT)
    wallets = [addr(wallet) for wallet in ("loan", "idle", "both", "none")]
    assert run(ADAPTER.glance(market, wallets), chain) == {addr("loan"), addr("both")}
    assert chain.steps == 1


def test_what_discovery_cannot_read_counts_as_held() -> None:
    fake = Fake(users={addr("user"): User(), addr("other"): User()})
    chain = fake.chain()
    chain.put(POOL, aave.GET_USER_CONFIGURATION, addr("user"), result=Failure("unread"))
    chain.put(addr("aUSDC"), aave.SCALED_BALANCE_OF, addr("other"), result=b"")
    assert found(fake, "user", "other", chain=chain) == {addr("user"): frozenset(), addr("other"): frozenset({1})}


def test_open_through_the_adapter_keeps_the_reference() -> None:
    assert run(ADAPTER.open(REF, BLOCK), Fake().chain()).ref is REF
