"""Exit codes, JSON, plain lines and the status line: what is not known never reads as safe."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from liqtui.cli import check, lines, report, status
from liqtui.cli.arguments import Arguments
from liqtui.cli.record import _Teller
from liqtui.cli.waiting import Asking
from liqtui.core.model import Side
from liqtui.core.results import Direction
from liqtui.core.snapshot import Freshness, Severity, Stage, Volatility
from liqtui.engine import verdict
from liqtui.ui import figures
from tests.ui import scenes

NOW = 1_800_000_000.0


def with_severities(*severities):
    base = scenes.snapshot()
    rows = tuple(
        replace(row, severity=severity, error="") for row, severity in zip(base.rows, severities, strict=False)
    )
    chains = tuple(
        replace(chain, error="", freshness=Freshness.FRESH, stages=(), block=chain.block or base.chains[0].block)
        for chain in base.chains
    )
    return replace(base, rows=rows, chains=chains, engine_error="", at=NOW, ready=True)


@pytest.mark.parametrize(
    ("severities", "code"),
    [
        ((), 0),
        ((Severity.OK,), 0),
        ((Severity.OK, Severity.WARN), 1),
        ((Severity.WARN, Severity.CRITICAL), 2),
        ((Severity.LIQUIDATABLE,), 2),
        ((Severity.LIQUIDATED, Severity.OK), 2),
        ((Severity.WARN, Severity.BLIND), 3),
        ((Severity.UNKNOWN, Severity.OK), 3),
        ((Severity.BLIND, Severity.CRITICAL), 2),
    ],
)
def test_exit_code_and_status_by_the_worst(severities, code):
    snapshot = with_severities(*severities)
    assert report.exit_code(snapshot) == code
    assert status.describe(verdict.of(snapshot), NOW + 5)[1] == code


@pytest.mark.parametrize("blind", ["chain", "market", "engine", "name"])
def test_what_could_not_be_read_is_never_ok(blind):
    snapshot, unresolved = with_severities(Severity.OK), ()
    first, *others = snapshot.chains
    if blind == "chain":
        snapshot = replace(snapshot, chains=(replace(first, error="timeout"), *others))
    elif blind == "market":
        stage = Stage("aave-v3", "main", done=False, error="no such pool")
        snapshot = replace(snapshot, chains=(replace(first, stages=(stage,)), *others))
    elif blind == "engine":
        snapshot = replace(snapshot, engine_error="the engine has died")
    else:
        unresolved = (("vitalik.eth", "no resolver"),)
    assert report.exit_code(snapshot, unresolved) == 3
    out = report.as_json(snapshot, unresolved)
    assert out["worst"] == "blind"
    assert out["errors"]
    if blind != "name":
        assert status.describe(verdict.of(snapshot), NOW + 5)[1] == 3


def test_a_chain_that_was_never_read_leaves_no_empty_all_clear():
    snapshot = with_severities()
    snapshot = replace(snapshot, chains=(replace(snapshot.chains[0], error="timeout"),))
    line, code = status.describe(verdict.of(snapshot), NOW + 5)
    assert code == 3
    assert "1 chain or market unread" in line


def test_positions_that_are_counted_as_blind_are_not_counted_as_unread_again():
    snapshot = with_severities(Severity.BLIND, Severity.UNKNOWN, Severity.WARN)
    assert "unread" not in status.describe(verdict.of(snapshot), NOW + 5)[0]
    chains = tuple(replace(chain, error="timeout") for chain in snapshot.chains)
    found = verdict.of(replace(snapshot, chains=chains))
    assert found.elsewhere == len(chains) > 1
    assert f"{len(chains)} chains or markets unread" in status.describe(found, NOW + 5)[0]
    assert verdict.of(replace(snapshot, engine_error="its thread ended")).elsewhere == 0


def test_why_a_position_is_not_read_stands_in_its_line_and_not_once_more(monkeypatch, capsys):
    snapshot = with_severities(Severity.BLIND, Severity.UNKNOWN)
    rows = tuple(replace(row, error="timeout: no answer") for row in snapshot.rows)
    snapshot = replace(snapshot, rows=rows, chains=(replace(snapshot.chains[0], error="timeout"),))
    session = SimpleNamespace(wallets=snapshot.wallets, config=SimpleNamespace(target=None))
    monkeypatch.setattr("liqtui.cli.session.begin", lambda _: session)
    monkeypatch.setattr(check, "_asked", lambda _: snapshot)
    assert check.run(Arguments()) == 3
    out = capsys.readouterr().out
    assert out.count("timeout: no answer") == len(rows) == 2
    assert [line for line in out.splitlines() if line.startswith("not read")] == ["not read: ethereum: timeout"]


def test_how_far_is_never_left_blank_where_a_position_was_read():
    passed, first = replace(scenes.ROWS[0].cushion, passed=True), scenes.ROWS[0]
    for row, said in (
        (first, "−4.3%"),
        (replace(first, cushion=passed), "now"),
        (replace(first, cushion=replace(first.cushion, direction=Direction.NONE, price=None)), "none"),
        (replace(first, cushion=None), "none"),
        (replace(first, cushion=None, position=replace(first.position, boundaries=())), "–"),
    ):
        assert lines.distance(row) == said


def test_an_old_verdict_says_nothing_about_now():
    line, code = status.describe(verdict.of(with_severities(Severity.OK)), NOW + 3600)
    assert code == 3
    assert "not watching, last seen 1h ago" in line
    assert status.describe(None, NOW)[1] == 3
    assert status.describe(None, NOW, lost="the daemon has died") == ("? liqtui: the daemon has died", 3)
    line, code = status.describe(verdict.of(with_severities(Severity.OK)), NOW + 5, lost="the daemon has died")
    assert code == 3
    assert line.startswith("◌ the daemon has died, last seen 5s ago:")
    assert "~" in line


def test_an_engine_that_does_not_move_is_told_with_the_age_of_what_it_saw_last():
    """Long before the verdict is old; one that limps and is heard of needs no age."""
    stands = replace(with_severities(Severity.OK), engine_error="the engine has not moved since 10:00:00Z: a bug")
    line, code = status.describe(verdict.of(stands), NOW + 34)
    assert line.startswith("◌ the engine has not moved since 10:00:00Z: a bug, last seen 34s ago:")
    assert code == 3
    line, code = status.describe(verdict.of(stands), NOW + 120)
    assert line.startswith("◌ not watching, last seen 2m ago:  ◌ the engine has not moved since 10:00:00Z: a bug  ")
    assert code == 3
    limps = replace(stands, engine_error="lab: a bug, starting again")
    assert status.describe(verdict.of(limps), NOW + 3)[0].startswith("◌ lab: a bug, starting again  ")


def test_json_is_plain_and_exact():
    snapshot = scenes.snapshot()
    out = json.loads(json.dumps(report.as_json(snapshot)))
    assert out["schema"] == 1
    first = next(found for found in out["positions"] if found["health"] and found["health"]["raw"])
    row = next(row for row in snapshot.rows if row.id == first["id"])
    assert first["health"]["raw"] == str(row.position.health.raw)
    assert [leg["amount"] for leg in first["debt"]] == [
        str(leg.amount) for leg in row.position.legs if leg.side.value == "debt"
    ]


def test_json_tells_how_it_is_liquidated_how_much_is_lent_and_what_the_caps_leave():
    snapshot = scenes.snapshot()
    row = next(row for row in snapshot.rows if row.position and len(row.position.legs) > 1)
    collateral = next(leg for leg in row.position.legs if leg.side is Side.COLLATERAL)
    debt = next(leg for leg in row.position.legs if leg.side is Side.DEBT)
    collateral = collateral._replace(utilization=8123, pool_cash=10**30, cap=2 * 10**24, cap_room=0)
    debt = debt._replace(utilization=None, pool_cash=None, cap=None, cap_room=None)
    rules = (("who", "anybody"), ("how much", "up to half of a debt"))
    position = replace(row.position, legs=(collateral, debt), engine=rules, carry_per_year=-5_00000000)
    out = json.loads(json.dumps(report.as_json(replace(snapshot, rows=(replace(row, position=position),)))))
    (found,) = out["positions"]
    sides = {leg.side.value: found[leg.side.value][0] for leg in (collateral, debt)}
    told = [{name: leg[name] for name in ("utilization", "pool_cash", "cap", "cap_room")} for leg in sides.values()]
    assert told == [
        {"utilization": "0.8123", "pool_cash": str(10**30), "cap": str(2 * 10**24), "cap_room": "0"},
        {"utilization": None, "pool_cash": None, "cap": None, "cap_room": None},
    ]
    assert found["liquidation_rules"] == [{"name": name, "text": text} for name, text in rules]
    assert found["carry_per_year"] == "-5"


def test_json_names_the_sigma_and_what_it_was_taken_from():
    snapshot = replace(scenes.snapshot(), sigmas=(Volatility("ETH", 0.0312, 86_400.6, 480),))
    told = {found["id"]: found["cushion"] for found in report.as_json(snapshot)["positions"] if found.get("cushion")}
    by_factor = {row.cushion.factor: told[row.id] for row in snapshot.rows if row.id in told}
    assert by_factor["ETH"]["sigma"] == {
        "factor": "ETH", "daily": "0.031200", "window_seconds": 86_401, "rounds": 480,
    }  # fmt: skip
    assert {cushion["sigma"] for factor, cushion in by_factor.items() if factor != "ETH"} == {None}


FIELDS = Path(__file__).parents[2] / "docs" / "check.md"


def test_every_field_of_a_position_is_in_the_page():
    page = re.sub(r"```.*?```", "", FIELDS.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = {part.strip("[]…") for words in re.findall(r"`([^`]+)`", page) for part in re.split(r"[., ]", words)}
    (first, *_) = [found for found in report.as_json(scenes.snapshot())["positions"] if found.get("collateral")]
    fields = {*first, *first["collateral"][0], *first["debt"][0], *first["boundaries"][0], *first["health"]}
    assert fields - named == set()


def test_ascii_lines_are_ascii():
    snapshot = scenes.snapshot()
    told = [lines.verdict(snapshot, ascii_only=True), *lines.table(snapshot.rows, ascii_only=True)]
    told += [lines.alert(entry, ascii_only=True) for entry in snapshot.alerts]
    assert all(line.isascii() for line in told)


def test_columns_stand_under_each_other():
    head, *body = lines.table(scenes.snapshot().rows)
    edge = head.index("health") + len("health")
    assert len({line[edge : edge + 2] for line in body}) == 1


def test_a_search_that_is_under_way_is_said_and_is_no_error():
    stage = Stage("morpho-blue", "ethereum", done=False, note="logs to block 5 of 9")
    snapshot = with_severities(Severity.OK)
    snapshot = replace(snapshot, chains=(replace(snapshot.chains[0], stages=(stage,)),))
    out = report.as_json(snapshot)
    scope = f"{snapshot.chains[0].name}: morpho-blue ethereum"
    assert out["searching"] == [{"scope": scope, "detail": "logs to block 5 of 9"}]
    assert (out["errors"], report.exit_code(snapshot)) == ([], 0)


def test_what_to_do_has_a_line_of_its_own_where_the_terminal_is_narrow():
    rows = scenes.snapshot().rows
    wide = lines.table(rows)
    assert lines.table(rows, width=max(map(len, wide))) == wide
    narrow = lines.table(rows, width=max(map(len, wide)) - 1)
    told = [line.strip() for line in narrow if line.startswith("   ") and "repay" in line]
    assert told
    assert all(any(line.endswith(text) for line in wide) for text in told)
    assert max(map(len, narrow)) < max(map(len, wide))
    assert len(narrow) == len(wide) + sum(line.startswith("   ") for line in narrow[1:])


def test_without_debt_no_price_is_unknown():
    row = scenes.ROWS[0]
    free = replace(
        row, cushion=None, position=replace(row.position, legs=row.position.legs[:2], debt_value=0, boundaries=())
    )
    assert (lines.distance(free), figures.distance(free)) == ("none", "none")
    owing = replace(row, cushion=None, position=replace(row.position, boundaries=()))
    assert (lines.distance(owing), figures.distance(owing)) == ("–", "–")


async def test_who_waits_sees_how_many_have_answered(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    asking = Asking("chains", 2)

    async def answer(value):
        return value

    assert [await asking.counted(answer(value)) for value in "ab"] == ["a", "b"]
    assert capsys.readouterr().err.split("\r\x1b[K") == ["", "asking chains: 0 of 2", "asking chains: 1 of 2", ""]


def test_an_alert_of_a_recording_does_not_go_on_behind_its_count(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    tell = _Teller(ascii_only=False)
    tell(scenes.snapshot(alerts=()), 1)
    tell(scenes.snapshot(2), 2)
    shown = capsys.readouterr()
    assert shown.err.startswith("\r\x1b[K1 frame, 0s\r\x1b[K")
    assert shown.err.endswith("2 frames, 0s")
    assert len(shown.out.splitlines()) == len(scenes.ALERTS)
