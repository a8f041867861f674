"""A local EVM node of our own: started here, reached on 127.0.0.1, ended with us."""

from __future__ import annotations

import atexit
import gzip
import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.lab import abi
from tests.lab.errors import LabError, LabRevert
from tests.lab.line import Line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

ADMIN = "0xad00000000000000000000000000000000000001"
GAS_PER_TRANSACTION = 16_000_000
GAS_PER_BLOCK = 30_000_000_000  # one block may hold a thousand set-up transactions
START_TIMEOUT = 60.0


@dataclass(frozen=True)
class Log:
    """One event."""

    address: str
    topics: tuple[str, ...]
    data: bytes


@dataclass(frozen=True)
class Receipt:
    """What became of a transaction."""

    hash: str
    status: int
    block: int
    gas_used: int
    contract: str | None
    logs: tuple[Log, ...]


def _receipt(sent: str, raw: dict[str, Any] | None) -> Receipt:
    """What the node says of the transaction with this hash; None is that it was not mined."""
    if raw is None:
        raise LabError(f"transaction {sent} was not mined")
    logs = (Log(g["address"], tuple(g["topics"]), bytes.fromhex(g["data"][2:])) for g in raw["logs"])
    status, block, gas = (int(raw[key], 16) for key in ("status", "blockNumber", "gasUsed"))
    return Receipt(sent, status, block, gas, raw["contractAddress"], tuple(logs))


