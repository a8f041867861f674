from __future__ import annotations

from pathlib import Path

import pytest
from textual.binding import Binding, BindingsMap
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key, _normalize_key_list

from liqtui.config.errors import ConfigFileError
from liqtui.config.keymap import KEY_NAMES, Action, BadKeyError, normal
from liqtui.config.load import parse

ACTIONS = (
    Action("quit", "q"),
    Action("view.refresh", "r,ctrl+r"),
    Action("list.sort", "s", "list"),
    Action("list.up", "k,up", "list"),
    Action("stress.up", "k,up", "stress"),
)


def keymap(text: str) -> dict[str, str]:
    return parse(f"[keys]\n{text}", Path("config.toml"), env={}).keymap(ACTIONS)


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        keymap(text)
    return [line.removeprefix("config.toml:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize("char", [chr(code) for code in range(33, 127)])
def test_every_printable_key_is_called_as_the_screen_calls_it(char: str) -> None:
    assert normal(char) == _character_to_key(char)


def test_key_names_are_those_of_the_screen() -> None:
    named = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())
    named |= {_character_to_key(chr(code)) for code in range(33, 127)}
    assert named >= KEY_NAMES


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("shift+a", "A"),
        ("ctrl+R", "ctrl+r"),
        ("ctrl+m", "enter"),
        ("ctrl+i", "tab"),
        ("shift+tab", "shift+tab"),
        ("shift+ctrl+left", "ctrl+shift+left"),
        ("+", "plus"),
        ("ctrl+/", "ctrl+slash"),
        ("f12", "f12"),
    ],
)
def test_one_spelling(written: str, meant: str) -> None:
    assert normal(written) == meant


@pytest.mark.parametrize(
    "key", ["", "banana", "ctrl+", "ctrl+banana", "cmd+x", "ctrl+ctrl+x", "shift+1", "f25", "ctrl+c", "é", "a b"]
)
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(BadKeyError):
        normal(key)


def test_a_keymap_as_the_screen_takes_it() -> None:
    found = keymap('quit = "Q, ctrl+w"\n"view.refresh" = "/"\nlist.sort = "o"')
    assert found == {"quit": "Q,ctrl+w", "view.refresh": "slash", "list.sort": "o"}
    assert all(_normalize_key_list(keys) == keys for keys in found.values())
    bindings = BindingsMap([Binding(action.keys, action.id, id=action.id) for action in ACTIONS[:3]])
    bindings.apply_keymap(found)
    assert {key for key, held in bindings.key_to_bindings.items() if held[0].id == "view.refresh"} == {"slash"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('quitt = "x"', '2: keys.quitt: unknown action, did you mean "quit"?'),
        ('list.srt = "x"', '2: keys."list.srt": unknown action, did you mean "list.sort"?'),
        ('quit = "ctl+x"', '2: keys.quit: "ctl+x" is not a key, did you mean "ctrl"?'),
        ("quit = 3", '2: keys.quit: has to be text, not a whole number, for example quit = "r,ctrl+r"'),
        ('quit = ""', "2: keys.quit: has no key, leave the line out to keep the usual ones"),
        ('quit = "a,,b"', '2: keys.quit: has an empty place between commas, the comma itself is written "comma"'),
        ('quit = "ctrl+c"', '2: keys.quit: "ctrl+c" cannot be set, it ends the program'),
    ],
)
def test_mistakes(text: str, expected: str) -> None:
    [mistake] = mistakes(text)
    assert mistake.replace("keys.list.srt", 'keys."list.srt"') == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('list.sort = "r"', ("list.sort", "view.refresh")),
        ('quit = "k"', ("quit", "list.up")),
        ('list.sort = "shift+x"\nquit = "X"', ("quit", "list.sort")),
        ('list.sort = "ctrl+R"', ("list.sort", "view.refresh")),
    ],
)
def test_one_key_for_two_actions_names_both(text: str, names: tuple[str, str]) -> None:
    found = "\n".join(mistakes(text))
    assert all(name in found for name in names)


def test_a_pair_is_named_once() -> None:
    assert len(mistakes('list.sort = "x"\nlist.up = "x"')) == 1


def test_keys_may_change_places_and_mean_other_things_elsewhere() -> None:
    assert keymap('list.sort = "r"\nview.refresh = "s"') == {"list.sort": "r", "view.refresh": "s"}
    assert keymap('stress.up = "s"') == {"stress.up": "s"}


def test_without_a_file_nothing_changes() -> None:
    from liqtui.config.load import load

    assert load(Path("/nonexistent/config.toml")).keymap(ACTIONS) == {}
