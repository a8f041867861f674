"""What each protocol makes of its log, and of logs that make no sense. Real contracts' logs: tests/real."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import eth_abi
import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.events import EventKind, MarketEvent
from liqtui.core.reads import Log
from liqtui.protocols import aave_events, compound_v2_events, compound_v3_events, morpho_blue_events
from liqtui.protocols.aave_v3 import AaveV3
from liqtui.protocols.abi import Event, topic_of
from liqtui.protocols.adapter import EventLog
from liqtui.protocols.registry import adapters
from tests.protocols import comet_fake, compound_v2_fake, fake, morpho_fake
from tests.protocols.fake import POOL, addr

if TYPE_CHECKING:
    from collections.abc import Mapping

ALICE, BOB, EVE = addr("alice"), addr("bob"), addr("eve")
LIQUIDATION = "LiquidationCall(address+,address+,address+,uint256,uint256,address,bool)"
MODULES = (aave_events, compound_v2_events, compound_v3_events, morpho_blue_events)


class Case(NamedTuple):
    """An opened market, its contract, and two of its assets."""

    adapter: Any
    opened: Any
    at: str
    held: str
    owed: str


def cases() -> Mapping[str, Case]:
    aave = fake.opened(fake.Fake())
    comet = comet_fake.opened(comet_fake.Fake())
    compound = compound_v2_fake.opened(compound_v2_fake.loan().chain())
    eth, usdc = (compound_v2_fake.loan().token(symbol).address for symbol in ("ETH", "USDC"))
    morpho = morpho_fake.opened(morpho_fake.Fake())
    return {
        "aave-v3": Case(AaveV3(), aave, POOL, addr("WETH"), addr("USDC")),
        "compound-v3": Case(comet_fake.ADAPTER, comet, comet_fake.COMET, comet.assets[0][0].address, comet_fake.USDC),
        "compound-v2": Case(compound_v2_fake.ADAPTER, compound, usdc, eth, usdc),
        "morpho-blue": Case(morpho_fake.ADAPTER, morpho, morpho_fake.MORPHO, addr("coll"), addr("loan")),
    }


CASES = cases()
ID = (1).to_bytes(32, "big")


def log(at: str, signature: str, *values: Any, tx: int = 1, index: int = 0) -> Log:
    """As the contract would write it; indexed types are marked with a plus."""
    name, _, inside = signature.partition("(")
    types = inside.rstrip(")").split(",")
    plain = [each.rstrip("+") for each in types]
    topics = ["0x" + keccak(text=f"{name}({','.join(plain)})").hex()]
    topics += [
        "0x" + eth_abi.encode([t.rstrip("+")], [v]).hex() for t, v in zip(types, values, strict=True) if "+" in t
    ]
    rest = [(t, v) for t, v in zip(types, values, strict=True) if "+" not in t]
    data = eth_abi.encode([t for t, _ in rest], [v for _, v in rest])
    return Log(at, tuple(topics), data, 100 + tx, f"0x{100 + tx:064x}", f"0x{tx:064x}", index)


def told(case: Case, *logs: Log) -> list[tuple[Any, ...]]:
    """(kind, wallet, collateral, debt, who) of each event."""
    return [
        (
            each.kind,
            each.key.wallet,
            each.collateral and tuple(each.collateral)[1],
            each.debt and each.debt[1],
            each.who,
        )
        for each in case.adapter.events(case.opened, logs)
    ]


def test_every_protocol_has_a_log() -> None:
    for name, adapter in adapters().items():
        assert isinstance(adapter, EventLog), name


def test_every_topic_is_that_of_its_signature_and_of_its_length() -> None:
    found: list[Event] = []
    for module in MODULES:
        found += [thing for _, thing in inspect.getmembers(module) if isinstance(thing, Event)]
        tables = (getattr(module, name, ()) for name in ("_ACTS", "_KINDS"))
        found += [row.event for table in tables for row in table]
    assert len(found) > 20
    for each in found:
        assert "0x" + keccak(text=each.signature).hex() == each.topic, each.signature
        assert each.indexed + each.words == len(re.findall(r"[,(]\w", each.signature)), each.signature


def test_aave_v3() -> None:
    case = CASES["aave-v3"]
    weth, usdc = case.held, case.owed
    assert told(
        case,
        log(POOL, LIQUIDATION, weth, usdc, ALICE, 5000, 3, EVE, False),
        log(POOL, "DeficitCreated(address+,address+,uint256)", ALICE, usdc, 77),
        log(POOL, "Supply(address+,address,address+,uint256,uint16+)", weth, BOB, ALICE, 9, 0),
        log(POOL, "Borrow(address+,address,address+,uint256,uint8,uint256,uint16+)", usdc, BOB, ALICE, 8, 2, 1, 0),
        log(POOL, "Repay(address+,address+,address+,uint256,bool)", usdc, ALICE, BOB, 7, False),
        log(POOL, "Withdraw(address+,address+,address+,uint256)", weth, ALICE, BOB, 6),
    ) == [
        (EventKind.LIQUIDATED, ALICE, 3, 5000, EVE),
        (EventKind.WRITTEN_OFF, ALICE, None, 77, ""),
        (EventKind.SUPPLIED, ALICE, 9, None, BOB),
        (EventKind.BORROWED, ALICE, None, 8, BOB),
        (EventKind.REPAID, ALICE, None, 7, BOB),
        (EventKind.WITHDREW, ALICE, 6, None, ALICE),
    ]


def test_aave_v2_writes_some_of_them_otherwise() -> None:
    case = CASES["aave-v3"]
    weth, usdc = case.held, case.owed
    assert told(
        case,
        log(POOL, "Deposit(address+,address,address+,uint256,uint16+)", weth, BOB, ALICE, 9, 0),
        log(POOL, "Borrow(address+,address,address+,uint256,uint256,uint256,uint16+)", usdc, BOB, ALICE, 8, 1, 1, 0),
        log(POOL, "Repay(address+,address+,address+,uint256)", usdc, ALICE, BOB, 7),
    ) == [
        (EventKind.SUPPLIED, ALICE, 9, None, BOB),
        (EventKind.BORROWED, ALICE, None, 8, BOB),
        (EventKind.REPAID, ALICE, None, 7, BOB),
    ]


def test_an_asset_that_is_not_known_hides_no_liquidation() -> None:
    case = CASES["aave-v3"]
    found = told(case, log(POOL, LIQUIDATION, addr("new"), case.owed, ALICE, 5000, 3, EVE, True))
    assert found == [(EventKind.LIQUIDATED, ALICE, None, 5000, EVE)]


def test_compound_v3() -> None:
    case = CASES["compound-v3"]
    assert told(
        case,
        log(case.at, "AbsorbCollateral(address+,address+,address+,uint256,uint256)", EVE, ALICE, case.held, 3, 4),
        log(case.at, "AbsorbDebt(address+,address+,uint256,uint256)", EVE, ALICE, 5000, 4),
        log(case.at, "Supply(address+,address+,uint256)", BOB, ALICE, 9),
        log(case.at, "Withdraw(address+,address+,uint256)", ALICE, BOB, 8),
        log(case.at, "SupplyCollateral(address+,address+,address+,uint256)", BOB, ALICE, case.held, 7),
        log(case.at, "WithdrawCollateral(address+,address+,address+,uint256)", ALICE, BOB, case.held, 6),
    ) == [
        (EventKind.LIQUIDATED, ALICE, 3, None, EVE),
        (EventKind.LIQUIDATED, ALICE, None, 5000, EVE),
        (EventKind.SUPPLIED, ALICE, None, 9, BOB),
        (EventKind.WITHDREW, ALICE, None, 8, ALICE),
        (EventKind.SUPPLIED, ALICE, 7, None, BOB),
        (EventKind.WITHDREW, ALICE, 6, None, ALICE),
    ]


PLAIN = "LiquidateBorrow(address,address,uint256,address,uint256)"
INDEXED = "LiquidateBorrow(address+,address+,uint256,address+,uint256)"
TRANSFER = "Transfer(address+,address+,uint256)"


@pytest.mark.parametrize("signature", [PLAIN, INDEXED])
def test_compound_v2_liquidation_in_both_forms(signature: str) -> None:
    case = CASES["compound-v2"]
    written = log(case.owed, signature, EVE, ALICE, 5000, case.held, 3)
    assert told(case, written) == [(EventKind.LIQUIDATED, ALICE, 3, 5000, EVE)]
    (event,) = case.adapter.events(case.opened, [written])
    assert event.collateral.asset == (case.held, "ETH shares", 8)


def test_an_account_that_is_closed_as_a_whole() -> None:
    case = CASES["compound-v2"]
    assert told(
        case,
        log(case.held, TRANSFER, ALICE, EVE, 3),
        log(case.owed, "BadDebtIncreased(address+,uint256,uint256,uint256)", ALICE, 77, 0, 77),
        log(case.owed, "HealBorrow(address+,address+,uint256)", EVE, ALICE, 5000),
    ) == [(EventKind.WRITTEN_OFF, ALICE, None, 77, ""), (EventKind.LIQUIDATED, ALICE, None, 5000, EVE)]


def test_compound_v2_redeeming_is_told_from_being_seized() -> None:
    case = CASES["compound-v2"]
    assert told(
        case,
        log(case.held, TRANSFER, ALICE, case.held, 4),
        log(case.held, TRANSFER, ALICE, BOB, 4),
        log(case.owed, PLAIN, EVE, ALICE, 5000, case.held, 3, tx=2, index=3),
        log(case.held, TRANSFER, ALICE, EVE, 2, tx=2, index=1),
        log(case.held, TRANSFER, ALICE, case.held, 1, tx=2, index=2),
        log(case.held, TRANSFER, BOB, case.held, 8, tx=2, index=9),
    ) == [
        (EventKind.WITHDREW, ALICE, 4, None, ALICE),
        (EventKind.LIQUIDATED, ALICE, 3, 5000, EVE),
        (EventKind.WITHDREW, BOB, 8, None, BOB),
    ]


BORROW = "Borrow(bytes32+,address,address+,address+,uint256,uint256)"
REPAY = "Repay(bytes32+,address+,address+,uint256,uint256)"
SUPPLY = "SupplyCollateral(bytes32+,address+,address+,uint256)"
WITHDRAW = "WithdrawCollateral(bytes32+,address,address+,address+,uint256)"
LIQUIDATE = "Liquidate(bytes32+,address+,address+,uint256,uint256,uint256,uint256,uint256)"
PRE = "PreLiquidate(bytes32+,address+,address+,uint256,uint256,uint256)"


def test_morpho_blue() -> None:
    case = CASES["morpho-blue"]
    assert told(
        case,
        log(case.at, LIQUIDATE, ID, EVE, ALICE, 5000, 1, 3, 0, 0, index=1),
        log(case.at, LIQUIDATE, ID, EVE, BOB, 5000, 1, 3, 77, 1, index=2),
        log(case.at, BORROW, ID, BOB, ALICE, EVE, 9, 1, index=3),
        log(case.at, REPAY, ID, BOB, ALICE, 8, 1, index=4),
        log(case.at, SUPPLY, ID, BOB, ALICE, 7, index=5),
        log(case.at, WITHDRAW, ID, ALICE, ALICE, EVE, 6, index=6),
    ) == [
        (EventKind.LIQUIDATED, ALICE, 3, 5000, EVE),
        (EventKind.LIQUIDATED, BOB, 3, 5000, EVE),
        (EventKind.WRITTEN_OFF, BOB, None, 77, EVE),
        (EventKind.BORROWED, ALICE, None, 9, BOB),
        (EventKind.REPAID, ALICE, None, 8, BOB),
        (EventKind.SUPPLIED, ALICE, 7, None, BOB),
        (EventKind.WITHDREW, ALICE, 6, None, ALICE),
    ]
    (event,) = case.adapter.events(case.opened, [log(case.at, SUPPLY, ID, BOB, ALICE, 7)])
    assert event.key.market_id == "0x" + ID.hex()
    assert told(case, log(case.at, SUPPLY, bytes(32), BOB, ALICE, 7)) == []


def test_a_pre_liquidation_is_none_of_the_owner_s_doing() -> None:
    """Believed where Morpho says that the contract which wrote it acted for the owner, and nowhere else."""
    case, agent = CASES["morpho-blue"], addr("agent")
    acts = [log(case.at, WITHDRAW, ID, agent, ALICE, EVE, 3, index=1), log(case.at, REPAY, ID, agent, ALICE, 50, 1)]
    written = log(agent, PRE, ID, EVE, ALICE, 50, 1, 3, index=2)
    assert told(case, *acts, written) == [(EventKind.LIQUIDATED, ALICE, 3, 50, EVE)]
    own = [(EventKind.REPAID, ALICE, None, 50, agent), (EventKind.WITHDREW, ALICE, 3, None, agent)]
    assert told(case, *acts) == own
    lie = log(addr("liar"), PRE, ID, EVE, ALICE, 50, 1, 3, index=2)
    assert told(case, *acts, lie) == own
    assert told(case, lie) == []
    elsewhere = log(agent, PRE, ID, EVE, ALICE, 50, 1, 3, tx=2)
    assert told(case, *acts, elsewhere) == own


@pytest.mark.parametrize("name", CASES)
def test_filters_name_the_contracts_and_the_wallets(name: str) -> None:
    case = CASES[name]
    filters = case.adapter.event_filters(case.opened, [ALICE, BOB])
    who = (topic_of(ALICE), topic_of(BOB))
    for wanted in filters:
        assert wanted.addresses or wanted.topics[0] == (morpho_blue_events.PRE_LIQUIDATE.topic,)
        unfiltered = wanted.topics[0] == (compound_v2_events.LIQUIDATE_BORROW.topic,)
        assert (who in wanted.topics) is not unfiltered
    assert 2 <= len(filters) <= 3


WORDS = st.one_of(
    st.integers(0, 2**256 - 1), st.sampled_from([1, int(ALICE, 16), int(addr("WETH"), 16), int(addr("USDC"), 16)])
)


@given(st.data())
def test_a_log_that_makes_no_sense_gives_nothing_and_raises_nothing(data: st.DataObject) -> None:
    case = CASES[data.draw(st.sampled_from(list(CASES)))]
    known = [topic for wanted in case.adapter.event_filters(case.opened, [ALICE]) for topic in wanted.topics[0]]
    logs = [
        Log(
            data.draw(st.sampled_from([case.at, case.held, case.owed, EVE, ""])),
            tuple(data.draw(st.lists(st.sampled_from([*known, "0x", "nonsense", topic_of(ALICE)]), max_size=1)))
            + tuple(f"0x{word:064x}" for word in data.draw(st.lists(WORDS, max_size=4))),
            data.draw(st.binary(max_size=40) | st.lists(WORDS, max_size=6).map(packed)),
            *(data.draw(st.integers(0, 3)), "0x1", data.draw(st.sampled_from(["0x1", "0x2"])), 0),
        )
        for _ in range(data.draw(st.integers(0, 4)))
    ]
    found = case.adapter.events(case.opened, logs)
    assert all(isinstance(each, MarketEvent) and len(each.key.wallet) == 42 for each in found)


def packed(words: list[int]) -> bytes:
    return b"".join(word.to_bytes(32, "big") for word in words)


@pytest.mark.parametrize("name", CASES)
def test_each_field_is_needed(name: str) -> None:
    """Of every event: a topic less, a byte less, a word more, or another contract, and it says nothing."""
    case, word = CASES[name], topic_of(ALICE)
    module = {"aave-v3": aave_events, "compound-v3": compound_v3_events}.get(name)
    module = module or (compound_v2_events if name == "compound-v2" else morpho_blue_events)
    tables = [row.event for table in ("_ACTS", "_KINDS") for row in getattr(module, table, ())]
    kinds = tables + [thing for _, thing in inspect.getmembers(module) if isinstance(thing, Event)]
    for each in kinds:
        topics, body = (each.topic, *[word] * each.indexed), bytes(32 * each.words)
        whole = Log(case.at, topics, body, 1, "0x1", "0x1", 0)
        for broken in (
            whole._replace(topics=topics[:-1]),
            whole._replace(topics=(*topics, word)),
            whole._replace(topics=()),
            whole._replace(data=body[:-1]),
            whole._replace(data=body + bytes(32)),
            whole._replace(data=b""),
            whole._replace(address=addr("elsewhere")),
            whole._replace(topics=(each.topic, *["0x" + "ff" * 32] * each.indexed), data=b"\xff" * len(body)),
        ):
            if broken != whole:
                assert case.adapter.events(case.opened, [broken]) == (), (each.signature, broken)
