"""Settings about alerts: what is read, and how every mistake is named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from liqtui.chain.addresses import checksum
from liqtui.config import load
from liqtui.config.errors import ConfigError
from liqtui.config.store import WatchlistStore
from liqtui.config.watchlist_text import checked_text, parse
from liqtui.core.rules import DEFAULT_RULES, Desk, Maintenance, Quiet, Rules
from liqtui.core.states import Level
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds

if TYPE_CHECKING:
    from liqtui.config.load import Config
    from liqtui.config.watchlist import Watchlist

FILE = Path("config.toml")
A, B = checksum("0x" + "ab" * 20), checksum("0x" + "cd" * 20)


def config(text: str) -> Config:
    return load.parse(text, FILE, env={})


def test_nothing_written_is_sensible() -> None:
    found = config("")
    assert found.rules == DEFAULT_RULES
    assert found.desk == Desk()


def test_everything_written() -> None:
    found = config("""
[thresholds]
warn_sigmas = 3
critical_sigmas = 1.5
[rules]
reaction = 600
interest_days = 0
price_jump = 0.05
off = ["opened", "closed", "opened"]
[alerts]
escalate_after = 300
escalate_times = 5
quiet = "22:00-07:00"
quiet_breaks = "liquidatable"
digest = 08:30:00
[[maintenance]]
start = 2026-03-01T22:00:00Z
end = 2026-03-01T23:00:00Z
about = "base"
reason = "upgrade"
""")
    assert (found.thresholds.warn_sigmas, found.thresholds.critical_sigmas) == (3 * WAD, 3 * WAD // 2)
    assert found.rules == Rules(600.0, 0.0, WAD // 20, ("opened", "closed"))
    start = datetime(2026, 3, 1, 22, tzinfo=UTC).timestamp()
    assert found.desk == Desk(
        300.0, 5, Quiet(1320, 420, Level.LIQUIDATABLE), 510, (Maintenance(start, start + 3600, "base", "upgrade"),)
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[rules]\noff = ["liquidated"]', 'config.toml:2: rules.off: holds "liquidated", which cannot be switched off'),
        ('[rules]\noff = ["treshold"]', 'holds "treshold", which is no kind of alert, did you mean "threshold"?'),
        ("[rules]\nprice_jump = -1", "rules.price_jump: has to be a decimal from 0 to under 10"),
        ("[rules]\nreacton = 5", 'rules.reacton: unknown key, did you mean "reaction"?'),
        ('[alerts]\nquiet = "22-7"', 'alerts.quiet: is not a stretch of the day, write it as "22:00-07:00"'),
        ('[alerts]\nquiet = "24:00-07:00"', "alerts.quiet: is not a time of day"),
        ('[alerts]\nquiet = "07:00-07:00"', "alerts.quiet: begins and ends at the same minute"),
        ('[alerts]\nquiet_breaks = "liquidated"', "has to be one of notice, call, critical, liquidatable"),
        ("[alerts]\ndigest = 8", 'alerts.digest: is not a time of day, write it as "08:00"'),
        ("[thresholds]\nwarn_sigmas = 1\ncritical_sigmas = 2", "thresholds.warn_sigmas: is 1 and has to be above"),
        ("[maintenance]\nstart = 1", "maintenance: has to be a list of tables, not a table, write [[maintenance]]"),
        ("[[maintenance]]\nstart = 2026-03-01T22:00:00Z", "maintenance[1]: end is missing"),
        ("[ui]\nmouse = []", 'config.toml:2: ui.mouse: has to be "auto", true or false'),
        ('[[maintenance]]\nstart = "now"\nend = 2026-03-01', "maintenance[1].start: is not a date and time"),
        (
            "[[maintenance]]\nstart = 2026-03-02T00:00:00Z\nend = 2026-03-01T00:00:00Z",
            "config.toml:3: maintenance[1].end: has to be after start",
        ),
    ],
)
def test_mistakes_are_named(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as fault:
        config(text)
    assert error in str(fault.value)


TAGGED = f"""\
# mine
[tag.dao.rules]
reaction = 600     # slow people

[[wallet]]
address = "{A}"
tags = ["dao", "cold"]

# the cold ones
[tag.cold.thresholds]
warn = 1.5
[tag.cold.rules]
off = ["opened"]
reaction = 60

# second
[[wallet]]
address = "{B}"
tags = ["cold"]
[wallet.rules]
interest_days = 3
price_jump = 0.2
"""


def read(text: str) -> Watchlist:
    return parse(text, Path("watchlist.toml"), checksum)


def test_tags_say_what_their_wallets_do_not() -> None:
    found = read(TAGGED)
    first, second = found.effective
    assert first.tag_rules == Rules(reaction=600.0, off=("opened",)), "the first tag goes before the second"
    assert first.tag_thresholds == second.tag_thresholds == Thresholds(warn=3 * WAD // 2)
    assert second.rules == Rules(interest_days=3.0, price_jump=WAD // 5)
    assert found.wallets[0].tag_rules == Rules()


def test_an_edit_by_the_program_keeps_tags_rules_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "watchlist.toml"
    path.write_text(TAGGED)
    store = WatchlistStore(path, checksum)
    store.load()
    for wallet in store.current.effective:
        from dataclasses import replace

        store.edit(wallet.key, replace(wallet, label=f"l{wallet.key[2:4]}"))
    text = path.read_text()
    assert all(part in text for part in ("# mine", "# slow people", "# the cold ones", "# second", 'label = "lab"'))
    again = read(text)
    assert again.tags == read(TAGGED).tags
    assert again.wallets[1].rules == Rules(interest_days=3.0, price_jump=WAD // 5)
    store.remove(A)
    store.remove(B)
    assert read(path.read_text()).tags == again.tags
    assert store.undo() is not None
    assert read(path.read_text()).tags == again.tags


def test_a_change_of_tags_outside_is_no_conflict_with_a_change_of_a_wallet(tmp_path: Path) -> None:
    from dataclasses import replace

    path = tmp_path / "watchlist.toml"
    path.write_text(TAGGED)
    store = WatchlistStore(path, checksum)
    first = store.load().effective[0]
    path.write_text(TAGGED.replace("reaction = 600", "reaction = 900"))
    store.edit(first.key, replace(first, label="mine"))
    assert store.current.effective[0].tag_rules.reaction == 900.0
    path.unlink()
    store.edit(first.key, replace(store.current.wallets[0], label="again"))
    assert read(path.read_text()).tags == store.current.tags != ()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("tag = 1", "tag: has to be a table"),
        ("[tag]\ndao = 1", "tag.dao: has to be a table"),
        ("[tag.dao.rule]\nreaction = 1", 'tag.dao.rule: unknown key, did you mean "rules"?'),
        ('[tag.dao.rules]\noff = ["liquidatable"]', "which cannot be switched off"),
        ("[tag.dao.thresholds]\nwarn = 1.1\ncritical = 1.2", "tag.dao.thresholds.warn: is 1.1 and has to be above"),
        (f'[[wallet]]\naddress = "{A}"\nrules = 1', "wallet[1].rules: has to be a table"),
    ],
)
def test_mistakes_of_the_watchlist_are_named(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as fault:
        read(text)
    assert error in str(fault.value)


def test_only_tags_and_no_wallet() -> None:
    found = read("# c\n[tag.dao.rules]\nreaction = 5\n")
    assert checked_text(found, checksum) == "# c\n[tag.dao.rules]\nreaction = 5\n"
