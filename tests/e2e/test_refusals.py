"""What is wrong is named, in words, where it is; it never ends in a traceback, a secret or a calm answer."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.lab.assets import ASSETS
from tests.lab.market import wallet

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stage
    from tests.e2e.program import Home, Terminal

HOSTILE = "\x1b]0;o\x07\u202e[red]X[/]"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
CHAIN = '[chains.lab]\nid = 31337\nrpc = ["http://127.0.0.1:9"]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[chains.lab\nid = 1\n", ["config.toml:1:"]),
        (f"{CHAIN}\n[thresholds]\nwarm = 1.2\n", ["config.toml:6:", "thresholds.warm", 'did you mean "warn"']),
        (f"{CHAIN}pol = 3\n", ["config.toml:4:", "chains.lab.pol", 'did you mean "poll"']),
        (f'{CHAIN}\n[thresholds]\nwarn = "high"\ncritical = 0.5\n', ["config.toml:6:", "config.toml:7:"]),
        (CHAIN.replace("9", "9/${E2E_NO_SUCH_KEY}"), ["config.toml:3:", "E2E_NO_SUCH_KEY"]),
    ],
)
def test_a_wrong_configuration_is_named_by_file_line_and_key(home: Home, text: str, said: list[str]) -> None:
    home.configure(text)
    done = home.run("check", wallet("anybody"))
    assert (done.returncode, done.stdout) == (78, "")
    for words in said:
        assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([("0x742d35Cc6634C0532925a3b844Bc454e4438f44f", "a")], ["watchlist.toml:2:", "checksum"]),
        ([(wallet("one"), "a"), (wallet("one").lower(), "b")], ["watchlist.toml:6:", "is already watched (line 2)"]),
        ([("0x12", "a")], ["watchlist.toml:2:", "40 hex digits"]),
    ],
)
def test_a_wrong_watchlist_is_named_too(home: Home, entries: list[tuple[str, str]], said: list[str]) -> None:
    home.configure(CHAIN)
    home.watchlist.write_text(
        "\n".join(f'[[wallet]]\naddress = "{address}"\nlabel = "{label}"\n' for address, label in entries)
    )
    done = home.run("check")
    assert (done.returncode, done.stdout) == (78, "")
    for words in said:
        assert words in done.stderr


def test_the_screen_says_on_the_ordinary_screen_what_is_wrong(home: Home, sit: Callable[..., Terminal]) -> None:
    home.configure(f"{CHAIN}\n[thresholds]\nwarm = 1.2\n")
    terminal = sit()
    assert terminal.process.wait(timeout=40) == 78
    assert terminal.wait(terminal.restored)
    ordinary = bytes(terminal.received).rpartition(b"\x1b[?1049l")[2].decode()
    assert "config.toml:6: thresholds.warm: unknown key" in ordinary


def trouble(home: Home, stage: Stage, config: str) -> tuple[int, str]:
    """Exit code and the one error, of a wallet that is well where it can be seen."""
    home.configure(config)
    done = home.run("check", "--json", stage.wallets["calm"])
    answer = json.loads(done.stdout)
    assert answer["worst"] == "blind"
    assert answer["errors"], "nothing is missing without being named"
    assert "SECRETKEY" not in done.stdout + done.stderr
    return done.returncode, " ".join(f"{error['scope']}: {error['detail']}" for error in answer["errors"])


def test_an_endpoint_of_another_chain_is_not_believed(lab_home: Home, stage: Stage) -> None:
    code, said = trouble(
        lab_home, stage, stage.config(f"{stage.node.url}/?key=SECRETKEY").replace("id = 31337", "id = 1234")
    )
    assert code == 3
    assert "31337" in said, "which chain answered instead"
    assert "1234" in said


@pytest.mark.parametrize("entry", ["pool", "token", "nothing"])
def test_a_contract_that_is_no_market_is_no_market(lab_home: Home, stage: Stage, entry: str) -> None:
    market = stage.market
    provider = {"pool": market.pool, "token": market.tokens["WETH"].address, "nothing": wallet("nobody")}[entry]
    code, said = trouble(lab_home, stage, stage.config(provider=provider))
    assert code == 3
    assert "lab 3.6" in said
    assert "is not the PoolAddressesProvider of an Aave v3 market" in said


def test_without_multicall3_the_figures_are_the_same(lab_home: Home, stage: Stage) -> None:
    stage.node.rpc("anvil_setCode", stage.lab.multicall3, "0x")
    code, answer = lab_home.check(stage.wallets["tight"])
    (found,) = answer["positions"]
    assert code == 2
    assert int(found["health"]["raw"]) == stage.market.account_data(found["wallet"], found["block"]).health
    assert found["health"]["verified"]


def test_a_hostile_symbol_is_text_and_nothing_else(lab_home: Home, stage: Stage, sit: Callable[..., Terminal]) -> None:
    market, user = stage.market, wallet("hostile holder")
    stage.lab.assets.new_token(HOSTILE, 18)
    spec = next(each for each in ASSETS if each.symbol == "CRV")
    market.list_asset(replace(spec, symbol=HOSTILE, isolated_ceiling=0))
    market.supply(user, HOSTILE, 10**21)
    market.borrow(user, "USDC", 250 * 10**6)
    stage.price("CRV", 0.8)
    table, answer = lab_home.run("check", user), lab_home.run("check", "--json", user)
    assert not CONTROL.search(table.stdout + answer.stdout)
    symbol = json.loads(answer.stdout)["positions"][0]["collateral"][0]["symbol"]
    assert "[red]" in symbol, "markup stays what it is: characters"
    assert f" {symbol}" in table.stdout, "what to add is named"
    terminal = sit(user)
    terminal.see("1–1 of 1", "[red]")
    terminal.type("\r")
    terminal.see("what it is made of", "[red]")
    assert b"\x1b]0;o" not in terminal.received
    assert "\u202e".encode() not in terminal.received
