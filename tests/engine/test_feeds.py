"""What is remembered of feeds when a look at them fails half way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core import feedwatch
from liqtui.engine.feeds import Feeds
from tests.ui import scenes

if TYPE_CHECKING:
    from liqtui.core.drafts import Draft


def test_a_look_that_fails_remembers_nothing_so_that_the_next_one_tells_all(monkeypatch: pytest.MonkeyPatch) -> None:
    calm = scenes.snapshot()
    times = {chain.name: chain.block.timestamp for chain in calm.chains if chain.block is not None}
    late = tuple((chain, feed._replace(updated_at=times[chain] - 10**6)) for chain, feed in calm.feeds)
    snapshot = replace(calm, feeds=late)
    kept, expected = Feeds(""), Feeds("").look(snapshot).drafts
    assert len(expected) > 1
    watch, calls = feedwatch.watch, [0]

    def fails_at_the_second(*args: Any) -> tuple[feedwatch.Mark, list[Draft]]:
        calls[0] += 1
        if calls[0] == 2:
            raise ArithmeticError("a surprise")
        return watch(*args)

    monkeypatch.setattr(feedwatch, "watch", fails_at_the_second)
    before = kept.dump()
    with pytest.raises(ArithmeticError):
        kept.look(snapshot)
    assert kept.dump() == before
    assert list(kept.look(snapshot).drafts) == list(expected)
