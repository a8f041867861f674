"""A real HTTP receiver on the loopback, which answers as it is told: well, badly, late, or not at all."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANG, DROP = "hang", "drop"
"""Takes the request and never answers; takes it and closes the connection."""


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    slow: float = 0.0
    """Seconds before it."""
    body: bytes = b""


@dataclass
class Request:
    at: float
    """Monotonic, when its first byte was there."""
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    answered: Any = None

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def titles(self) -> list[str]:
        return [alert["title"] for alert in self.event["alerts"]]


class Receiver:
    """`answers` are used up one by one; afterwards `usual` is the answer. `judge` may answer by the request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: deque[Any] = deque()
        self.usual: Any = Answer()
        self.judge: Any = None
        self._over = threading.Event()

    def __enter__(self) -> Receiver:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    self.connection.recv(1, socket.MSG_PEEK)
                    self.began = time.monotonic()
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

            def _take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver._answer(self, Request(self.began, self.command, self.path, headers, body))

            do_GET = do_POST = do_PUT = _take

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def taken(self) -> list[Request]:
        """Those that were answered well."""
        return [one for one in self.requests if isinstance(one.answered, Answer) and one.answered.status < 300]

    @property
    def keys(self) -> list[str]:
        """Of all alerts in what was taken, in order."""
        return [alert["key"] for one in self.taken for alert in one.event["alerts"]]

    def _answer(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        answer = self.judge(request) if self.judge else None
        if answer is None:
            answer = self.answers.popleft() if self.answers else self.usual
        request.answered = answer
        self.requests.append(request)
        if answer == HANG:
            self._over.wait(30)
        if isinstance(answer, str):
            handler.close_connection = True
            return
        self._over.wait(answer.slow)
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)
