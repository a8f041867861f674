"""What the log of a daemon tells of deliveries."""

import io
import json

from liqtui.cli.journal import Journal
from liqtui.cli.logs import Log
from liqtui.core.reads import Block
from liqtui.core.snapshot import ChainState, Delivery, DeliveryState, Freshness, Snapshot


def told(level: str, *states: Delivery) -> list[tuple[str, str]]:
    """Level and state of each line of a delivery that goes through these states."""
    out = io.StringIO()
    log = Log(out, "json", level)
    journal = Journal(log, since=0.0)
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
    journal = Journal(log, since=0.0)
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
