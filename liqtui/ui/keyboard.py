"""Keys that arrive together, as they do over a slow line: each waits until the one before has done all that it does.

Textual hands a key to the widget that has the focus when the key is read, and acts on it when it has bubbled up. What
is typed right behind a key that opens a prompt would go to the list, and act there.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from textual.app import App
    from textual.dom import DOMNode
    from textual.events import Key, Paste

_ROUNDS = 3
"""Ways up that are gone behind a key: its own, that of the message it became (a line was entered), and that of what
came of it (a command was given)."""
_PATIENCE = 1.0
"""Seconds after which a key no longer waits: better out of order than a keyboard that is dead."""


class Keyboard:
    """Hands over keys and pastes one by one."""

    def __init__(self, app: App[None], handle: Callable[[Key | Paste], Awaitable[None]]) -> None:
        self._app = app
        self._handle = handle
        self._waiting: deque[Key | Paste] = deque()
        self._since: float | None = None
        """When the key that is being handled was handed over."""
        self._turn = 0

    async def take(self, event: Key | Paste) -> None:
        self._waiting.append(event)
        if self._since is None or monotonic() - self._since > _PATIENCE:
            await self._next()

    async def _next(self) -> None:
        if not self._waiting:
            self._since = None
            return
        self._turn += 1
        self._since = monotonic()
        way = self._way()
        await self._handle(self._waiting.popleft())
        self._climb(iter(way), way, _ROUNDS, self._turn)

    def _way(self) -> list[DOMNode]:
        """From whom a key goes to now, up to the app."""
        app = self._app
        start = app.focused or (app.screen if app.screen_stack else app)
        return list(start.ancestors_with_self)

    def _climb(self, rest: Iterator[DOMNode], way: list[DOMNode], rounds: int, turn: int) -> None:
        """Go the same way as the key, behind it and behind all that it has led to; then let the next one come.

        Nodes that are gone take no calls and are passed by.
        """
        if turn != self._turn:
            return
        for node in rest:
            if node.call_later(partial(self._climb, rest, way, rounds, turn)):
                return
        if rounds > 1:
            again = [*way, *self._way()]  # where it went, and where the next one would go: a screen that it opened
            self._climb(iter(again), way, rounds - 1, turn)
        elif not self._app.call_later(self._next):
            self._since = None
