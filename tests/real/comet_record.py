"""Records a walk of Comet: the tape of what the program read, and beside it what the contract itself answered.

Only calls and their results, never code. `test_recorded` plays both, without the contract.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from liqtui.chain.tape import compact
from liqtui.core.wallet import Wallet
from tests.lab import abi
from tests.lab.comet import UPGRADES, CometLab
from tests.lab.comet_positions import SHAPES, CometWalk, open_positions
from tests.lab.lab import Lab
from tests.lab.packages import default_cache
from tests.real.cases_comet import compound_v3
from tests.real.comet_truth import Absorbed, Repaid, Told, check
from tests.real.record import turns_of, walked
from tests.real.truth import save

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.real.cases_comet import CometCase

BLOCKS = 110
UPGRADED = 60
"""Blocks before the market gets other parameters."""
ASKED = 3
"""Positions a block whose boundaries are asked for."""
_DEBT = abi.event_topic("AbsorbDebt(address,address,uint256,uint256)")
_COLLATERAL = abi.event_topic("AbsorbCollateral(address,address,address,uint256,uint256)")


def record(folder: Path, target: Path) -> list[Path]:
    """Both markets, from artifacts in a folder. Writes `compound-v3-NAME.tape` and `.told.xz` into `target`, anew."""
    written: list[Path] = []
    with Lab.build(default_cache(), generations=()) as lab, TemporaryDirectory() as scratch:
        comets = CometLab(lab, folder, default_cache())
        open_positions(comets)
        for base in comets.markets:
            name, raw = f"compound-v3-{base.lower()}", Path(scratch) / base
            told = asyncio.run(_walk(compound_v3(comets, base), base, raw))
            tape, answers = target / f"{name}.tape", target / f"{name}.told.xz"
            tape.unlink(missing_ok=True)
            compact(raw, tape)
            save(told, answers)
            written += [tape, answers]
    return written


async def _walk(case: CometCase, base: str, path: Path) -> list[Told]:
    chance = random.Random(3)
    wallets = [Wallet(shape.wallet.lower(), shape.name) for shape in SHAPES[base]]
    walk = CometWalk(case.market, base, seed=21)

    def step(number: int) -> Callable[[], Told]:
        if number == UPGRADED:
            case.market.upgrade(UPGRADES[base])
            case.market.supply(wallets[0].address, "NEW", 2 * 10**18)
        walk.step()
        return lambda: _told(case, chance)

    return await walked(case, wallets, step, path, title=f"Compound v3, {base}: a walk", blocks=BLOCKS)


def _told(case: CometCase, chance: random.Random) -> Told:
    """The contract's answers at the head. What we say is already held against them here: a recording is no licence."""
    if case.read().changed:
        case.open()
    case.discover()
    positions = {key.wallet: found for key, found in case.positions().items()}
    said = case.said(case.wallets)
    for user, found in positions.items():
        check(found, said[user])
    owing = sorted(user for user, found in positions.items() if found.has_debt)
    chosen = chance.sample(owing, ASKED)
    turns = tuple(turn for user in chosen for turn in turns_of(case, positions[user]))
    repaid = tuple(_repaid(case, user, said[user].owed * chance.randint(1, 1200) // 1000 + 1) for user in chosen)
    return Told(case.block.number, said, turns, repaid, _absorbed(case))


def _repaid(case: CometCase, user: str, amount: int) -> Repaid:
    comet, token, payer = case.market.address, case.market.base.address, case.lab.multicall3
    calls = [
        (token, False, abi.encode("provision(address,address,uint256)", payer, comet, amount)),
        (comet, False, abi.encode("supplyTo(address,address,uint256)", user, token, amount)),
        (comet, False, abi.encode("borrowBalanceOf(address)", user)),
        (comet, False, abi.encode("balanceOf(address)", user)),
        (comet, False, abi.encode("isLiquidatable(address)", user)),
    ]
    _, _, owed, supplied, liquidatable = (abi.decode("e()->uint256", data or bytes(32)) for _, data in case.call(calls))
    return Repaid(user, amount, owed, supplied, bool(liquidatable))


def _absorbed(case: CometCase) -> tuple[Absorbed, ...]:
    """From the newest block's log, decoded here."""
    paid: dict[str, int] = {}
    taken: dict[str, dict[str, int]] = {}
    wanted = {"address": case.market.address, "fromBlock": "latest", "topics": [[_DEBT, _COLLATERAL]]}
    for log in case.node.rpc("eth_getLogs", wanted):
        topic, _, account, *asset = log["topics"]
        user, (amount, _) = "0x" + account[-40:], abi.decode("e()->uint256,uint256", bytes.fromhex(log["data"][2:]))
        if topic == _DEBT:
            paid[user] = amount
        else:
            taken.setdefault(user, {})["0x" + asset[0][-40:]] = amount
    return tuple(Absorbed(user, amount, taken.get(user, {})) for user, amount in paid.items())
