"""The frame of the command line: what is understood, what each ending is worth, what is imported for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from liqtui.cli import main as frame
from liqtui.cli.arguments import ALONE, COMMANDS, TUI, Arguments, UsageError, parse
from liqtui.cli.glyphs import spelling
from liqtui.cli.parser import Parser, build
from liqtui.config.errors import ConfigError, ConfigFileError, WatchlistError

A = "0x" + "ab" * 20
SHELLS = ("bash", "zsh", "fish")


def liqtui(*words: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "liqtui", *words], capture_output=True, text=True, **options)


@pytest.mark.parametrize(
    ("argv", "command", "rest"),
    [
        ([], "tui", {}),
        ([A], "tui", {"addresses": (A,)}),
        ([A, "vitalik.eth"], "tui", {"addresses": (A, "vitalik.eth")}),
        (["--ascii"], "tui", {"ascii": True}),
        (["--color", "16", A], "tui", {"color": "16", "addresses": (A,)}),
        (["--color=mono"], "tui", {"color": "mono"}),
        (["--theme", "check"], "tui", {"theme": "check"}),
        (["--no-mouse", "demo"], "demo", {"mouse": False}),
        (
            ["check", "--json", A, "--config", "x.toml"],
            "check",
            {"json": True, "addresses": (A,), "config": Path("x.toml")},
        ),
        (["--config", "x.toml", "check"], "check", {"config": Path("x.toml"), "json": False}),
        (
            ["--config", "x.toml", "check", "--watchlist", "w"],
            "check",
            {"config": Path("x.toml"), "watchlist": Path("w")},
        ),
        (["--ascii", "check", "--no-ascii"], "check", {"ascii": False}),
        (["replay", "a.tape"], "replay", {"file": Path("a.tape")}),
        (["record", "a.tape", A], "record", {"file": Path("a.tape"), "addresses": (A,)}),
        (
            ["wallet", "add", A, "--tags", "a, b,", "--warn", "1.3"],
            "wallet",
            {"action": "add", "tags": ("a", "b"), "warn": "1.3"},
        ),
        (["wallet", "remove", "-y", "treasury"], "wallet", {"action": "remove", "wallets": ("treasury",), "yes": True}),
        (["wallet", "import", "-"], "wallet", {"action": "import", "file": Path("-")}),
        (
            ["wallet", "edit", "t", "--label", ""],
            "wallet",
            {"action": "edit", "wallet": "t", "label": "", "note": None},
        ),
    ],
)
def test_understood(argv: list[str], command: str, rest: dict[str, object]) -> None:
    args = parse(argv)
    assert args.command == command
    assert {name: getattr(args, name) for name in rest} == rest


@pytest.mark.parametrize("command", [TUI, *COMMANDS])
def test_a_command_by_itself_is_what_the_parser_makes_of_it(command: str) -> None:
    if command not in ALONE:
        with pytest.raises(UsageError):
            parse([command])
        return
    parsed, alone = vars(build().parse_args([command], namespace=Arguments())), parse([command])
    assert {name: getattr(alone, name) for name in parsed} == parsed


def outcome(parser: Parser, words: list[str]) -> object:
    try:
        return vars(parser.parse_args(words, namespace=Arguments()))
    except UsageError as fault:
        return fault.told


@pytest.mark.parametrize("command", [TUI, *COMMANDS])
def test_the_parser_of_one_command_understands_it_as_the_whole_one(command: str) -> None:
    for more in ([], ["--ascii"], ["--nope"], ["--color", "pink"], [A], ["x", "y"], ["list"], ["--", "-x"], ["check"]):
        assert outcome(build(command), [command, *more]) == outcome(build(), [command, *more])


def test_what_is_not_given_is_none() -> None:
    args = parse(["check"])
    assert isinstance(args, Arguments)
    assert (args.config, args.watchlist, args.color, args.ascii, args.mouse, args.theme) == (None,) * 6


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["chekc"], 'did you mean "liqtui check"?'),
        (["0x12"], "0x and 40 hex digits are needed"),
        (["check", "0x12"], "0x and 40 hex digits are needed"),
        (["--color", "pink"], "invalid choice: 'pink'"),
        (["--nope"], "--nope"),
        (["--colo", "16"], "--colo"),
        (["wallet"], "ACTION"),
        (["wallet", "add"], "ADDRESS"),
        (["wallet", "nope"], "invalid choice: 'nope'"),
        (["replay"], "FILE"),
        (["completion", "tcsh"], "invalid choice: 'tcsh'"),
        (["demo", "--json"], "--json"),
    ],
)
def test_wrong_usage_ends_with_64(argv: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert frame.main(argv) == 64
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("usage: liqtui")


@pytest.mark.parametrize("argv", [["--help"], ["check", "--help"], ["wallet", "add", "-h"]])
def test_help_ends_well(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        frame.main(argv)
    assert caught.value.code == 0
    assert "usage: liqtui" in capsys.readouterr().out


def test_every_command_is_a_module_with_run() -> None:
    from importlib import import_module

    assert [name for name in COMMANDS if not callable(import_module(f"liqtui.cli.{name}").run)] == []


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch):
    """Put a `check` of one's own in the place of the real one."""

    def install(run) -> None:
        module = ModuleType("liqtui.cli.check")
        module.run = run
        monkeypatch.setitem(sys.modules, "liqtui.cli.check", module)

    return install


def raising(fault: BaseException):
    def run(_: Arguments) -> int:
        raise fault

    return run


