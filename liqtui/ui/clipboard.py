"""Copying over SSH and tmux: OSC 52 in every form that may arrive, and a private file that always does.

Plain terminals take the raw sequence, tmux takes it with `set-clipboard on`, or the wrapped one with
`allow-passthrough on`, and by default neither. So the text is also written to a file, and the person is
told where.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.engine import notify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import App


class Copied(NamedTuple):
    """Where a text went."""

    sent: bool
    """Offered to the terminal. Whether the terminal took it cannot be known."""
    path: Path | None
    """The file that holds it; None when it could not be written."""
    error: str = ""
    """Why there is no file."""

    @property
    def sentence(self) -> str:
        if self.path is not None:
            return f"copied · also in {self.path}" if self.sent else f"too long for the terminal · it is in {self.path}"
        where = "offered to the terminal" if self.sent else "not copied: too long for the terminal"
        return f"{where} · no file: {self.error}"


def plain(text: str) -> str:
    """The text without control characters: pasted into a shell, an escape or a carriage return could run something."""
    return "".join(char for char in text if char in "\n\t" or char.isprintable()).strip("\n")


def sequence(text: str, environment: Mapping[str, str]) -> str | None:
    """What to write to the terminal; None when the text is too long. Inside tmux also the wrapped form.

    A shell reached by SSH from inside tmux knows it only by TERM.
    """
    inside = notify.in_tmux(environment) or environment.get("TERM", "").startswith(("tmux", "screen"))
    return notify.copy(text, tmux=inside)


def clipboard_path(environment: Mapping[str, str]) -> Path:
    """`$XDG_RUNTIME_DIR/liqtui/clipboard`, or where the system keeps such files without that variable."""
    runtime = Path(environment.get("XDG_RUNTIME_DIR", ""))
    if runtime.is_absolute():
        return runtime / "liqtui" / "clipboard"
    from platformdirs import user_cache_path

    return user_cache_path("liqtui") / "clipboard"


def write_private(path: Path, text: str) -> None:
    """Write so that only this person can read it, by a new file put in place. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".clipboard-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink()
        raise


def copy(app: App[Any], text: str, environment: Mapping[str, str] | None = None) -> Copied:
    """Copy, and say where to. A failed copy is a value: it must not take the screen down."""
    environment = os.environ if environment is None else environment
    text = plain(text)
    written = sequence(text, environment)
    driver = app._driver  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the one way to the terminal
    if driver is not None and written:
        driver.write(written)
    path = clipboard_path(environment)
    try:
        write_private(path, text)
    except OSError as fault:
        return Copied(written is not None, None, fault.strerror or str(fault))
    return Copied(written is not None, path)
