"""Commands: one registry for the line, the palette, the help and the documentation."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.units import WAD
from liqtui.ui import bindings, clipboard, commands
from liqtui.ui.commands import Command, CommandError, Registry, as_markdown, registry, split
from liqtui.ui.host import AppHost
from liqtui.ui.state import AppState
from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, stage
from tests.ui.stub import StubEngine

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = Path(__file__).parents[2] / "docs" / "commands.md"


@dataclass
class Host:
    """Remembers what it was asked."""

    state: AppState = field(default_factory=lambda: AppState(StubEngine(), snapshot=scenes.snapshot()))
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def themes(self) -> Sequence[str]:
        return ["liqtui-dark", "liqtui-light", "liqtui-16"]

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.asked.append((name, *arguments))


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def every() -> Registry:
    return registry()


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("q", ("leave",)),
        (":quit", ("leave",)),
        ("  :  refresh ", ("read_now",)),
        ("wallet treasury", ("narrow", scenes.WALLETS["treasury"].key)),
        ("wallet TREAS", ("narrow", scenes.WALLETS["treasury"].key)),
        ("wallet 0x7f3c", ("narrow", scenes.WALLETS["treasury"].key)),
        ("w all", ("narrow", None)),
        ("add 0x12", ("add_wallets", "0x12")),
        ("add", ("add_wallets", "")),
        ("wallets", ("manage_wallets",)),
        ("theme liqtui-light", ("use_theme", "liqtui-light")),
        ("sort debt", ("sort_by", "debt")),
        ("sort to", ("sort_by", "to liq")),
        ("filter hf<1.2 !aave", ("filter_by", "hf<1.2 !aave")),
        ("filter", ("filter_by", "")),
        ("ack", ("acknowledge", False)),
        ("ack all", ("acknowledge", True)),
        ("alerts", ("alert_log", "")),
        ("rules", ("edit_rules",)),
        ("alerts is:open", ("alert_log", "is:open")),
        ("notes", ("show_notes",)),
        ("freeze", ("toggle_freeze",)),
        ("edit", ("edit_watchlist",)),
        ("goto 3", ("go_to", 3)),
        ("help", ("show_help",)),
        ("h", ("show_help",)),
        ("copy", ("copy_row",)),
        ("thresholds 1.35 1.1", ("set_thresholds", 135 * WAD // 100, 11 * WAD // 10)),
        ("REF", ("read_now",)),
    ],
)
def test_what_each_command_asks(host: Host, every: Registry, typed: str, asked: tuple[Any, ...]) -> None:
    every.run(host, typed)  # type: ignore[arg-type]
    assert host.asked == [asked]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("refrsh", "did you mean “:refresh”?"),
        ("zzzzzz", "? lists them all"),
        ("f", "could be “filter” or “freeze”"),
        ("wallet", ":wallet NAME needs NAME: “all”, “treasury”, "),
        ("theme", ":theme NAME needs NAME: “liqtui-dark”, “liqtui-light” or “liqtui-16”"),
        ("wallet tresury", "did you mean “treasury”?"),
        ("wallet 0x", "could be"),
        ("freeze now", "takes nothing more"),
        ("sort nonsense", "sort by “cushion”"),
        ("theme liqtui-drak", "did you mean “liqtui-dark”?"),
        ("theme zzz", "no theme is called “zzz”; there are liqtui-dark, liqtui-light, liqtui-16"),
        ("goto two", "is not a number"),
        ("goto -1", "is not a number"),
        ("ack some", ":ack all for all of them"),
        ("thresholds 1.2", "two health factors"),
        ("thresholds 1.1 1.2", "has to be above the second"),
        ("thresholds 0.9 0.8", "above 1"),
        ("thresholds x 1.1", "is not a health factor"),
        ("tape pause", "no tape is playing"),
        ("\x1b[31mx", "there is no"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_done(host: Host, every: Registry, typed: str, said: str) -> None:
    with pytest.raises(CommandError) as fault:
        every.run(host, typed)  # type: ignore[arg-type]
    assert said in str(fault.value)
    assert str(fault.value).isprintable()
    assert host.asked == []


@given(text=st.text(max_size=60))
def test_any_text_is_done_or_refused_in_words(text: str) -> None:
    try:
        registry().run(Host(), text)  # type: ignore[arg-type]
    except CommandError as refused:
        said = str(refused)
    else:
        said = "done"
    assert said.isprintable()
    assert said


@given(text=st.text(max_size=30))
def test_completions_always_go_on_from_a_command(text: str) -> None:
    made = registry()
    for line in made.completions(Host(), text):  # type: ignore[arg-type]
        assert made.find(split(line).name)


def test_completing_names_then_arguments(host: Host, every: Registry) -> None:
    complete = lambda text: every.completions(host, text)  # type: ignore[arg-type]  # noqa: E731
    assert complete("wal") == ["wallet ", "wallets"]
    assert complete(":wallet fam") == ["wallet family"]
    assert complete("wallet ")[:2] == ["wallet all", "wallet treasury"]
    assert complete("sort to") == ["sort to liq"]
    assert complete("theme liqtui-l") == ["theme liqtui-light"]
    assert complete("nosuch x") == []
    assert complete("theme liqtui-light") == [], "nothing more to complete"


def test_the_hint_follows_the_typing(every: Registry) -> None:
    assert every.hint("") == ""
    assert every.hint("f") == "filter  freeze"
    assert every.hint("goto").startswith(":goto N  select the row")
    assert every.hint("goto 3").startswith(":goto N")


def test_history_is_remembered_once_and_is_bounded(host: Host, every: Registry) -> None:
    for text in ("refresh", "freeze", ":refresh", ""):
        every.run(host, text)  # type: ignore[arg-type]
    assert every.history == ["freeze", "refresh"]
    with pytest.raises(CommandError):
        every.run(host, "nosuch")  # type: ignore[arg-type]
    assert every.history[-1] == "nosuch", "a mistake can be called back and corrected"
    for number in range(commands.HISTORY_LENGTH + 5):
        every.remember(f"goto {number}")
    assert len(every.history) == commands.HISTORY_LENGTH


def test_a_name_is_given_once() -> None:
    made = registry()
    with pytest.raises(ValueError, match="two commands"):
        made.add(Command("other", "", lambda *_: None, aliases=("q",)))


def test_commands_name_bindings_that_exist(every: Registry) -> None:
    known = {action.id for action in bindings.actions()}
    assert {command.key for command in every if command.key} <= known


def test_the_app_answers_every_wish() -> None:
    """What commands may ask is what the app implements."""
    wishes = [name for name in vars(commands.Host) if not name.startswith("_")]
    assert len(wishes) > 15
    assert [name for name in wishes if not hasattr(AppHost, name)] == []


def test_the_documentation_is_made_from_the_registry(every: Registry) -> None:
    assert as_markdown(every) in DOCS.read_text(encoding="utf-8")


# On the screen


async def test_commands_work_in_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("colon", *"refresh", "enter")
        for line in ("goto 3", "wallet family", "filter spark", "ack all"):
            app.host.execute(line)
        await pilot.pause()
        assert app.state.wallet == scenes.WALLETS["family"].key
        assert [row.key.protocol for row in app.state.rows()] == ["spark"]
        assert engine_of(app).refreshed == 1
        assert engine_of(app).acked == [None]
        app.host.execute("goto 99")
        assert "there are rows 1 to 1" in frames.text(app)
        app.host.execute("help")
        await pilot.pause()
        assert ":thresholds WARN CRITICAL" in "".join(
            "".join(segment.text for segment in strip)
            for strip in app.screen.query_one("HelpSheet").document(120)  # type: ignore[attr-defined]
        )


# The clipboard


class Driver:
    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> None:
        self.written.append(text)


class App:
    def __init__(self) -> None:
        self._driver = Driver()


def test_copying_leaves_a_private_file_and_says_where(tmp_path: Path) -> None:
    app = App()
    done = clipboard.copy(app, "HF 1.042\n", {"XDG_RUNTIME_DIR": str(tmp_path), "TERM": "xterm-256color"})  # type: ignore[arg-type]
    path = tmp_path / "liqtui" / "clipboard"
    assert path.read_text() == "HF 1.042"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert str(path) in done.sentence
    assert app._driver.written == ["\x1b]52;c;SEYgMS4wNDI=\a"]
    assert [left.name for left in path.parent.iterdir()] == ["clipboard"]


@pytest.mark.parametrize("environment", [{"TMUX": "/tmp/x,1,0"}, {"TERM": "tmux-256color"}, {"TERM": "screen"}])
def test_in_tmux_both_forms_are_sent(tmp_path: Path, environment: dict[str, str]) -> None:
    app = App()
    clipboard.copy(app, "x", environment | {"XDG_RUNTIME_DIR": str(tmp_path)})  # type: ignore[arg-type]
    assert app._driver.written == ["\x1b]52;c;eA==\a\x1bPtmux;\x1b\x1b]52;c;eA==\a\x1b\\"]


def test_what_is_copied_cannot_run_anything() -> None:
    assert clipboard.plain("a\x1b[31m\rb\x07\nc\td\u202e\n") == "a[31mb\nc\td"


def test_too_long_for_the_terminal_is_in_the_file(tmp_path: Path) -> None:
    app = App()
    done = clipboard.copy(app, "x" * 100_000, {"XDG_RUNTIME_DIR": str(tmp_path)})  # type: ignore[arg-type]
    assert app._driver.written == []
    assert "too long for the terminal · it is in" in done.sentence


def test_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "liqtui").write_text("in the way")
    done = clipboard.copy(App(), "x", {"XDG_RUNTIME_DIR": str(tmp_path)})  # type: ignore[arg-type]
    assert done.path is None
    assert done.sentence.startswith("offered to the terminal · no file: ")


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clipboard"
    path.write_text("before")

    def broken(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="No space"):
        clipboard.write_private(path, "after")
    assert path.read_text() == "before"
    assert [left.name for left in tmp_path.iterdir()] == ["clipboard"]
