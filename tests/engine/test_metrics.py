"""The endpoint for Prometheus, asked as Prometheus asks."""

import re
import socket
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from liqtui.config import load
from liqtui.config.errors import ConfigError
from liqtui.core.snapshot import Freshness, Severity
from liqtui.engine.metrics import SILENT, Metrics
from tests.ui import scenes

RULES = Path(__file__).parents[2] / "docs" / "prometheus-alerts.yml"


@pytest.fixture
def served():
    state = {"now": scenes.snapshot()}
    clock = scenes.clock()
    metrics = Metrics(lambda: state["now"], clock)
    assert metrics.open("127.0.0.1", 0) == ""
    yield metrics, state, clock
    metrics.close()


def ask(metrics, host=None, path="/metrics"):
    request = urllib.request.Request(f"http://127.0.0.1:{metrics.port}{path}")
    if host:
        request.add_header("Host", host)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def figures(metrics, name):
    families = text_string_to_metric_families(ask(metrics))
    return {s.labels.get("position", ""): s.value for f in families for s in f.samples if s.name == name}


def test_a_position_is_there_while_it_is_trusted_and_gone_when_it_is_gone(served):
    metrics, state, _ = served
    row = next(row for row in state["now"].rows if row.trusted and row.cushion and row.position.health.shown < 10**19)
    assert figures(metrics, "liqtui_health")[row.id] == row.position.health.shown / 10**18
    blind = replace(row, freshness=Freshness.BLIND, severity=Severity.BLIND)
    state["now"] = replace(state["now"], rows=(blind,))
    assert figures(metrics, "liqtui_health") == {}
    assert figures(metrics, "liqtui_cushion_ratio") == {}
    assert figures(metrics, "liqtui_freshness") == {row.id: 3}
    state["now"] = replace(state["now"], rows=())
    assert row.id not in ask(metrics)


@pytest.mark.parametrize("how", ["dead", "silent"])
def test_an_engine_that_is_dead_or_silent_shows_no_health(served, how):
    metrics, state, _ = served
    if how == "dead":
        state["now"] = replace(state["now"], engine_error="the engine has died")
    else:
        state["now"] = replace(state["now"], at=state["now"].at - SILENT - 1)
    assert figures(metrics, "liqtui_health") == {}
    assert figures(metrics, "liqtui_engine_up") == {"": 0}


def test_only_loopback_names_are_answered(served):
    metrics, *_ = served
    assert "liqtui_health" in ask(metrics, "localhost:9464")
    for host, path, code in (("evil.example", "/metrics", 403), ("127.0.0.1", "/", 404)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(metrics, host, path)
        assert refused.value.code == code
        refused.value.close()


def test_a_port_in_use_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = Metrics(scenes.snapshot, scenes.clock()).open("127.0.0.1", taken.getsockname()[1])
    assert "cannot listen" in told


def test_the_example_rules_name_metrics_that_exist(served):
    metrics, *_ = served
    text = ask(metrics)
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    assert len(rules) >= 5
    for rule in rules:
        for name in re.findall(r"liqtui_\w+", rule["expr"]):
            assert f"# TYPE {name} " in text


def test_other_addresses_have_to_be_allowed(tmp_path):
    with pytest.raises(ConfigError):
        load.parse('[metrics]\nlisten = "0.0.0.0:9464"\n', tmp_path / "config.toml")
    allowed = load.parse('[metrics]\nlisten = "0.0.0.0:9464"\nallow_remote = true\n', tmp_path / "config.toml")
    assert allowed.metrics == ("0.0.0.0", 9464)
    assert load.parse('[metrics]\nlisten = "[::1]:1"\n', tmp_path / "config.toml").metrics == ("::1", 1)
    assert load.parse("", tmp_path / "config.toml").metrics is None


def test_an_alert_counts_by_its_number_whatever_its_date(served):
    _, state, clock = served
    first = state["now"].alerts[0]
    metrics = Metrics(lambda: state["now"], clock, last=first.id)
    told = [replace(first, id=first.id + more, at=clock.now() - 10_000 * more) for more in (2, 1)]
    metrics.heard(replace(state["now"], alerts=(*told, first)))
    metrics.heard(replace(state["now"], alerts=(*told, first)))
    assert sum(metrics._told.values()) == 2
