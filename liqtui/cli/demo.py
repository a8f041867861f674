"""`liqtui demo`: the tape that ships, recorded from real Aave v3 contracts on a local node."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liqtui.cli.arguments import Arguments

SPEED = 40.0
"""The tape holds some three hours; the demo takes about four minutes."""


def run(args: Arguments) -> int:
    from liqtui.cli.replay import play
    from liqtui.engine.trial import DEMO

    return play(args, DEMO, speed=SPEED)
