"""`liqtui markets`: what is known, what is watched, where it comes from; without a network unless asked for it."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.cli.main import main
from liqtui.protocols.registry import all_markets

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.lab import Lab

SPARK = "0x02C3eA4e34C0cBd694D2adFa2c690EECbC1793eE"
OWN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


@pytest.fixture
def config(own_folders: Path) -> Path:
    folder = own_folders / "liqtui"
    folder.mkdir(exist_ok=True)
    return folder / "config.toml"


def printed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["markets", *words]) == code
    return capsys.readouterr().out


def listed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> list[dict[str, Any]]:
    found = json.loads(printed(capsys, "--json", *words, code=code))
    assert found["schema"] == 1
    return found["markets"]


@pytest.mark.usefixtures("config")
def test_every_deployment_is_listed_without_a_network(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nobody is to be asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = listed(capsys)
    assert len(found) == len(all_markets())
    assert {entry["chain"] for entry in found if entry["watched"]} == {
        "ethereum", "base", "arbitrum", "optimism", "polygon", "bnb", "gnosis", "avalanche",
    }  # fmt: skip
    spark = next(entry for entry in found if entry["entry"] == SPARK)
    assert (spark["protocol"], spark["brand"], spark["chain"], spark["chain_id"]) == ("aave-v3", "spark", "ethereum", 1)
    assert (spark["watched"], spark["custom"], spark["compiled"]) == (True, False, "2026-08-20")
    assert "live" not in spark
    ronin = next(entry for entry in found if entry["chain_id"] == 2020)
    assert (ronin["chain"], ronin["watched"]) == (None, False)


@pytest.mark.usefixtures("config")
def test_the_table_fits_and_names_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "ethereum (1) · watched"
    assert f"  spark        spark                 {SPARK}" in lines
    assert "linea (59144) · not watched: name it under [chains.linea]" in lines
    assert "chain 2020 · not watched: needs a [chains.NAME] with id and rpc" in lines
    at = next(place for place, line in enumerate(lines) if "venus ethereum liquid" in line)
    assert lines[at + 1].strip() == "staked eth", "a long name goes on below, and is never cut"
    assert any("sparkdotfi/spark-address-registry" in line and "(2026-08-20)" in line for line in lines)
    assert printed(capsys, "--ascii").isascii()


def test_own_markets_stand_beside_the_shipped_and_instead_of_a_twin(
    capsys: pytest.CaptureFixture[str], config: Path
) -> None:
    config.write_text(
        '[chains.lab]\nid = 31337\nrpc = ["http://127.0.0.1:9/"]\n[chains.main]\nid = 1\nrpc = ["http://127.0.0.1:9/"]\n'
        f'[[markets]]\nprotocol = "aave-v3"\nchain = "lab"\nname = "[b]mine[/b]"\npool_addresses_provider = "{OWN}"\n'
        'app = "https://mine.example/?who={wallet}"\n'
        f'[[markets]]\nprotocol = "aave-v3"\nchain = "main"\nname = "my spark"\npool_addresses_provider = "{SPARK}"\n'
    )
    found = listed(capsys)
    assert {entry["chain"] for entry in found if entry["watched"]} == {"lab", "main"}
    mine = next(entry for entry in found if entry["entry"] == OWN)
    assert (mine["custom"], mine["source"], mine["app"]) == (True, None, "https://mine.example/?who={wallet}")
    (spark,) = [entry for entry in found if entry["entry"] == SPARK]
    assert (spark["name"], spark["custom"], spark["brand"]) == ("my spark", True, "spark")
    lines = printed(capsys).splitlines()
    assert f"+ aave-v3      [b]mine[/b]           {OWN}" in lines
    assert lines[-1] == "+ from your config.toml"


def test_a_wrong_configuration_is_told_as_everywhere(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    config.write_text('[[markets]]\nprotocol = "aave-v3"\n')
    assert printed(capsys, code=78) == ""


def test_live_asks_the_chain(capsys: pytest.CaptureFixture[str], config: Path, lab: Lab) -> None:
    aave, nothing = lab.markets["aave36"], "0x" + "12" * 20
    market = '[[markets]]\nprotocol = "aave-v3"\nchain = "lab"\nname = "{}"\npool_addresses_provider = "{}"\n'
    config.write_text(
        f'[chains.lab]\nid = {lab.node.chain_id}\nrpc = ["{lab.node.url}"]\n'
        f"{market.format('good', aave.provider)}{market.format('none', nothing)}"
    )
    good, none = [entry for entry in listed(capsys, "--live", code=1) if entry["custom"]]
    assert good["live"] == {
        "opens": True, "contents": "9 reserves, in USD", "revision": "10 (v3.6)", "known": True, "differences": [],
    }  # fmt: skip
    assert none["live"] == {"opens": False, "error": f"there is no contract at {nothing} on this chain"}
    text = printed(capsys, "--live", code=1)
    assert "9 reserves, in USD, revision 10 (v3.6)" in text
    assert f"does not open: there is no contract at {nothing}" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_live_without_an_answer_is_no_all_clear(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    config.write_text(
        '[chains.lab]\nid = 31337\nrpc = ["http://127.0.0.1:9/SECRET"]\n'
        f'[[markets]]\nprotocol = "aave-v3"\nchain = "lab"\nname = "mine"\npool_addresses_provider = "{OWN}"\n'
    )
    found = listed(capsys, "--live", code=1)
    assert found[0]["live"]["opens"] is None
    text = printed(capsys, "--live", code=1)
    assert text.count("nobody answered: http") == 1, "said of the chain, not of each of its markets"
    assert "SECRET" not in text + json.dumps(found)
