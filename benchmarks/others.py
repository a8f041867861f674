"""The same figures of an Aave v3 market as most scripts read them: with web3.py, or with the `multicall` package.

Run as a program in the interpreter that has the library; takes JSON (see `Task`) on stdin, prints milliseconds.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable

SIX = ["uint256"] * 6
NINE = ["uint256"] * 7 + ["uint40", "bool"]


class Task(TypedDict):
    how: str
    """web3 · multicall."""
    url: str
    pool: str
    oracle: str
    data: str
    """Address of the data provider."""
    assets: list[str]
    wallets: list[str]
    rounds: int


def _function(name: str, inputs: list[str], outputs: list[str]) -> dict[str, Any]:
    def typed(types: list[str]) -> list[dict[str, str]]:
        return [{"name": f"v{at}", "type": kind} for at, kind in enumerate(types)]

    return {
        "type": "function", "name": name, "stateMutability": "view", "inputs": typed(inputs), "outputs": typed(outputs),
    }  # fmt: skip


ACCOUNT = _function("getUserAccountData", ["address"], SIX)
RESERVE = _function("getUserReserveData", ["address", "address"], NINE)
PRICE = _function("getAssetPrice", ["address"], ["uint256"])


def with_web3(task: Task) -> list[float]:
    from web3 import Web3

    w3 = Web3(Web3.HTTPProvider(task["url"]))
    checked = {one: Web3.to_checksum_address(one) for one in (*task["assets"], *task["wallets"])}
    contract = {
        name: w3.eth.contract(Web3.to_checksum_address(task[name]), abi=[ACCOUNT, RESERVE, PRICE])
        for name in ("pool", "oracle", "data")
    }
    found: list[float] = []
    for _ in range(task["rounds"]):
        started = time.perf_counter()
        block = w3.eth.block_number
        for asset in task["assets"]:
            contract["oracle"].functions.getAssetPrice(checked[asset]).call(block_identifier=block)
        for wallet in task["wallets"]:
            user = checked[wallet]
            contract["pool"].functions.getUserAccountData(user).call(block_identifier=block)
            for asset in task["assets"]:
                contract["data"].functions.getUserReserveData(checked[asset], user).call(block_identifier=block)
        found.append((time.perf_counter() - started) * 1e3)
    return found


def with_multicall(task: Task) -> list[float]:
    from multicall import Call, Multicall
    from multicall.constants import MULTICALL3_ADDRESSES
    from web3 import Web3

    w3 = Web3(Web3.HTTPProvider(task["url"]))
    MULTICALL3_ADDRESSES[w3.eth.chain_id] = MULTICALL3_ADDRESSES[1]  # it knows no test chains
    account = [f"getUserAccountData(address)(({','.join(SIX)}))"]
    reserve = [f"getUserReserveData(address,address)(({','.join(NINE)}))"]
    found: list[float] = []
    for _ in range(task["rounds"]):
        started = time.perf_counter()
        block = w3.eth.block_number
        calls = [
            Call(task["oracle"], ["getAssetPrice(address)(uint256)", asset], [(f"price {asset}", None)])
            for asset in task["assets"]
        ]
        for user in task["wallets"]:
            calls.append(Call(task["pool"], [*account, user], [(f"account {user}", None)]))
            calls += [
                Call(task["data"], [*reserve, asset, user], [(f"{asset} {user}", None)]) for asset in task["assets"]
            ]
        answers = Multicall(calls, _w3=w3, block_id=block)()
        if len(answers) != len(calls):
            raise SystemExit(f"{len(answers)} answers to {len(calls)} calls")
        found.append((time.perf_counter() - started) * 1e3)
    return found


class Calls(TypedDict):
    """Any calls, for a market of any kind."""

    how: str
    """web3-calls · multicall-calls."""
    url: str
    calls: list[tuple[str, str, str, list[Any]]]
    """(address, signature, types of the answer, arguments)."""
    rounds: int


def _timed(rounds: int, work: Callable[[], object]) -> list[tuple[float, float]]:
    """(milliseconds, processor milliseconds) of each round."""
    found: list[tuple[float, float]] = []
    for _ in range(rounds):
        started, spent = time.perf_counter(), time.process_time()
        work()
        found.append(((time.perf_counter() - started) * 1e3, (time.process_time() - spent) * 1e3))
    return found


def calls_with_web3(task: Calls) -> list[tuple[float, float]]:
    from web3 import Web3

    w3 = Web3(Web3.HTTPProvider(task["url"]))
    known: dict[tuple[str, str], Any] = {}
    for address, signature, answer, _ in task["calls"]:
        name, _, types = signature.rstrip(")").partition("(")
        abi = _function(name, types.split(",") if types else [], answer.split(","))
        known[address, signature] = w3.eth.contract(Web3.to_checksum_address(address), abi=[abi]).functions[name]

    def work() -> None:
        block = w3.eth.block_number
        for address, signature, _, arguments in task["calls"]:
            known[address, signature](*arguments).call(block_identifier=block)

    return _timed(task["rounds"], work)


def calls_with_multicall(task: Calls) -> list[tuple[float, float]]:
    from multicall import Call, Multicall
    from multicall.constants import MULTICALL3_ADDRESSES
    from web3 import Web3

    w3 = Web3(Web3.HTTPProvider(task["url"]))
    MULTICALL3_ADDRESSES[w3.eth.chain_id] = MULTICALL3_ADDRESSES[1]  # it knows no test chains

    def word(value: Any) -> Any:
        return bytes.fromhex(value[2:]) if isinstance(value, str) and len(value) == 66 else value

    def work() -> None:
        block = w3.eth.block_number
        calls = [
            Call(address, [f"{signature}(({answer}))", *map(word, arguments)], [(str(place), None)])
            for place, (address, signature, answer, arguments) in enumerate(task["calls"])
        ]
        if len(Multicall(calls, _w3=w3, block_id=block)()) != len(calls):
            raise SystemExit("answers are missing")

    return _timed(task["rounds"], work)


if __name__ == "__main__":
    asked: Any = json.load(sys.stdin)
    ways: dict[str, Callable[[Any], object]] = {
        "web3": with_web3,
        "multicall": with_multicall,
        "web3-calls": calls_with_web3,
        "multicall-calls": calls_with_multicall,
    }
    print(json.dumps(ways[asked["how"]](asked)))
