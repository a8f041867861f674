"""Whatever is written as a rule: it is read exactly, or file, line, key and what was expected are told."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from liqtui.chain.addresses import checksum
from liqtui.config import load
from liqtui.config.errors import ConfigError
from liqtui.config.schema_alerts import rule_settings, threshold_settings
from liqtui.config.watchlist_text import parse
from liqtui.core.rules import ALWAYS, KINDS
from liqtui.core.units import WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds
from liqtui.ui.rule_fields import SHAPES, read
from liqtui.ui.wallet_entries import FieldError, read_thresholds

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = Path("rules.toml")
ADDRESS = checksum("0x" + "ab" * 20)
LIMITS = [setting.key for setting in threshold_settings()]
RULES = [setting.key for setting in rule_settings()]
PLACES = {
    "config": ("[{table}]\n{pair}\n", "{table}"),
    "wallet": ('[[wallet]]\naddress = "{address}"\n\n[wallet.{table}]\n{pair}\n', "wallet[1].{table}"),
    "position": (
        '[[wallet]]\naddress = "{address}"\n\n[wallet.positions."1:aave-v3:core:{address}"]\n{pair}\n',
        'wallet[1].positions."1:aave-v3:core:{address}"',
    ),
    "tag": ('[tag.dao.{table}]\n{pair}\n\n[[wallet]]\naddress = "{address}"\n', "tag.dao.{table}"),
}
"""Where rules stand: the text, and the key of the table."""


def quoted(text: str) -> str:
    """As a string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


ODD = (
    *("nan", "-inf", "+1.2", "1_0.5", "0x10", "1e400", "1e-400", "-0.0", "1", "1.0", "1.2", "0.1", "7", "99.999"),
    *("1e99999999999999999999", "1.0e-99999999999999999999", "86400", "86400.1", "3650"),
)

numbers = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.decimals(-200, 200, places=6).map(str),
    st.decimals(0, 4, places=19).map(str),
    st.sampled_from(ODD),
)
texts = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=10).map(quoted),
    st.sampled_from(['"1.2"', '"liquidated"', '"opened"', '"price"', '""', '" "', '"\\u001b[31m"', "'x'", '"a\\nb"']),
)
atoms = st.one_of(numbers, texts, st.sampled_from(["true", "false", "2026-01-01", "07:00:00", "2026-01-01T00:00:00Z"]))
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        inner.map(lambda item: f"{{a = {item}}}"),
    ),
    max_leaves=4,
)
EXPECTED = ("has to be", "has more than 18 decimals", "holds", "cannot be")
"""What a message begins with: each goes on with what was expected, or with what may not be there."""


def refusal(attempt: Callable[[], object]) -> ConfigError | FieldError | None:
    """Why it was refused; any other fault goes on."""
    try:
        attempt()
    except (ConfigError, FieldError) as fault:
        return fault
    return None


def written(place: str, table: str, pair: str) -> tuple[str, int, str]:
    """The text, the line of the pair, and the key of its table."""
    text, key = PLACES[place]
    full = text.format(table=table, pair=pair, address=ADDRESS)
    return full, full[: full.index(pair)].count("\n") + 1, key.format(table=table, address=ADDRESS)


def settings_of(place: str, table: str, text: str) -> Any:
    """What was read. Raises ConfigError."""
    if place == "config":
        return getattr(load.parse(text, FILE, env={}), table)
    found = parse(text, FILE, checksum)
    if place == "tag":
        return getattr(found.tags[0], table)
    if place == "position":
        return found.wallets[0].position_thresholds[0][1]
    return getattr(found.wallets[0], table)


def is_good(key: str, value: object) -> bool:
    """By the words of docs/config.md, apart from the code that reads it."""
    if key == "off":
        return isinstance(value, list) and all(item in [*KINDS] and item not in [*ALWAYS] for item in value)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not Decimal(value).is_finite():
        return False
    number = Decimal(value)
    ranges: dict[str, bool] = {
        "reaction": 0 <= number <= 86_400,
        "interest_days": 0 <= number <= 3650,
        "price_jump": 0 <= number < 10,
        "warn": 1 < number < 100,
        "critical": 1 < number < 100,
        "warn_cushion": 0 < number < 1,
        "critical_cushion": 0 < number < 1,
        "warn_sigmas": 0 < number < 100,
        "critical_sigmas": 0 < number < 100,
    }
    exact = key in {"reaction", "interest_days"} or number * WAD == int(number * WAD)
    return ranges[key] and exact


def meaning(value: str) -> object:
    """Of TOML, by the standard library alone."""
    import tomllib

    try:
        return tomllib.loads(f"a = {value}", parse_float=Decimal)["a"]
    except ArithmeticError:
        return None


