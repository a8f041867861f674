from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.letters import key, letter, places, plain, trial
from liqtui.core.snapshot import Alert, Level, Severity

AT = 1_700_000_000.0

HOSTILE = [
    "@everyone", "<!channel>", "<@U123>", "[free](https://evil.example)", "claim-usdc.io", "http://evil.example/x",
    "**fake**", "`code`", "~~gone~~", "||hidden||", "<b>bold</b>", "&lt;!here&gt;", "# heading", "a\nb\r\nBcc: x@y.zz",
    "\x1b]2;title\x07", "evil。example", "evil．io", "x\u202egnp.exe", "\\*", "_it_",
]  # fmt: skip
MARKS = set("<>&@`*_~|#[]\\")
LINK = re.compile(r"://|\w[.．。｡․](?!eth\b)[^\W\d_]{2}")


def alert(number: int, title: str = "treasury aave-v3 lab", **more: object) -> Alert:
    fields = {"at": AT, "severity": Severity.CRITICAL, "kind": "threshold", "text": "HF 1.063 → 1.042, under 1.05"}
    fields |= {"level": Level.CRITICAL, "position": title, "positions": (title,)}
    return Alert(number, title=title, **(fields | more))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_from_chain_is_a_link_a_mention_or_a_mark(text: str) -> None:
    one = alert(1, text, text=text, cure=text, facts=((text, text),))
    for alerts in ([one], [one, alert(2)]):
        about = letter(alerts, AT)
        for form in (about.subject(), about.text(5000), about.markdown(5000).replace("**", "")):
            assert not MARKS & set(form)
            assert not LINK.search(form)
        assert set(re.findall(r"<[^>]*>", about.html(5000))) <= {"<b>", "</b>", "<br>"}
        assert "\n" not in about.subject()


@given(st.text(max_size=80))
def test_plain_leaves_nothing_to_obey(text: str) -> None:
    found = plain(text)
    assert not MARKS & set(found)
    assert not LINK.search(found)
    assert found.isprintable()


@pytest.mark.parametrize(
    "text", ["HF 1.063 → 1.042, under 1.05 · liquidation at ETH 2,308.5 (−4.3%)", "vault.eth", "repay 0.5 WETH"]
)
def test_figures_and_ens_names_stay_as_they_are(text: str) -> None:
    assert plain(text) == text


def test_a_line_is_no_list_item_and_no_heading_in_markdown() -> None:
    for text in ("- item", "1. item", "+ x", "=== x", "--- x"):
        lines = letter([alert(1, text=text)], AT).markdown(5000).split("\n\n")
        assert lines[0] == f"· {text}"


def test_a_single_alert_says_everything_about_it() -> None:
    one = alert(1, cure="repay 5 USDC", facts=(("health", "1.042"),), block=123, positions=("a", "b"))
    about = letter([one], AT + 7200)
    assert about.subject() == "CRITICAL · treasury aave-v3 lab (+1)"
    assert about.text(5000).splitlines() == [
        "HF 1.063 → 1.042, under 1.05", "Do: repay 5 USDC", "health: 1.042",
        "2023-11-14T22:13:20Z, block 123, sent 2h late",
    ]  # fmt: skip


def test_an_escalated_alert_says_so() -> None:
    assert "nobody has acknowledged it" in letter([alert(1, escalated=1)], AT).text(5000)
    assert "2 times" in letter([alert(1, escalated=2)], AT).text(5000)


def test_many_alerts_are_named_worst_first_and_those_of_a_position_in_their_order() -> None:
    warn = {"level": Level.CALL, "severity": Severity.WARN}
    over = {"level": Level.NOTICE, "kind": "recovered", "severity": Severity.OK}
    alerts = [alert(1, "a", **warn), alert(2, "b"), alert(3, "c", **warn), alert(4, "b", **over), alert(5, "a", **over)]
    about = letter(reversed(alerts), AT)
    assert [one.id for one in about.alerts] == [2, 4, 1, 5, 3]
    assert about.subject() == "5 alerts, worst CRITICAL: b"
    assert about.level is Level.CRITICAL


def test_an_alert_that_waits_twice_is_named_once_as_it_is_now() -> None:
    about = letter([alert(1), alert(1, escalated=1)], AT)
    assert [one.escalated for one in about.alerts] == [1]


@given(st.integers(150, 4000), st.integers(1, 60))
def test_what_does_not_fit_is_counted(limit: int, count: int) -> None:
    about = letter([alert(number, f"w{number:03}") for number in range(count)], AT)
    for form in (about.text(limit), about.markdown(limit), about.html(limit)):
        assert len(form.encode()) <= limit
        named = len(set(re.findall(r"w\d{3}", form)))
        more = re.search(r"and (\d+) more$", form)
        assert named + (int(more.group(1)) if more else 0) == count or (count == 1 and form)


@given(st.integers(60, 600))
def test_a_single_alert_is_cut_to_what_fits(limit: int) -> None:
    about = letter([alert(1, text="é" * 1000, cure="x" * 300)], AT)
    for form in (about.text(limit), about.markdown(limit), about.html(limit)):
        assert len(form.encode()) <= limit
        assert form.startswith("é")


def test_the_event_has_every_figure_as_a_field() -> None:
    one = alert(7, facts=(("health", "1.042"), ("health", "1.05"), ("debt", "277182000000")), block=5, escalated=2)
    event = letter([one], AT).event()
    assert json.loads(json.dumps(event)) == event
    assert event["schema"] == 1
    assert (event["kind"], event["level"]) == ("alert", "critical")
    (told,) = event["alerts"]
    assert told["facts"] == {"health": "1.042 · 1.05", "debt": "277182000000"}
    assert told["key"] == key(one) == "7.2.1700000000"
    assert "markdown" in event
    assert "markdown" not in letter([one], AT).event(marks=False)


def test_a_test_is_marked_as_one() -> None:
    about = letter([trial("phone", AT)], AT)
    assert about.kind == "test"
    assert "TEST" in about.subject()
    assert "Nothing has happened" in about.text(500)
    assert letter([alert(1, kind="digest")], AT).kind == "digest"


def test_places_tell_what_must_keep_its_order() -> None:
    assert places(alert(1, positions=("a", "b"))) == ("a", "b")
    assert places(alert(1, "x", positions=(), position="p")) == ("p",)
    assert places(alert(1, "engine", positions=(), position="", kind="engine")) == ("engine engine",)
