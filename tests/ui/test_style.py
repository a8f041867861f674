"""Widths in cells, ASCII likenesses, palettes, columns of figures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from liqtui.config.themes import load_all
from liqtui.core.snapshot import Severity
from liqtui.core.units import HEALTH_INFINITE, WAD
from liqtui.ui import figures, theme
from liqtui.ui.lines import changed_runs
from liqtui.ui.style import (
    DEFAULT_VARIABLES,
    LOOKS,
    Palette,
    clipped,
    fit,
    fit_words,
    line,
    spans_width,
    split_line,
    to_ascii,
)
from tests.ui import scenes

if TYPE_CHECKING:
    from textual.strip import Strip

PLAIN = Style()


@given(st.text(), st.integers(0, 40), st.sampled_from(["left", "right"]))
@example("代币代币", 3, "left")
@example("\x1b[31mred", 4, "left")
def test_fit_is_exact_and_printable(text: str, width: int, align: str) -> None:
    made = fit(text, width, align)
    assert cell_len(made) == width
    assert made.isprintable()


@given(st.lists(st.tuples(st.text(), st.just(PLAIN))), st.integers(1, 60))
def test_lines_are_exact(spans: list[tuple[str, Style]], width: int) -> None:
    assert line(spans, width, PLAIN).cell_length == width
    assert split_line(spans, spans, width, PLAIN).cell_length == width


@given(st.lists(st.tuples(st.text("ab…代 ", min_size=1), st.just(PLAIN))), st.integers(1, 30))
def test_clipped_says_when_something_is_missing(spans: list[tuple[str, Style]], width: int) -> None:
    made = clipped(spans, width)
    assert spans_width(made) <= width
    if spans_width(spans) <= width:
        assert made == spans
    else:
        assert made[-1][0].endswith("…")


def test_of_a_figure_that_does_not_fit_nothing_is_left() -> None:
    """What begins with “HF 1.0…” could be any health."""
    text = "HF 1.063 → 1.042 · repaid −1,879.99 USDC, tx 0x7001e4693e"
    for width in range(len(text) + 3):
        made = fit_words(text, width)
        assert cell_len(made) == width
        kept = made.rstrip().removesuffix("…").rstrip()
        assert text.startswith(kept)
        whole = not kept or width >= len(text) or text[len(kept)] == " "
        assert whole or kept.rpartition(" ")[2][0].isalpha() or kept.rpartition(" ")[2].startswith("0x"), made


def test_without_an_end_is_spelt_out_where_there_is_room() -> None:
    assert to_ascii("HF ∞ → ∞     ") == "HF inf > inf "
    assert to_ascii("∞    no debt") == "inf  no debt"
    assert len(to_ascii("a position at ∞")) == len("a position at ∞")


@given(st.text(max_size=20))
def test_ascii_keeps_the_width(text: str) -> None:
    made = to_ascii(text)
    assert made.isascii()
    assert cell_len(made) >= cell_len(text)


def test_ascii_severities_differ() -> None:
    assert [to_ascii(LOOKS[severity].glyph) for severity in Severity] == ["X", "X", "!", "~", "?", "?", "."]


@given(st.text("ab", min_size=30, max_size=30), st.text("ab", min_size=30, max_size=30))
def test_runs_cover_every_change_and_nothing_far_from_one(old: str, new: str) -> None:
    def strip(text: str) -> Strip:
        return line([(text, PLAIN)], 30, PLAIN)

    runs = changed_runs(strip(old), strip(new))
    changed = {x for x in range(30) if old[x] != new[x]}
    covered = {x for first, end in runs for x in range(first, end)}
    assert changed <= covered
    assert all(old[first] != new[first] and old[end - 1] != new[end - 1] for first, end in runs)


def test_wide_characters_repaint_the_line() -> None:
    assert changed_runs(line([("代", PLAIN)], 4, PLAIN), line([("ab", PLAIN)], 4, PLAIN)) == [(0, 4)]


def test_health_never_rounds_up_over_a_threshold() -> None:
    assert figures.health(WAD - 1) == "0.999"
    assert figures.health(12 * WAD) == "12.00"
    assert figures.health(None) == "–"
    assert figures.health(HEALTH_INFINITE) == "∞"
    assert all(len(figures.health(10**n * WAD)) <= 5 for n in range(40))
    assert figures.health(10_000 * WAD) == ">9999"


def test_pressure_grows_as_the_cushion_shrinks() -> None:
    fills = [figures.pressure(replace(scenes.ROWS[0], sigmas=sigmas)) for sigmas in (12.0, 8.0, 4.0, 1.0, 0.0)]
    assert fills == sorted(fills)
    assert fills[0] == 0
    assert fills[-1] == 1
    assert figures.pressure(replace(scenes.ROWS[0], sigmas=9.0, severity=Severity.LIQUIDATABLE)) == 1
    near = figures.pressure(replace(scenes.ROWS[0], sigmas=None))
    assert near > figures.pressure(replace(scenes.ROWS[5], sigmas=None))
    assert figures.pressure(replace(scenes.ROWS[9], sigmas=None, cushion=None)) == 0
    assert figures.pressure(replace(scenes.ROWS[0], sigmas=None, cushion=None)) == 1, "critical, whatever ends it"


@given(st.floats(0, 1), st.integers(1, 30))
def test_bars_are_exact(fill: float, width: int) -> None:
    ink, rest = figures.bar(fill, width)
    assert len(ink) + len(rest) == width


def test_spark_of_a_flat_day_is_flat_wherever_it_is() -> None:
    for health in (0.9, 1.0, 1.4, 1.9, 5.0):
        cells = figures.spark(replace(scenes.ROWS[0], spark=(health,) * 7), 7)
        assert len(set(cells)) == 1
    assert figures.spark(replace(scenes.ROWS[0], spark=(None, 1.5)), 4) == "   ▅"


def test_themes_give_every_name_a_colour(tmp_path) -> None:
    shipped, errors = load_all(tmp_path)
    assert not errors
    assert {data.name for data in shipped} >= {"liqtui-dark", "liqtui-light", "liqtui-16", "liqtui-mono"}
    for data in shipped:
        made = theme.of(data)
        assert set(DEFAULT_VARIABLES) <= set(made.variables)
        assert made.dark == data.dark
        for name, value in data.colors.items():
            assert made.variables[name] == value


def test_a_theme_that_sets_one_colour_gets_the_rest_for_its_ground() -> None:
    light = theme.make("mine", {"key": "#123456"}, dark=False)
    assert light.variables["canvas"] == theme.LIGHT["canvas"]
    assert light.variables["key"] == "#123456"
    assert Palette(light.variables).style("key") == Style(color="#123456", bgcolor=light.variables["canvas"])


def test_without_greys_quiet_text_is_dim() -> None:
    mono = Palette(theme.MONO)
    assert mono.style("muted").dim
    assert mono.style("ink").dim is None
    assert mono.flat
    assert mono.severity(Severity.CRITICAL, verdict=True).reverse
    assert mono.severity(Severity.WARN).bold
    dark = Palette(theme.DARK)
    assert dark.style("muted").dim is None
    assert not dark.flat
