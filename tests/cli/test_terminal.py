from __future__ import annotations

import pytest

from liqtui.cli.terminal import Terminal, prepare

UTF8 = {"LANG": "en_US.UTF-8"}


def auto(**env: str) -> Terminal:
    return prepare("auto", "auto", "auto", {**UTF8, **env})


@pytest.mark.parametrize(
    ("env", "color", "system"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor", "truecolor"),
        ({"TERM": "xterm-256color"}, "256", "256"),
        ({"TERM": "tmux-256color"}, "256", "256"),
        ({"TERM": "xterm-kitty"}, "truecolor", "truecolor"),
        ({"TERM": "foot"}, "truecolor", "truecolor"),
        ({"TERM": "alacritty"}, "truecolor", "truecolor"),
        ({"TERM": "xterm-direct"}, "truecolor", "truecolor"),
        ({"TERM": "linux"}, "16", "standard"),
        ({"TERM": "screen"}, "16", "standard"),
        ({"TERM": "xterm"}, "16", "standard"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "mono", "standard"),
        ({}, "mono", "standard"),
    ],
)
def test_colors_by_what_the_terminal_says(env: dict[str, str], color: str, system: str) -> None:
    found = auto(**env)
    assert (found.color, found.env["TEXTUAL_COLOR_SYSTEM"]) == (color, system)


def test_a_color_asked_for_is_taken() -> None:
    for color, system in {"truecolor": "truecolor", "256": "256", "16": "standard", "mono": "standard"}.items():
        found = prepare(color, "auto", "auto", {**UTF8, "TERM": "linux", "TEXTUAL_COLOR_SYSTEM": "256"})
        assert (found.color, found.env["TEXTUAL_COLOR_SYSTEM"]) == (color, system)


def test_no_color_means_mono_unless_colors_were_asked_for() -> None:
    env = {**UTF8, "TERM": "xterm-256color", "NO_COLOR": "1"}
    heard = prepare("auto", "auto", "auto", env)
    assert (heard.color, heard.theme, heard.env["NO_COLOR"]) == ("mono", "liqtui-mono", "1")
    asked = prepare("256", "auto", "auto", env)
    assert (asked.color, asked.env["NO_COLOR"]) == ("256", None)
    asked.apply(env)
    assert "NO_COLOR" not in env
    assert env["TEXTUAL_COLOR_SYSTEM"] == "256"
    assert auto(TERM="xterm-256color", NO_COLOR="").env["NO_COLOR"] is None, "empty means nothing"


def test_mono_turns_colors_off() -> None:
    assert prepare("mono", "auto", "auto", UTF8).env["NO_COLOR"] == "1"


def test_what_is_said_to_the_library_itself_stays() -> None:
    found = auto(TERM="xterm", TEXTUAL_COLOR_SYSTEM="256", TEXTUAL_FPS="60", SSH_TTY="/dev/pts/1")
    assert "TEXTUAL_COLOR_SYSTEM" not in found.env
    assert "TEXTUAL_FPS" not in found.env
    assert found.color == "256"


def test_over_ssh_it_is_calm_and_without_mouse() -> None:
    here, there = auto(TERM="xterm"), auto(TERM="xterm", SSH_CONNECTION="10.0.0.1 1 10.0.0.2 22")
    assert (here.ssh, here.mouse, there.ssh, there.mouse) == (False, True, True, False)
    assert "TEXTUAL_ANIMATIONS" not in here.env
    assert (there.env["TEXTUAL_ANIMATIONS"], there.env["TEXTUAL_SMOOTH_SCROLL"]) == ("none", "0")
    assert prepare("auto", "auto", "on", {"SSH_TTY": "x"}).mouse
    assert not prepare("auto", "auto", "off", {}).mouse


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "C.utf8"}, False),
        ({"LANG": "de_DE.UTF-8@euro"}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "POSIX"}, True),
        ({"LANG": "en_US.ISO-8859-1"}, True),
        ({}, True),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "", "LC_CTYPE": "en_US.UTF-8", "LANG": "C"}, False),
    ],
)
def test_ascii_by_the_locale(env: dict[str, str], expected: bool) -> None:
    assert prepare("auto", "auto", "auto", env).ascii is expected
    assert prepare("auto", "on", "auto", env).ascii
    assert not prepare("auto", "off", "auto", env).ascii


@pytest.mark.parametrize(
    ("color", "theme"),
    [("mono", "liqtui-mono"), ("16", "liqtui-16"), ("256", "liqtui-dark"), ("truecolor", "liqtui-dark")],
)
def test_the_theme_suits_the_colors(color: str, theme: str) -> None:
    assert prepare(color, "auto", "auto", UTF8).theme == theme
