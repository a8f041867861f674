"""The settings of alert rules as a person types them: one field for each, checked as `config.toml` checks them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.config.kinds import BadValueError
from liqtui.config.schema_alerts import rule_settings, threshold_settings
from liqtui.core.rules import DEFAULT_RULES
from liqtui.core.text import clean
from liqtui.core.units import decimal_string
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds, crossed
from liqtui.ui.wallet_entries import FieldError, read_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.rules import Rules
    from liqtui.core.wallet import Wallet


class Shape(NamedTuple):
    """A field: what it is called, how what is typed relates to the setting, and whether it is a threshold."""

    key: str
    label: str
    unit: str = ""
    scale: Decimal = Decimal(1)
    """What is typed × scale = the setting."""
    threshold: bool = True


SHAPES = (
    Shape("warn", "warn below", "health"),
    Shape("critical", "critical below", "health"),
    Shape("warn_cushion", "warn nearer than", "%", Decimal("0.01")),
    Shape("critical_cushion", "critical nearer", "%", Decimal("0.01")),
    Shape("warn_sigmas", "warn nearer than", "σ"),
    Shape("critical_sigmas", "critical nearer", "σ"),
    Shape("reaction", "time to react", "minutes", Decimal(60), threshold=False),
    Shape("interest_days", "interest ahead", "days", threshold=False),
    Shape("price_jump", "price jump", "%", Decimal("0.01"), threshold=False),
    Shape("off", "only logged", "kinds", threshold=False),
)
_KINDS = {setting.key: setting.kind for setting in (*threshold_settings(), *rule_settings())}
_NOTHING = Thresholds()
_WAD = {"warn", "critical", "warn_cushion", "critical_cushion", "warn_sigmas", "critical_sigmas", "price_jump"}


def text_of(shape: Shape, value: Any) -> str:
    """The setting as a person types it; empty for None."""
    if value is None:
        return ""
    if shape.key == "off":
        return " ".join(value)
    number = Decimal(decimal_string(value, 18)) if shape.key in _WAD else Decimal(str(value))
    return f"{(number / shape.scale).normalize():f}"


def read(shape: Shape, text: str) -> Any:
    """What was typed as the setting; None when empty. Raises FieldError in a sentence."""
    kind = _KINDS[shape.key]
    try:
        if shape.key == "off":
            return kind.read(list(read_words(text))) or None
        if not text.strip():
            return None
        return kind.read(Decimal(text.strip().replace(",", ".")) * shape.scale)
    except ArithmeticError:  # no number, or one beyond all reason
        raise FieldError(f"{shape.label}: “{clean(text, 40)}” is not a number") from None
    except BadValueError as fault:
        raise FieldError(f"{shape.label} ({shape.unit}) {fault}") from None


def settings(typed: Mapping[str, str], before: Wallet, position: str, applied: Thresholds = _NOTHING) -> Wallet:
    """The wallet with what was typed: for all of it, or thresholds of one position. Raises FieldError.

    `applied`: what holds where nothing is typed.
    """
    read_ = {shape.key: read(shape, typed[shape.key]) for shape in SHAPES if shape.key in typed}
    thresholds = Thresholds(**{shape.key: read_[shape.key] for shape in SHAPES if shape.threshold})
    _ordered(thresholds)
    in_order(thresholds, applied)
    if position:
        others = tuple(pair for pair in before.position_thresholds if pair[0] != position)
        own = () if thresholds == Thresholds() else ((position, thresholds),)
        return replace(before, position_thresholds=(*others, *own))
    rules = before.rules._replace(**{shape.key: read_[shape.key] for shape in SHAPES if not shape.threshold})
    return replace(before, thresholds=thresholds, rules=rules)


def in_order(own: Thresholds, applied: Thresholds) -> None:
    """Raises FieldError where one is set alone on the wrong side of the other one, which holds anyway."""
    found = crossed(own, applied)
    if found is not None:
        name, other, value = found
        labels = {shape.key: shape for shape in SHAPES}
        side = "above" if name.startswith("warn") else "under"
        there = text_of(labels[other], value)
        raise FieldError(f"{labels[name].label} has to be {side} {labels[other].label}, which is {there} as elsewhere")


def _ordered(thresholds: Thresholds) -> None:
    pairs = (
        ("warn", thresholds.warn, thresholds.critical),
        ("warn in %", thresholds.warn_cushion, thresholds.critical_cushion),
        ("warn in σ", thresholds.warn_sigmas, thresholds.critical_sigmas),
    )
    for name, warn, critical in pairs:
        if warn is not None and critical is not None and warn <= critical:
            raise FieldError(f"{name} has to be above critical")


class Applied(NamedTuple):
    """What applies where a field is left empty."""

    thresholds: Thresholds
    rules: Rules

    def hint(self, shape: Shape) -> str:
        """For the empty field: the value that applies then."""
        value = getattr(self.thresholds if shape.threshold else self.rules, shape.key)
        words = text_of(shape, value)
        return f"{words}, as elsewhere" if words else "nothing"


def resolved(wallet: Wallet, position: str, configured: Thresholds) -> Thresholds:
    """As the engine resolves them: position, wallet, tag, config, default."""
    own = dict(wallet.position_thresholds).get(position, Thresholds())
    for wider in (wallet.thresholds, wallet.tag_thresholds, configured, DEFAULT_THRESHOLDS):
        own = own.over(wider)
    return own


def resolved_rules(wallet: Wallet, configured: Rules) -> Rules:
    """The same of rules: wallet, tag, config, default."""
    return wallet.rules.over(wallet.tag_rules).over(configured).over(DEFAULT_RULES)


def toml(typed: Mapping[str, str]) -> str:
    """What was typed as lines for `config.toml`, where it applies to every wallet. Raises FieldError."""
    parts: dict[str, list[str]] = {"thresholds": [], "rules": []}
    for shape in SHAPES:
        value = read(shape, typed.get(shape.key, ""))
        if value is None:
            continue
        if shape.key == "off":
            words = "[" + ", ".join(f'"{kind}"' for kind in value) + "]"
        else:
            words = decimal_string(value, 18) if shape.key in _WAD else f"{value:g}"
        parts["thresholds" if shape.threshold else "rules"].append(f"{shape.key} = {words}")
    return "\n\n".join("\n".join([f"[{name}]", *lines]) for name, lines in parts.items() if lines)