@settings(max_examples=300)
@given(place=st.sampled_from(sorted(PLACES)), key=st.sampled_from([*LIMITS, *RULES]), value=values)
@example(place="config", key="critical", value="2")
@example(place="config", key="off", value='["opened", ""]')
@example(place="config", key="warn_cushion", value="1e-400")
@example(place="tag", key="price_jump", value="0e-400")
@example(place="tag", key="price_jump", value="0e400")
@example(place="tag", key="warn", value="1e61")
@example(place="tag", key="warn", value="1." + "2" * 5000)
@example(place="tag", key="warn", value="1.2" + "0" * 5000)
@example(place="tag", key="warn", value="1e99999999999999999999")
def test_a_value_is_read_exactly_or_named_with_file_line_and_key(place: str, key: str, value: str) -> None:
    table = "thresholds" if key in LIMITS else "rules"
    if place == "position" and table == "rules":
        place = "wallet"
    text, line, where = written(place, table, f"{key} = {value}")
    good, meant = is_good(key, meaning(value)), meaning(value)
    if good and key == "critical" and place == "config" and Decimal(str(meant)) >= Decimal("1.2"):
        good = False  # not above the default of warn
    if good and key == "warn" and place == "config" and Decimal(str(meant)) <= Decimal("1.05"):
        good = False
    if good:
        found = getattr(settings_of(place, table, text), key)
        if key == "off":
            assert list(found) == list(dict.fromkeys(meant))  # type: ignore[call-overload]
        else:
            scale = 1 if key in {"reaction", "interest_days"} else WAD
            assert Decimal(found) / scale == pytest.approx(Decimal(str(meant)), abs=Decimal("1e-12") * (scale == 1))
        return
    with pytest.raises(ConfigError) as raised:
        settings_of(place, table, text)
    fault = raised.value.errors[0]
    assert (fault.file, fault.line) == (FILE, line)
    assert fault.key == f"{where}.{key}"
    assert fault.message.startswith(EXPECTED) or re.search("has to be (above|under)", fault.message)
    assert all(part.isprintable() for part in str(fault).split("\n"))


@settings(max_examples=100)
@given(
    place=st.sampled_from(sorted(PLACES)),
    name=st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12),
    value=atoms,
)
def test_an_unknown_key_is_named(place: str, name: str, value: str) -> None:
    if name in LIMITS:
        return
    text, line, _ = written(place, "thresholds", f"{quoted(name)} = {value}")
    with pytest.raises(ConfigError) as raised:
        settings_of(place, "thresholds", text)
    assert [(fault.line, fault.message) for fault in raised.value.errors] == [(line, "unknown key")]
    assert str(raised.value).isprintable()


@settings(max_examples=150)
@given(place=st.sampled_from(sorted(PLACES)), value=st.text(max_size=30))
@example(place="config", value="9" * 5000)
@example(place="wallet", value="1" + "_000" * 2000)
@example(place="position", value="[" * 2000 + "]" * 2000)
@example(place="tag", value="{a = " * 500 + "1" + "}" * 500)
@example(place="config", value='"\\ud800"')
@example(place="config", value="2026-13-45")
def test_whatever_is_typed_there_is_no_other_fault(place: str, value: str) -> None:
    text, line, _ = written(place, "thresholds", f"warn_sigmas = {value}")
    text = text.encode("utf-8", "replace").decode()
    fault = refusal(lambda: settings_of(place, "thresholds", text))
    for each in fault.errors if isinstance(fault, ConfigError) else ():
        assert each.file == FILE
        assert each.line is not None
        assert each.line >= line or each.key, "nothing before it is to blame"
        assert each.message


@settings(max_examples=200)
@given(
    shape=st.sampled_from(SHAPES),
    text=st.one_of(st.text(max_size=12), numbers, st.sampled_from(["1e999999", "1e-999999", "snan", "1,2", "٣"])),
)
@example(shape=SHAPES[6], text="1e999999")
def test_whatever_is_typed_into_the_editor_is_read_or_refused_in_words(shape: Any, text: str) -> None:
    fault = refusal(lambda: read(shape, text))
    if fault is not None:
        assert str(fault).startswith(shape.label)
        assert len(str(fault)) < 250
    else:
        found = read(shape, text)
        assert found is None or found == () or is_good(shape.key, _as_written(shape.key, found))


@settings(max_examples=150)
@given(warn=st.one_of(st.text(max_size=12), numbers), critical=numbers)
@example(warn="1e999999", critical="-1e999999")
def test_whatever_is_typed_as_thresholds_of_a_wallet(warn: str, critical: str) -> None:
    fault = refusal(lambda: read_thresholds(warn, critical, Thresholds(), DEFAULT_THRESHOLDS))
    if fault is not None:
        assert str(fault).startswith(("warn", "critical"))
    else:
        found = read_thresholds(warn, critical, Thresholds(), DEFAULT_THRESHOLDS)
        assert all(raw is None or WAD < raw < 100 * WAD for raw in (found.warn, found.critical))
        applied = found.over(DEFAULT_THRESHOLDS)
        assert applied.warn is not None
        assert applied.critical is not None
        assert applied.warn > applied.critical, "with what holds where nothing is typed"


def _as_written(key: str, found: Any) -> object:
    if key == "off":
        return list(found)
    return Decimal(str(found)) if key in {"reaction", "interest_days"} else Decimal(found) / WAD
