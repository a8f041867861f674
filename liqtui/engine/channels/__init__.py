"""Where alerts leave: one sender for each kind of channel. What a kind needs is imported when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from liqtui.core.letters import Letter
    from liqtui.core.rules import ChannelSpec


class UnsentError(Exception):
    """A letter did not leave. The text is safe to show: no address, no secret."""

    def __init__(self, reason: str, *, wait: float | None = None, refused: bool = False, ours: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        """Seconds that the receiver asks us to wait."""
        self.refused = refused
        """The receiver finds this letter at fault, in its plainest form too; another one may well pass."""
        self.ours = ours
        """A fault of this program, perhaps with this letter alone."""


class Sender(Protocol):
    async def send(self, letter: Letter) -> None:
        """Returns once the receiver has it. Raises UnsentError. May be cancelled when it takes too long."""
        ...

    async def close(self) -> None: ...


def sender(spec: ChannelSpec) -> Sender:
    """Of the channel's kind. Raises UnsentError where it cannot work at all."""
    if spec.kind == "webhook":
        from liqtui.engine.channels.webhook import Webhook

        return Webhook(spec)
    if spec.kind == "command":
        from liqtui.engine.channels.command import Command

        return Command(spec)
    from liqtui.engine.channels.service import Service

    return Service(spec)
