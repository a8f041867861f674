"""Only the cells of an update are sent, and the screen is the same as after Textual's own."""

from __future__ import annotations

from itertools import pairwise

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from liqtui.ui.tight import TightUpdate

WIDTH, HEIGHT = 40, 4
STYLES = (None, Style(color="red", bold=True), Style(bgcolor="blue"), Style(reverse=True))


@st.composite
def updates(draw: st.DrawFn) -> ChopsUpdate:
    """A screen cut into widgets, each line of a widget a strip, and the runs of it that changed."""
    cuts = sorted({0, WIDTH, *draw(st.lists(st.integers(1, WIDTH - 1), max_size=3))})
    chops: list[dict[int, Strip | None]] = []
    for _ in range(HEIGHT):
        line: dict[int, Strip | None] = {}
        for first, end in pairwise(cuts):
            text = draw(st.text("ab·╭█", min_size=end - first, max_size=end - first))
            middle = draw(st.integers(0, len(text)))
            parts = [Segment(text[:middle], draw(st.sampled_from(STYLES))), Segment(text[middle:], STYLES[1])]
            line[first] = draw(st.sampled_from((Strip(parts), Strip(parts), None)))
        chops.append(line)
    runs = st.tuples(st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 1), st.integers(1, WIDTH))
    spans = sorted((y, x, min(WIDTH, x + length)) for y, x, length in draw(st.lists(runs, min_size=1, max_size=6)))
    return ChopsUpdate(chops, spans, [cuts[1:]] * HEIGHT)


def painted(*sequences: str) -> list[list[object]]:
    screen = pyte.Screen(WIDTH, HEIGHT + 1)
    stream = pyte.Stream(screen)
    for sequence in sequences:
        stream.feed(sequence)
    return [[screen.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]


def full(update: ChopsUpdate) -> ChopsUpdate:
    return ChopsUpdate(update.chops, [(y, 0, WIDTH) for y in range(HEIGHT)], update.chop_ends)


@given(updates())
def test_every_cell_of_a_run_is_painted_and_no_other(update: ChopsUpdate) -> None:
    console = Console(color_system="truecolor", force_terminal=True)
    sent = TightUpdate.of(update).render_segments(console)
    before, after = painted(), painted(sent)
    whole = painted(TightUpdate.of(full(update)).render_segments(console))
    inside = {(x, y) for y, first, end in update.spans for x in range(first, end)}
    for y in range(HEIGHT):
        for x in range(WIDTH):
            assert after[y][x] == (whole if (x, y) in inside else before)[y][x]


@given(updates())
def test_the_screen_is_that_of_textual(update: ChopsUpdate) -> None:
    console = Console(color_system="truecolor", force_terminal=True)
    whole = full(update)
    assert painted(TightUpdate.of(whole).render_segments(console)) == painted(whole.render_segments(console))


def test_the_line_before_a_change_is_not_sent() -> None:
    console = Console(color_system="truecolor", force_terminal=True)
    strip = Strip([Segment("x" * WIDTH, STYLES[1])])
    update = ChopsUpdate([{0: strip}], [(0, 20, 21), (0, 39, 40)], [[WIDTH]])
    assert update.render_segments(console).count("x") > 50
    assert TightUpdate.of(update).render_segments(console).count("x") == 2
