"""Which engine a screen gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.cli.arguments import parse
from liqtui.cli.attach import engine_for
from liqtui.cli.session import begin
from liqtui.engine.live import LiveEngine

if TYPE_CHECKING:
    from pathlib import Path

OWN = "0x" + "ab" * 20
CONFIG = f"""
[chains.ethereum]
rpc = ["http://127.0.0.1:9/"]

[[markets]]
protocol = "compound-v3"
chain = "ethereum"
name = "own"
comet = "{OWN}"
"""


@pytest.mark.parametrize("trouble", ["", "it is too old"])
def test_an_engine_of_its_own_watches_the_shipped_markets_and_the_persons(
    own_folders: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    (own_folders / "liqtui").mkdir(exist_ok=True)
    (own_folders / "liqtui" / "config.toml").write_text(CONFIG)
    monkeypatch.setattr("liqtui.cli.attach.usable", lambda _: (None, trouble))
    args = parse([])
    session = begin(args)
    engine = engine_for(args, session)
    assert isinstance(engine, LiveEngine)
    assert engine._whole is not None
    whole = engine._whole()
    assert whole.markets == session.setup().markets
    assert {market.protocol for market in whole.markets if not market.custom} >= {"aave-v3", "compound-v3"}
    assert [market.entry for market in whole.markets if market.custom] == [OWN]
    assert whole.notices == engine.snapshot().notices
    assert any(trouble in notice for notice in whole.notices) == bool(trouble)


def test_addresses_on_the_command_line_take_nobody_off_the_watchlist(own_folders: Path) -> None:
    assert begin(parse(["0x" + "12" * 20])).setup().given
    assert not begin(parse([])).setup().given
