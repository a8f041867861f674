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


class Command:
    """Exit code 0 is delivered; anything else is tried again."""

    def __init__(self, spec: ChannelSpec) -> None:
        self._words = spec.command
        self._scrub = scrubber("", spec.command[1:])

    async def send(self, letter: Letter) -> None:
        event = json.dumps(letter.event(), ensure_ascii=False).encode() + b"\n"
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            child = await asyncio.create_subprocess_exec(
                *self._words, stdin=pipe, stdout=nothing, stderr=pipe, start_new_session=True
            )
        except (OSError, ValueError) as fault:
            why = fault.strerror if isinstance(fault, OSError) else ""
            raise UnsentError(f"it cannot be started: {why or type(fault).__name__}") from None
        try:
            told, _ = await asyncio.gather(_read(child), _write(child, event))
            code = await child.wait()
        except BaseException:
            await _end(child)
            raise
        if code:
            said = safe(self._scrub(told.decode(errors="replace")))
            raise UnsentError(f"it ended with {code}{f': {said}' if said else ''}")

    async def close(self) -> None:
        pass


async def _write(child: Process, data: bytes) -> None:
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it need not read
        child.stdin.write(data)
        await child.stdin.drain()
    child.stdin.close()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await child.stdin.wait_closed()


async def _read(child: Process) -> bytes:
    """The beginning of what it complains; the rest is read so that it can go on."""
    assert child.stderr is not None
    kept = b""
    while piece := await child.stderr.read(4096):
        kept = (kept + piece)[:_TOLD]
    return kept


async def _end(child: Process) -> None:
    """Take it and what it started away."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        await child.wait()
