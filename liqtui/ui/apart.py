"""Names in little room: cut in the middle, so that both ends stay, and so that two of them do not look alike."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from liqtui.core.text import clean
from liqtui.ui.style import fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CUT = "…"
_BETWEEN = " /_"
"""What words are told apart by; a hyphen belongs to "aave-v3"."""


@lru_cache(4096)
def cut(text: str, width: int, head: int | None = None) -> str:
    """At most `width` cells: both ends, the first `head` cells of it from the beginning.

    Where that is not told it is half of it, or a little less where a word ends there: "aave-v3…aave 3.0".
    """
    if cell_len(text) <= width:
        return text
    room = max(0, width - 1)
    if head is None:
        half = room - room // 2
        head = next((end for end in range(half, max(half - 4, 1), -1) if text[end] in _BETWEEN), half)
    first = min(head, room)
    return (_head(text, first) + CUT + _tail(text, room - first)) if width > 0 else ""


def fit_named(text: str, width: int) -> str:
    """In exactly `width` cells, what is cut in the middle."""
    return fit(cut(text if text.isprintable() else clean(text, len(text)), width), width)


def _head(text: str, cells: int) -> str:
    """A wide letter that would stick out is left away."""
    kept = set_cell_size(text, cells)
    return kept if text.startswith(kept) else kept[:-1]


def _tail(text: str, cells: int) -> str:
    start = len(text)
    while start and cell_len(text[start - 1 :]) <= cells:
        start -= 1
    return text[start:]


def _window(text: str, width: int, place: int) -> str:
    """What is around a letter, without both ends."""
    room = max(0, width - 2)
    return CUT + _head(text[max(0, place - room // 2) :], room) + CUT if width > 1 else cut(text, width)


def apart(texts: Iterable[str], width: int) -> dict[str, str]:
    """Each text in at most `width` cells. As `cut` has it, where that tells them apart; else those that would look
    alike are cut at another place. Only where no single place does are some of them left alike.
    """
    made = {text: cut(text, width) for text in texts}
    taken = Counter(made.values())
    alike = sorted((short, text) for text, short in made.items() if taken[short] > 1)
    for short, group in groupby(alike, key=lambda pair: pair[0]):
        members = [text for _, text in group]
        best = _best(_ways(members, width), taken.keys() - {short})
        made.update(zip(members, best, strict=True))
        taken.update(best)
    return made


def _best(ways: Iterable[list[str]], others: set[str]) -> list[str]:
    """The first that tells all of them apart, from each other and from the others; else the one that tells most."""
    best: list[str] = []
    found = -1
    for way in ways:
        told = len(set(way) - others)
        if told > found:
            best, found = way, told
        if told == len(way):
            break
    return best


def _ways(texts: list[str], width: int) -> Iterator[list[str]]:
    """The same cut for each: more and more from the beginning, then from the end, at last from the middle."""
    half = cut(texts[0], width).find(CUT)
    for head in (*range(half, width), *range(half - 1, -1, -1)):
        yield [cut(text, width, head) for text in texts]
    place = next((at for at, letters in enumerate(zip(*texts, strict=False)) if len(set(letters)) > 1), 0)
    yield [_window(text, width, place) for text in texts]
