"""Kinds of settings: how a value is written, read and described."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

from liqtui.core.rules import ALWAYS
from liqtui.core.rules import KINDS as ALERT_KINDS
from liqtui.core.text import clean
from liqtui.core.units import WAD, decimal_string

if TYPE_CHECKING:
    from collections.abc import Callable


class BadValueError(ValueError):
    """What is wrong with a value, in words that do not repeat it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Kind(NamedTuple):
    words: str
    """For the documentation: "decimal above 1"."""
    read: Callable[[Any], Any]
    """The value as used; raises BadValueError."""


_HEX_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HEX_WORD = re.compile(r"0x[0-9a-fA-F]{64}")


def wad(value: Decimal | int) -> int:
    """1e18-scaled integer, exact. Raises BadValueError for more than 18 decimals, 10**60 and more, infinity and nan."""
    number = Decimal(value)
    if not number.is_finite():
        raise BadValueError("not a number")
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits))
    significant = text.rstrip("0")
    power = int(exponent) + 18 + len(text) - len(significant)
    if not significant:
        return 0
    if number.adjusted() >= 60:
        raise BadValueError("cannot be so large")
    if power < 0:
        raise BadValueError("has more than 18 decimals")
    raw = int(significant) * 10**power
    return -raw if sign else raw


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise BadValueError(f"has to be a number, not {type_words(value)}")
    number = Decimal(value)
    if not number.is_finite():
        raise BadValueError("has to be a finite number")
    return number


