"""A program of the person's, without a shell: the event as JSON on its standard input, nothing on its command line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from typing import TYPE_CHECKING

from liqtui.core.redact import scrubber
from liqtui.engine.channels import UnsentError
from liqtui.engine.words import safe

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from liqtui.core.letters import Letter
    from liqtui.core.rules import ChannelSpec

_TOLD = 2000
"""Bytes of its standard error that are looked at."""
_GLANCE = 0.02
"""Seconds between two looks whether it has ended."""
_DYING = 2.0
"""Seconds that it may take to end once it is killed."""
_MOMENT = 0.2
"""Seconds after its end in which its last words may arrive."""


class Command:
    """Exit code 0 is delivered; anything else is tried again. What it leaves running in the background is its own."""

    def __init__(self, spec: ChannelSpec) -> None:
        self._words = spec.command
        self._scrub = scrubber("", spec.command[1:])
        self._ears: set[asyncio.Task[None]] = set()

    async def send(self, letter: Letter) -> None:
        event = json.dumps(letter.event(), ensure_ascii=False).encode() + b"\n"
        child, ear, told = await self._start()
        writing = asyncio.create_task(_write(child, event))
        try:
            code = await _ended(child)
        except BaseException:
            await _end(child)
            raise
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        await asyncio.wait({ear}, timeout=_MOMENT)
        if code:
            said = safe(self._scrub(told.decode(errors="replace")))
            raise UnsentError(f"it ended with {code}{f': {said}' if said else ''}")

    async def close(self) -> None:
        for ear in self._ears:
            ear.cancel()
        await asyncio.gather(*self._ears, return_exceptions=True)

    async def _start(self) -> tuple[Process, asyncio.Task[None], bytearray]:
        """The program, and who listens to its standard error: a pipe of our own, since asyncio takes a process for
        running as long as anybody else, whom it started, has that of its own open.
        """
        ours, its = os.pipe()
        told = bytearray()
        ear = asyncio.create_task(_listen(ours, told))
        self._ears.add(ear)
        ear.add_done_callback(self._ears.discard)
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            child = await asyncio.create_subprocess_exec(
                *self._words, stdin=pipe, stdout=nothing, stderr=its, start_new_session=True
            )
        except (OSError, ValueError) as fault:
            why = fault.strerror if isinstance(fault, OSError) else ""
            raise UnsentError(f"it cannot be started: {why or type(fault).__name__}") from None
        finally:
            os.close(its)
        return child, ear, told


async def _write(child: Process, data: bytes) -> None:
    assert child.stdin is not None
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it need not read
            child.stdin.write(data)
            await child.stdin.drain()
            child.stdin.close()
            await child.stdin.wait_closed()
    finally:
        child.stdin.transport.abort()


async def _ended(child: Process) -> int:
    """Its exit code, as soon as there is one."""
    while (code := child.returncode) is None:  # noqa: ASYNC110 - `wait` waits for others, too
        await asyncio.sleep(_GLANCE)
    return code


async def _listen(end: int, told: bytearray) -> None:
    """The beginning of what it complains; the rest is read so that it can go on, and what it started likewise."""
    reader, loop = asyncio.StreamReader(), asyncio.get_running_loop()
    line, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(end, "rb", 0))
    try:
        while piece := await reader.read(4096):
            told += piece[: _TOLD - len(told)]
    finally:
        line.close()


async def _end(child: Process) -> None:
    """Take it and what it started away. One that hangs in the system cannot be, and must not hang the channel."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DYING):
            await _ended(child)
