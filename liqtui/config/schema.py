"""Every setting of `config.toml`, once: its kind, its default, its help.

The parser, the suggestions for misspelt keys and `docs/config.md` are all made from these tables. Those about alerts
are in `schema_alerts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.config import kinds
from liqtui.config.schema_alerts import ALERTS, PING, RULES, THRESHOLDS
from liqtui.config.settings import Section, Setting, wad

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.protocols.shipped import Naming

COLORS = ("auto", "truecolor", "256", "16", "mono")
NOTIFY = ("auto", "9", "99", "777", "off")

RESCUE = Section(
    "[rescue]",
    "Which health factor the shown repayments and top-ups aim at.",
    (
        wad("target", kinds.TARGET, 125 * kinds.WAD_ONE // 100, "The one shown in the preview."),
        Setting(
            "targets",
            kinds.TARGETS,
            tuple(kinds.WAD_ONE * percent // 100 for percent in (110, 125, 150)),
            "Those listed in the detail of a position; `target` is always among them.",
            "[1.10, 1.25, 1.50]",
        ),
    ),
)

UI = Section(
    "[ui]",
    "The screen. The options `--theme`, `--color`, `--ascii` and `--mouse` go before these.",
    (
        Setting(
            "theme",
            kinds.NAME,
            "",
            "Name of a shipped theme or of a file in the themes directory; "
            "without it the one that suits the colours of the terminal.",
            "",
        ),
        Setting(
            "color",
            kinds.choice(*COLORS),
            "auto",
            "Colours that the terminal can show. SSH does not forward "
            "COLORTERM, so a good terminal may be taken for a poor one.",
            '"auto"',
        ),
        Setting(
            "ascii",
            kinds.SWITCH,
            "auto",
            "Draw with ASCII only; `auto` does so where the locale is not UTF-8.",
            '"auto"',
        ),
        Setting(
            "mouse",
            kinds.SWITCH,
            "auto",
            "Mouse support; `auto` is off over SSH, where each movement "
            "is traffic and selecting text with the mouse is wanted.",
            '"auto"',
        ),
        Setting("bell", kinds.FLAG, True, "Ring the terminal's bell when something becomes critical.", "true"),
        Setting(
            "notify",
            kinds.choice(*NOTIFY),
            "auto",
            "Desktop notification through the terminal: OSC 9, 99 or 777, guessed from the terminal with `auto`.",
            '"auto"',
        ),
        Setting(
            "seconds", kinds.FLAG, False, "A clock, and the time until the next round, that tick each second.", "false"
        ),
    ),
)

ENGINE = Section(
    "[engine]",
    "How the chains are read.",
    (Setting("poll", kinds.seconds(2, 3600), 12.0, "Between two rounds of a chain; a chain may have its own.", "12"),),
)

HISTORY = Section(
    "[history]",
    "What is kept in `history.sqlite`.",
    (
        Setting("keep_days", kinds.whole(1, 3650), 90, "Days for which health and cushion are kept.", "90"),
        Setting(
            "price_days",
            kinds.whole(1, 3650),
            90,
            "Days for which updates of price feeds are kept. σ is measured over 30 of them, or over fewer if fewer are "
            "kept.",
            "90",
        ),
        Setting("alert_days", kinds.whole(1, 3650), 365, "Days for which alerts and their lives are kept.", "365"),
    ),
)

METRICS = Section(
    "[metrics]",
    "An endpoint for Prometheus, see [metrics.md](metrics.md). Off unless `listen` is set.",
    (
        Setting("listen", kinds.LISTEN, None, 'Where it answers: "127.0.0.1:9464".'),
        Setting(
            "allow_remote",
            kinds.FLAG,
            False,
            "Whether `listen` may be reached from other machines. It shows your wallets and asks for no password.",
            "false",
        ),
    ),
)

KEYS = Section(
    "[keys]",
    'Keys of the screen: the name of an action and its keys, as in `refresh = "r,ctrl+r"`. '
    "[keys.md](keys.md) lists the actions; the help screen (`?`) shows them too.",
    (),
)

CHAIN = Section(
    "[chains.NAME]",
    "Where chains are named here, only these are watched, except that a section with `enabled = false` takes its "
    "chain away and adds none. A known name (list below) needs nothing else; any other EVM chain needs `id` and `rpc`.",
    (
        Setting("enabled", kinds.FLAG, True, "Whether the chain is watched.", "true"),
        Setting("id", kinds.whole(1, 2**63 - 1), None, "Chain id. Known names have theirs."),
        Setting(
            "rpc",
            kinds.URLS,
            None,
            "Endpoints in order of preference: http, https, ws, wss. Without it a known "
            "chain uses public ones, and the screen says so.",
        ),
        Setting("short", kinds.NAME, None, "Tag for narrow columns."),
        Setting("poll", kinds.seconds(2, 3600), None, "Seconds between two rounds.", "`engine.poll`"),
        Setting("block_time", kinds.seconds(0.01, 3600), None, "Usual time between blocks.", "12"),
        Setting("multicall3", kinds.ADDRESS, None, "Address of Multicall3, where it is not the usual one."),
        Setting("max_calls", kinds.whole(1, 10_000), None, "Most calls in one request before it is split.", "500"),
        Setting(
            "max_calldata", kinds.whole(1_000, 10_000_000), None, "Most bytes of call data in one request.", "120000"
        ),
        Setting(
            "max_blocks",
            kinds.whole(1, 10_000_000),
            None,
            "Most blocks in one request for logs. Without it what each node takes is found out.",
        ),
        Setting("gas", kinds.GAS, None, "Gas given to each read.", "50000000"),
        Setting("requests_per_second", kinds.number(0.01, 10_000), None, "For each endpoint.", "10"),
        Setting("timeout", kinds.seconds(0.5, 300), None, "For one request.", "10"),
        Setting("explorer", kinds.LINK, None, "Block explorer that `o` opens."),
    ),
)

MARKET = (
    Setting("protocol", kinds.NAME, None, "One of those below."),
    Setting("chain", kinds.NAME, None, "Name of a chain that is watched."),
    Setting("name", kinds.NAME, None, "Your name for it, as shown."),
    Setting(
        "app",
        kinds.LINK,
        None,
        "Where its positions are managed, copied by `O`; `{wallet}` and `{market_id}` stand for those of a position.",
    ),
)


def market_section(protocols: Mapping[str, Naming]) -> Section:
    """[[markets]] with one key for each kind of entry address, and those that belong to one protocol only."""
    entries: dict[str, list[str]] = {}
    for protocol, naming in protocols.items():
        entries.setdefault(naming.entry, []).append(protocol)
    addresses = [
        Setting(key, kinds.ADDRESS, None, f"Entry address of {', '.join(names)}.") for key, names in entries.items()
    ]
    lists = [
        Setting(option.key, kinds.LISTS[option.holds], None, f"{protocol}: {option.help}")
        for protocol, naming in protocols.items()
        for option in naming.options
    ]
    return Section(
        "[[markets]]",
        "A deployment that the program does not know: a fork, a test chain. Once for each.",
        (*MARKET, *addresses, *lists),
    )


SECTIONS: Mapping[str, Section] = {
    "thresholds": THRESHOLDS,
    "rules": RULES,
    "alerts": ALERTS,
    "rescue": RESCUE,
    "ui": UI,
    "engine": ENGINE,
    "history": HISTORY,
    "metrics": METRICS,
    "ping": PING,
}
"""Plain tables. `chains`, `markets` and `keys` have names or indexes of their own inside."""

TABLES = (*SECTIONS, "keys", "chains", "markets", "maintenance", "channels")
