"""Sends only the cells that are to be painted again.

Textual 8.2 begins each repainted run at the left edge of its widget (`ChopsUpdate.render_segments`, "TODO: crop to
x extents"): with several changes in a line the whole line goes out several times. Over a slow link that is most
of the traffic, so the update is written here, with the same cells and the same styles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.control import Control
from textual._compositor import ChopsUpdate

if TYPE_CHECKING:
    from rich.console import Console


class TightUpdate(ChopsUpdate):
    """`spans` are (line, first cell, end); `chops` the strips of each line by their first cell."""

    @classmethod
    def of(cls, update: ChopsUpdate) -> TightUpdate:
        return cls(update.chops, update.spans, update.chop_ends)

    def render_segments(self, console: Console) -> str:
        sequences: list[str] = []
        for y, first, end in self.spans:
            for chop_end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                left, right = max(x, first), min(chop_end, end)
                if strip is not None and left < right:
                    sequences += [
                        Control.move_to(left, y).segment.text,
                        strip.crop(left - x, right - x).render(console),
                    ]
        return "".join(sequences)
