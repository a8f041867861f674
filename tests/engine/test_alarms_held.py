"""Alerts that are held, and told when that is over: quiet hours, mute, maintenance; and the daily summary."""

from liqtui.core.rules import Desk as Rulebook
from liqtui.core.rules import Maintenance, Quiet
from liqtui.core.snapshot import Level
from tests.engine.desk import kinds, many
from tests.engine.fakes import START, wallet


def test_quiet_hours_hold_a_call_let_a_crisis_through_and_tell_at_their_end(alarm_desk):
    made = many(alarm_desk, 2, rulebook=Rulebook(quiet=Quiet(13 * 60, 14 * 60)))
    made.round()
    made.round(3700, price=1450)
    (held,) = made.monitor.publish(made.now).alerts
    assert held.held == "quiet hours"
    assert held.level is Level.CALL
    made.round(1500, price=1450)
    assert [post.escalated for post in made.posted] == [0], "what is held is not called louder"
    found = made.round(price=1200)
    assert (found.alerts[0].kind, found.alerts[0].held) == ("liquidatable", "")
    made.round(price=1900)
    for _ in range(10):
        found = made.round(300, price=1900)
    summary = next(alert for alert in found.alerts if alert.kind == "held")
    assert summary.text.startswith("quiet hours over: ")
    assert "none stands any more" in summary.text
    assert [alert.held for alert in found.alerts] == [""] * len(found.alerts)
    assert sum(alert.kind == "held" for alert in found.alerts) == 1


def test_what_still_stands_after_the_quiet_is_called_again(alarm_desk):
    made = alarm_desk(rulebook=Rulebook(quiet=Quiet(13 * 60, 14 * 60)))
    made.round()
    made.round(3700, price=1450)
    for _ in range(400):
        found = made.round(price=1450)
    summary = next(alert for alert in found.alerts if alert.kind == "held")
    assert "1 alert kept back, 1 still stands: w1 fake lab HF now 1.160 · HF 1.600 → 1.160" in summary.text
    assert summary.level is Level.CALL
    assert found.alerts[-1].escalated == 1


def test_muting_what_rings_silences_it_and_says_so_until_it_ends(alarm_desk):
    made = alarm_desk()
    made.round()
    made.round(price=1450)
    made.round(price=1450)
    assert [post.escalated for post in made.posted] == [0]
    made.monitor.mute(wallet(1).address, made.now + 3000)
    for _ in range(5):
        found = made.round(600, price=1450)
        muted = [notice for notice in found.notices if notice.startswith("muted: w1 until ")]
        assert len(muted) == (found.at < made.now + 1 and dict(found.muted).get(wallet(1).key, 0) > found.at)
    assert [post.escalated for post in made.posted] == [0, 1], "again only when the mute has ended"
    assert not any(notice.startswith("muted") for notice in found.notices)


def test_quiet_hours_are_said_with_how_many_wait(alarm_desk):
    made = alarm_desk(rulebook=Rulebook(quiet=Quiet(13 * 60, 14 * 60)))
    assert made.round().notices == ()
    made.round(3700, price=1450)
    (told,) = made.round(price=1450).notices
    assert told.startswith("quiet hours until 14:00 local time: below critical nothing rings, 1 alert waits;")


def test_mute_outlives_a_restart_and_never_hides_a_liquidation(alarm_desk, tmp_path):
    made = alarm_desk(folder=tmp_path)
    made.round()
    made.monitor.mute(wallet(1).address.upper().replace("0X", "0x"), made.now + 90_000)
    made.restart(tmp_path)
    made.round(price=1450)
    found = made.round(price=1450)
    assert [alert.held for alert in found.alerts] == ["muted"]
    assert found.muted
    found = made.round(price=1200)
    assert (found.alerts[0].kind, found.alerts[0].held) == ("liquidatable", "")
    made.monitor.mute(wallet(1).address, None)
    found = made.round(price=1200)
    assert found.alerts[0].kind == "held"
    assert found.alerts[0].text.startswith("muted over: 1 alert kept back, 1 still stands")


def test_maintenance_is_told_when_it_ends(alarm_desk):
    window = Maintenance(START, START + 600, "lab", "upgrade")
    made = alarm_desk(rulebook=Rulebook(maintenance=(window,)))
    made.round()
    assert [alert.held for alert in made.round(price=1450).alerts] == ["maintenance: upgrade"]
    found = made.round(700, price=1450)
    assert found.alerts[0].text.startswith("maintenance: upgrade over: 1 alert kept back")


def test_a_digest_a_day_over_a_restart_with_the_hours_nobody_watched(alarm_desk, tmp_path):
    made = alarm_desk(folder=tmp_path, rulebook=Rulebook(digest=13 * 60))
    made.round()
    assert made.round(3000).alerts == ()
    found = made.round(700)
    assert [alert.kind for alert in found.alerts] == ["digest"]
    made.restart(tmp_path)
    assert kinds(made.round(3600)).count("digest") == 1
    found = made.round(86_400 - 3600)
    first, second = (alert for alert in reversed(found.alerts) if alert.kind == "digest")
    assert second.at - first.at == 86_400
    assert "nobody watched for" in second.text
    assert "1 ok" in second.text


def test_a_digest_of_quiet_hours_comes_when_they_end_once_over_restarts(alarm_desk, tmp_path):
    """Due at 13:00, quiet from 12:30 to 15:00; it tells of what was said meanwhile."""
    made = alarm_desk(folder=tmp_path, rulebook=Rulebook(digest=780, quiet=Quiet(750, 900)))
    made.round()
    made.round(3600 - 12, price=1450)
    for _ in range(3):
        made.restart(tmp_path)
        assert "digest" not in kinds(made.round(1800, price=1450))
    found = made.round(1800, price=1450)
    assert made.now - START == 3 * 3600
    (told,) = (alert for alert in found.alerts if alert.kind == "digest")
    assert "1 warn" in told.text
    assert "since the last summary: 1 call" in told.text
    made.restart(tmp_path)
    for _ in range(40):
        found = made.round(1800, price=1450)
    days = [alert.at for alert in found.alerts if alert.kind == "digest"]
    assert days == [told.at]
    found = made.round(4 * 3600, price=1450)
    assert [alert.at - told.at for alert in found.alerts if alert.kind == "digest"] == [86_400, 0]