def test_the_command_gets_its_arguments_and_its_code_is_the_program_s(command) -> None:
    seen: list[Arguments] = []
    command(lambda args: seen.append(args) or 3)
    assert frame.main(["check", A]) == 3
    assert seen[0].addresses == (A,)


def test_wrong_configuration_is_one_line_for_each_mistake(command, capsys) -> None:
    errors = [ConfigError("config.toml", line, "ui.x", "unknown key", "known: y") for line in (3, 1)]
    command(raising(ConfigFileError(errors)))
    assert frame.main(["check"]) == 78
    assert capsys.readouterr().err.splitlines() == [
        "config.toml:1: ui.x: unknown key, known: y",
        "config.toml:3: ui.x: unknown key, known: y",
    ]
    command(raising(WatchlistError("The watchlist was not saved.")))
    assert frame.main(["check"]) == 78
    assert capsys.readouterr().err == "The watchlist was not saved.\n"


def test_interruption_has_no_traceback(command, capsys) -> None:
    command(raising(KeyboardInterrupt()))
    assert frame.main(["check"]) == 130
    assert capsys.readouterr().err == ""


def test_a_fault_of_the_program_is_neither_ok_nor_warn_and_shows_no_key(command, capsys) -> None:
    command(raising(RuntimeError("while asking https://user:pw@node.example/v2/SECRETKEY now")))
    assert frame.main(["check"]) == 70
    err = capsys.readouterr().err
    assert "RuntimeError" in err
    assert "https://node.example/…" in err
    assert "SECRETKEY" not in err


def test_a_file_that_cannot_be_used_is_a_sentence(command, capsys) -> None:
    command(lambda _: open("/nonexistent/tape").read())  # noqa: PTH123, SIM115
    assert frame.main(["check"]) == 74
    assert capsys.readouterr().err == "liqtui: /nonexistent/tape: No such file or directory\n"


FLOOD = """
import sys
from types import ModuleType
module = ModuleType("liqtui.cli.check")
def run(args):
    for _ in range({count}):
        print("x" * 100)
    return 0
module.run = run
sys.modules["liqtui.cli.check"] = module
from liqtui.cli.main import main
sys.exit(main(["check"]))
"""


@pytest.mark.parametrize("count", [1, 100_000])
def test_a_reader_that_goes_away_is_no_fault(count: int) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", FLOOD.format(count=count)], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_output_that_cannot_be_written_is_not_ok() -> None:
    with Path(os.devnull).open("rb") as unwritable:
        done = subprocess.run([sys.executable, "-c", FLOOD.format(count=1)], stdout=unwritable, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (74, b"liqtui: Bad file descriptor\n")


def test_ctrl_c_in_a_process_of_its_own() -> None:
    script = FLOOD.replace('print("x" * 100)', "print('ready', flush=True); __import__('time').sleep(60)")
    with subprocess.Popen(
        [sys.executable, "-c", script.format(count=1)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        running.send_signal(signal.SIGINT)
        _, err = running.communicate()
    assert (running.returncode, err) == (130, b"")


def test_version_and_help_import_next_to_nothing() -> None:
    script = """
import json, sys
from liqtui.cli.main import main
try:
    main([sys.argv[1]])
except SystemExit as end:
    print(json.dumps([end.code, sorted(sys.modules)]), file=sys.stderr)
"""
    for option in ("--version", "--help"):
        done = subprocess.run([sys.executable, "-c", script, option], capture_output=True, text=True)
        code, modules = json.loads(done.stderr)
        assert code == 0
        assert "liqtui" in done.stdout
        heavy = (
            "textual",
            "rich",
            "httpx",
            "web3",
            "eth_",
            "asyncio",
            "sqlite3",
            "Crypto",
            "shtab",
            "tomllib",
            "platformdirs",
        )
        assert [name for name in modules if name.startswith(heavy)] == []
        assert [name for name in modules if name.startswith("liqtui.") and not name.startswith("liqtui.c")] == []


def test_python_dash_m() -> None:
    done = liqtui("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("liqtui 0")


@pytest.mark.parametrize("shell", SHELLS)
def test_completion(shell: str) -> None:
    done = liqtui("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in COMMANDS)


def test_completion_completes(tmp_path: Path) -> None:
    (script := tmp_path / "liqtui.bash").write_text(liqtui("completion", "bash").stdout)
    (tmp_path / "some.tape").touch()
    asked = f"""
source {script}
for words in "liqtui wal" "liqtui wallet im" "liqtui --color tru" "liqtui check --js" "liqtui replay some"; do
  COMP_WORDS=($words); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _shtab_liqtui; echo "${{COMPREPLY[@]}}"
done
"""
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == ["wallet", "import", "truecolor", "--json", "some.tape"]


def test_an_output_without_our_signs_gets_their_likenesses() -> None:
    """A Latin-1 terminal, or a cron that knows ASCII only: a verdict must not end in a UnicodeEncodeError."""
    for encoding in ("latin-1", "ascii"):
        env = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
        done = subprocess.run([sys.executable, "-m", "liqtui", "--help"], capture_output=True, check=False, env=env)
        assert done.returncode == 0, done.stderr
        assert b"liqtui [OPTION..] COMMAND" in done.stdout
        spoken = "▲ 1.042 −4.3% “all” é".encode(encoding, errors=spelling()).decode(encoding)
        assert spoken == ('! 1.042 -4.3% "all" é' if encoding == "latin-1" else '! 1.042 -4.3% "all" ?')