def type_words(value: object) -> str:
    """What a person calls the TOML type of a value."""
    names: dict[type, str] = {bool: "true or false", int: "a whole number", Decimal: "a decimal", str: "text"}
    names |= {list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def decimal_wad(words: str, above: Decimal, below: Decimal) -> Kind:
    def read(value: object) -> int:
        number = _number(value)
        if not above < number < below:
            raise BadValueError(f"has to be a {words}")
        return wad(number)

    return Kind(words, read)


def seconds(least: float, most: float) -> Kind:
    words = f"seconds, {least:g} to {most:g}"

    def read(value: object) -> float:
        number = _number(value)
        if not Decimal(str(least)) <= number <= Decimal(str(most)):
            raise BadValueError(f"has to be between {least:g} and {most:g} seconds")
        return float(number)

    return Kind(words, read)


def number(least: float, most: float) -> Kind:
    def read(value: object) -> float:
        given = _number(value)
        if not Decimal(str(least)) <= given <= Decimal(str(most)):
            raise BadValueError(f"has to be between {least:g} and {most:g}")
        return float(given)

    return Kind(f"number, {least:g} to {most:g}", read)


def whole(least: int, most: int) -> Kind:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadValueError(f"has to be a whole number, not {type_words(value)}")
        if not least <= value <= most:
            raise BadValueError(f"has to be between {least} and {most}")
        return value

    return Kind(f"whole number, {least} to {most}", read)


def choice(*names: str) -> Kind:
    words = " · ".join(f'"{name}"' for name in names)

    def read(value: object) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # color = 256
        if value not in names:
            raise BadValueError(f"has to be one of {', '.join(names)}")
        return cast("str", value)

    return Kind(words, read)


def _read_any(value: object) -> object:
    return value


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadValueError(f"has to be true or false, not {type_words(value)}")
    return value


def _read_switch(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value not in ("auto", "on", "off"):  # a set would fail at a list
        raise BadValueError('has to be "auto", true or false')
    return cast("str", value)


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise BadValueError(f"has to be text, not {type_words(value)}")
    if any(not char.isprintable() for char in value):
        raise BadValueError("holds characters that cannot be printed")
    return value


def _read_name(value: object) -> str:
    text = _read_text(value)
    if not text.strip():
        raise BadValueError("is empty")
    return text


def read_address(value: object) -> str:
    """Lower-case address. Its checksum is the watchlist's business: market addresses are copied by machines."""
    if not isinstance(value, str) or not _HEX_ADDRESS.fullmatch(value):
        raise BadValueError("is not an address", "0x and 40 hex digits are needed")
    return value.lower()


def _read_texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BadValueError(f"has to be a list of texts, not {type_words(value)}", 'write it as ["…", "…"]')
    return tuple(map(_read_item, cast("list[object]", value)))


def _read_item(value: object) -> str:
    """One text of a list."""
    if not isinstance(value, str):
        raise BadValueError(f"has to be a list of texts and holds {type_words(value)}", 'write it as ["…", "…"]')
    if not value.strip():
        raise BadValueError("holds an empty text")
    return _read_text(value)


def _read_ids(value: object) -> tuple[str, ...]:
    ids = _read_texts(value)
    if any(not _HEX_WORD.fullmatch(item) for item in ids):
        raise BadValueError("holds something that is not a market id", "0x and 64 hex digits are needed")
    return tuple(item.lower() for item in ids)


def _read_addresses(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(read_address(item) for item in _read_texts(value)))


def _read_urls(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    urls = _read_texts(value)
    if not urls:
        raise BadValueError("is empty", "give at least one endpoint")
    for place, url in enumerate(urls, 1):
        _check_url(url, place)
    return urls


def _check_url(url: str, place: int) -> None:
    """Says which one is wrong without showing it: it may hold a key."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https", "ws", "wss"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or " " in url:
        raise BadValueError(
            f"endpoint {place} is not a URL", "http://, https://, ws:// or wss:// and a host are needed"
        )


def _read_link(value: object) -> str:
    text = _read_name(value)
    if not text.startswith(("https://", "http://")):
        raise BadValueError("has to be a web address", "it begins with https://")
    return text.rstrip("/")


def _read_web(value: object) -> str:
    """As written; a mistake does not repeat it, because it may hold a key."""
    text = _read_name(value)
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or " " in text:
        raise BadValueError("is not a web address", "http:// or https:// and a host are needed")
    return text


def _read_words(value: object) -> tuple[str, ...]:
    words = _read_texts(value)
    if not words:
        raise BadValueError("is empty", 'the program is needed: ["notify-send", "liqtui"]')
    return words


def _read_listen(value: object) -> tuple[str, int]:
    """Host and port of "127.0.0.1:9464", "[::1]:9464", "localhost:9464"."""
    hint = 'as in "127.0.0.1:9464"'
    try:
        parts = urlsplit(f"//{_read_name(value)}")
        host, port = parts.hostname, parts.port
    except ValueError as fault:
        raise fault if isinstance(fault, BadValueError) else BadValueError("is no address and port", hint) from None
    if not host or not port or parts.path or parts.username is not None:
        raise BadValueError("is no address and port", hint)
    return host, port


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    from ipaddress import ip_address

    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _read_targets(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not value:
        raise BadValueError("has to be a list of decimals above 1", "for example [1.10, 1.25, 1.50]")
    return tuple(sorted({TARGET.read(item) for item in cast("list[object]", value)}))


_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_HOURS = re.compile(r"(\d?\d:\d\d)\s*[-–]\s*(\d?\d:\d\d)")


def _read_clock(value: object) -> int:
    """Minute of the day. TOML's own time is taken too."""
    if isinstance(value, time):
        return value.hour * 60 + value.minute
    found = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise BadValueError("is not a time of day", 'write it as "08:00"')
    return int(found[1]) * 60 + int(found[2])


def _read_hours(value: object) -> tuple[int, int]:
    """(first minute, minute after the last) of the day; they may go over midnight."""
    found = _HOURS.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise BadValueError("is not a stretch of the day", 'write it as "22:00-07:00"')
    start, end = _read_clock(found[1]), _read_clock(found[2])
    if start == end:
        raise BadValueError("begins and ends at the same minute", "leave it out for no quiet hours")
    return start, end


def _read_moment(value: object) -> float:
    """Unix time; without an offset it is the machine's own time zone."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - local, as the person's clock shows it
    if not isinstance(value, datetime):
        raise BadValueError("is not a date and time", "write it as 2026-03-01T22:00:00Z, without quotes")
    try:
        return value.timestamp()
    except (ValueError, OverflowError):  # at the ends of the calendar the local time zone leads out of it
        raise BadValueError("is too far away") from None


def _read_alert_kinds(value: object) -> tuple[str, ...]:
    from liqtui.config.errors import did_you_mean

    kinds = _read_texts(value)
    for kind in kinds:
        if kind in ALWAYS:
            raise BadValueError(f'holds "{kind}", which cannot be switched off')
        if kind not in ALERT_KINDS:
            raise BadValueError(
                f'holds "{clean(kind, 40)}", which is no kind of alert', did_you_mean(kind, ALERT_KINDS)
            )
    return tuple(dict.fromkeys(kinds))


def _read_jump(value: object) -> int:
    number = _number(value)
    if not 0 <= number < 10:
        raise BadValueError("has to be a decimal from 0 to under 10")
    return wad(number)


CLOCK = Kind("time of day", _read_clock)
HOURS = Kind("stretch of the day", _read_hours)
MOMENT = Kind("date and time", _read_moment)
ALERTS = Kind("list of kinds of alert", _read_alert_kinds)
JUMP = Kind("decimal from 0 to under 10", _read_jump)
ANY = Kind("anything", _read_any)
FLAG = Kind("true · false", _read_flag)
TEXT = Kind("text", _read_text)
NAME = Kind("text", _read_name)
NAMES = Kind("list of texts", _read_texts)
ADDRESS = Kind("address", read_address)
ADDRESSES = Kind("list of addresses", _read_addresses)
URLS = Kind("list of endpoints", _read_urls)
WEB = Kind("web address", _read_web)
WORDS = Kind("list of texts", _read_words)
LINK = Kind("web address", _read_link)
LISTEN = Kind("address and port", _read_listen)
IDS = Kind("list of 32-byte ids", _read_ids)
LISTS = {"ids": IDS, "addresses": ADDRESSES}
"""What a list may hold that belongs to one protocol's deployments; see `liqtui.protocols.shipped.Option`."""
GAS = Kind("whole number, 0 for the node's own", whole(0, 10**12).read)
SWITCH = Kind('"auto" · true · false', _read_switch)
THRESHOLD = decimal_wad("decimal above 1 and under 100", Decimal(1), Decimal(100))
CUSHION = decimal_wad("decimal above 0 and under 1", Decimal(0), Decimal(1))
SIGMAS = decimal_wad("decimal above 0 and under 100", Decimal(0), Decimal(100))
TARGET = decimal_wad("decimal above 1 and under 100", Decimal(1), Decimal(100))
TARGETS = Kind("list of decimals above 1", _read_targets)


def shown_wad(raw: int) -> str:
    """1200000000000000000 → "1.2"."""
    return decimal_string(raw, 18)


WAD_ONE = WAD
