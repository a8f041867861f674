"""The settings of `config.toml` that are about alerts: what calls, when, and where to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.config import kinds
from liqtui.config.settings import Section, Setting, wad
from liqtui.core.rules import DEFAULT_RULES, Desk, Quiet, Rules
from liqtui.core.states import Level
from liqtui.core.wallet import DEFAULT_THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Mapping


def threshold_settings(warn: int | None = None, critical: int | None = None) -> tuple[Setting, ...]:
    """The six thresholds, as in config.toml and in each wallet; the defaults differ."""
    return (
        wad("warn", kinds.THRESHOLD, warn, "A health factor under this is WARN. Has to be above `critical`."),
        wad("critical", kinds.THRESHOLD, critical, "A health factor under this is CRITICAL. Has to be above 1."),
        wad("warn_cushion", kinds.CUSHION, None, "WARN when the nearest boundary is nearer than this: 0.10 is 10 %."),
        wad("critical_cushion", kinds.CUSHION, None, "CRITICAL when the nearest boundary is nearer than this."),
        wad("warn_sigmas", kinds.SIGMAS, None, "WARN when a boundary whose σ is known is nearer than so many daily σ."),
        wad("critical_sigmas", kinds.SIGMAS, None, "CRITICAL when it is nearer than so many daily σ."),
    )


THRESHOLDS = Section(
    "[thresholds]",
    "When a position turns to WARN and to CRITICAL. Each wallet, and each position of a wallet, may have its own "
    "in `watchlist.toml`.",
    threshold_settings(DEFAULT_THRESHOLDS.warn, DEFAULT_THRESHOLDS.critical),
)


def rule_settings(rules: Rules | None = None) -> tuple[Setting, ...]:
    """Which alert rules speak, as in config.toml, in each wallet and in each tag; the defaults differ."""
    told = rules or Rules()
    reaction, days, jump = told.reaction, told.interest_days, told.price_jump
    return (
        Setting(
            "reaction",
            kinds.seconds(0, 86_400),
            reaction,
            "Time that you need to act: told when the next threshold comes sooner at the present pace. 0: never.",
            "" if reaction is None else f"{reaction:g}",
        ),
        Setting(
            "interest_days",
            kinds.number(0, 3650),
            days,
            "Told when interest alone reaches liquidation within so many days. 0: never.",
            "" if days is None else f"{days:g}",
        ),
        Setting(
            "price_jump",
            kinds.JUMP,
            jump,
            "Told when a price feed moves by this part between two of its rounds: 0.10 is 10 %. 0: never.",
            "" if jump is None else kinds.shown_wad(jump),
        ),
        Setting(
            "off",
            kinds.ALERTS,
            told.off,
            "Kinds of alert that are only logged; [alerts.md](alerts.md) lists them. No liquidations.",
            "" if told.off is None else "[]",
        ),
    )


RULES = Section(
    "[rules]",
    "When alerts speak, beside the thresholds. Each wallet and each tag may have its own in `watchlist.toml`.",
    rule_settings(DEFAULT_RULES),
)

_DESK = Desk()

ALERTS = Section(
    "[alerts]",
    "What happens to alerts after the rules have spoken. Hours are those of the machine's own time zone.",
    (
        Setting(
            "escalate_after",
            kinds.seconds(0, 604_800),
            _DESK.escalate_after,
            "An alert from `call` on that nobody acknowledged is sent again after this, one level louder. 0: never.",
            f"{_DESK.escalate_after:g}",
        ),
        Setting("escalate_times", kinds.whole(0, 100), _DESK.escalate_times, "How often.", str(_DESK.escalate_times)),
        Setting(
            "quiet",
            kinds.HOURS,
            None,
            'Hours in which only what is loud enough rings, as in "22:00-07:00"; the rest is told when they end.',
        ),
        Setting(
            "quiet_breaks",
            kinds.choice(*(level.value for level in Level if level is not Level.LIQUIDATED)),
            Quiet(0, 0).breaks.value,
            "From this level on it rings in quiet hours too. What is or can be liquidated always does.",
            f'"{Quiet(0, 0).breaks.value}"',
        ),
        Setting(
            "digest", kinds.CLOCK, None, 'When the daily summary is made, as in "08:00"; at the end of quiet hours.'
        ),
    ),
)

MAINTENANCE = Section(
    "[[maintenance]]",
    "A stretch of time in which alerts are expected: they are logged, and told together when it is over. "
    "What is or can be liquidated rings all the same. Once for each.",
    (
        Setting("start", kinds.MOMENT, None, "As in 2026-03-01T22:00:00Z; without an offset in your own time zone."),
        Setting("end", kinds.MOMENT, None, "After `start`."),
        Setting(
            "about",
            kinds.NAME,
            "",
            "Name of a chain, a protocol or a tag, or a wallet's label or address; without it everything.",
        ),
        Setting("reason", kinds.TEXT, "", "Shown where an alert is held back."),
    ),
)

CHANNELS: Mapping[str, tuple[str, ...]] = {"webhook": ("url", "secret"), "command": ("command",), "apprise": ("url",)}
"""Kind of channel → keys that belong to it, the first of which it cannot do without."""

CHANNEL = Section(
    "[channels.NAME]",
    "Where alerts go, with or without a screen; [channels.md](channels.md) has an example of each. Addresses, "
    "commands and secrets are never shown.",
    (
        Setting("kind", kinds.choice(*CHANNELS), None, "`apprise` is for the common services."),
        Setting(
            "url", kinds.NAME, None, "Of the webhook, or of the service as apprise writes it: `tgram://TOKEN/CHAT`."
        ),
        Setting("command", kinds.WORDS, None, "Program and its words; no shell. It reads the event as JSON."),
        Setting("secret", kinds.NAME, None, "Of a webhook: each request is signed with it."),
        Setting("level", kinds.choice(*Level), Level.CALL.value, "The mildest alert that is sent.", '"call"'),
        Setting("per_minute", kinds.whole(1, 600), 20, "Messages at most; more are merged, none is dropped.", "20"),
        Setting("timeout", kinds.seconds(1, 120), 15.0, "For one try.", "15"),
        Setting("digest", kinds.FLAG, True, "Whether the daily summary goes here.", "true"),
    ),
)

PING = Section(
    "[ping]",
    "The dead-man ping: a watchdog elsewhere tells you when it stops. It is sent while everything is read, and not "
    "while anything is blind.",
    (
        Setting("url", kinds.WEB, None, "Called with GET."),
        Setting("every", kinds.seconds(10, 86_400), 60.0, "At most so often.", "60"),
    ),
)
