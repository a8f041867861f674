"""`liqtui check` against real contracts: what it prints is what the contracts do, and its exit code is the truth."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Stage
    from tests.e2e.program import Home

ONE = 10**18
DEAD = '[chains.dead]\nid = 4242\nrpc = ["{url}/v2/SECRETKEY"]\n'


def position(found: dict[str, Any], wallet: str) -> dict[str, Any]:
    return next(each for each in found["positions"] if each["wallet"] == wallet)


@pytest.mark.parametrize(
    ("names", "code", "worst"),
    [(["calm", "saver"], 0, "ok"), (["calm", "near"], 1, "warn"), (["near", "tight"], 2, "critical")],
)
def test_the_exit_code_is_the_worst_position(
    lab_home: Home, stage: Stage, names: list[str], code: int, worst: str
) -> None:
    found, answer = lab_home.check(*(stage.wallets[name] for name in names))
    assert (found, answer["worst"], answer["errors"]) == (code, worst, [])
    assert len(answer["positions"]) == len(names)


def test_liquidatable_is_2_and_printed_first(lab_home: Home, stage: Stage) -> None:
    stage.price("WETH", 0.9)
    done = lab_home.run("check", stage.wallets["calm"], stage.wallets["tight"])
    assert done.returncode == 2
    first, _, header, worst, calm = done.stdout.splitlines()[:5]
    assert first.startswith("✖ 1 LIQUIDATABLE   ● 1 OK   worst 0.932 ")
    assert header.split()[:3] == ["state", "wallet", "protocol"]
    assert worst.split()[:2] == ["✖", "LIQUIDATABLE"]
    assert "now" in worst.split()
    assert "repay" in worst
    assert calm.split()[:2] == ["●", "OK"]
    assert "repay" not in calm, "where nothing is to be done, nothing is advised"
    assert stage.market.health(stage.wallets["tight"]) < ONE


def test_silence_is_never_ok(lab_home: Home, stage: Stage, dead_url: str) -> None:
    lab_home.configure(stage.config(extra=DEAD.format(url=dead_url)))
    for name, code in (("near", 3), ("tight", 2)):
        done = lab_home.run("check", "--json", stage.wallets[name])
        answer = json.loads(done.stdout)
        assert done.returncode == code, "blind beats warn, and never hides critical"
        assert [error["scope"] for error in answer["errors"]] == ["dead"]
        assert len(answer["positions"]) == 1, "the chain that answers is shown all the same"
    table = lab_home.run("check", stage.wallets["calm"])
    assert table.returncode == 3
    assert "not read: dead:" in table.stdout
    assert "SECRETKEY" not in done.stdout + done.stderr + table.stdout + table.stderr
    assert dead_url in table.stdout, "which endpoint it was is said"


def test_wrong_usage_and_wrong_files(lab_home: Home, stage: Stage) -> None:
    assert lab_home.run("check").returncode == 64
    assert "liqtui wallet add" in lab_home.run("check").stderr
    assert lab_home.run("check", "0x12").returncode == 64
    assert lab_home.run("check", "--jsn").returncode == 64
    wrong = stage.wallets["calm"].swapcase().replace("0X", "0x")
    done = lab_home.run("check", wrong)
    assert done.returncode == 64
    assert "wrong checksum" in done.stderr
    assert done.stdout == ""


FIELDS = {
    "": {"schema", "generated_at", "worst", "chains", "positions", "errors"},
    "chains": {"chain", "chain_id", "block", "block_hash", "block_time", "freshness", "endpoints"},
    "positions": {
        "id", "wallet", "label", "chain", "chain_id", "protocol", "market", "severity", "freshness", "ages", "block",
        "block_hash", "health", "collateral", "debt", "boundaries", "cushion", "rescue", "liquidation",
        "interest_eta_seconds", "flags",
    },
    "health": {"value", "raw", "reported", "verified", "reason"},
    "collateral": {"asset", "symbol", "decimals", "amount", "price", "price_decimals", "value_usd", "rate", "threshold",
                   "bonus", "counts"},
    "debt": {"asset", "symbol", "decimals", "amount", "price", "price_decimals", "value_usd", "rate"},
    "boundaries": {"factor", "direction", "assets", "price", "price_now", "move", "passed"},
    "rescue": {"target", "repay", "add", "sell", "alternatives"},
    "liquidation": {"max_debt", "seized", "loss", "close_factor", "bonus", "reason", "health_after", "toxic_below",
                    "blocked"},
}  # fmt: skip


def test_json_is_what_the_documentation_promises(lab_home: Home, stage: Stage) -> None:
    _, answer = lab_home.check(*stage.wallets.values())
    assert answer["schema"] == 1
    assert answer.keys() >= FIELDS[""]
    assert answer["chains"][0].keys() >= FIELDS["chains"]
    for found in answer["positions"]:
        assert found.keys() >= FIELDS["positions"]
        for part in ("health", "liquidation"):
            assert found[part] is None or found[part].keys() >= FIELDS[part]
        for part in ("collateral", "debt", "boundaries", "rescue"):
            assert all(each.keys() >= FIELDS[part] for each in found[part])
        assert found["id"] == f"31337:aave-v3:lab 3.6:{found['wallet'].lower()}"
        for leg in found["collateral"] + found["debt"]:
            assert int(leg["amount"]) > 0
            assert int(leg["price"]) > 0
        assert not any(isinstance(value, float) for value in found["health"].values())
        assert {rule["name"] for rule in found["liquidation_rules"]} >= {"who", "how much", "bonus"}
    assert position(answer, stage.wallets["saver"])["health"]["value"] == "infinity"
    (weth,), (usdc,) = (position(answer, stage.wallets["calm"])[side] for side in ("collateral", "debt"))
    assert int(weth["pool_cash"]) > int(weth["amount"]), "nobody has borrowed all of it"
    assert 0 < Decimal(usdc["utilization"]) < 1


def test_figures_are_the_contracts_to_the_wei(lab_home: Home, stage: Stage) -> None:
    _, answer = lab_home.check(*stage.wallets.values())
    for name, wallet in stage.wallets.items():
        found = position(answer, wallet)
        theirs = stage.market.account_data(wallet, found["block"])
        assert found["block_hash"] == stage.node.rpc("eth_getBlockByNumber", hex(found["block"]), False)["hash"]
        assert found["health"]["verified"], name
        assert int(found["health"]["raw"]) == int(found["health"]["reported"]) == theirs.health
        assert Decimal(found["collateral_value"]) == Decimal(theirs.collateral).scaleb(-8)
        assert Decimal(found["debt_value"]) == Decimal(theirs.debt).scaleb(-8)
        for leg in found["collateral"]:
            assert int(leg["amount"]) == stage.market.supplied(wallet, leg["symbol"])
        for leg in found["debt"]:
            assert int(leg["amount"]) == stage.market.owed(wallet, leg["symbol"])


def prices(found: dict[str, Any]) -> Iterator[tuple[str, str, Decimal]]:
    """(symbol, direction, boundary price) of each feed that moves alone."""
    for boundary in found["boundaries"]:
        if boundary["factor"].startswith("asset:0x") and boundary["direction"] != "none":
            yield boundary["assets"][0], boundary["direction"], Decimal(boundary["price"])


def test_each_boundary_is_where_the_contract_turns(lab_home: Home, stage: Stage) -> None:
    """Move that one feed on the chain: on the safe side nothing, at the price and beyond liquidation is allowed.

    The figures are of one block and the feed moves in a later one, so a ten-millionth is left to interest.
    """
    names = ("calm", "tight", "mixed", "link")
    _, answer = lab_home.check(*(stage.wallets[name] for name in names))
    tried = set()
    for name in names:
        wallet = stage.wallets[name]
        for symbol, direction, price in prices(position(answer, wallet)):
            tried.add((symbol, direction))
            sign = -1 if direction == "falls" else 1
            for beyond in (True, False):
                edge = price * (1 + sign * Decimal("0.0000001") * (1 if beyond else -1))
                state = stage.lab.snapshot()
                stage.market.feeds[symbol].set(int(edge.scaleb(8)) + sign * beyond)
                health = stage.market.health(wallet)
                assert (health < ONE) is beyond, f"{name}: {symbol} {direction} to {edge}: health {health}"
                stage.lab.revert(state)
    assert {("WETH", "falls"), ("WBTC", "falls"), ("LINK", "falls"), ("USDC", "rises"), ("EURS", "rises")} <= tried


def test_a_boundary_that_is_none_never_comes(lab_home: Home, stage: Stage) -> None:
    wallet = stage.wallets["mixed"]
    _, answer = lab_home.check(wallet)
    silent = [each for each in position(answer, wallet)["boundaries"] if each["direction"] == "none"]
    symbols = {each["assets"][0] for each in silent if each["factor"].startswith("asset:")}
    assert "DAI" in symbols, "3,000 DAI of collateral do not decide about this loan"
    for symbol in symbols:
        for answer_of_feed in (1, 10**14):
            state = stage.lab.snapshot()
            stage.market.feeds[symbol].set(answer_of_feed)
            assert stage.market.health(wallet) >= ONE
            stage.lab.revert(state)


def test_a_rescue_reaches_its_target_and_hardly_more(lab_home: Home, stage: Stage) -> None:
    """Carried out on the chain, a few blocks later: their interest is all that may be missing."""
    market, tried = stage.market, set()
    names = ("near", "tight", "mixed", "link")
    _, answer = lab_home.check(*(stage.wallets[name] for name in names))
    for name in names:
        wallet = stage.wallets[name]
        now = market.health(wallet)
        for rescue in position(answer, wallet)["rescue"]:
            target = int(Decimal(rescue["target"]) * ONE)
            for way, act in (("repay", market.repay), ("add", market.supply)):
                for each in rescue["alternatives"][way]:
                    amount = int(each["amount"])
                    assert (amount == 0) is (now >= target)
                    for part, enough in ((amount, True), (amount * 99 // 100, False)) if amount else ():
                        state = stage.lab.snapshot()
                        act(wallet, each["symbol"], part)
                        health = market.health(wallet)
                        stage.lab.revert(state)
                        assert (health >= target - target // 10**7) is enough, (name, way, each, health)
                        assert health < target + target // 10**5, "nobody is asked for more than it takes"
                        tried.add((way, each["symbol"]))
    assert {("repay", "USDC"), ("add", "WETH"), ("add", "LINK"), ("repay", "DAI")} <= tried
