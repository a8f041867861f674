"""The common services (ntfy, Telegram, Discord, Slack, Pushover, e-mail, …) through the library apprise.

It blocks, so each try runs in a thread of its own; one that hangs is left behind, and holds neither the engine nor
the end of the program. Its loggers are cut off: what they say holds addresses, and would go to the terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any

from liqtui.core.redact import scrubber
from liqtui.engine.channels import UnsentError
from liqtui.engine.words import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from liqtui.core.letters import Letter
    from liqtui.core.rules import ChannelSpec
    from liqtui.core.states import Level

LEFT_BEHIND, MOST_HANG = 300.0, 4
"""Seconds after which a try that hangs is left behind for another one, and how many may hang at a time."""
BODY, HEAD = 6000, 120
"""Bytes of the body and of the subject, where the service takes as much."""
_STATUS = re.compile(r"\berror=(\d{3})\b|\bHTTP (\d{3})\b")
_REFUSING = {"400", "406", "413", "415", "422"}
_LOUD = ("apprise", "urllib3", "requests", "slixmpp", "paho")
_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)


class _Ear(logging.Handler):
    """Keeps what apprise says in the thread of one try for that try."""

    def emit(self, record: logging.LogRecord) -> None:
        words = _heard.get()
        if words is not None:
            words.append(record.getMessage())


def _muffle() -> None:
    for name in _LOUD:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, _Ear) for handler in logger.handlers):
            logger.addHandler(_Ear(logging.WARNING))
        logger.propagate = False


def understood(url: str) -> str:
    """Name of the service that the address means. Raises UnsentError. Sends nothing."""
    return str(_plugin(url, 10.0).service_name)


class Service:
    def __init__(self, spec: ChannelSpec) -> None:
        self._url = spec.url
        self._timeout = spec.timeout
        self._scrub = scrubber(spec.url, (spec.secret,))
        self._running: list[threading.Thread] = []
        self._begun = 0.0

    async def send(self, letter: Letter) -> None:
        hangs = [thread for thread in self._running if thread.is_alive()]
        if hangs and (len(hangs) >= MOST_HANG or monotonic() - self._begun < LEFT_BEHIND):
            raise UnsentError("the last try still hangs")
        self._running = hangs
        await self._in_thread(lambda: self._send(letter))

    async def close(self) -> None:
        pass

    async def _in_thread(self, work: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()

        def end(fault: Exception | None) -> None:
            if over.done():  # nobody waits any more
                return
            if fault is None:
                over.set_result(None)
            else:
                over.set_exception(fault)

        def run() -> None:
            fault: Exception | None = None
            try:
                work()
            except UnsentError as known:
                fault = known
            except Exception as unknown:  # noqa: BLE001 - a service's own code
                fault = UnsentError(safe(self._scrub(f"{type(unknown).__name__}: {unknown}")))
            with contextlib.suppress(RuntimeError):  # the loop is closed: the engine has ended
                loop.call_soon_threadsafe(end, fault)

        self._begun = monotonic()
        self._running.append(threading.Thread(target=run, name="liqtui-channel", daemon=True))
        self._running[-1].start()
        await over

    # -- the thread ----------------------------------------------------------------------------------------------

    def _send(self, letter: Letter) -> None:
        try:
            self._try(letter, marks=True)
        except UnsentError as fault:
            if not fault.refused:
                raise
            self._try(letter, marks=False)

    def _try(self, letter: Letter, *, marks: bool) -> None:
        plugin = _plugin(self._url, self._timeout)
        form = _form(plugin, marks=marks)
        limit = min(BODY, plugin.body_maxlen or BODY)
        head = letter.subject(min(HEAD, plugin.title_maxlen or HEAD))
        if not marks:  # some services mark the title by themselves
            body, head = f"{head}\n{letter.text(limit - len(head.encode()) - 1)}", ""
        else:
            room = limit if plugin.title_maxlen else limit - len(head.encode()) - 20
            body = {"html": letter.html, "markdown": letter.markdown}.get(form, letter.text)(room)
        words: list[str] = []
        _heard.set(words)
        sent = plugin.notify(body=body, title=head, notify_type=_type(letter.level), body_format=form)
        if not sent:
            raise self._unsent(plugin, words)

    def _unsent(self, plugin: Any, words: list[str]) -> UnsentError:
        told = " ".join(words)
        found = _STATUS.search(told)
        status = next((part for part in found.groups() if part), "") if found else ""
        reason = safe(self._scrub(told)) or "it did not take the message"
        return UnsentError(f"{plugin.service_name}: {reason}", refused=status in _REFUSING)


def _plugin(url: str, timeout: float) -> Any:
    """apprise's object for the address. Raises UnsentError."""
    try:
        import apprise
    except ImportError:
        raise UnsentError("apprise is not installed: pip install apprise") from None
    _muffle()
    asset = apprise.AppriseAsset(app_id="liqtui", app_desc="liqtui", app_url="", async_mode=False)
    try:
        plugin: Any = apprise.Apprise.instantiate(url, asset=asset)  # pyright: ignore[reportUnknownMemberType]
    except Exception:  # noqa: BLE001 - its words hold the address
        plugin = None
    if plugin is None:
        raise UnsentError("apprise does not understand its address")
    plugin.socket_connect_timeout = plugin.socket_read_timeout = timeout
    return plugin


def _form(plugin: Any, *, marks: bool) -> str:
    """text · markdown · html: what the service, or its address, asks for; text where marks were refused."""
    from apprise import NotifyFormat

    if not marks:
        several = isinstance(plugin.notify_format, tuple)
        if not several or NotifyFormat.TEXT in plugin.notify_format:
            plugin.notify_format = NotifyFormat.TEXT
        return NotifyFormat.TEXT.value
    return plugin.resolve_format(None).value


def _type(level: Level) -> str:
    """What apprise calls how loud it is: some services choose a colour or a priority by it."""
    return {"notice": "info", "call": "warning"}.get(level.value, "failure")
