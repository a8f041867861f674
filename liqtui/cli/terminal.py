"""What the terminal is told and asked, decided before textual is imported: it reads its environment at import."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.cli.greeting import is_utf8

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_COLOR_SYSTEMS = {"truecolor": "truecolor", "256": "256", "16": "standard", "mono": "standard"}
_TRUECOLOR_TERMS = ("alacritty", "contour", "foot", "xterm-ghostty", "ghostty", "xterm-kitty", "wezterm")
"""Terminals that all have 24-bit colour; SSH forwards their TERM but not their COLORTERM."""
_CALM = {"TEXTUAL_FPS": "15", "TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0"}


class Terminal(NamedTuple):
    env: Mapping[str, str | None]
    """What has to change in the environment before textual is imported; None: to be taken out."""
    ascii: bool
    mouse: bool
    color: str
    """truecolor · 256 · 16 · mono."""
    ssh: bool

    @property
    def theme(self) -> str:
        """The shipped theme that suits it, for who has chosen none."""
        return {"mono": "liqtui-mono", "16": "liqtui-16"}.get(self.color, "liqtui-dark")

    def apply(self, environ: MutableMapping[str, str]) -> None:
        for name, value in self.env.items():
            if value is None:
                environ.pop(name, None)
            else:
                environ[name] = value


def prepare(color: str, ascii: str, mouse: str, env: Mapping[str, str]) -> Terminal:  # noqa: A002 (the setting's name)
    """Settings as in `[ui]` (ascii and mouse: auto · on · off) and the environment → what to do.

    NO_COLOR (any value but the empty one) means mono unless colours were asked for by name. Over SSH the screen is
    painted less often and nothing is animated. What the environment says to textual itself stays as it is.
    """
    ssh = bool(env.get("SSH_CONNECTION") or env.get("SSH_TTY"))
    level = _level(env) if color == "auto" else color
    changes: dict[str, str | None] = {}
    if color != "auto" or "TEXTUAL_COLOR_SYSTEM" not in env:
        changes["TEXTUAL_COLOR_SYSTEM"] = _COLOR_SYSTEMS[level]
    if level == "mono":
        changes["NO_COLOR"] = "1"
    elif "NO_COLOR" in env:
        changes["NO_COLOR"] = None  # textual would turn the colours that were asked for into greys
    if ssh:
        changes |= {name: value for name, value in _CALM.items() if name not in env}
    return Terminal(changes, _switch(ascii, not is_utf8(env)), _switch(mouse, not ssh), level, ssh)


def _level(env: Mapping[str, str]) -> str:
    """Colours of the terminal, by what it says of itself."""
    term = env.get("TERM", "").strip().lower()
    if env.get("NO_COLOR") or term in {"", "dumb", "unknown"}:
        return "mono"
    forced = {system: level for level, system in _COLOR_SYSTEMS.items() if level != "mono"}
    if env.get("TEXTUAL_COLOR_SYSTEM") in forced:
        return forced[env["TEXTUAL_COLOR_SYSTEM"]]
    if env.get("COLORTERM", "").strip().lower() in {"truecolor", "24bit"}:
        return "truecolor"
    if term.startswith(_TRUECOLOR_TERMS) or term.endswith("-direct"):
        return "truecolor"
    return "256" if term.endswith("-256color") else "16"


def _switch(setting: str, automatic: bool) -> bool:
    return automatic if setting == "auto" else setting == "on"
