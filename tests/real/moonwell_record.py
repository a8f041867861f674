"""Records a walk of Moonwell: the tape of what the program read, and beside it what the contracts themselves answered.

Only calls and their results, never code. `test_recorded_moonwell` plays both, without the contracts.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from liqtui.chain.tape import compact
from liqtui.core.severity import liquidatable
from liqtui.core.wallet import Wallet
from tests.lab import abi
from tests.lab.compound_v2 import WAD, Walk, call_all, open_positions
from tests.lab.lab import Lab
from tests.lab.moonwell import MoonwellMarket
from tests.lab.packages import default_cache
from tests.real.cases_compound import ACCRUE, THREE, compound_v2
from tests.real.moonwell_truth import Said, Taken, Told, check
from tests.real.record import turns_of, walked
from tests.real.truth import save

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.real.cases_compound import CompoundCase

BLOCKS = 100
LIQUIDATED = 5
"""Blocks between two liquidations of our own; the walk tries some, too."""
ASKED = 2
"""Positions a block whose boundaries are asked for."""
_LIQUIDATED = abi.event_topic("LiquidateBorrow(address,address,uint256,address,uint256)")


def record(folder: Path, target: Path) -> list[Path]:
    """From artifacts in a folder. Writes `moonwell/walk.tape` and `.told.xz` into `target`, anew."""
    with Lab.build(default_cache(), generations=()) as lab, TemporaryDirectory() as scratch:
        market = MoonwellMarket(lab, folder)
        lab.positions[market.name] = open_positions(market)
        raw = Path(scratch) / "walk"
        told = asyncio.run(_walk(compound_v2(market), raw))
        tape, answers = target / "moonwell" / "walk.tape", target / "moonwell" / "walk.told.xz"
        tape.parent.mkdir(exist_ok=True)
        tape.unlink(missing_ok=True)
        compact(raw, tape)
        save(told, answers)
    return [tape, answers]


async def _walk(case: CompoundCase, path: Path) -> list[Told]:
    node, chance = case.node, random.Random(5)
    wallets = [Wallet(each.wallet.lower(), each.name) for each in case.lab.positions[case.market.name]]
    walk = Walk(case.market, seed=9)

    def step(number: int) -> Callable[[], Told]:
        last = node.block_number
        walk.step()
        node.mine(dt=chance.choice((2, 3600, 40_000)))
        if number % LIQUIDATED == LIQUIDATED - 1:
            _liquidate(case)
        return lambda: _told(case, chance, last)

    return await walked(case, wallets, step, path, title="Moonwell: a walk", blocks=BLOCKS)


def _liquidate(case: CompoundCase) -> None:
    """The first account that can be, by as much as we say."""
    due = [key for key, found in case.positions().items() if liquidatable(found) and found.scope is not None]
    for key in due[:1]:
        found, _ = case.foreseen(key)
        assert found is not None
        assert found.scope is not None
        case.liquidate(found, found.scope)


def _told(case: CompoundCase, chance: random.Random, last: int) -> Told:
    """The contracts' answers at the head. What we say is already held against them here: a recording is no licence."""
    case.discover()
    positions = {key.wallet: found for key, found in case.positions().items()}
    said = _said(case)
    for user, found in positions.items():
        check(found, said[user])
    owing = sorted(user for user, found in positions.items() if found.has_debt)
    turns = tuple(turn for user in chance.sample(owing, ASKED) for turn in turns_of(case, positions[user]))
    return Told(case.block.number, said, turns, _taken(case, last + 1))


def _said(case: CompoundCase) -> dict[str, Said]:
    market = case.market
    calls = [(token, ACCRUE) for token in market.tokens.values()]
    for user in case.wallets:
        calls.append((market.comptroller, abi.encode("getAccountLiquidity(address)", user)))
        calls += [(token, abi.encode("getAccountSnapshot(address)", user)) for token in market.tokens.values()]
    answers = iter(call_all(market, calls, case.block.hash)[len(market.tokens) :])
    out: dict[str, Said] = {}
    for user in case.wallets:
        error, liquidity, shortfall = abi.decode(THREE, next(answers))
        assert not error
        held: dict[str, int] = {}
        owed: dict[str, int] = {}
        for symbol in market.tokens:
            _, tokens, debt, rate = abi.decode("e()->uint256,uint256,uint256,uint256", next(answers))
            asset = market.underlying[symbol].lower()
            held |= {asset: tokens * rate // WAD} if tokens * rate // WAD else {}
            owed |= {asset: debt} if debt else {}
        out[user] = Said(liquidity, shortfall, held, owed)
    return out


def _taken(case: CompoundCase, first: int) -> tuple[Taken, ...]:
    """From the logs since a block, decoded here."""
    wanted = {"topics": [_LIQUIDATED], "fromBlock": hex(first)}
    out: list[Taken] = []
    for log in case.node.rpc("eth_getLogs", wanted):
        words = [log["data"][2 + 64 * at : 66 + 64 * at] for at in range(5)]
        out.append(Taken("0x" + words[1][-40:], int(words[2], 16), int(words[4], 16)))
    return tuple(out)
