"""The chart in its box and on the screen: legend, spans, what is asked for and when, and what stands beside it."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from liqtui.core.results import FactorKind
from liqtui.core.snapshot import Ages, Freshness, Volatility
from liqtui.core.units import WAD
from liqtui.ui import chart, figures
from liqtui.ui.course import course
from liqtui.ui.detail import document, first_look
from liqtui.ui.recorded import Recorded
from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, post, stage
from tests.ui.stub import StubEngine

if TYPE_CHECKING:
    from liqtui.core.snapshot import Row

from tests.ui.readings import INF, box, minutes, view


async def test_the_chart_goes_further_back_by_a_key() -> None:
    app = make()
    engine_of(app).recorded = [(scenes.NOW - 5 * chart.DAY, 1.7), (scenes.NOW - 600, 1.5)]
    async with stage(app) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert "─ 24 h ─" in frames.text(app)
        await pilot.press("c")
        await pilot.pause()
        assert "─ 7 d ─" in frames.text(app)
        await pilot.press("c", "c")
        await pilot.pause()
        assert "─ 24 h ─" in frames.text(app)


HOURLY = [(int(scenes.NOW) - 3600 * hour, "ETH / USD") for hour in range(23, -1, -1)]


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (60, "┆ 24 oracle updates · ◌ not read 6h40m"),
        (34, "┆ 24 updates · ◌ not read 6h40m"),
        (26, "┆ 24 updates · ◌ 6h40m"),
        (12, ""),
    ],
)
def test_the_legend_says_as_much_as_finds_room(width: int, words: str) -> None:
    assert box(scenes.ROWS[0], minutes(range(300, 700)), width, updates=HOURLY).bottom == words


def test_the_legend_says_that_older_marks_are_thinned() -> None:
    found = box(scenes.ROWS[0], minutes(), 60, updates=HOURLY, span=chart.SPANS[1])
    assert found.bottom.startswith("┆ oracle updates, 1 per ½h")


def test_the_legend_says_since_when_and_what_was_without_debt() -> None:
    young = [(scenes.NOW - at, 1.3) for at in range(7200, -1, -60)]
    assert box(scenes.ROWS[0], young, 60).bottom == "recorded since 12:02"
    freed = [(at, INF if at < scenes.NOW - 80_000 else value) for at, value in minutes()]
    assert box(scenes.ROWS[0], freed, 60).bottom == "no debt 1h47m"
    assert box(scenes.ROWS[0], minutes(), 60).bottom == ""


@pytest.mark.parametrize(("width", "name"), [(120, "120"), (80, "80"), (40, "40")])
def test_frame_of_a_day_with_marks_and_silences(width: int, name: str) -> None:
    samples = [
        (
            at,
            value
            if math.isnan(value)
            else 1.30 - 0.27 * (at - scenes.NOW + 86_400) / 86_400 + 0.01 * math.sin(at / 4000),
        )
        for at, value in minutes(range(300, 420), range(900, 905))
    ]
    told = view(scenes.ROWS[0], samples, HOURLY[::4])
    lines = first_look(told, width) if width == 80 else document(told, width)
    rows = ["".join(segment.text for segment in strip).rstrip() for strip in lines]
    top = next(n for n, row in enumerate(rows) if "24 h" in row)
    frames.check(f"chart-{name}", "\n".join(rows[top : top + 12]) + "\n")


async def test_ascii_draws_the_same_with_other_signs() -> None:
    app = make(ascii=True)
    engine_of(app).recorded = minutes(range(300, 420))
    engine_of(app).updated = HOURLY
    async with stage(app, (80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        text = frames.text(app)
        assert text.isascii()
        assert ": 24 updates . ? not read 2h00m" in text
        assert "- 1.20 1.05 = 1.00" in text
        assert re.search(r"1\.00 =+", text)
        assert re.search(r"1\.00 [=:]*\?\?+", text), "in the lowest row, whatever level runs there"
        assert "v.021" in text


def asked(app: object) -> list[float]:
    """Times since which samples were asked for; filled as it happens."""
    engine = engine_of(app)  # type: ignore[arg-type]
    found: list[float] = []
    inner = engine.samples
    engine.samples = lambda position, since: (found.append(since), inner(position, since))[1]  # type: ignore[method-assign]
    return found


async def test_going_round_the_spans_asks_for_each_once() -> None:
    app = make()
    engine_of(app).recorded = minutes()
    async with stage(app) as pilot:
        found = asked(app)
        await pilot.press("enter", *"cccccc")
        await pilot.pause()
        assert found == [scenes.NOW - span.seconds for span in chart.SPANS]
        await post(pilot, scenes.snapshot(2, at=scenes.NOW + 10))
        assert len(found) == 3, "a stretch of a day is good for some seconds"
        await post(pilot, scenes.snapshot(3, at=scenes.NOW + 60))
        assert len(found) == 4
        await post(pilot, scenes.snapshot(4, at=scenes.NOW - 600))
        assert len(found) == 5, "a tape was wound back"


def recorded(row: Row, *snapshots: tuple[int, float, Row]) -> list[tuple[float, float]]:
    engine = StubEngine()
    engine.recorded = [(scenes.NOW - 60, 1.5)]
    kept = Recorded(engine)
    for version, at, shown in snapshots:
        found = kept.of(shown, scenes.snapshot(version, at=at, rows=(shown,)), chart.SPANS[0]).samples
    return found


def test_what_is_read_while_the_chart_is_open_is_added_once() -> None:
    row = scenes.ROWS[4]
    assert row.position is not None
    health = (row.position.health.shown or 0) / WAD
    now = scenes.NOW
    found = recorded(row, (1, now, row), (1, now, row), (2, now + 12, row))
    assert found == [(now - 60, 1.5), (now - 1, health), (now + 11, health)]


def test_what_goes_blind_while_the_chart_is_open_is_not_drawn_on() -> None:
    row, now = scenes.ROWS[4], scenes.NOW
    blind = replace(row, freshness=Freshness.BLIND, ages=Ages(31, 31, 31))
    found = recorded(row, (1, now, row), (2, now + 30, blind), (3, now + 40, replace(blind, ages=Ages(41, 41, 41))))
    assert [at for at, value in found if math.isnan(value)] == [now - 1]
    assert course(found, now - 600, now + 40).unread == [(now - 1, now + 40)]
    back = recorded(row, (1, now, row), (2, now + 30, blind), (3, now + 35, row))
    assert len(course(back, now - 600, now + 35).runs) == 2


@pytest.mark.parametrize("keys", [(), ("c",), ("c", "c")])
async def test_change_and_low_of_a_day_are_of_a_day_whatever_the_chart_shows(keys: tuple[str, ...]) -> None:
    app = make()
    engine_of(app).recorded = [(scenes.NOW - 20 * chart.DAY, 0.5), (scenes.NOW - 3 * chart.DAY, 0.7), *minutes()[:-1]]
    async with stage(app) as pilot:
        await pilot.press("enter", *keys)
        await pilot.pause()
        text = frames.text(app)
        assert "24h ▼.258" in text
        assert "low 1.042" in text


def test_a_shorter_record_is_not_called_a_day() -> None:
    row = scenes.ROWS[0]
    young = [(scenes.NOW - at, 1.142) for at in range(18_000, 60, -60)] + [(scenes.NOW, 1.042)]
    text = "\n".join("".join(segment.text for segment in strip) for strip in document(view(row, young), 120))
    assert "5h  ▼.100" in text
    assert "24h ▼" not in text


@pytest.mark.parametrize(
    ("change", "text"),
    [(None, "–"), (0.0, "="), (0.0004, "="), (-0.0214, "▼.021"), (0.9996, "▲1.0"), (10.5, "▲10.5"), (-20.04, "▼20.0")],
)
def test_a_change_is_never_another_number(change: float | None, text: str) -> None:
    assert figures.change(change) == text


@pytest.mark.parametrize(
    ("slots", "width", "text"),
    [
        ((1.0, 2.0, None), 3, "▁█ "),
        ((1.0, 2.0, None), 7, "    ▁█ "),
        ((*[2.0] * 5, 1.0, *[2.0] * 18), 7, " █▁████"),
        ((*[None] * 8, *[2.0] * 15, None), 12, "    ████████"),
        ((*[None] * 12, *[2.0] * 12), 24, " " * 12 + "█" * 12),
        ((), 7, " " * 7),
    ],
)
def test_a_texture_shows_the_lowest_of_what_it_joins(slots: tuple[float | None, ...], width: int, text: str) -> None:
    assert figures.spark(replace(scenes.ROWS[0], spark=slots), width) == text


def test_sigma_is_told_with_its_window_and_its_rounds() -> None:
    told = figures.volatility(
        scenes.ROWS[0], [Volatility("ETH", 0.0312, 12.4 * 86_400, 1480), Volatility("x", 1, 1, 1)]
    )
    assert told == "σ of ETH 3.1% a day, from 1,480 rounds in 12d"


def test_together_names_the_factor_whose_sigma_measures_it() -> None:
    row = scenes.ROWS[0]
    assert row.position is not None
    assert row.cushion is not None
    eth = row.cushion
    btc = replace(eth, factor="btc", label="BTC", assets=("BTC",))
    both = replace(eth, factor="together", label="all volatile", kind=FactorKind.TOGETHER, assets=("BTC", "ETH"))
    joined = replace(row, cushion=both, position=replace(row.position, boundaries=(eth, btc, both)))
    known = [Volatility("ETH", 0.03, 86_400 * 20, 900), Volatility("btc", 0.05, 86_400 * 3, 140)]
    assert figures.volatility(joined, known) == "σ of BTC, the wildest of these, 5.0% a day, from 140 rounds in 3d"
    unknown = replace(joined, sigmas=None)
    assert figures.volatility(unknown, known[:1]) == "σ not known: it takes 13 oracle rounds over 6h"
    assert figures.volatility(replace(row, cushion=None), known) == ""


async def test_the_screens_say_what_sigma_was_taken_from() -> None:
    told = "σ of ETH 3.1% a day, from 480 rounds in 12d"
    app = make(scenes.snapshot(sigmas=(Volatility("ETH", 0.031, 12 * 86_400, 480),)))
    async with stage(app) as pilot:
        assert f"cushion        1.2σ  {told}" in frames.text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert told in " ".join(re.sub(r"│.*││", "│", frames.text(app)).replace("│", " ").split())
