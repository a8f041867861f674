"""JSON-RPC over HTTP to one endpoint: every way in which an answer can be bad ends as a `Fault`."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
import logging
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from liqtui.chain.faults import Cure, Fault, malformed, refusal
from liqtui.chain.jsontext import parse
from liqtui.core.redact import redact_url, scrubber

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Sequence

    import httpx

MAX_ANSWER = 32 * 1024 * 1024
_NUMBER = re.compile(r"^\[Errno -?\d+\] ")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@functools.cache
def _tls() -> ssl.SSLContext:
    """Loading the certificates takes tens of milliseconds: once for all endpoints."""
    import httpx

    return httpx.create_ssl_context()


class Wire:
    """One HTTP connection pool to one endpoint. `repr` and every error show scheme and host only."""

    def __init__(self, url: str, *, timeout: float, max_answer: int = MAX_ANSWER) -> None:
        self.name = redact_url(url)
        self.requests = 0
        self._url = url
        self._timeout = timeout
        self._max_answer = max_answer
        self._scrub = scrubber(url)
        self._ids = itertools.count(1)
        self._connections = Connections(url, timeout, most=8)

    def __repr__(self) -> str:
        return f"Wire({self.name!r})"

    async def call(self, method: str, params: Sequence[Any], within: float | None = None) -> Any:
        """The result of one request (None where the node answers null). Raises Fault."""
        number = next(self._ids)
        reply = await self._exchange(_request(number, method, params), within)
        return self._result(reply, number, method)

    async def batch(self, requests: Sequence[tuple[str, Sequence[Any]]], within: float | None = None) -> list[Any]:
        """Results in order, with a Fault in the place of each request that was refused. Raises Fault."""
        numbers = [next(self._ids) for _ in requests]
        body = [_request(number, *request) for number, request in zip(numbers, requests, strict=True)]
        reply = await self._exchange(body, within)
        if isinstance(reply, dict):
            fields = cast("dict[str, Any]", reply)
            raise refusal(fields["error"], self._scrub) if fields.get("error") else malformed("no list for a batch")
        if not isinstance(reply, list):
            raise malformed("no list for a batch")
        by_id: dict[int, Any] = {}
        for element in cast("list[Any]", reply):
            found = cast("dict[str, Any]", element).get("id") if isinstance(element, dict) else None
            if not isinstance(found, int) or found in by_id:
                raise malformed("a batch element without an id of its own")
            by_id[found] = element
        if by_id.keys() != set(numbers):
            raise malformed("a batch with an element missing or foreign")
        results: list[Any] = []
        for number, (method, _) in zip(numbers, requests, strict=True):
            try:
                results.append(self._result(by_id[number], number, method))
            except Fault as fault:
                results.append(fault)
        return results

    async def close(self) -> None:
        await self._connections.close()

    def _result(self, reply: object, number: int, method: str) -> Any:
        if not isinstance(reply, dict):
            raise malformed("JSON that is no JSON-RPC answer")
        fields = cast("dict[str, Any]", reply)
        error = fields.get("error")
        if error is not None and fields.get("id") in (number, None):
            raise refusal(error, self._scrub)
        if fields.get("id") != number:
            raise malformed("the answer to another request")
        if "result" not in fields:
            raise malformed(f"an answer to {method} without a result")
        return fields["result"]

    async def _exchange(self, body: object, within: float | None) -> Any:
        import httpx

        limit = self._timeout if within is None else min(within, self._timeout)
        if limit <= 0:
            raise Fault("timeout", "no time left in this round")
        content = json.dumps(body, separators=(",", ":")).encode()
        try:
            async with asyncio.timeout(limit):
                try:
                    return await self._post(content)
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                    return await self._post(content)  # most often a kept connection that the node had closed
        except (TimeoutError, httpx.TimeoutException):
            raise Fault("timeout", f"no answer within {limit:.3g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ImportError, OSError, ValueError) as error:
            raise Fault("http", self._scrub(f"{_plain(error)}")) from None

    async def _post(self, content: bytes) -> Any:
        self.requests += 1
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        async with (
            self._connections.client() as client,
            client.stream("POST", self._url, content=content, headers=headers) as response,
        ):
            if response.status_code == 429:
                raise Fault("rate-limited", "HTTP 429", Cure.WAIT, wait=retry_after(response.headers))
            if response.status_code in {413, 414}:
                raise Fault("http", f"HTTP {response.status_code}: the request is too large", Cure.SMALLER)
            body = await self._body(response)
            if response.is_success:
                return _parse(body)
            raise self._refused(response, body)

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._max_answer:
                raise Fault("malformed", f"an answer of more than {self._max_answer:,} bytes", Cure.SMALLER)
        return bytes(body)

    def _refused(self, response: httpx.Response, body: bytes) -> Fault:
        """Many nodes put a good JSON-RPC error into a bad HTTP status: it says more than the status does."""
        status = response.status_code
        try:
            reply = _parse(body)
        except Fault:
            reply = None
        if isinstance(reply, dict) and isinstance(cast("dict[str, Any]", reply).get("error"), dict):
            fault = refusal(cast("dict[str, Any]", reply)["error"], self._scrub)
            if fault.kind != "rpc" or fault.cure is not Cure.ELSEWHERE:
                return fault
            return Fault("http", f"HTTP {status}: {fault.detail}")
        words = {401: "the node wants another key", 403: "the node refuses us"}
        if 300 <= status < 400:
            return Fault("http", f"HTTP {status}: a redirect, which is not followed; configure the final URL")
        text = f"HTTP {status}" + (f": {words[status]}" if status in words else "")
        return Fault("timeout" if status in {504, 524} else "http", text, wait=retry_after(response.headers))


class Connections:
    """Kept connections to one URL. After a request that was cut off others are made.

    httpcore now and then takes such a request for one that goes on, and when all places are taken so, there is never
    an answer again.
    """

    def __init__(self, url: str, timeout: float, *, most: int) -> None:
        self._open = functools.partial(_open_client, url, timeout, connections=most)
        self._now: httpx.AsyncClient | None = None
        self._users: dict[httpx.AsyncClient, int] = {}

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncGenerator[httpx.AsyncClient]:
        """For one request."""
        import httpx

        mine = self._now = self._now or self._open()
        self._users[mine] = self._users.get(mine, 0) + 1
        try:
            yield mine
        except (asyncio.CancelledError, httpx.TimeoutException):
            if self._now is mine:
                self._now = None
            raise
        finally:
            self._users[mine] -= 1
            if not self._users[mine]:
                del self._users[mine]
                if self._now is not mine:
                    await mine.aclose()

    async def close(self) -> None:
        now, self._now = self._now, None
        if now is not None:
            await now.aclose()


def _open_client(url: str, timeout: float, *, connections: int) -> httpx.AsyncClient:
    """For requests to this one URL, which may be secret: nothing of it is logged, and no redirect is followed."""
    import httpx

    for name in ("httpx", "httpcore"):  # they log whole URLs, keys included
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout),
        limits=httpx.Limits(
            max_connections=connections, max_keepalive_connections=(connections + 1) // 2, keepalive_expiry=30.0
        ),
        verify=_tls() if url.lower().startswith("https:") else False,  # there is no TLS to verify
        trust_env=not on_this_machine(url),
        follow_redirects=False,
    )


def on_this_machine(url: str) -> bool:
    """A proxy never stands between us and our own machine."""
    return urlsplit(url).hostname in _LOOPBACK


def _request(number: int, method: str, params: Sequence[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def _plain(error: BaseException) -> str:
    """What it says, without the number that only the system's own tables explain."""
    text = _NUMBER.sub("", str(error).strip())
    return text or type(error).__name__


def _parse(body: bytes) -> Any:
    if not body.strip():
        raise malformed("an empty answer")
    if body.lstrip()[:1] == b"<":
        raise malformed("an HTML page in the place of JSON")
    try:
        return parse(body)
    except ValueError:
        raise malformed("broken or truncated JSON") from None


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds from a Retry-After header, which may also name a date."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        asked, now = parsedate_to_datetime(value), parsedate_to_datetime(headers["date"])
        return max(0.0, (asked - now).total_seconds())
    except (ValueError, TypeError, KeyError):
        return None
