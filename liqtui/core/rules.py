"""What a person may say about alerts: which rules speak, how loud, when not. Values only; see `docs/alerts.md`."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.states import Level

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "threshold": "health or cushion went under warn or critical",
        "recovered": "back over a threshold",
        "velocity": "at the present pace the next threshold comes within your reaction time",
        "interest": "interest alone reaches liquidation within the days that you named",
        "liquidatable": "anybody may liquidate it now",
        "liquidated": "it was liquidated, by its balances or by the protocol's own event",
        "opened": "a position turned up",
        "closed": "a position is gone",
        "changed": "your own transaction changed it",
        "parameters": "the market changed a threshold, bonus, cap, category, pause or freeze",
        "oracle": "a price feed is late or stale against its heartbeat",
        "price": "a price jumped between two rounds of its feed",
        "unverified": "our figure is not the contract's, or the contract is one that we do not know",
        "blind": "figures cannot be read",
        "sighted": "figures come again",
        "engine": "the program itself is in trouble",
        "held": "what quiet hours, a maintenance window or a mute kept back, told in one message when they end",
        "digest": "the daily summary",
        "test": "sent by `liqtui alert test`",
    }
)
"""Kind of alert → when it speaks."""

ALWAYS = frozenset({"liquidated", "liquidatable"})
"""Kinds that ring whatever was muted, switched off or is quiet."""


class Rules(NamedTuple):
    """Which rules speak for a position. None falls back to the wider scope: wallet → tag → config → default."""

    reaction: float | None = None
    """Seconds that the person needs to act; velocity speaks when the next threshold is nearer. 0: never."""
    interest_days: float | None = None
    """Interest speaks when it alone reaches health 1 within so many days. 0: never."""
    price_jump: int | None = None
    """Move of a feed between two of its rounds, as a fraction of 1e18, from which it is told. 0: never."""
    off: tuple[str, ...] | None = None
    """Kinds that are only logged: they neither ring nor go to channels. Liquidations cannot be among them."""

    def over(self, wider: Rules) -> Rules:
        """These where set, else the wider ones."""
        return Rules(
            self.reaction if self.reaction is not None else wider.reaction,
            self.interest_days if self.interest_days is not None else wider.interest_days,
            self.price_jump if self.price_jump is not None else wider.price_jump,
            self.off if self.off is not None else wider.off,
        )

    def logs_only(self, kind: str) -> bool:
        """Whether that kind of alert is switched off. What is lost or about to be never is."""
        return kind in (self.off or ()) and kind not in ALWAYS


DEFAULT_RULES = Rules(reaction=1800.0, interest_days=7.0, price_jump=10**17, off=())


class Quiet(NamedTuple):
    """Hours of the day, in the machine's own time zone, in which only what is loud enough rings."""

    start: int
    """Minute of the day."""
    end: int
    """Minute of the day, exclusive; before `start` it is on the next day."""
    breaks: Level = Level.CRITICAL
    """From this level on it rings all the same."""


class Maintenance(NamedTuple):
    """A stretch of time in which alerts about something are expected and kept from ringing."""

    start: float
    """Unix time."""
    end: float
    about: str = ""
    """Name of a chain, a protocol, a tag, or a wallet's address or label; empty: everything."""
    reason: str = ""


class Desk(NamedTuple):
    """What happens to alerts after the rules have spoken."""

    escalate_after: float = 900.0
    """Seconds without acknowledgement after which a call or worse is sent again, one level louder. 0: never."""
    escalate_times: int = 3
    quiet: Quiet | None = None
    digest: int | None = None
    """Minute of the day at which the daily summary is made; None: none."""
    maintenance: tuple[Maintenance, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """Where alerts go, as configured. URLs, secrets and commands are never shown."""

    name: str
    kind: str
    """webhook · command · apprise"""
    url: str = field(default="", repr=False)
    """Of a webhook, or of a service as `apprise` writes it."""
    command: tuple[str, ...] = field(default=(), repr=False)
    secret: str = field(default="", repr=False)
    """Key of the webhook's HMAC signature; empty: not signed."""
    level: Level = Level.CALL
    """The mildest that is sent."""
    per_minute: int = 20
    """Messages at most; more are merged into one, never dropped."""
    timeout: float = 15.0
    digest: bool = True
    """Whether the daily summary goes here."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A URL called after healthy rounds and not while blind, so that a watchdog elsewhere notices silence."""

    url: str = field(repr=False)
    every: float = 60.0
    """Seconds."""
