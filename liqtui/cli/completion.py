"""`liqtui completion SHELL`: the completion script, made from the parser itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.cli.arguments import build

if TYPE_CHECKING:
    from liqtui.cli.arguments import Arguments


def run(args: Arguments) -> int:
    import shtab

    print(shtab.complete(build(), shell=args.shell))
    return 0
