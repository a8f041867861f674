"""One event a line, whatever is in it, and no secret in any of them."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import threading
import warnings
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.cli import logs
from liqtui.cli.logs import Log, form_for, secrets, take_in_libraries
from liqtui.core.rules import ChannelSpec, Ping
from liqtui.core.sources import ChainSpec
from liqtui.engine.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "a1b2c3d4e5f6SECRET123"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()


class Sheet:
    """A log that writes to a text, by a clock that stands still."""

    def __init__(self, form: str = "json", level: str = "info") -> None:
        self.out = io.StringIO()
        self.log = Log(self.out, form, level, clock=lambda: AT)

    @property
    def lines(self) -> list[str]:
        self.log.close()
        return self.out.getvalue().splitlines()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


class Rude:
    """What no library should be handed, and some day is."""

    def __str__(self) -> str:
        return f"https://user:{KEY}@node.example/v2/{KEY}\nsecond line \x1b[31mred"


FIELDS = {
    "text": "a b", "number": 3, "part": 1.5, "yes": True, "none": None, "empty": "", "path": PurePath("/x"),
    "bytes": b"\xff\n", "list": [1, "two"], "table": {"a": {"b": 1}}, "fault": ValueError("bad\nvalue"), "rude": Rude(),
    "infinite": float("inf"), "nan": float("nan"), "set": frozenset({1}), "wide": "日本 ✖", "quote": 'say "x=1"',
    "surrogate": "\udce9", "huge": "x" * 5000, "object": object,
}  # fmt: skip


def test_every_kind_of_field_becomes_one_line_of_json() -> None:
    sheet = Sheet()
    sheet.log.info("odd", **FIELDS)
    (event,) = sheet.events
    assert list(event)[:3] == ["at", "level", "event"]
    assert (event["at"], event["level"], event["event"]) == ("2026-01-02T03:04:05Z", "info", "odd")
    assert set(event) - {"at", "level", "event"} == set(FIELDS) - {"none", "empty"}
    assert (event["number"], event["part"], event["yes"]) == (3, 1.5, True)
    assert event["fault"] == "bad value"
    assert event["list"] == "[1, 'two']"
    assert event["wide"] == "日本 ✖"
    assert len(event["huge"]) <= 1000
    assert KEY not in sheet.out.getvalue()
    assert "\x1b" not in sheet.out.getvalue()


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("form", ["json", "text"])
def test_each_alone_is_one_line_that_any_reader_can_read(name: str, form: str) -> None:
    sheet = Sheet(form)
    sheet.log.warning("odd", field=FIELDS[name])
    (line,) = sheet.lines
    assert line.isprintable()
    line.encode("utf-8")
    if form == "json":
        json.loads(line, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))


def test_text_is_for_people_with_what_needs_it_in_quotes() -> None:
    sheet = Sheet("text")
    sheet.log.error("chain blind", chain="lab", why="no answer", age=5, said='a "b"')
    assert sheet.lines == [
        r'2026-01-02T03:04:05Z error   chain blind  chain=lab  why="no answer"  age=5  said="a \"b\""'
    ]


def test_levels() -> None:
    sheet = Sheet(level="warning")
    for level in logs.LEVELS:
        sheet.log.event(level, level)
    assert [event["event"] for event in sheet.events] == ["warning", "error"]


def test_the_journal_gets_priorities_and_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "journal").open("w+") as stream:
        found = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        assert form_for(stream) == "text"
        log = Log(stream, "text")
        log.info("started", pid=3)
        log.error("fault", why="x y")
        log.close()
        stream.seek(0)
        assert stream.read().splitlines() == ["<6>started  pid=3", '<3>fault  why="x y"']


def test_the_form_by_who_reads(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as stream:
        assert form_for(stream) == "json"
        assert form_for(stream, "text") == "text"
    assert form_for(io.StringIO()) == "json"


# -- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setup",
    [
        Setup((ChainSpec(1, "a", rpc=(f"https://node.example/v2/{KEY}",)),), ()),
        Setup((ChainSpec(1, "a", rpc=(f"https://node.example/?key={KEY}",)),), ()),
        Setup((ChainSpec(1, "a", rpc=(f"https://me:{KEY}@node.example/",)),), ()),
        Setup((ChainSpec(1, "a", rpc=("http://127.0.0.1",), ws=(f"wss://node.example/{KEY}",)),), ()),
        Setup((), (), channels=(ChannelSpec("a", "webhook", url=f"https://hook.example/{KEY}"),)),
        Setup((), (), channels=(ChannelSpec("a", "webhook", url="https://hook.example/", secret=KEY),)),
        Setup((), (), channels=(ChannelSpec("a", "apprise", url=f"tgram://{KEY}/chat"),)),
        Setup((), (), channels=(ChannelSpec("a", "apprise", url=f"mailtos://me:{KEY}@smtp.example?to=x"),)),
        Setup((), (), channels=(ChannelSpec("a", "command", command=("/bin/wake", f"--token={KEY}")),)),
        Setup((), (), channels=(ChannelSpec("a", "command", command=("/bin/wake", KEY)),)),
        Setup((), (), ping=Ping(url=f"https://ping.example/{KEY}", every=60.0)),
    ],
    ids=["path", "query", "password", "websocket", "hook", "signature", "host", "mail", "option", "word", "ping"],
)
@pytest.mark.parametrize("form", ["json", "text"])
def test_what_is_secret_in_the_configuration_is_never_written(setup: Setup, form: str) -> None:
    sheet = Sheet(form)
    sheet.log.hide(secrets(setup))
    sheet.log.info("asked", url=f"connection to {KEY} failed", again=[{"k": KEY}], fault=OSError(KEY))
    (line,) = sheet.lines
    assert KEY not in line
    assert "asked" in line


def test_public_endpoints_and_short_words_are_no_secrets() -> None:
    public = ChainSpec(1, "a", rpc=("https://public.example/ethereum-mainnet",), public=True)
    own = ChainSpec(1, "lab-mainnet", rpc=("https://own.example/v2", "https://own.example/lab-mainnet"))
    found = secrets(Setup((public, own), ()))
    assert found.isdisjoint({"v2", "rpc", "lab-mainnet", "ethereum-mainnet", "own.example", "public.example"})


def test_what_was_hidden_before_stays_hidden() -> None:
    sheet = Sheet()
    sheet.log.hide({KEY})
    sheet.log.hide({"another-secret"})
    sheet.log.info("said", text=f"{KEY} another-secret")
    (event,) = sheet.events
    assert event["text"] == "… …"


# -- what others write -------------------------------------------------------------------------------------------------


@pytest.fixture
def ordinary() -> Iterator[None]:
    """The process as it was, afterwards."""
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], threading.excepthook = handlers, hook
    root.setLevel(level)


@pytest.mark.usefixtures("ordinary")
def test_libraries_warnings_and_dying_threads_speak_through_it(capsys: pytest.CaptureFixture[str]) -> None:
    sheet = Sheet()
    sheet.log.hide({KEY})
    take_in_libraries(sheet.log)
    logging.getLogger("httpx").warning("GET https://node.example/%s failed", KEY)
    logging.getLogger("httpx").info("not this")
    try:
        raise OSError(KEY)
    except OSError:
        logging.getLogger("web3").exception("it broke")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(f"careless {KEY}", UserWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    thread = threading.Thread(target=lambda: {}[KEY], name="worker")
    thread.start()
    thread.join()
    events = sheet.events
    assert [(one["event"], one["level"]) for one in events] == [
        ("library", "warning"), ("library", "error"), ("library", "warning"), ("thread died", "error"),
    ]  # fmt: skip
    assert events[0]["name"] == "httpx"
    assert events[1]["text"] == "it broke: OSError: …"
    assert "careless" in events[2]["text"]
    assert events[3]["thread"] == "worker"
    assert KEY not in sheet.out.getvalue()
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "")


# -- readers that stall or leave ---------------------------------------------------------------------------------------


class Stalled(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        self.go_on.wait(5)
        return super().write(text)


def test_a_reader_that_stalls_holds_nobody_and_what_was_dropped_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_KEPT", 10)
    out = Stalled()
    log = Log(out, clock=lambda: AT)
    for number in range(50):
        log.info("round", number=number)
    out.go_on.set()
    log.close()
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    (lost,) = [event for event in events if event["event"] == "lines lost"]
    assert lost["count"] + len([event for event in events if event["event"] == "round"]) == 50


def test_a_reader_that_is_gone_stops_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    log = Log(stream)
    log.info("one")
    log.info("two")
    log.close()
    assert not log._thread.is_alive(), "it came to its end like any other"
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def test_a_host_that_may_be_shown_is_shown_although_a_service_has_it_too() -> None:
    mail = ChannelSpec("a", "apprise", url=f"json://me:{KEY}@node.example/x")
    found = secrets(Setup((ChainSpec(1, "a", rpc=("https://node.example/v2",)),), (), channels=(mail,)))
    assert "node.example" not in found
    assert KEY in found
