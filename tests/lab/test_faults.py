"""The fault proxy misbehaves exactly as told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.lab import abi, faults
from tests.lab.lab import MULTICALL3, Lab

if TYPE_CHECKING:
    from tests.lab.faults import FaultProxy

TIME_CALL = {"to": MULTICALL3, "data": "0x" + abi.encode("getCurrentBlockTimestamp()").hex()}


def post(proxy: FaultProxy, *calls: tuple[str, list[Any]], timeout: float = 10) -> httpx.Response:
    """One call as an object, several as a batch."""
    body = [{"jsonrpc": "2.0", "id": at, "method": m, "params": p} for at, (m, p) in enumerate(calls, 1)]
    return httpx.post(proxy.url, json=body[0] if len(body) == 1 else body, timeout=timeout, trust_env=False)


def result(proxy: FaultProxy, method: str, *params: Any) -> Any:
    return post(proxy, (method, list(params))).json().get("result")


def error(proxy: FaultProxy, method: str, *params: Any) -> Any:
    return post(proxy, (method, list(params))).json()["error"]


def head(proxy: FaultProxy) -> int:
    return int(result(proxy, "eth_blockNumber"), 16)


def test_healthy_and_counting(fault_proxy: FaultProxy) -> None:
    replies = post(fault_proxy, ("eth_chainId", []), ("eth_blockNumber", []), ("eth_blockNumber", [])).json()
    assert [reply["id"] for reply in replies] == [1, 2, 3]
    assert fault_proxy.counts == {"eth_chainId": 1, "eth_blockNumber": 2}
    assert fault_proxy.http_requests == 1


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503])
def test_status(fault_proxy: FaultProxy, status: int) -> None:
    fault_proxy.set(faults.Status(status, retry_after=7, times=1))
    answer = post(fault_proxy, ("eth_chainId", []))
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")
    assert result(fault_proxy, "eth_chainId") == "0x7a69"


def test_bodies(fault_proxy: FaultProxy) -> None:
    fault_proxy.set(faults.Body())
    assert post(fault_proxy, ("eth_chainId", [])).content == b""
    fault_proxy.set(faults.html_page())
    assert post(fault_proxy, ("eth_chainId", [])).text.startswith("<!DOCTYPE")
    fault_proxy.set(faults.Truncated())
    with pytest.raises(json.JSONDecodeError):
        post(fault_proxy, ("eth_chainId", [])).json()
    fault_proxy.set(faults.ResponseCap(100))
    assert error(fault_proxy, "eth_getBlockByNumber", "latest", False)["code"] == -32008
    assert head(fault_proxy)


def test_silence(fault_proxy: FaultProxy) -> None:
    fault_proxy.set(faults.Hang())
    with pytest.raises(httpx.ReadTimeout):
        post(fault_proxy, ("eth_chainId", []), timeout=0.2)
    fault_proxy.set(faults.Slow(0.3))
    with pytest.raises(httpx.ReadTimeout):
        post(fault_proxy, ("eth_chainId", []), timeout=0.1)
    fault_proxy.set(faults.Drop())
    with pytest.raises(httpx.RemoteProtocolError):
        post(fault_proxy, ("eth_chainId", []))


def test_replies(fault_proxy: FaultProxy) -> None:
    fault_proxy.set(faults.Refuse(methods={"eth_call"}))
    assert error(fault_proxy, "eth_call", TIME_CALL, "latest")["code"] == -32005
    assert result(fault_proxy, "eth_chainId") == "0x7a69"
    fault_proxy.set(faults.unknown_method("eth_getLogs"))
    assert error(fault_proxy, "eth_getLogs", {})["code"] == -32601
    fault_proxy.set(faults.WrongId())
    assert post(fault_proxy, ("eth_chainId", [])).json()["id"] == 987_654_321
    fault_proxy.set(faults.Result(methods={"eth_chainId"}))
    assert post(fault_proxy, ("eth_chainId", [])).json()["result"] is None
    fault_proxy.set(faults.wrong_chain(10))
    assert result(fault_proxy, "eth_chainId") == "0xa"


def test_damaged_data(fault_proxy: FaultProxy) -> None:
    right = result(fault_proxy, "eth_call", TIME_CALL, "latest")
    fault_proxy.set(faults.flipped_byte(position=31))
    assert result(fault_proxy, "eth_call", TIME_CALL, "latest") == right[:-2] + f"{int(right[-2:], 16) ^ 0xFF:02x}"
    fault_proxy.set(faults.half_data())
    assert result(fault_proxy, "eth_call", TIME_CALL, "latest") == right[:34]
    fault_proxy.set(faults.no_data())
    assert result(fault_proxy, "eth_call", TIME_CALL, "latest") == "0x"


def test_batches(fault_proxy: FaultProxy) -> None:
    batch = [("eth_chainId", []), ("eth_blockNumber", []), ("eth_gasPrice", [])]
    fault_proxy.set(faults.ReorderBatch())
    assert [reply["id"] for reply in post(fault_proxy, *batch).json()] == [3, 2, 1]
    fault_proxy.set(faults.MissingFromBatch(1))
    assert [reply["id"] for reply in post(fault_proxy, *batch).json()] == [1, 3]
    fault_proxy.set(faults.NoBatches())
    assert post(fault_proxy, *batch).json()["error"]["code"] == -32600
    fault_proxy.set(faults.Refuse(methods={"eth_blockNumber"}))
    assert ["error" in reply for reply in post(fault_proxy, *batch).json()] == [False, True, False]


def test_limits(fault_proxy: FaultProxy) -> None:
    fault_proxy.set(faults.CallDataCap(3))
    assert "too large" in error(fault_proxy, "eth_call", TIME_CALL, "latest")["message"]
    fault_proxy.set(faults.GasCap(21_100))
    assert "gas" in error(fault_proxy, "eth_call", TIME_CALL, "latest")["message"].lower()
    fault_proxy.set(faults.LogRangeCap(5))
    assert error(fault_proxy, "eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})["code"] == -32005
    assert result(fault_proxy, "eth_getLogs", {"fromBlock": "latest", "toBlock": "latest"}) is not None


def test_heads(fault_proxy: FaultProxy, lab_state: Lab) -> None:
    newest = result(fault_proxy, "eth_getBlockByNumber", "latest", False)
    at_newest = {"blockHash": newest["hash"], "requireCanonical": True}
    real = head(fault_proxy)
    fault_proxy.set(faults.Behind(3))
    assert head(fault_proxy) == real - 3
    assert int(result(fault_proxy, "eth_getBlockByNumber", "latest", False)["number"], 16) == real - 3
    assert result(fault_proxy, "eth_getBlockByNumber", hex(real), False) is None
    assert error(fault_proxy, "eth_call", TIME_CALL, at_newest)["message"] == "header not found"
    assert int(result(fault_proxy, "eth_call", TIME_CALL, "latest"), 16) < int(newest["timestamp"], 16)
    fault_proxy.set(faults.Frozen())
    assert head(fault_proxy) == real
    lab_state.node.mine(4)
    assert head(fault_proxy) == real
    fault_proxy.set(faults.Backwards(2))
    assert [head(fault_proxy) for _ in range(4)] == [real + 4, real + 2, real + 4, real + 2]
    fault_proxy.set(faults.Ahead(5))
    claimed = result(fault_proxy, "eth_getBlockByNumber", "latest", False)
    assert int(claimed["number"], 16) == head(fault_proxy) == real + 9
    assert error(fault_proxy, "eth_call", TIME_CALL, {"blockHash": claimed["hash"], "requireCanonical": True})
