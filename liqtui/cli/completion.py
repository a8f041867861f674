"""`liqtui completion SHELL`: the completion script, made from the parser itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from liqtui.cli.parser import build

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from liqtui.cli.arguments import Arguments


def run(args: Arguments) -> int:
    import shtab

    parser = build()
    for action in _actions(parser):
        if action.metavar == "FILE":
            action.complete = shtab.FILE  # pyright: ignore[reportAttributeAccessIssue] (where shtab looks for it)
    print(shtab.complete(parser, shell=args.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every option and argument, those of commands included."""
    for action in parser._actions:  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] (argparse has no other way)
        yield action
        choices: object = action.choices
        if isinstance(choices, dict):
            for command in cast("dict[str, argparse.ArgumentParser]", choices).values():
                yield from _actions(command)
