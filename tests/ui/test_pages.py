"""docs/screens.md shows the screens as they are."""

from __future__ import annotations

import re
from pathlib import Path

from tests.ui import frames

PAGE = Path(__file__).parents[2] / "docs" / "screens.md"
_BLOCK = re.compile(r"(<!-- frame: ([\w-]+) -->\n```\n)(.*?)(```\n)", re.DOTALL)


def test_the_page_of_screens_is_up_to_date() -> None:
    """LIQTUI_UPDATE_FRAMES=1 writes it anew."""
    page = PAGE.read_text(encoding="utf-8")

    def current(found: re.Match[str]) -> str:
        frame = (frames.FRAMES / f"{found[2]}.txt").read_text(encoding="utf-8")
        return f"{found[1]}{frame}{found[4]}"

    wanted, shown = _BLOCK.subn(current, page)
    assert shown == 4
    if frames.UPDATE:
        PAGE.write_text(wanted, encoding="utf-8")
        page = wanted
    assert page == wanted
