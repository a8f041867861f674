"""JSON to a URL, signed where there is a secret; and the plain GET of the dead-man ping."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING

from liqtui.chain.transport import Connections, retry_after
from liqtui.core.redact import redact_url, scrubber
from liqtui.engine.channels import UnsentError
from liqtui.engine.words import safe

if TYPE_CHECKING:
    from liqtui.core.letters import Letter
    from liqtui.core.rules import ChannelSpec

TIMESTAMP, SIGNATURE = "X-Liqtui-Timestamp", "X-Liqtui-Signature"
REFUSING = frozenset({400, 406, 413, 415, 422})
"""Statuses that find fault with what was sent."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """As in the header: "sha256=" and the hex HMAC of the timestamp, a dot and the body."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class Line:
    """Requests to one URL over a kept connection. Errors name scheme and host only."""

    def __init__(self, url: str, timeout: float, secrets: tuple[str, ...] = ()) -> None:
        self._url = url
        self._timeout = timeout
        self._scrub = scrubber(url, secrets)
        self._connections = Connections(url, timeout, most=1)

    async def request(self, method: str, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Returns when the answer is a 2xx; its body is not read. Raises UnsentError."""
        import httpx

        where = redact_url(self._url)
        try:
            async with (
                self._connections.client() as client,
                client.stream(method, self._url, content=body, headers=headers) as response,
            ):
                status, wait = response.status_code, retry_after(response.headers)
        except httpx.TimeoutException:
            raise UnsentError(f"{where} did not answer within {self._timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as fault:
            words = safe(self._scrub(str(fault))) or type(fault).__name__
            raise UnsentError(f"{where} cannot be reached: {words}") from None
        if 200 <= status < 300:
            return
        more = {401: ": it wants another key", 403: ": it refuses us", 404: ": nothing is there", 429: ": too many"}
        words = ": a redirect, which is not followed" if 300 <= status < 400 else more.get(status, "")
        raise UnsentError(f"{where} answered {status}{words}", wait=wait, refused=status in REFUSING)

    async def close(self) -> None:
        await self._connections.close()


class Webhook:
    def __init__(self, spec: ChannelSpec) -> None:
        self._line = Line(spec.url, spec.timeout, (spec.secret,) if spec.secret else ())
        self._secret = spec.secret

    async def send(self, letter: Letter) -> None:
        try:
            await self._post(letter, marks=True)
        except UnsentError as fault:
            if not fault.refused:
                raise
            await self._post(letter, marks=False)

    async def close(self) -> None:
        await self._line.close()

    async def _post(self, letter: Letter, *, marks: bool) -> None:
        body = json.dumps(letter.event(marks=marks), ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json"}
        if self._secret:
            timestamp = str(int(time.time()))
            headers |= {TIMESTAMP: timestamp, SIGNATURE: signature(self._secret, timestamp, body)}
        await self._line.request("POST", body, headers)


class Caller:
    """The dead-man ping: a GET, and nothing in it."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        self._line = Line(url, timeout)
        self._timeout = timeout

    async def call(self) -> None:
        """Raises UnsentError."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._line.request("GET")
        except TimeoutError:
            raise UnsentError(f"no answer within {self._timeout:g} s") from None

    async def close(self) -> None:
        await self._line.close()
