"""Which alerts stay in memory when newer ones come: none that is held or stands is forgotten in silence."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.drafts import OFF
from liqtui.core.rules import Desk as Rulebook
from liqtui.core.rules import Quiet
from liqtui.core.snapshot import Alert, Level, Severity
from liqtui.engine import alarms, history, recall
from liqtui.engine.shelf import pending, trim

QUIET = Rulebook(quiet=Quiet(13 * 60, 14 * 60))


@pytest.fixture
def small(monkeypatch):
    """Three alerts are kept, ten in any case."""
    for module in (alarms, history, recall):
        monkeypatch.setattr(module, "ALERTS_KEPT", 3)
        monkeypatch.setattr(module, "MOST", 10)


def noise(made, count):
    """So many alerts that are over at once."""
    for _ in range(count):
        made.monitor.report("disk", "full", made.now)
        made.monitor.publish(made.now)
        made.monitor.report("disk", "", made.now)
    return made.monitor.publish(made.now)


def test_what_quiet_hours_hold_is_released_whatever_came_after_it(small, alarm_desk, tmp_path):
    made = alarm_desk(rulebook=QUIET, folder=tmp_path)
    made.round()
    (held,) = made.round(3700, price=1450).alerts
    assert held.held == "quiet hours"
    assert [alert.id for alert in noise(made, 6).alerts] == [7, 6, 5, 4, 3, 2, held.id], "all are held"
    made.restart(tmp_path)
    found = made.round(price=1450)
    assert [alert.id for alert in found.alerts] == [7, 6, 5, 4, 3, 2, held.id], "over a restart too"
    found = made.round(3700, price=1450)
    (summary,) = [alert for alert in found.alerts if alert.kind == "held"]
    assert "7 alerts kept back, 1 still stands" in summary.text


def test_what_nobody_acknowledged_is_called_again_whatever_came_after_it(small, alarm_desk):
    made = alarm_desk()
    made.round()
    (first,) = made.round(price=1450).alerts
    noise(made, 20)
    for _ in range(200):
        found = made.round(price=1450)
    assert [alert.escalated for alert in found.alerts if alert.id == first.id] == [2]
    made.monitor.acknowledge(first.id, made.now)
    assert first.id not in [alert.id for alert in noise(made, 5).alerts]


def test_the_hard_bound_is_said_and_keeps_what_is_loudest(small, alarm_desk):
    made = alarm_desk()
    made.round()
    made.round(price=1100)
    for place in range(30):
        made.monitor.report(f"part {place}", "broken", made.now)
        made.monitor.publish(made.now)
    found = made.monitor.publish(made.now)
    assert len(found.alerts) == 10
    assert found.alerts[-1].kind == "liquidatable"
    (told,) = [notice for notice in found.notices if "do not ring again" in notice]
    assert "21 of the least loud and oldest" in told
    made.monitor.acknowledge(None, made.now)
    assert not [notice for notice in made.round(price=1100).notices if "do not ring again" in notice]


def test_the_log_tells_once_that_an_alert_was_raised_however_late_it_is_over(small, alarm_desk, tmp_path):
    made = alarm_desk(folder=tmp_path)
    made.round()
    (first,) = made.round(price=1450).alerts
    noise(made, 20)
    made.round(price=2000)
    made.monitor.save(made.now, last=True)
    told = [what for (what,) in made.history._rows("SELECT what FROM event WHERE alert = ? ORDER BY id", first.id)]
    assert told == ["raised", "over"]


FATE = st.fixed_dictionaries(
    {
        "acked_at": st.sampled_from([None, 1.0]),
        "over_at": st.sampled_from([None, 1.0]),
        "held": st.sampled_from(["", OFF, "quiet hours"]),
        "level": st.sampled_from(Level),
    }
)


@given(fates=st.lists(FATE, max_size=30), newest=st.integers(1, 5), more=st.integers(0, 10))
def test_trimming(fates, newest, more):
    every = [
        Alert(len(fates) - place, 0.0, Severity.WARN, "blind", "t", "x", **fate) for place, fate in enumerate(fates)
    ]
    kept = list(every)
    lost = trim(kept, newest, newest + more)
    assert kept[:newest] == every[:newest]
    assert len(kept) <= newest + more
    assert kept == [alert for alert in every if alert in kept], "their order stays"
    older = [alert for alert in every[newest:] if pending(alert)]
    assert lost == max(0, len(older) - more)
    assert all(alert in older for alert in kept[newest:])
    assert len(kept[newest:]) == len(older) - lost
    gone = [alert.level.rank for alert in older if alert not in kept]
    assert max(gone, default=0) <= min((alert.level.rank for alert in kept[newest:]), default=9)


def test_what_is_pending():
    stands = Alert(1, 0.0, Severity.WARN, "blind", "t", "x")
    assert pending(stands)
    assert pending(replace(stands, held="quiet hours", over_at=1.0)), "to be told when the hours end"
    assert not pending(replace(stands, held=OFF))
    assert not pending(replace(stands, over_at=1.0))
    assert not pending(replace(stands, acked_at=1.0, held="quiet hours"))
