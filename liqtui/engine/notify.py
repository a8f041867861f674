"""What to write to a terminal so that it rings, shows a notification, changes its title or fills a clipboard.

Pure: strings in, escape sequences out; whoever owns the terminal writes them. All text may come from chain and
is stripped of control characters first. Sequences by the terminals' own documentation: OSC 9 (iTerm2), OSC 777
(urxvt, foot, Ghostty), OSC 99 (kitty), OSC 2 and OSC 52 (xterm), DCS passthrough (tmux).
"""

from __future__ import annotations

from base64 import b64encode
from enum import StrEnum
from typing import TYPE_CHECKING

from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

BELL = "\a"
COPY_LIMIT = 74_994
"""Most bytes that terminals take by OSC 52: 100,000 once encoded and framed."""

_ESC = "\x1b"
_END = "\x1b\\"
_TITLE = 60
_BODY = 200


class Channel(StrEnum):
    """Which kind of desktop notification the terminal understands."""

    NONE = "none"
    OSC9 = "osc9"
    OSC777 = "osc777"
    OSC99 = "osc99"


_BY_TERM = {
    "xterm-kitty": Channel.OSC99,
    "foot": Channel.OSC777,
    "foot-extra": Channel.OSC777,
    "xterm-ghostty": Channel.OSC777,
    "rxvt-unicode": Channel.OSC777,
    "rxvt-unicode-256color": Channel.OSC777,
    "linux": Channel.NONE,
    "dumb": Channel.NONE,
    "": Channel.NONE,
}


def guess(environment: Mapping[str, str]) -> Channel:
    """By what the environment tells; OSC 9 where it tells nothing, because unknown sequences are ignored."""
    if environment.get("KITTY_WINDOW_ID"):
        return Channel.OSC99
    return _BY_TERM.get(environment.get("TERM", ""), Channel.OSC9)


def in_tmux(environment: Mapping[str, str]) -> bool:
    return bool(environment.get("TMUX"))


def passthrough(sequence: str) -> str:
    """The sequence as tmux hands it to the terminal around it (needs `allow-passthrough on`)."""
    return f"{_ESC}Ptmux;{sequence.replace(_ESC, _ESC * 2)}{_END}"


def notification(channel: Channel, title: str, body: str, *, tmux: bool = False, ident: int = 1) -> str:
    """A desktop notification; empty for `Channel.NONE`. `ident` tells kitty which one to replace."""
    title, body = _field(title, _TITLE), _field(body, _BODY)
    match channel:
        case Channel.NONE:
            return ""
        case Channel.OSC9:
            sequences = [f"{_ESC}]9;{title}: {body}{BELL}"]
        case Channel.OSC777:
            sequences = [f"{_ESC}]777;notify;{title};{body}{BELL}"]
        case Channel.OSC99:
            sequences = [
                f"{_ESC}]99;i=liqtui{ident}:d=0;{title}{_END}",
                f"{_ESC}]99;i=liqtui{ident}:p=body;{body}{_END}",
            ]
    return "".join(passthrough(sequence) if tmux else sequence for sequence in sequences)


def window_title(prefix: str = "") -> str:
    """Sets the title of the window, or of the pane in tmux: "▲1 liqtui"."""
    return f"{_ESC}]2;{clean(f'{prefix} liqtui', _TITLE)}{BELL}"


def copy(text: str, *, tmux: bool = False) -> str | None:
    """Fills the clipboard; in tmux both raw (`set-clipboard on`) and passed through. None when it is too much.

    The text travels encoded, so it is copied as it is.
    """
    raw = text.encode(errors="replace")
    if len(raw) > COPY_LIMIT:
        return None
    sequence = f"{_ESC}]52;c;{b64encode(raw).decode()}{BELL}"
    return sequence + passthrough(sequence) if tmux else sequence


def _field(text: str, limit: int) -> str:
    """No control characters, and no semicolon: it separates fields, and "9;4;…" would be a progress bar."""
    return clean(text.replace(";", ","), limit)
