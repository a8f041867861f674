"""The same figures of an Aave v3 market as most scripts read them: with web3.py, or with the `multicall` package.

Run as a program in the interpreter that has the library; takes JSON (see `Task`) on stdin, prints milliseconds.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, TypedDict

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


if __name__ == "__main__":
    asked: Task = json.load(sys.stdin)
    print(json.dumps({"web3": with_web3, "multicall": with_multicall}[asked["how"]](asked)))
