from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color

from liqtui.config import themes
from liqtui.config.errors import ConfigError
from liqtui.ui.style import DEFAULT_VARIABLES
from liqtui.ui.theme import make

SHIPPED = ("liqtui-16", "liqtui-dark", "liqtui-light", "liqtui-mono")
NOBODY = Path("/nonexistent/themes")
SEVERITIES = ("critical", "warn", "ok", "blind")


def luminance(color: str) -> float:
    """WCAG 2.1, relative luminance."""
    parts = Color.parse(color).normalized
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_all_that_ship_can_be_found_and_painted() -> None:
    assert themes.names(NOBODY) == SHIPPED
    for name in SHIPPED:
        data = themes.find(name, NOBODY)
        assert data.name == name
        assert set(data.colors) == set(DEFAULT_VARIABLES), "each colour of the screens, and none besides"
        made = make(data.name, data.colors, dark=data.dark, ansi=data.ansi)
        assert all(Color.parse(color) for color in data.colors.values())
        assert made.to_color_system().generate()


def test_the_colors_of_a_theme_are_those_of_the_screens() -> None:
    assert set(themes.COLORS.keys) == set(DEFAULT_VARIABLES)


@pytest.mark.parametrize("name", ["liqtui-dark", "liqtui-light"])
def test_severities_can_be_read_on_their_background(name: str) -> None:
    colors = themes.find(name, NOBODY).colors
    for role in (*(f"severity-{word}" for word in (*SEVERITIES, "liquidated", "unknown")), "ink", "strong", "key"):
        assert contrast(colors["canvas"], colors[role]) >= 4.5, role


def test_severities_are_four_colors_wherever_there_are_colors() -> None:
    for name in ("liqtui-dark", "liqtui-light", "liqtui-16"):
        colors = themes.find(name, NOBODY).colors
        assert len({colors[f"severity-{word}"] for word in SEVERITIES}) == 4
    assert set(themes.find("liqtui-mono", NOBODY).colors.values()) == {"ansi_default"}


def test_a_person_s_own_comes_first(tmp_path: Path) -> None:
    (tmp_path / "liqtui-dark.toml").write_text('[colors]\nink = "#fff"\n')
    (tmp_path / "night.toml").write_text('name = "Night"\nansi = true\n[colors]\nink = "ANSI_BRIGHT_RED"\n')
    assert themes.find("liqtui-dark", tmp_path).colors == {"ink": "#fff"}
    night = themes.find("night", tmp_path)
    assert (night.name, night.dark, night.ansi, night.colors) == ("Night", True, True, {"ink": "ansi_bright_red"})
    assert themes.names(tmp_path) == (*SHIPPED, "night")
    found, errors = themes.load_all(tmp_path)
    assert [theme.name for theme in found] == [*SHIPPED, "Night"]
    assert errors == ()


def test_mistakes_are_placed() -> None:
    text = """\
dark = "yes"
[colors]
ink = "#ff"
inc = "#fff"
key = 3
fall = "ansi_bright_rd"
rise = "red"
"""
    with pytest.raises(ConfigError) as caught:
        themes.parse(text, Path("mine.toml"))
    assert str(caught.value).splitlines() == [
        "mine.toml:1: dark: has to be true or false, not text",
        "mine.toml:3: colors.ink: is not a colour, write #rgb, #rrggbb or a name such as ansi_bright_red",
        'mine.toml:4: colors.inc: unknown key, did you mean "ink"?',
        'mine.toml:5: colors.key: has to be a colour in quotes, not a whole number, for example "#ff5a47"',
        'mine.toml:6: colors.fall: is not a colour, did you mean "ansi_bright_red"?',
        "mine.toml:7: colors.rise: is not a colour, write #rgb, #rrggbb or a name such as ansi_bright_red",
    ]


def test_one_bad_file_takes_no_other_away(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("colors = 1")
    (tmp_path / "worse.toml").write_text("[")
    found, errors = themes.load_all(tmp_path)
    assert len(found) == len(SHIPPED)
    assert [error.file.name for error in errors if isinstance(error.file, Path)] == ["bad.toml", "worse.toml"]


@pytest.mark.parametrize("name", ["nope", "../../etc/passwd", "", "liqtui-drak"])
def test_a_theme_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such theme"):
        themes.find(name, tmp_path)


def test_a_name_is_no_way_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.toml").write_text("")
    (inner := tmp_path / "themes").mkdir()
    with pytest.raises(ConfigError, match="there is no such theme"):
        themes.find("../secret", inner)


def test_every_color_name_is_one_of_the_screen_s() -> None:
    assert all(Color.parse(name) for name in themes.ANSI_COLORS)
