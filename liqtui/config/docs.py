"""Writes `docs/config.md` from the declarations: `python -m liqtui.config.docs`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from liqtui.config import schema, schema_alerts, themes
from liqtui.config.chains import known_chains
from liqtui.protocols.shipped import protocols

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.config.settings import Section, Setting

PAGE = Path(__file__).parents[2] / "docs" / "config.md"

_INTRO = """\
# Configuration

<!-- Made by `python -m liqtui.config.docs`; change the declarations in liqtui/config/schema*.py instead. -->

`config.toml` is yours: liqtui reads it and never writes it. Without one, everything has a default, and the main
chains are read through public endpoints; the screen says so.

| what | where, on Linux | otherwise |
|---|---|---|
| `config.toml`, `watchlist.toml`, `themes/` | `~/.config/liqtui` | `LIQTUI_CONFIG_DIR`, `XDG_CONFIG_HOME` |
| history, recordings | `~/.local/state/liqtui` | `LIQTUI_STATE_DIR`, `XDG_STATE_HOME` |

`--config FILE` and `--watchlist FILE` each name that one file. [watchlist.md](watchlist.md) is about the watchlist.

`${NAME}` in any text but those of `[keys]` is replaced by the environment variable of that name, so that keys of
endpoints can stay out of the file. A variable that is missing or empty is an error. Its value is never shown, nor
is anything of an endpoint but scheme and host.

Every mistake is named with file, line and key, all of them at once, and liqtui ends with code 78 instead of
watching with settings that nobody wanted:

```
config.toml:12: thresholds.warm: unknown key, did you mean "warn"?
```

```toml
[chains.ethereum]
rpc = ["https://node.example/${MY_KEY}", "https://other.example", "wss://node.example/${MY_KEY}"]

[chains.lab]                       # any EVM chain
id = 31337
rpc = ["http://127.0.0.1:8545"]

[[markets]]                        # a deployment that liqtui does not know
protocol = "aave-v3"
chain = "lab"
name = "lab market"
pool_addresses_provider = "0x5FbDB2315678afecb367f032d93F642f64180aa3"

[thresholds]
warn = 1.20
critical = 1.05
```
"""

_THEMES = """\
## Themes

Shipped: {shipped}. A file `NAME.toml` in the themes directory adds one, or takes the place of a shipped one of the
same name. Colours are written as `#rgb`, `#rrggbb`, `ansi_red`, `ansi_bright_red` (the terminal's own palette) or
`ansi_default`; what a theme leaves out comes from the shipped one that is nearest. The severities are told apart by
glyph, word and weight as well, so a theme without any colour is no less safe.
"""


def page() -> str:
    market = schema.market_section(protocols())
    sections = (
        schema.CHAIN,
        market,
        *schema.SECTIONS.values(),
        schema_alerts.MAINTENANCE,
        schema_alerts.CHANNEL,
        schema.KEYS,
    )
    shipped = ", ".join(f"`{file.stem}`" for file in sorted(themes.shipped_dir().glob("*.toml")))
    parts = [_INTRO, *map(_section, sections), _chains(), _themes(shipped)]
    return "\n".join(parts)


def _section(section: Section) -> str:
    parts = [f"## `{section.heading}`", "", section.help, ""]
    if section.settings:
        parts += [*_table(section.settings), ""]
    if section.heading == "[[markets]]":
        parts += ["", *_protocols(), ""]
    return "\n".join(parts)


def _table(settings: Iterable[Setting]) -> list[str]:
    rows = ["| key | value | default | |", "|---|---|---|---|"]
    for setting in settings:
        default = setting.shown if setting.shown.startswith("`") or not setting.shown else f"`{setting.shown}`"
        rows.append(f"| `{setting.key}` | {setting.kind.words} | {default} | {setting.help} |")
    return rows


def _protocols() -> list[str]:
    rows = ["| protocol | entry address |", "|---|---|"]
    return rows + [f"| `{protocol}` | `{naming.entry}` |" for protocol, naming in protocols().items()]


def _chains() -> str:
    rows = [
        "## Known chains",
        "",
        "Watched without configuration: those with ●.",
        "",
        "| name | tag | id | | public endpoints |",
        "|---|---|---|---|---|",
    ]
    for name, chain in known_chains().items():
        mark = "●" if chain.main else ""
        rows.append(f"| `{name}` | {chain.spec.short} | {chain.spec.id} | {mark} | {len(chain.spec.rpc)} |")
    return "\n".join([*rows, ""])


def _themes(shipped: str) -> str:
    tops = [setting for setting in themes.THEME.settings if setting.key != "colors"]
    rows = [*_table(tops), "", "`[colors]`:", "", "| key | colour |", "|---|---|"]
    rows += [f"| `{setting.key}` | {setting.help} |" for setting in themes.COLORS.settings]
    return "\n".join([_THEMES.format(shipped=shipped), *rows, ""])


def main() -> int:
    PAGE.write_text(page(), "utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
