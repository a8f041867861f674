"""From validated theme data to Textual's themes, with a colour for every name that the screens use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.theme import Theme

from liqtui.ui.style import DEFAULT_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.config.themes import ThemeData

DARK = {
    **DEFAULT_VARIABLES,
}

LIGHT = {
    "severity-liquidated": "#b3200c",
    "severity-liquidatable": "#b3200c",
    "severity-critical": "#b3200c",
    "severity-warn": "#8a5a00",
    "severity-ok": "#1f6f8b",
    "severity-blind": "#6f7680",
    "severity-unknown": "#6b4fa0",
    "ink": "#2b3139",
    "strong": "#0d1117",
    "muted": "#646c76",
    "faint": "#bcc3cb",
    "frame": "#c3cad2",
    "frame-focus": "#1f6f8b",
    "title": "#4b535d",
    "key": "#1f6f8b",
    "rise": "#3c7a54",
    "fall": "#a3522d",
    "cursor": "#e3edf3",
    "canvas": "#fbfbfa",
}

ANSI = {
    "severity-liquidated": "ansi_bright_red",
    "severity-liquidatable": "ansi_bright_red",
    "severity-critical": "ansi_bright_red",
    "severity-warn": "ansi_bright_yellow",
    "severity-ok": "ansi_cyan",
    "severity-blind": "ansi_bright_black",
    "severity-unknown": "ansi_bright_magenta",
    "ink": "ansi_default",
    "strong": "ansi_default",
    "muted": "ansi_default",
    "faint": "ansi_bright_black",
    "frame": "ansi_bright_black",
    "frame-focus": "ansi_cyan",
    "title": "ansi_default",
    "key": "ansi_cyan",
    "rise": "ansi_green",
    "fall": "ansi_yellow",
    "cursor": "ansi_blue",
    "canvas": "ansi_default",
}

_ANSI_WIDGETS = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "border-blurred": "ansi_bright_black",
    "block-cursor-foreground": "ansi_black",
    "block-cursor-background": "ansi_white",
    "input-cursor-background": "ansi_white",
    "input-cursor-foreground": "ansi_black",
    "input-selection-background": "ansi_blue",
    "input-selection-foreground": "ansi_white",
    "screen-selection-background": "ansi_blue",
    "screen-selection-foreground": "ansi_white",
}
"""What Textual's own widgets need when no colour may be blended."""

MONO = dict.fromkeys(DEFAULT_VARIABLES, "ansi_default")


def defaults(*, dark: bool = True, ansi: bool = False) -> dict[str, str]:
    """Names that a theme left out."""
    return dict(ANSI if ansi else DARK if dark else LIGHT)


def of(data: ThemeData) -> Theme:
    """A theme file, already validated."""
    return make(data.name, data.colors, dark=data.dark, ansi=data.ansi)


def make(name: str, variables: Mapping[str, str], *, dark: bool = True, ansi: bool = False) -> Theme:
    """A theme whose own widgets (dialogs, palette, inputs) agree with our colours."""
    full = {**defaults(dark=dark, ansi=ansi), **variables}
    if ansi:
        full = {**_ANSI_WIDGETS, **full}
    plain = "ansi_default" if ansi else None
    return Theme(
        name=name,
        primary=full["key"],
        secondary=full["severity-ok"],
        accent=full["frame-focus"],
        warning=full["severity-warn"],
        error=full["severity-critical"],
        success=full["rise"],
        foreground=plain or full["ink"],
        background=plain or full["canvas"],
        surface=plain or full["canvas"],
        panel=plain or full["cursor"],
        dark=dark,
        ansi=ansi,
        variables=full,
    )


BUILT_IN = (
    make("liqtui-dark", {}),
    make("liqtui-light", {}, dark=False),
    make("liqtui-16", {}, ansi=True),
    make("liqtui-mono", MONO, ansi=True),
)
"""Always there, whatever becomes of the theme files."""
