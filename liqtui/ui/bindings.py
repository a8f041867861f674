"""Every key of every screen, in one table: bindings, footer, help and docs/keys.md are made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from textual.binding import Binding

from liqtui.config.keymap import Action

if TYPE_CHECKING:
    from collections.abc import Mapping


class Key(NamedTuple):
    id: str
    """Stable name for `[keys]` in config.toml."""
    keys: str
    """Textual key names, comma separated; any of them does it."""
    action: str
    label: str
    """One word for the footer."""
    tooltip: str
    """What it does, for help and documentation."""
    footer: int = 0
    """Place in the footer, 1 first; 0: not there. Low numbers survive on narrow terminals."""


EVERYWHERE = (
    Key("app.help", "question_mark", "help", "help", "keys of this screen", 2),
    Key("app.palette", "ctrl+p", "command_palette", "palette", "all commands in a searchable list"),
    Key("app.quit", "ctrl+q", "quit", "quit", "leave at once"),
    Key("app.interrupt", "ctrl+c", "interrupt", "quit", "twice within two seconds: leave"),
    Key(
        "app.suspend",
        "ctrl+z",
        "suspend_process",
        "suspend",
        "stop liqtui, its alerts too, and return to the shell; fg goes on",
    ),
)

DASHBOARD = (
    Key("list.up", "k,up", "move(-1)", "up", "one row up"),
    Key("list.down", "j,down", "move(1)", "down", "one row down"),
    Key("list.first", "g,home", "first", "first", "first row"),
    Key("list.last", "G,end", "last", "last", "last row"),
    Key("list.half-up", "ctrl+u", "half(-1)", "half up", "half a page up"),
    Key("list.half-down", "ctrl+d", "half(1)", "half down", "half a page down"),
    Key("list.page-up", "pageup", "page(-1)", "page up", "a page up"),
    Key("list.page-down", "pagedown", "page(1)", "page down", "a page down"),
    Key(
        "list.open",
        "enter,d",
        "open",
        "detail",
        "open the selected position (or the position of the selected alert)",
        1,
    ),
    Key("list.mark", "space", "mark", "mark", "mark the row, for copying several", 9),
    Key("list.copy", "y", "copy_row", "copy", "copy the selected or the marked rows", 13),
    Key("list.copy-address", "Y", "copy_address", "copy address", "copy the wallet's address"),
    Key("list.filter", "slash", "filter", "filter", "show only rows that match; esc clears", 5),
    Key("list.sort", "s", "sort", "sort", "order by the next column", 6),
    Key("list.reverse", "S", "reverse", "reverse", "reverse the order"),
    Key("alert.ack", "a", "ack", "ack", "acknowledge the selected alert, or the newest that is open", 3),
    Key("alert.ack-all", "A", "ack_all", "ack all", "acknowledge all alerts"),
    Key("alert.log", "l", "alert_log", "log", "the whole alert log: search, deliveries, why each one spoke", 8),
    Key("view.freeze", "f", "freeze", "freeze", "hold the display still; alerts go on", 10),
    Key("view.refresh", "r,ctrl+r", "refresh_now", "refresh", "read all chains now", 11),
    Key("view.zoom", "z", "zoom", "zoom", "give the whole screen to this pane"),
    Key("view.next-pane", "tab", "next_pane(1)", "next pane", "go to the next pane"),
    Key("view.previous-pane", "shift+tab", "next_pane(-1)", "previous pane", "go to the previous pane"),
    Key("view.positions", "1", "pane('positions')", "positions", "go to the positions"),
    Key("view.wallets", "2,w", "pane('wallets')", "wallets", "go to the wallets; choosing one narrows the list", 7),
    Key("view.alerts", "3", "pane('alerts')", "alerts", "go to the alerts"),
    Key("view.prices", "4", "pane('prices')", "prices", "go to the oracle prices"),
    Key("wallet.add", "plus", "add_wallet", "add", "add a wallet to the watchlist"),
    Key("wallet.edit", "e", "edit_wallet", "edit", "edit the wallet of the selected row"),
    Key("app.command", "colon", "command_line", "command", "type a command", 12),
    Key("app.back", "escape", "back", "back", "step back: clear the filter, leave zoom; never quits"),
    Key("app.leave", "q", "app.quit", "quit", "leave", 4),
)

DETAIL = (
    Key("detail.back", "escape,q", "back", "back", "back to the list", 1),
    Key("detail.previous", "left_square_bracket", "step(-1)", "prev", "previous position", 5),
    Key("detail.next", "right_square_bracket", "step(1)", "next", "next position", 6),
    Key("detail.ack", "a", "ack", "ack", "acknowledge this position's newest open alert", 3),
    Key("detail.targets", "t", "targets", "targets", "change the health targets", 4),
    Key("detail.copy", "y", "copy", "copy", "copy the figures", 7),
    Key("detail.explorer", "o", "explorer", "explorer", "copy the address of the block explorer's page", 8),
    Key(
        "detail.app", "O", "app_page", "app", "copy the address of the protocol's own app, where a position is managed"
    ),
    Key("detail.span", "c", "span", "chart", "the chart of health shows 24 hours, 7 days or 30 days"),
    Key("detail.raw", "d", "raw", "raw values", "show the exact on-chain integers", 9),
    Key("detail.edit", "e", "edit", "edit", "edit this wallet's thresholds", 10),
    Key("detail.health", "1", "tab(0)", "health", "on narrow screens: health, boundaries, the last day"),
    Key("detail.parts", "2", "tab(1)", "parts", "on narrow screens: what it is made of, how prices are made"),
    Key("detail.ways", "3", "tab(2)", "ways out", "on narrow screens: ways out, what a move does, what is taken"),
    Key("detail.alerts", "4", "tab(3)", "alerts", "on narrow screens: alerts, and where the figures come from"),
)

ALERTS = (
    Key("alerts.back", "escape,q", "back", "back", "clear the search, then back", 1),
    Key("alerts.open", "enter,d", "open", "position", "go to the position that it is about", 2),
    Key("alerts.ack", "a", "ack", "ack", "acknowledge the alert under the cursor", 3),
    Key("alerts.ack-all", "A", "ack_all", "ack all", "acknowledge all alerts", 6),
    Key("alerts.filter", "slash", "filter", "search", "show only alerts that match; looks through the whole log", 4),
    Key("alerts.open-only", "o", "open_only", "open", "show only those that wait for you, or all again", 7),
    Key("alerts.snooze", "z", "snooze", "snooze", "an hour of silence for this alert; again ends it", 5),
    Key(
        "alerts.mute",
        "m",
        "mute",
        "mute",
        "eight hours of silence for its position, except liquidations; again lifts it",
        8,
    ),
    Key(
        "alerts.rules",
        "e",
        "rules",
        "rules",
        "alert rules of its wallet or position, tried on the recorded history",
        10,
    ),
    Key("alerts.copy", "y", "copy", "copy", "copy the alert with its figures", 9),
)

PAGE = (
    Key("page.down", "j,down", "scroll(1)", "down", "one line down"),
    Key("page.up", "k,up", "scroll(-1)", "up", "one line up"),
    Key("page.half-down", "ctrl+d", "half(1)", "half down", "half a page down"),
    Key("page.half-up", "ctrl+u", "half(-1)", "half up", "half a page up"),
    Key("page.page-down", "pagedown,space", "half(2)", "page down", "a page down"),
    Key("page.page-up", "pageup", "half(-2)", "page up", "a page up"),
    Key("page.top", "g,home", "edge(-1)", "top", "to the top"),
    Key("page.end", "G,end", "edge(1)", "end", "to the end"),
)

WALLETS = (
    Key("wallets.back", "escape,q", "back", "back", "back to the list of positions", 1),
    Key("wallets.add", "plus", "add", "add", "watch another wallet, or several", 2),
    Key("wallets.edit", "enter,e", "edit", "edit", "edit the wallet under the cursor", 3),
    Key("wallets.remove", "x", "remove", "remove", "stop watching it; asks first", 4),
    Key("wallets.undo", "u", "undo", "undo", "take the last change back", 5),
    Key("wallets.redo", "ctrl+r", "redo", "redo", "do again what was taken back", 9),
    Key("wallets.move-up", "K,shift+up", "shift(-1)", "up", "move it one place up", 7),
    Key("wallets.move-down", "J,shift+down", "shift(1)", "down", "move it one place down", 8),
    Key("wallets.import", "i", "import", "import", "add the wallets of a file: lines, CSV or TOML", 6),
    Key("wallets.save", "s", "save", "save", "write again what could not be written", 10),
    Key("wallets.copy", "y,Y", "copy", "copy", "copy the address", 11),
)

WELCOME = (
    Key("welcome.add", "plus,enter", "add", "add", "watch the first wallet", 1),
    Key("welcome.import", "i", "import", "import", "import a file of addresses", 2),
    Key("welcome.skip", "escape", "skip", "go on", "go on to the empty list", 3),
    Key("welcome.quit", "q", "quit", "quit", "leave", 4),
)

TAPE = (
    Key("tape.pause", "p", "tape_pause", "pause", "stop and go on with the tape"),
    Key("tape.slower", "less_than_sign", "tape_speed(-1)", "slower", "play at half the speed"),
    Key("tape.faster", "greater_than_sign", "tape_speed(1)", "faster", "play at twice the speed"),
    Key("tape.back", "comma", "tape_step(-1)", "back", "one block back"),
    Key("tape.forward", "full_stop", "tape_step(1)", "forward", "one block forward"),
    Key("tape.chapter", "n", "tape_chapter(1)", "chapter", "on to the next chapter"),
    Key("tape.previous-chapter", "N", "tape_chapter(-1)", "previous chapter", "back to the chapter before"),
)

CONTEXTS: dict[str, tuple[str, tuple[Key, ...]]] = {
    "everywhere": ("Everywhere", EVERYWHERE),
    "dashboard": ("Dashboard", DASHBOARD),
    "detail": ("Position", DETAIL),
    "alerts": ("Alert log", ALERTS),
    "wallets": ("Wallets", WALLETS),
    "welcome": ("Welcome", WELCOME),
    "page": ("Pages that scroll", PAGE),
    "tape": ("While a tape plays", TAPE),
}

_SHOWN = {
    "question_mark": "?", "slash": "/", "colon": ":", "plus": "+", "enter": "⏎", "escape": "esc", "space": "␣",
    "left_square_bracket": "[", "right_square_bracket": "]", "less_than_sign": "<", "greater_than_sign": ">",
    "comma": ",", "full_stop": ".", "up": "↑", "down": "↓", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home",
    "end": "End",
}  # fmt: skip


def show_key(name: str, *, plain: bool = False) -> str:
    """A Textual key name as people write it: "question_mark" → "?"; with `plain` in ASCII: "enter" stays."""
    shown = _SHOWN.get(name, name)
    return shown if shown.isascii() or not plain else name


def bindings(context: str) -> list[Binding]:
    """For a class's BINDINGS. `ctrl+c` and `ctrl+q` also work while something is being typed."""
    return [
        Binding(
            key.keys, key.action, key.label, id=key.id, tooltip=key.tooltip, show=key.footer > 0,
            priority=key.id in {"app.quit", "app.interrupt"},
        )
        for key in CONTEXTS[context][1]
    ]  # fmt: skip


