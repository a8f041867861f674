"""A loopback HTTP proxy in front of a node that misbehaves on demand.

    with FaultProxy(node.url) as proxy:
        proxy.set(Status(429, retry_after=2, times=3))
        ...
        proxy.set()                      # healthy again
        proxy.counts["eth_call"]

Faults combine: the first that answers wins, the others transform. ``methods`` narrows a fault to some
JSON-RPC methods (for a batch: if any of it matches), ``times`` limits how often it strikes. The faults
themselves are in :mod:`tests.lab.faults`.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from types import TracebackType

Json = dict[str, Any]


@dataclass
class Reply:
    """An HTTP answer."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class Dropped(Exception):  # noqa: N818 - not an error: an instruction
    """Close the connection without an answer."""


class Upstream:
    """The healthy node behind the proxy."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(timeout=120.0, trust_env=False)

    def post(self, body: bytes) -> Reply:
        answer = self._http.post(self.url, content=body, headers={"content-type": "application/json"})
        return Reply(answer.content, answer.status_code)

    def ask(self, method: str, *params: Any) -> Any:
        """Result of one request, None for an error."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return json.loads(self.post(json.dumps(request).encode()).body).get("result")

    def close(self) -> None:
        self._http.close()


@dataclass(kw_only=True)
class Fault:
    """One way to misbehave. A subclass overrides the stage at which it strikes."""

    methods: frozenset[str] | set[str] | None = None
    times: int | None = None

    def strikes(self, calls: list[Json]) -> bool:
        """Whether it applies to this HTTP request; counts ``times`` down."""
        if self.times == 0 or not (self.methods is None or any(c.get("method") in self.methods for c in calls)):
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def concerns(self, call: Json) -> bool:
        return self.methods is None or call.get("method") in self.methods

    def answer(self, calls: list[Json], batched: bool, proxy: FaultProxy) -> Reply | None:
        """Answer the whole HTTP request instead of the node."""
        return None

    def request(self, call: Json, upstream: Upstream) -> Json:
        """Change one JSON-RPC request, or answer it: a dict with ``result`` or ``error`` is the answer."""
        return call

    def reply(self, call: Json, reply: Json, upstream: Upstream) -> Json | None:
        """Change one JSON-RPC reply; None leaves it out."""
        return reply

    def replies(self, replies: list[Json]) -> list[Json]:
        """Change the replies of a batch as a whole."""
        return replies

    def body(self, reply: Reply) -> Reply:
        """Change the HTTP answer."""
        return reply


class FaultProxy:
    """Serves on 127.0.0.1 until closed. Counts stay until :meth:`reset`."""

    def __init__(self, upstream_url: str) -> None:
        self.upstream = Upstream(upstream_url)
        self.counts: Counter[str] = Counter()
        self.http_requests = 0
        self.calls: list[Json] = []
        self._faults: tuple[Fault, ...] = ()
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def set(self, *faults: Fault) -> None:
        """Misbehave like this from the next request on; nothing: behave. Ends what hangs."""
        with self._lock:
            self._faults = faults
            self._changed.set()
            self._changed = threading.Event()

    def reset(self) -> None:
        """Forget what was counted."""
        with self._lock:
            self.counts.clear()
            self.http_requests = 0
            self.calls.clear()

    def wait_for_change(self) -> None:
        """Block until :meth:`set` or :meth:`close`."""
        with self._lock:
            changed = self._changed
        changed.wait()

    def serve(self, body: bytes) -> Reply:
        """One HTTP exchange."""
        parsed = json.loads(body)
        batched = isinstance(parsed, list)
        calls: list[Json] = parsed if batched else [parsed]
        with self._lock:
            self.http_requests += 1
            self.counts.update(str(call.get("method")) for call in calls)
            self.calls.extend(calls)
            faults = [fault for fault in self._faults if fault.strikes(calls)]
        for fault in faults:
            whole = fault.answer(calls, batched, self)
            if whole is not None:
                return whole
        reply = self._through(body, calls, batched, faults) if faults else self.upstream.post(body)
        for fault in faults:
            reply = fault.body(reply)
        return reply

    def _through(self, body: bytes, calls: list[Json], batched: bool, faults: list[Fault]) -> Reply:
        answers: dict[int, Json] = {}
        onward: list[tuple[int, Json]] = []
        for at, original in enumerate(calls):
            call = original
            for fault in faults:
                call = fault.request(call, self.upstream)
                if "method" not in call:
                    answers[at] = {"jsonrpc": "2.0", "id": original.get("id"), **call}
                    break
            else:
                onward.append((at, call))
        if onward:
            sent = [{**call, "id": at} for at, call in onward]
            for answer in json.loads(self.upstream.post(json.dumps(sent).encode()).body):
                answers[answer["id"]] = {**answer, "id": calls[answer["id"]].get("id")}
        replies = []
        for at, call in enumerate(calls):
            reply: Json | None = answers[at]
            for fault in faults:
                reply = reply and fault.reply(call, reply, self.upstream)
            if reply is not None:
                replies.append(reply)
        if not batched:
            return Reply(json.dumps(replies[0]).encode() if replies else b"")
        for fault in faults:
            replies = fault.replies(replies)
        return Reply(json.dumps(replies).encode())

    def close(self) -> None:
        self.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.upstream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                reply = proxy.serve(body)
            except (Dropped, httpx.HTTPError, ValueError):  # an unreachable node is a dropped connection too
                self.close_connection = True
                return
            with suppress(OSError):  # the client may have given up
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

        def log_message(self, *args: object) -> None:
            pass

    return Handler
