"""The program `liqtui`: parse, hand over to one command, turn every ending into an exit code.

| code | meaning |
|---|---|
| 0 – 3 | `check`: ok, warn, critical or worse, blind or unknown; other commands: 0 done, 1 not done |
| 64 | wrong usage |
| 70 | a fault of the program |
| 74 | the output could not be written |
| 78 | wrong configuration or watchlist |
| 130 | interrupted |
| 141 | the reader of the output went away |
"""

from __future__ import annotations

import io
import os
import sys

from liqtui.cli.greeting import greet, leave

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_SOFTWARE, EXIT_IO, EXIT_CONFIG = 70, 74, 78
EXIT_INTERRUPTED, EXIT_PIPE = 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code of the command. Never a traceback for what a person can put right."""
    _make_speakable()
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        _flush()
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        code = EXIT_PIPE
    except OSError as fault:
        words = f"{fault.filename}: {fault.strerror}" if fault.filename else str(fault.strerror or fault)
        code = _say(f"liqtui: {_redacted(words)}", EXIT_IO)
    _settle_output()
    return code


def _make_speakable() -> None:
    """Where the output's encoding has no sign for one of ours, its likeness in ASCII is written: no line gets lost."""
    for stream in (sys.stdout, sys.stderr):
        encoding = getattr(stream, "encoding", None) or "utf-8"
        if encoding.lower().replace("-", "") != "utf8" and isinstance(stream, io.TextIOWrapper):
            from liqtui.cli.glyphs import spelling

            stream.reconfigure(errors=spelling())


def _run(argv: Sequence[str]) -> int:
    try:
        return _command(argv)
    except (KeyboardInterrupt, OSError):
        raise
    except Exception as fault:  # noqa: BLE001 (every ending has its exit code: 1 would read as "warn")
        return _explain(fault)


def _command(argv: Sequence[str]) -> int:
    greeted = greet(argv)
    try:
        from importlib import import_module

        from liqtui.cli.arguments import parse

        args = parse(argv)
        return import_module(f"liqtui.cli.{args.command}").run(args)
    except BaseException:
        if greeted:
            leave()
        raise


def _explain(fault: Exception) -> int:
    from liqtui.cli.arguments import EXIT_USAGE, UsageError
    from liqtui.config.errors import ConfigError, WatchlistError

    if isinstance(fault, UsageError):
        return _say(fault.told, EXIT_USAGE)
    if isinstance(fault, (ConfigError, WatchlistError)):
        return _say(str(fault), EXIT_CONFIG)
    import traceback

    return _say(_redacted("".join(traceback.format_exception(fault))).rstrip(), EXIT_SOFTWARE)


def _redacted(text: str) -> str:
    from liqtui.core.redact import redact

    return redact(text)


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


def _flush() -> None:
    """Now, while a failure can still be told: at exit Python would only complain."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _settle_output() -> None:
    """What can be written is; the rest goes nowhere, where Python would try again at exit and complain."""
    try:
        _flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
