"""What a daemon writes to standard error: one event a line, structured, without any secret.

Everything passes through one `Log`: its own events, what libraries say, warnings. A thread writes, so that a terminal
that stalls stops nothing; what cannot be kept for it is counted and said later.
"""

from __future__ import annotations

import json
import logging
import math
import os
import queue
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from liqtui.core.redact import hider, redact, secret_parts, web_host
from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from liqtui.engine.setup import Setup

LEVELS = ("debug", "info", "warning", "error")
_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3}
_KEPT = 5000
_LONG = 1000
_SECRET_LEAST = 8
"""Characters from which a part of a URL counts as a secret: an API key is longer, `rpc` and `v2` are not."""
_LEAVE = 1.0


def secrets(setup: Setup) -> frozenset[str]:
    """Whatever in the configuration must not be written, wherever it turns up."""
    urls = [url for spec in setup.chains for url in (*spec.rpc, *spec.ws) if not spec.public]
    urls += [channel.url for channel in setup.channels] + ([setup.ping.url] if setup.ping else [])
    plain = {spec.name for spec in setup.chains} | {host for url in urls if (host := web_host(url))}
    found = {part for url in urls for part in secret_parts(url)} - plain
    words = [word for channel in setup.channels for word in channel.command[1:]]
    found |= {part for word in words for part in (word, word.partition("=")[2])}
    given = {channel.secret for channel in setup.channels} | {password for url in urls if (password := _password(url))}
    return frozenset(part for part in found if len(part) >= _SECRET_LEAST) | (given - {""})


def _password(url: str) -> str:
    """What stands before the host, in an address of any kind."""
    before, at, _ = url.partition("://")[2].partition("@")
    return before.partition(":")[2] if at and "/" not in before else ""


def form_for(stream: TextIO, chosen: str = "auto") -> str:
    """How to write there: "text" for people (a terminal, the journal), "json" for everything else."""
    if chosen != "auto":
        return chosen
    return "text" if stream.isatty() or is_journal(stream) else "json"


def is_journal(stream: TextIO) -> bool:
    """Whether the system's journal reads it, which adds time and level by itself."""
    told = os.environ.get("JOURNAL_STREAM", "")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return told == f"{found.st_dev}:{found.st_ino}"


class Log:
    """Methods may be called from any thread and never raise, never wait."""

    def __init__(
        self, stream: TextIO, form: str = "json", level: str = "info", *, clock: Callable[[], float] = time.time
    ) -> None:
        self._stream = stream
        self._form = form
        self._journal = is_journal(stream)
        self._least = LEVELS.index(level)
        self._clock = clock
        self._secrets: frozenset[str] = frozenset()
        self._hidden: Callable[[str], str] = str
        self._lines: queue.Queue[str | None] = queue.Queue(_KEPT)
        self._lost = 0
        self._thread = threading.Thread(target=self._write_on, name="liqtui-log", daemon=True)
        self._thread.start()

    def hide(self, found: Iterable[str]) -> None:
        """From now on none of these is written; what was hidden before stays so."""
        self._secrets |= frozenset(found)
        self._hidden = hider(self._secrets)

    def event(self, level: str, event: str, **fields: Any) -> None:
        if LEVELS.index(level) < self._least:
            return
        safe = {name: self._safe(value) for name, value in fields.items() if value is not None and value != ""}
        self._put(self._line(level, event, safe))

    def debug(self, event: str, **fields: Any) -> None:
        self.event("debug", event, **fields)

    def info(self, event: str, **fields: Any) -> None:
        self.event("info", event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        self.event("warning", event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        self.event("error", event, **fields)

    def close(self) -> None:
        """Write what waits, for a moment at most."""
        try:
            self._lines.put(None, timeout=_LEAVE)
        except queue.Full:
            return
        self._thread.join(_LEAVE)

    def safe(self, text: str) -> str:
        """Without endpoints, secrets, control characters and line ends."""
        return clean(redact(self._hidden(" ".join(text.splitlines()))), _LONG)

    def _safe(self, value: Any) -> Any:
        """As JSON knows it: whatever is no number becomes text, also an infinite one."""
        if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        return self.safe(str(value))

    def _line(self, level: str, event: str, fields: dict[str, Any]) -> str:
        return (self._as_text if self._form == "text" else self._as_json)(level, event, fields)

    def _as_json(self, level: str, event: str, fields: dict[str, Any]) -> str:
        return json.dumps({"at": self._time(), "level": level, "event": event, **fields}, ensure_ascii=False)

    def _as_text(self, level: str, event: str, fields: dict[str, Any]) -> str:
        head = f"<{_PRIORITY[level]}>{event}" if self._journal else f"{self._time()} {level:<7} {event}"
        return "  ".join([head, *(f"{name}={_quoted(value)}" for name, value in fields.items())])

    def _time(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _put(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._lost += 1

    def _write_on(self) -> None:
        while (line := self._lines.get()) is not None:
            lost, self._lost = self._lost, 0
            more = f"\n{self._line('warning', 'lines lost', {'count': lost})}" if lost else ""
            try:
                self._stream.write(f"{line}{more}\n")
                self._stream.flush()
            except (OSError, ValueError):  # nobody reads any more: the watching goes on
                continue


def _quoted(value: Any) -> str:
    text = str(value)
    plain = text and not any(char in text for char in ' "=')
    return text if plain else json.dumps(text, ensure_ascii=False)


class _Bridge(logging.Handler):
    """What libraries log, with their secrets taken out like ours."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.event(level, "library", name=record.name, text=text)


def take_in_libraries(log: Log) -> None:
    """Nothing is written around the log any more, neither by `logging` nor by `warnings` nor by a dying thread."""
    logging.captureWarnings(capture=True)
    logging.basicConfig(handlers=[_Bridge(log)], level=logging.WARNING, force=True)
    threading.excepthook = lambda told: log.error(
        "thread died",
        thread=told.thread.name if told.thread else "",
        text=f"{told.exc_type.__name__}: {told.exc_value}",
    )
