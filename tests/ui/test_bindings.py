"""The table of keys: complete, without collisions, and the page made from it is up to date."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from liqtui.config.keymap import normal
from liqtui.ui import bindings
from liqtui.ui.app import LiqtuiApp
from liqtui.ui.dashboard import Dashboard

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"

TOGETHER = [("dashboard", "tape", "everywhere"), ("detail", "everywhere"), ("alerts", "page", "everywhere")]


def test_the_page_of_keys_is_up_to_date() -> None:
    """LIQTUI_UPDATE_FRAMES=1 writes it anew."""
    if os.environ.get("LIQTUI_UPDATE_FRAMES"):
        PAGE.write_text(bindings.page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == bindings.page()


@pytest.mark.parametrize("contexts", TOGETHER)
def test_no_key_means_two_things(contexts: tuple[str, ...]) -> None:
    keys = [name for context in contexts for key in bindings.CONTEXTS[context][1] for name in key.keys.split(",")]
    assert len(keys) == len(set(keys))


def test_every_id_is_unique_and_every_key_explained() -> None:
    keys = [key for _, keys in bindings.CONTEXTS.values() for key in keys]
    assert len({key.id for key in keys}) == len(keys)
    assert all(key.tooltip and key.label for key in keys)


def test_no_key_needs_alt_and_none_is_a_function_key() -> None:
    for action in bindings.actions():
        for key in action.keys.split(","):
            assert normal(key)
            assert "alt" not in key
            assert not (key.startswith("f") and key[1:].isdigit())


def test_every_action_exists() -> None:
    for context, owner in (("dashboard", Dashboard), ("tape", Dashboard), ("everywhere", LiqtuiApp)):
        for key in bindings.CONTEXTS[context][1]:
            where, _, name = key.action.partition("(")[0].rpartition(".")
            assert where in {"", "app"}
            assert hasattr(LiqtuiApp if where else owner, f"action_{name}"), f"{key.id}: nobody else is asked"


def test_footer_keeps_what_matters_most() -> None:
    contexts = ("dashboard", "everywhere")
    wide = bindings.footer(contexts, {}, 200)
    assert wide[0] == ("⏎", "detail")
    assert bindings.footer(contexts, {}, 20) == [("⏎", "detail"), ("?", "help")]
    assert bindings.footer(contexts, {}, 3) == []
    assert ("n", "sort") in bindings.footer(contexts, {"list.sort": "n"}, 200)
    assert all("".join(pair).isascii() for pair in bindings.footer(contexts, {}, 200, plain=True))
