"""`liqtui backtest` on the tape that ships: every rule, threshold and hour is that of the files that are named."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import liqtui
from liqtui.chain.tape import load_tape
from liqtui.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable

TAPE = Path(liqtui.__file__).parent / "demo.tape"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def play(config: str, watchlist: str = "") -> dict[str, Any]:
        (tmp_path / "config.toml").write_text(config)
        words = ["backtest", str(TAPE), "--json", "--config", str(tmp_path / "config.toml")]
        if watchlist:
            (tmp_path / "watchlist.toml").write_text(watchlist)
            words += ["--watchlist", str(tmp_path / "watchlist.toml")]
        assert main(words) in {0, 1}
        return json.loads(capsys.readouterr().out)

    return play


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is told where nothing is configured."""
    folder = tmp_path_factory.mktemp("usual")
    (folder / "config.toml").write_text("")
    with contextlib.redirect_stdout(io.StringIO()) as told:
        assert main(["backtest", str(TAPE), "--json", "--config", str(folder / "config.toml")]) in {0, 1}
    return json.loads(told.getvalue())


def kinds(report: dict[str, Any], label: str = "") -> set[str]:
    return {
        warning["kind"]
        for position in report["positions"]
        if label in {"", position["label"]}
        for warning in position["warnings"]
    }


def warned(report: dict[str, Any]) -> set[str]:
    return {position["label"] for position in report["positions"] if position["warnings"]}


def test_each_setting_of_the_configuration_changes_what_is_told(
    run: Callable[..., dict[str, Any]], usual: dict[str, Any]
) -> None:
    assert kinds(usual) == {"threshold", "velocity"}
    assert usual["totals"]["messages"] > 10

    once = run("[rules]\nreaction = 0\n[alerts]\nescalate_times = 0\n")
    assert kinds(once) == {"threshold"}, "no time to act was asked for"
    assert once["totals"]["messages"] < usual["totals"]["messages"] / 2, "and each is told once"
    quiet = run('[alerts]\nquiet = "00:00-23:59"\nquiet_breaks = "liquidatable"\n')
    assert 0 < quiet["totals"]["messages"] < once["totals"]["messages"]
    assert quiet["totals"]["liquidations"] == usual["totals"]["liquidations"] == 2
    assert kinds(quiet) <= {"liquidatable"}, "what is held warns nobody"
    assert quiet["totals"]["missed"] > usual["totals"]["missed"]


def test_a_named_watchlist_speaks_for_its_wallets_and_their_tags(
    run: Callable[..., dict[str, Any]], usual: dict[str, Any]
) -> None:
    wallets = {wallet.label: wallet for wallet in load_tape(TAPE).header.wallets}
    assert kinds(usual, "btc-fund") == {"velocity"}
    assert not kinds(usual, "twofold")

    def entry(label: str, *tags: str) -> str:
        return f'[[wallet]]\naddress = "{wallets[label].address}"\nlabel = "{label}"\ntags = {list(tags)}\n'

    tags = "[tag.calm.rules]\nreaction = 0\n[tag.early.thresholds]\nwarn = 9.0\n"
    own = run("", entry("btc-fund", "calm") + entry("twofold", "early") + tags)
    assert not kinds(own, "btc-fund")
    assert kinds(own, "twofold") == {"threshold"}
    others = {"degen-1", "degen-2", "stakers"}
    assert others <= warned(own) & warned(usual), "those that are not in it are as on the tape"
