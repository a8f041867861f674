from __future__ import annotations

from liqtui.config import docs, schema
from liqtui.protocols.shipped import protocols


def test_the_page_is_up_to_date() -> None:
    assert docs.PAGE.read_text("utf-8") == docs.page(), "run: python -m liqtui.config.docs"


def test_the_page_has_every_setting() -> None:
    page = docs.page()
    for section in (*schema.SECTIONS.values(), schema.CHAIN, schema.market_section(protocols())):
        assert section.heading in page
        assert all(f"`{setting.key}`" in page for setting in section.settings)