class RpcError(Exception):
    """A JSON-RPC error object."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error.get("message", "unknown error"))
        self.code = error.get("code")
        self.data = error.get("data")


def free_port() -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def quantity(value: int | str) -> str:
    """A block number or tag in JSON-RPC form."""
    return hex(value) if isinstance(value, int) else value


class Node:
    """anvil as a context manager. Every transaction is a block, except inside :meth:`batch`."""

    def __init__(
        self, binary: Path, *, port: int | None = None, chain_id: int = 31337, genesis_time: int | None = None
    ) -> None:
        self.binary = binary
        self.port = port or free_port()
        self.chain_id = chain_id
        self.genesis_time = int(time.time()) if genesis_time is None else genesis_time
        self.error_names: dict[bytes, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="liqtui-lab-")
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._line = Line(self.port)
        self._queue: list[tuple[str, str, bytes, str]] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise LabError("the node is not running")
        return self._process.pid

    # -- life ------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start, or start again on the same port with the state kept by :meth:`stop`."""
        if self._process is not None:
            raise LabError("the node is already running")
        state = Path(self._folder.name) / "state.json"
        log_path = Path(self._folder.name) / "anvil.log"
        command = [str(self.binary), "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--chain-id", str(self.chain_id), "--timestamp", str(self.genesis_time)]
        command += ["--hardfork", "prague", "--order", "fifo", "--auto-impersonate", "--accounts", "1"]
        command += ["--no-mining", "--gas-price", "0", "--base-fee", "0", "--disable-min-priority-fee"]
        command += ["--gas-limit", str(GAS_PER_BLOCK), "--disable-code-size-limit", "--no-request-size-limit"]
        if state.exists():
            command += ["--load-state", str(state)]
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._watch()
        atexit.register(self.close)
        self._await_ours(log_path)
        self.rpc("anvil_setBlockTimestampInterval", 1)  # the chain's clock moves by blocks, not by ours
        if state.exists():  # a loaded chain would otherwise go on from the genesis time
            self.rpc("evm_setNextBlockTimestamp", self.timestamp + 1)

    def _watch(self) -> None:
        """A shell that outlives us by a moment, and ends the node even if we are killed outright."""
        if os.name == "posix":
            script = 'cat >/dev/null; kill -9 "$1"; rm -rf "$2"'
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", script, "guard", str(self.pid), self._folder.name],
                stdin=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _await_ours(self, log_path: Path) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            with suppress(OSError, HTTPException):
                genesis = self.rpc("eth_getBlockByNumber", "0x0", False)
                if int(genesis["timestamp"], 16) != self.genesis_time or self.rpc("eth_chainId") != hex(self.chain_id):
                    self.close()
                    raise LabError(f"another node answers on port {self.port}; it was left alone")
                return
            time.sleep(0.02)
        tail = log_path.read_text(errors="replace")[-600:]
        self.close()
        raise LabError(f"anvil did not start on port {self.port}: {tail}")

    def stop(self, *, keep_history: bool = False) -> None:
        """End the process as an outage does; :meth:`start` brings back the same chain on the same port.

        Only the newest state is kept, so reads at older blocks and :meth:`reorg` fail afterwards, unless
        ``keep_history``, which takes seconds.
        """
        dump = self.rpc("anvil_dumpState", keep_history)
        self._end()
        (Path(self._folder.name) / "state.json").write_bytes(gzip.decompress(bytes.fromhex(dump[2:])))

    def hang(self) -> None:
        """Freeze the process: connections open, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Undo :meth:`hang`."""
        os.kill(self.pid, signal.SIGCONT)

    def _end(self) -> None:
        guard, self._guard = self._guard, None
        if guard is not None:  # before the node, so that it can never hit a reused process id
            guard.kill()
            guard.wait()
            if guard.stdin:
                guard.stdin.close()
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        self._line.close()

    def close(self) -> None:
        """End the node and remove its files. Safe to call twice."""
        atexit.unregister(self.close)
        self._end()
        self._folder.cleanup()

    # -- JSON-RPC --------------------------------------------------------------------------------

    def rpc(self, method: str, *params: Any) -> Any:
        """One JSON-RPC request; raises :class:`RpcError` for an error object."""
        reply = self._line.ask({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if "error" in reply:
            raise RpcError(reply["error"])
        return reply["result"]

    def call(self, to: str, data: bytes, block: int | str = "latest", sender: str = ADMIN) -> bytes:
        """eth_call; a revert raises :class:`LabRevert`."""
        try:
            result = self.rpc("eth_call", {"from": sender, "to": to, "data": "0x" + data.hex()}, quantity(block))
        except RpcError as error:
            raise self._revert(error) from None
        return bytes.fromhex(result[2:])

    def view(self, to: str, signature: str, *args: Any, block: int | str = "latest") -> Any:
        """Call ``"name(types)->types"`` and decode."""
        return abi.decode(signature, self.call(to, abi.encode(signature, *args), block))

    def send(self, to: str | None, data: bytes, sender: str = ADMIN, value: int = 0) -> str:
        """Send without looking at the outcome; returns the hash. Mined at once, unless inside :meth:`batch`."""
        transaction = {"from": sender, "data": "0x" + data.hex(), "gas": hex(GAS_PER_TRANSACTION), "gasPrice": "0x0"}
        if to is not None:
            transaction["to"] = to
        if value:
            transaction["value"] = hex(value)
        sent = str(self.rpc("eth_sendTransaction", transaction))
        if self._queue is None:  # not anvil's own automine: that answers before the block is there
            self.rpc("evm_mine")
        return sent

    def transact(self, to: str | None, data: bytes, sender: str = ADMIN) -> Receipt | None:
        """Send and check: a failed transaction raises :class:`LabRevert`. Inside a batch: None, checked later."""
        sent = self.send(to, data, sender)
        if self._queue is not None:
            self._queue.append((sent, to or "", data, sender))
            return None
        return self._checked(self.receipt(sent), to or "", data, sender)

    def do(self, to: str, signature: str, *args: Any, sender: str = ADMIN) -> Receipt | None:
        """:meth:`transact` with ``"name(types)"`` and arguments."""
        return self.transact(to, abi.encode(signature, *args), sender)

    @contextmanager
    def batch(self, dt: int | None = None, check: bool = True) -> Iterator[None]:
        """All transactions inside go into one block. A batch inside a batch joins it."""
        if self._queue is not None:
            yield
            return
        self._queue = []
        try:
            yield
        finally:
            queue, self._queue = self._queue, None
            head = self.mine(dt=dt)
        if check and queue:
            mined = {raw["transactionHash"]: raw for raw in self.rpc("eth_getBlockReceipts", hex(head))}
            for sent, to, data, sender in queue:
                self._checked(_receipt(sent, mined.get(sent)), to, data, sender)

    def receipt(self, sent: str) -> Receipt:
        """Receipt of a mined transaction."""
        return _receipt(sent, self.rpc("eth_getTransactionReceipt", sent))

    def _checked(self, receipt: Receipt, to: str, data: bytes, sender: str) -> Receipt:
        if receipt.status != 1:
            self.call(to, data, receipt.block, sender)  # the same call again says why
            raise LabRevert(f"transaction {receipt.hash} failed ({receipt.gas_used} gas), and would not fail again")
        return receipt

    def _revert(self, error: RpcError) -> LabRevert:
        data = bytes.fromhex(error.data[2:]) if isinstance(error.data, str) and error.data.startswith("0x") else b""
        if data[:4] == bytes.fromhex("08c379a0"):
            return LabRevert(abi.decode("e()->string", data[4:]), data)
        return LabRevert(self.error_names.get(data[:4]) or str(error), data)

    # -- time and state --------------------------------------------------------------------------

    @property
    def block_number(self) -> int:
        return int(self.rpc("eth_blockNumber"), 16)

    @property
    def timestamp(self) -> int:
        """Time of the latest block."""
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def mine(self, blocks: int = 1, dt: int | None = None) -> int:
        """Mine; the first new block is ``dt`` seconds after the head (default 1). Returns the head."""
        if dt is not None:
            self.rpc("evm_setNextBlockTimestamp", self.timestamp + dt)
        self.rpc("anvil_mine", hex(blocks))
        return self.block_number

    def set_time(self, timestamp: int) -> int:
        """Mine one block at this time."""
        self.rpc("evm_setNextBlockTimestamp", timestamp)
        return self.mine()

    def reorg(self, depth: int) -> int:
        """Replace the newest blocks by empty ones of other hashes."""
        self.rpc("anvil_reorg", depth, [])
        return self.block_number

    def snapshot(self) -> str:
        return str(self.rpc("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Back to a snapshot, which is used up."""
        if not self.rpc("evm_revert", snapshot):
            raise LabError(f"the node does not know snapshot {snapshot}")
