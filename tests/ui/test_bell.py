"""When this terminal rings, and what it is sent."""

from __future__ import annotations

from dataclasses import replace

from liqtui.core.snapshot import Alert, Severity
from liqtui.ui.bell import PAUSE, Bell
from liqtui.ui.state import Settings
from tests.ui import scenes
from tests.ui.stage import make, post, stage

OLD = scenes.snapshot()


def alert(number: int, severity: Severity = Severity.WARN, text: str = "HF 1.15") -> Alert:
    return Alert(number, scenes.NOW, severity, "threshold", "family spark eth", text, cure="repay 1 DAI")


def with_alerts(*alerts: Alert, version: int = 2) -> scenes.Snapshot:
    return scenes.snapshot(version, alerts=(*alerts, *scenes.ALERTS))


def bell(**settings: object) -> Bell:
    made = Bell(Settings(**{"notify": "osc9", **settings}), {"TERM": "xterm"})  # type: ignore[arg-type]
    made.sequences(OLD, 0.0, OLD.worst)
    return made


def test_old_alerts_are_old_news() -> None:
    fresh = Bell(Settings(notify="osc9"), {"TERM": "xterm"})
    assert fresh.sequences(OLD, 0.0, OLD.worst) == "\x1b]2;▲3 liqtui\x07"
    assert fresh.sequences(OLD, 100.0, OLD.worst) == ""


def test_a_new_alert_rings_once_with_its_cure() -> None:
    one = bell()
    told = one.sequences(with_alerts(alert(6)), 10.0, OLD.worst)
    assert told.endswith("\x07\x1b]9;WARN family spark eth: HF 1.15 · repay 1 DAI\x07")
    assert one.sequences(with_alerts(alert(6), version=3), 100.0, OLD.worst) == ""


def test_calm_or_acknowledged_alerts_do_not_ring() -> None:
    one = bell()
    assert one.sequences(with_alerts(alert(7, Severity.OK), replace(alert(6), acked_at=1.0)), 10.0, OLD.worst) == ""


def test_a_flood_rings_at_most_every_pause_and_tells_how_many() -> None:
    one = bell()
    assert "\x07" in one.sequences(with_alerts(alert(6)), 10.0, OLD.worst)
    held = one.sequences(with_alerts(alert(8, Severity.CRITICAL), alert(7), alert(6)), 11.0, OLD.worst)
    assert "]9;" not in held
    told = one.sequences(with_alerts(alert(8, Severity.CRITICAL), alert(7), alert(6)), 10.0 + PAUSE, OLD.worst)
    assert "CRITICAL family spark eth (+1 more)" in told


def test_settings_silence_the_bell_or_the_notification() -> None:
    quiet = bell(bell=False, notify="off").sequences(with_alerts(alert(6)), 10.0, OLD.worst)
    assert quiet == "\x1b]2;▲4 liqtui\x07"


def test_text_from_chain_cannot_break_out_of_the_sequence() -> None:
    told = bell().sequences(with_alerts(alert(6, text="x\x07\x1b]52;c;evil\x1b\\y")), 10.0, OLD.worst)
    body = told.split("]9;", 1)[1]
    assert body.count("\x07") == 1
    assert body.endswith("\x07")
    assert "\x1b" not in body


async def test_the_app_writes_it_to_its_terminal() -> None:
    app = make(notify="osc9")
    written: list[str] = []
    async with stage(app) as pilot:
        assert app._driver is not None
        app._driver.write = written.append  # type: ignore[method-assign]
        await post(pilot, with_alerts(alert(6)))
        assert any("WARN family spark eth" in text for text in written)
        written.clear()
        await post(pilot, with_alerts(alert(6), version=3))
        assert written == []


def test_what_is_kept_quiet_does_not_ring() -> None:
    one = bell()
    quiet = (replace(alert(6), held="quiet hours"), replace(alert(7), snoozed_until=scenes.NOW + 60))
    assert one.sequences(with_alerts(*quiet), 10.0, OLD.worst) == "\x1b]2;▲5 liqtui\x07"


def test_an_escalated_alert_rings_again_and_only_once() -> None:
    one = bell()
    one.sequences(with_alerts(alert(6)), 10.0, OLD.worst)
    louder = with_alerts(replace(alert(6), escalated=1), version=3)
    assert "\x07\x1b]9;" in one.sequences(louder, 100.0, OLD.worst)
    assert one.sequences(replace(louder, version=4), 200.0, OLD.worst) == ""
    acked = with_alerts(replace(alert(6), escalated=2, acked_at=1.0), version=5)
    assert "]9;" not in one.sequences(acked, 300.0, OLD.worst)
