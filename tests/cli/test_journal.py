"""What the log of a daemon tells of alerts and deliveries."""

import io
import json

from liqtui.cli.journal import Journal
from liqtui.cli.logs import Log
from liqtui.core.reads import Block
from liqtui.core.snapshot import Alert, ChainState, Delivery, DeliveryState, Freshness, Severity, Snapshot


def told(level: str, *states: Delivery) -> list[tuple[str, str]]:
    """Level and state of each line of a delivery that goes through these states."""
    out = io.StringIO()
    log = Log(out, "json", level)
    journal = Journal(log)
    for version, one in enumerate(states):
        journal.tell(Snapshot(version, 0.0, deliveries=(one,)))
    log.close()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return [(line["level"], line["state"]) for line in lines if line["event"] == "delivery"]


def delivery(state: DeliveryState, at: float, reason: str = "") -> Delivery:
    return Delivery(1, "phone", state, 1, at, None, reason)


def test_a_delivery_is_one_line_its_way_there_is_for_who_asks() -> None:
    way = [
        delivery(DeliveryState.WAITING, 1.0), delivery(DeliveryState.SENDING, 2.0),
        delivery(DeliveryState.DELIVERED, 3.0),
    ]  # fmt: skip
    assert told("info", *way) == [("info", "delivered")]
    assert told("debug", *way) == [("debug", "waiting"), ("debug", "sending"), ("info", "delivered")]


def test_a_try_that_failed_is_told_with_what_came_of_it() -> None:
    way = [
        delivery(DeliveryState.SENDING, 1.0), delivery(DeliveryState.WAITING, 2.0, "timeout"),
        delivery(DeliveryState.FAILED, 3.0, "refused"),
    ]  # fmt: skip
    assert told("info", *way) == [("warning", "waiting"), ("warning", "failed")]


def test_a_field_of_any_kind_is_written_and_raises_nothing() -> None:
    out = io.StringIO()
    log = Log(out, "json", "info")
    log.event("info", "odd", listed=[1, 2], table={"a": 1}, empty="", missing=None, zero=0)
    log.close()
    (line,) = [json.loads(text) for text in out.getvalue().splitlines()]
    assert line["event"] == "odd"
    assert {"listed", "table", "zero"} <= line.keys()
    assert {"empty", "missing"}.isdisjoint(line)


def test_a_chain_is_read_again_only_when_it_is() -> None:
    out = io.StringIO()
    log = Log(out)
    journal = Journal(log)
    block = Block(7, "0x00", 1)
    way = [
        ChainState("lab", 1, None, None, Freshness.BLIND, error="timeout"),
        ChainState("lab", 1, None, None, Freshness.BLIND),  # another engine has begun
        ChainState("lab", 1, None, None, Freshness.BLIND, error="timeout"),
        ChainState("lab", 1, block, 1, Freshness.FRESH),
    ]
    for version, one in enumerate(way):
        journal.tell(Snapshot(version, 0.0, chains=(one,)))
    log.close()
    states = [line["state"] for text in out.getvalue().splitlines() if (line := json.loads(text))["event"] == "chain"]
    assert states == ["timeout", "timeout", "read again"]


class Heard(Log):
    """Keeps the event and the number of the alert in each line."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, object]] = []

    def event(self, level: str, event: str, **fields: object) -> None:
        self.lines.append((event, fields.get("id", fields.get("alert"))))


class Told:
    """A journal, and what is new in its log with each snapshot."""

    def __init__(self) -> None:
        self.log = Heard()
        self.journal = Journal(self.log)

    def tell(self, *alerts: Alert, deliveries: tuple[Delivery, ...] = ()) -> list[tuple[str, object]]:
        self.log.lines = []
        self.journal.tell(Snapshot(1, 0.0, alerts=alerts, deliveries=deliveries))
        return self.log.lines


def alert(number: int, at: float) -> Alert:
    return Alert(number, at, Severity.WARN, "threshold", "1:a:b:c", "a row", "thin")


def test_alerts_under_a_clock_that_was_set_back_are_told_and_those_from_before_are_not() -> None:
    old, sent = alert(7, 5000.0), Delivery(7, "phone", DeliveryState.WAITING, 0, 5000.0, None, "")
    made = Told()
    assert made.tell() == []
    made.journal.begins(7)
    assert made.tell(old, deliveries=(sent,)) == []
    new = alert(8, 100.0)
    assert made.tell(new, old, deliveries=(sent,)) == [("alert", 8)]
    done = sent._replace(state=DeliveryState.DELIVERED, at=101.0)
    also = Delivery(8, "phone", DeliveryState.DELIVERED, 1, 101.0, None, "")
    assert made.tell(new, old, deliveries=(also, done)) == [("delivery", 8), ("delivery", 7)]


def test_another_engine_repeats_nothing_and_hides_nothing() -> None:
    made = Told()
    made.journal.begins(0)
    sent = Delivery(1, "phone", DeliveryState.DELIVERED, 1, 1.0, None, "")
    assert made.tell(alert(1, 1.0), deliveries=(sent,)) == [("alert", 1), ("delivery", 1)]
    assert made.tell() == []  # it has begun and read nothing
    made.journal.begins(2)  # and finds one that the last one made in its end
    assert made.tell(alert(2, 1.0), alert(1, 1.0), deliveries=(sent,)) == [("alert", 2)]
    made.journal.begins(0)  # the history is lost
    assert made.tell(alert(1, 2.0)) == [("alert", 1)]