def actions() -> list[Action]:
    """What `[keys]` may name, for `liqtui.config.keymap.resolve`. ctrl+c stays what it is."""
    return [
        Action(key.id, key.keys, "" if context == "everywhere" else context)
        for context, (_, keys) in CONTEXTS.items()
        for key in keys
        if key.id != "app.interrupt"
    ]


def keys_of(key: Key, keymap: Mapping[str, str], *, plain: bool = False) -> str:
    """The first key that does it now, as people write it."""
    return show_key(keymap.get(key.id, key.keys).split(",")[0].strip(), plain=plain)


def footer(
    contexts: tuple[str, ...], keymap: Mapping[str, str], room: int, gap: int = 2, *, plain: bool = False
) -> list[tuple[str, str]]:
    """(key, label) of the most important keys that fit into `room` cells, in the order of the table."""
    shown = [key for name in contexts for key in CONTEXTS[name][1] if key.footer]
    made = {key: (keys_of(key, keymap, plain=plain), key.label) for key in shown}
    chosen: set[Key] = set()
    for key in sorted(shown, key=lambda key: key.footer):
        room -= sum(cell_len(word) for word in made[key]) + 1 + (gap if chosen else 0)
        if room < 0:
            break
        chosen.add(key)
    return [made[key] for key in shown if key in chosen]


def page() -> str:
    """docs/keys.md."""
    parts = [
        "# Keys\n",
        "Made from `liqtui/ui/bindings.py`; a test holds it up to date.\n",
        "Any id can be given other keys in `config.toml`:\n",
        '```toml\n[keys]\n"list.down" = "j,down,ctrl+j"\n```\n',
        "Key names are Textual's (`ctrl+d`, `question_mark`, `pagedown`). No key needs Alt, none is a function key.\n",
    ]
    for title, keys in CONTEXTS.values():
        parts.append(f"## {title}\n")
        parts.append("| key | does | id |\n|---|---|---|")
        for key in keys:
            shown = " ".join(f"`{show_key(name)}`" for name in key.keys.split(","))
            parts.append(f"| {shown} | {key.tooltip} | `{key.id}` |")
        parts.append("")
    return "\n".join(parts)
