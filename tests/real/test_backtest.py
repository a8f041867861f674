"""A crash in real contracts, recorded by the program and played through the default rules."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from liqtui.chain.tape import load_tape
from liqtui.cli.main import main
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds
from liqtui.engine.backtest import Outcome, Report, backtest
from liqtui.engine.reel import setup_of
from tests.lab.crash import GAP, SLIDE, Crash, CrashLab
from tests.lab.lab import Lab
from tests.lab.market import wallet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WARN = 120 * WAD // 100


@pytest.fixture(scope="module")
def crash_lab(lab_cache: Path) -> Iterator[CrashLab]:
    with Lab.build(lab_cache, generations=("aave36",), chain_id=31450) as lab:
        yield CrashLab(lab, lab_cache)


@pytest.fixture(scope="module")
def slide(crash_lab: CrashLab, tmp_path_factory: pytest.TempPathFactory) -> Crash:
    return crash_lab.record(tmp_path_factory.mktemp("slide") / "slide.tape", SLIDE)


@pytest.fixture(scope="module")
def gap(crash_lab: CrashLab, tmp_path_factory: pytest.TempPathFactory) -> Crash:
    return crash_lab.record(tmp_path_factory.mktemp("gap") / "gap.tape", GAP)


def played(crash: Crash, **more: float) -> Report:
    tape = load_tape(crash.tape)
    return backtest(tape, setup_of(tape), **more)


def test_the_default_rules_warn_before_every_liquidation_of_three_protocols(slide: Crash) -> None:
    report = played(slide)
    found = sorted((hit.at, record.label) for record in report.records for hit in record.liquidations)
    assert found == sorted((float(hit.at + 1), hit.name) for hit in slide.hits), "as the contracts let it happen"
    assert len(found) >= 3
    assert {record.protocol for record in report.records if record.liquidations} == {
        "aave-v3",
        "morpho-blue",
        "compound-v2",
    }
    assert report.missed == 0
    assert all((hit.lead or 0) >= 5 * 60 for record in report.records for hit in record.liquidations)


def test_the_lead_is_that_of_the_contract_s_own_health(slide: Crash) -> None:
    """From the block in which Aave itself answers less than 1.20 to the last one before the liquidation."""
    for record in played(slide).records:
        if record.protocol != "aave-v3" or not record.liquidations:
            continue
        under = next(at for at, health in slide.health if health[record.label] < WARN)
        for hit in record.liquidations:
            last = max(at for at, _ in slide.health if at + 1 < hit.at)
            assert hit.lead == last - under
            assert hit.warning is not None
            assert hit.warning.at == under + 1


def test_what_became_of_the_other_warnings(slide: Crash) -> None:
    outcomes = {record.label: [warning.outcome for warning in record.warnings] for record in played(slide).records}
    assert outcomes["cr-saver"] == [Outcome.ACTED], "it repaid"
    assert outcomes["cr-dip"] == [Outcome.FALSE], "over by itself"
    assert outcomes["cr-calm"] == []
    assert outcomes["cr-loan"] == [Outcome.LIQUIDATED]
    assert played(slide).false_alarms == 1
    assert played(slide, window=60).false_alarms == 0


def test_lower_thresholds_leave_less_time(slide: Crash) -> None:
    tape = load_tape(slide.tape)
    setup = setup_of(tape)
    setup = replace(setup, rules=setup.rules._replace(reaction=0.0))  # the pace alone would warn all the same
    usual = {record.id: record.least_lead for record in backtest(tape, setup).records}
    tight = Thresholds(warn=106 * WAD // 100, critical=103 * WAD // 100)
    for record in backtest(tape, replace(setup, thresholds=tight)).records:
        if record.liquidations:
            assert (record.least_lead or 0) < (usual[record.id] or 0)


def test_a_wallet_s_own_thresholds_hold_for_it_alone(slide: Crash) -> None:
    tape = load_tape(slide.tape)
    setup = setup_of(tape)
    own = [
        replace(each, thresholds=Thresholds(warn=135 * WAD // 100)) if each.label == "cr-loan" else each
        for each in setup.wallets
    ]
    before = {record.label: record.least_lead for record in backtest(tape, setup).records}
    after = {record.label: record.least_lead for record in backtest(tape, replace(setup, wallets=tuple(own))).records}
    assert (after["cr-loan"] or 0) > (before["cr-loan"] or 0)
    assert after["cr-tight"] == before["cr-tight"]


def test_nobody_can_be_warned_of_a_gap(gap: Crash) -> None:
    report = played(gap)
    assert report.liquidations == len(gap.hits) >= 3
    assert report.missed == report.liquidations
    assert all(hit.lead == 0 for record in report.records for hit in record.liquidations)


def test_the_command_tells_it_by_its_exit_code(
    slide: Crash, gap: Crash, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", str(slide.tape)]) == 0
    told = capsys.readouterr().out
    for hit in slide.hits:
        assert f"{hit.name} " in told
    assert told.count("warned at least") == len(slide.hits)
    assert "7 positions, 8 liquidated, 0 missed, 1 false alarm" in told
    assert main(["backtest", str(slide.tape)]) == 0
    assert capsys.readouterr().out == told, "the same each time"
    assert main(["backtest", str(slide.tape), "--lead", "10m"]) == 1
    assert "MISSED, warned only 9m before" in capsys.readouterr().out
    assert main(["backtest", str(gap.tape)]) == 1
    assert "MISSED" in capsys.readouterr().out
    config = tmp_path / "tight.toml"
    config.write_text("[thresholds]\nwarn = 1.0001\ncritical = 1.00001\n")
    assert main(["backtest", str(slide.tape), "--config", str(config), "--json"]) == 1
    plain = json.loads(capsys.readouterr().out)
    assert plain["schema"] == 1
    assert plain["totals"]["missed"] > 0
    assert wallet("cr-loan").lower() in {position["id"].rpartition(":")[2] for position in plain["positions"]}
