"""The very first text: the last verdict, raw, before even the command line is parsed.

It has to be there in some tens of milliseconds, which is why nothing is imported here that can be done without; the
names of what may be are in `tests/cli/test_imports.py`.
"""

from __future__ import annotations

import os
import sys
import time

from liqtui.config import folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WITH_VALUE = {"--config", "--watchlist", "--color", "--theme"}
_NO_SCREEN = ("-h", "--help", "--version")


def greet(argv: Sequence[str]) -> bool:
    """Show it where this command line opens the screen; whether it was shown, and so has to be left on failure."""
    if not (opens_screen(argv) and is_terminal()):
        return False
    from liqtui.ui.banner import banner

    try:
        with open(folders.state_file(folders.VERDICT), encoding="utf-8") as file:  # noqa: PTH123
            saved = file.read()
    except (OSError, ValueError, RuntimeError):
        saved = ""
    sys.stderr.write(banner(saved, time.time(), _width(), ascii_only=_ascii(argv)))
    sys.stderr.flush()
    return True


def leave() -> None:
    """Back to the ordinary screen: what is wrong has to be read there."""
    from liqtui.ui.banner import ORDINARY_SCREEN

    sys.stderr.write(ORDINARY_SCREEN)
    sys.stderr.flush()


def opens_screen(argv: Sequence[str]) -> bool:
    """Whether no command is named: commands are words of letters, which neither addresses nor ENS names are."""
    if any(word.startswith(_NO_SCREEN) for word in argv):
        return False
    place = first_word(argv)
    return place >= len(argv) or not argv[place].replace("-", "").isalpha()


def first_word(argv: Sequence[str]) -> int:
    """Index of the first thing that is no option."""
    place = 0
    while place < len(argv) and argv[place].startswith("-") and argv[place] not in {"-", "--"}:
        place += 2 if argv[place] in _WITH_VALUE else 1
    return place


def is_terminal() -> bool:
    """Whether a person is at both ends and can be drawn for: Textual reads keys from stdin and draws on stderr."""
    if os.environ.get("TERM") == "dumb":  # a shell inside an editor, say
        return False
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def is_utf8(env: Mapping[str, str]) -> bool:
    """Whether the locale is UTF-8, by the rule of POSIX: LC_ALL, then LC_CTYPE, then LANG."""
    locale = next((env[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if env.get(name)), "")
    charset = locale.partition("@")[0].rpartition(".")[2]
    return charset.replace("-", "").lower() == "utf8"


def _ascii(argv: Sequence[str]) -> bool:
    """Before the configuration is read: by option and locale."""
    wanted = next((word for word in reversed(argv) if word in {"--ascii", "--no-ascii"}), "")
    return wanted == "--ascii" if wanted else not is_utf8(os.environ)


def _width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
