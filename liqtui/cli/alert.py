"""`liqtui alert test [CHANNEL]`: does an alert arrive? Sent at once, once, past the outbox."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from liqtui.cli.arguments import UsageError
from liqtui.cli.glyphs import plain
from liqtui.config import load
from liqtui.config.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.cli.arguments import Arguments
    from liqtui.core.rules import ChannelSpec


def run(args: Arguments) -> int:
    """0 when every channel took its test, 1 when one did not or there is none."""
    from liqtui.cli.session import locate

    where = locate(args)
    channels = _chosen(load.load(where.config, named=where.config_named).channels, args.channel)
    if not channels:
        print(f"no channel is configured: add [channels.NAME] to {where.config}")
        return 1
    return asyncio.run(_all(channels, ascii_only=bool(args.ascii)))


def _chosen(channels: Sequence[ChannelSpec], name: str | None) -> Sequence[ChannelSpec]:
    if name is None:
        return channels
    found = [spec for spec in channels if spec.name == name]
    if not found:
        hint = did_you_mean(name, [spec.name for spec in channels])
        raise UsageError(f"there is no channel {name}{f', {hint}' if hint else ''}")
    return found


async def _all(channels: Sequence[ChannelSpec], *, ascii_only: bool) -> int:
    """Each line as soon as it is known; nobody waits for a channel that hangs but itself."""
    width = max(len(spec.name) for spec in channels)

    async def one(spec: ChannelSpec) -> bool:
        began = time.monotonic()
        fault = await _test(spec)
        words = fault or f"delivered in {time.monotonic() - began:.1f} s"
        line = f"{'FAILED' if fault else 'ok':<7} {spec.name:<{width}}  {words}"
        print(plain(line) if ascii_only else line, flush=True)
        return not fault

    return 0 if all(await asyncio.gather(*map(one, channels))) else 1


async def _test(spec: ChannelSpec) -> str:
    """Why it failed; empty when the channel took it."""
    from liqtui.core.letters import letter, trial
    from liqtui.engine.channels import UnsentError, sender
    from liqtui.engine.words import words

    about = letter([trial(spec.name, time.time())], time.time())
    try:
        line = sender(spec)
        try:
            async with asyncio.timeout(spec.timeout):
                await line.send(about)
        finally:
            await line.close()
    except UnsentError as fault:
        return str(fault)
    except TimeoutError:
        return f"not done within {spec.timeout:g} s"
    except Exception as fault:  # noqa: BLE001 - told as this channel's outcome; the others are tried all the same
        return words(fault)
    return ""
