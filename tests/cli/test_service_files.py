"""What docs/daemon.md tells people to hand to systemd and launchd is what the program understands."""

from __future__ import annotations

import configparser
import plistlib
import re
import shlex
import signal
from pathlib import Path

import pytest

from liqtui.cli import daemon
from liqtui.cli.arguments import UsageError, parse

PAGE = (Path(__file__).parents[2] / "docs" / "daemon.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
def unit() -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#", ";"))
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read_string(block("ini"))
    return found


def test_the_unit_starts_a_daemon_that_reports_itself(unit: configparser.ConfigParser) -> None:
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    service = unit["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert program.endswith("/liqtui")
    assert parse(words).command == "daemon"
    assert service["Type"] == "notify"
    assert float(service["WatchdogSec"]) / 4 > daemon.STEP, "a sign of life comes four times as often as it is due"
    assert service["Restart"] == "on-failure"
    assert unit["Install"]["WantedBy"] == "default.target", "of the user's own manager"


def test_the_unit_reloads_by_the_signal_that_the_daemon_listens_for(unit: configparser.ConfigParser) -> None:
    kill, name, whom = shlex.split(unit["Service"]["ExecReload"])
    assert kill == "/bin/kill"
    assert signal.Signals[f"SIG{name.removeprefix('-')}"] is signal.SIGHUP
    assert whom == "$MAINPID"


def test_the_unit_lets_it_write_where_it_writes_and_speak_as_it_speaks(unit: configparser.ConfigParser) -> None:
    from liqtui.config import paths

    where = paths.locate(env={"HOME": "/home/me"})
    service = unit["Service"]
    assert service["ProtectSystem"] == "strict"
    open_ = [Path(one.replace("%h", "/home/me")) for one in service["ReadWritePaths"].split()]
    assert {where.state, where.watchlist.parent} <= set(open_)
    assert set(service["RestrictAddressFamilies"].split()) == {"AF_UNIX", "AF_INET", "AF_INET6"}


def test_the_agent_of_launchd_is_a_property_list_that_starts_it_again_only_after_a_fault() -> None:
    agent = plistlib.loads(block("xml").encode())
    program, *words = agent["ProgramArguments"]
    assert Path(program).is_absolute()
    assert Path(program).name == "liqtui"
    assert parse(words).command == "daemon"
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["RunAtLoad"] is True
    assert agent["Umask"] == 0o077
    assert Path(agent["StandardErrorPath"]).is_absolute()


def test_every_option_of_the_page_is_one_of_the_program() -> None:
    for line in re.findall(r"`liqtui (daemon[^`]*)`", PAGE):
        parse(shlex.split(line))
    for option in ("--log text", "--log json", "--verbose", "--foreground"):
        parse(["daemon", *option.split()])
    assert {"--fresh", "--no-daemon"} <= set(re.findall(r"--[a-z-]+", PAGE))
    for option in ("--fresh", "--no-daemon"):
        parse(["check", option])
    with pytest.raises(UsageError):
        parse(["daemon", "--fresh"])
