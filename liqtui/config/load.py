"""`config.toml` → `Config`. The file is read, never written."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from liqtui.config import keymap, schema, toml
from liqtui.config.alerting import read_desk
from liqtui.config.chains import known_chains
from liqtui.config.channels import read_channels, read_ping
from liqtui.config.errors import ConfigError, Report, did_you_mean
from liqtui.config.kinds import is_loopback, type_words
from liqtui.config.tables import read_table, read_thresholds
from liqtui.core.rules import DEFAULT_RULES, Desk, Rules
from liqtui.core.sources import ChainSpec, MarketRef

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from liqtui.config.settings import Section
    from liqtui.config.toml import KeyPath, Source
    from liqtui.core.rules import ChannelSpec, Ping
    from liqtui.core.wallet import Thresholds
    from liqtui.protocols.shipped import Naming

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_CHAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,32}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Ui(NamedTuple):
    theme: str
    """Empty: the one that suits the terminal."""
    color: str
    """One of `schema.COLORS`."""
    ascii: str
    """auto · on · off."""
    mouse: str
    """auto · on · off."""
    bell: bool
    notify: str
    """One of `schema.NOTIFY`."""
    seconds: bool


class Config(NamedTuple):
    chains: dict[str, ChainSpec]
    """By name, in the order in which they are shown. Never empty."""
    thresholds: Thresholds
    """`warn` and `critical` are always set."""
    target: int
    """Health factor that rescue amounts aim at, 1e18-scaled."""
    targets: tuple[int, ...]
    """All that are listed, ascending, `target` among them."""
    ui: Ui
    poll: float
    """Seconds between rounds for a chain without its own; each `ChainSpec.poll` is already filled."""
    keep_days: int
    price_days: int
    alert_days: int
    metrics: tuple[str, int] | None = None
    """Host and port of the endpoint for Prometheus."""
    markets: tuple[MarketRef, ...] = ()
    """Custom ones only."""
    keys: Mapping[str, str] = MappingProxyType({})
    """Action → keys, each key well formed; `keymap` holds them against the actions that exist."""
    rules: Rules = DEFAULT_RULES
    desk: Desk = Desk()
    channels: tuple[ChannelSpec, ...] = ()
    """In the order of the file."""
    ping: Ping | None = None
    source: Source | None = None
    """None: there is no config.toml."""

    @property
    def public(self) -> bool:
        """Some chain is read through the built-in public endpoints."""
        return any(chain.public for chain in self.chains.values())

    def keymap(self, actions: Sequence[keymap.Action]) -> dict[str, str]:
        """For `App.set_keymap`. Raises ConfigFileError for unknown actions and for keys that mean two things."""
        return keymap.resolve(self.keys, actions, self.source)


def load(
    file: Path,
    *,
    named: bool = False,
    protocols: Mapping[str, Naming] | None = None,
    env: Mapping[str, str] | None = None,
) -> Config:
    """The configuration; all defaults where the file is missing and was not `named` by the person.

    Raises ConfigFileError with every mistake of the file.
    """
    try:
        text = toml.read(file)
    except FileNotFoundError:
        if named:
            raise ConfigError(file, None, "", "there is no such file") from None
        return _build({}, None, Report(toml.Source(file)), protocols)
    return parse(text, file, protocols=protocols, env=env)


def parse(
    text: str,
    file: Path,
    *,
    protocols: Mapping[str, Naming] | None = None,
    env: Mapping[str, str] | None = None,
) -> Config:
    """As `load`, from text; `file` is what errors name."""
    values, source = toml.parse(text, file)
    report = Report(source)
    values = _expand(values, (), report, os.environ if env is None else env)
    return _build(values, source, report, protocols)


def _expand(value: Any, path: KeyPath, report: Report, env: Mapping[str, str]) -> Any:
    """Every ${NAME} in every text replaced. What is missing is reported by name; values are never repeated."""
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        # A key that is no key is shown in the mistake, so [keys] is left as it is written.
        return {
            key: item if (*path, key) == ("keys",) else _expand(item, (*path, key), report, env)
            for key, item in table.items()
        }
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [_expand(item, (*path, place), report, env) for place, item in enumerate(items)]
    if not isinstance(value, str):
        return value

    def fill(found: re.Match[str]) -> str:
        name = found.group(1)
        if not _VARIABLE_NAME.fullmatch(name):
            report.add(path, f"${{{name}}} is not the name of an environment variable")
        elif not env.get(name):
            state = "is empty" if name in env else "is not set"
            report.add(path, f"the environment variable {name} {state}")
        else:
            return env[name]
        return ""

    return _VARIABLE.sub(fill, value)


def _build(
    values: dict[str, Any], source: Source | None, report: Report, protocols: Mapping[str, Naming] | None
) -> Config:
    for key in values.keys() - set(schema.TABLES):
        report.add((key,), "unknown table", did_you_mean(key, schema.TABLES))
    tables = {name: _table(values, name, section, report) for name, section in schema.SECTIONS.items()}
    thresholds = read_thresholds(tables["thresholds"], ("thresholds",), report)
    poll: float = tables["engine"]["poll"]
    before = len(report.errors)
    chains = _chains(values, poll, report)
    # A mistake in a chain would bring one for each market on it.
    markets = _markets(values, chains, protocols, report) if len(report.errors) == before else ()
    metrics: tuple[str, int] | None = tables["metrics"]["listen"]
    if metrics is not None and not is_loopback(metrics[0]) and not tables["metrics"]["allow_remote"]:
        report.add(
            ("metrics", "listen"), "can be reached from other machines", "set allow_remote = true if it is to be"
        )
    keys = keymap.read(_child(values, "keys", report), report)
    desk = read_desk(tables["alerts"], values.get("maintenance", []), report)
    channels = read_channels(_child(values, "channels", report), report)
    ping = read_ping(tables["ping"], _child(values, "ping", report), report)
    report.finish()
    target: int = tables["rescue"]["target"]
    return Config(
        chains=chains,
        thresholds=thresholds,
        target=target,
        targets=tuple(sorted({*tables["rescue"]["targets"], target})),
        ui=Ui(**tables["ui"]),
        poll=poll,
        **tables["history"],
        metrics=metrics,
        markets=markets,
        keys=keys,
        rules=Rules(**tables["rules"]),
        desk=desk,
        channels=channels,
        ping=ping,
        source=source,
    )


def _child(values: dict[str, Any], name: str, report: Report) -> dict[str, Any]:
    table = values.get(name, {})
    if isinstance(table, dict):
        return cast("dict[str, Any]", table)
    report.add((name,), f"has to be a table, not {type_words(table)}", f"write [{name}]")
    return {}


def _table(values: dict[str, Any], name: str, section: Section, report: Report) -> dict[str, Any]:
    return read_table(section, _child(values, name, report), (name,), report)


def _chains(values: dict[str, Any], poll: float, report: Report) -> dict[str, ChainSpec]:
    known = known_chains()
    named: dict[str, ChainSpec] = {}
    off: set[str] = set()
    for name, table in _child(values, "chains", report).items():
        path = ("chains", name)
        if not isinstance(table, dict):
            report.add(path, f"has to be a table, not {type_words(table)}", "write [chains.NAME]")
            continue
        if not _CHAIN_NAME.fullmatch(name):
            report.add(path, "a chain's name has up to 32 letters, digits, dots, dashes or underscores")
            continue
        read = read_table(schema.CHAIN, cast("dict[str, Any]", table), path, report)
        if read.pop("enabled"):
            spec = _chain(name, read, path, report) if "rpc" not in table or read["rpc"] else None
            if spec:
                named[name] = replace(spec, poll=read["poll"] or poll)
        elif name in known or read["id"] is not None:
            off.add(name)
        else:
            report.add(path, "unknown chain", _chain_hint(name))
    _refuse_twins(named, report)
    if named or report.errors:
        return named
    chains = {name: replace(chain.spec, poll=poll) for name, chain in known.items() if chain.main and name not in off}
    if not chains:
        report.add(("chains",), "every chain is switched off")
    return chains


def _chain(name: str, read: dict[str, Any], path: KeyPath, report: Report) -> ChainSpec | None:
    """The known chain of that name or id, with what the person says about it."""
    known = known_chains()
    given = {key: value for key, value in read.items() if value is not None}
    endpoints: tuple[str, ...] = given.pop("rpc", ())
    if "gas" in given:
        given["gas"] = given["gas"] or None  # 0: none is given with a call
    if name in known:
        base = known[name].spec
        if given.get("id", base.id) != base.id:
            report.add((*path, "id"), f"{name} is chain {base.id}", "give the other chain another name")
            return None
    elif "id" not in given:
        report.add(path, "unknown chain, its id is missing", _chain_hint(name))
        return None
    elif not endpoints:
        report.add(path, "rpc is missing")
        return None
    else:
        same = [chain.spec for chain in known.values() if chain.spec.id == given["id"]]
        base = replace(same[0], name=name) if same else ChainSpec(id=given["id"], name=name)
    return _with_endpoints(replace(base, **given), endpoints, path, report)


def _with_endpoints(spec: ChainSpec, endpoints: tuple[str, ...], path: KeyPath, report: Report) -> ChainSpec:
    """The person's endpoints take the place of the public ones, all of them."""
    if not endpoints:
        return spec
    web = tuple(url for url in endpoints if url.lower().startswith("http"))
    sockets = tuple(url for url in endpoints if url not in web)
    if not web:
        report.add((*path, "rpc"), "has no http or https endpoint", "a WebSocket one alone is only told of new blocks")
    return replace(spec, rpc=web, ws=sockets, public=False)


def _chain_hint(name: str) -> str:
    known = known_chains()
    by_tag = {chain.spec.short: known_name for known_name, chain in known.items()}
    return f'did you mean "{by_tag[name]}"?' if name in by_tag else did_you_mean(name, known)


def _refuse_twins(chains: dict[str, ChainSpec], report: Report) -> None:
    seen: dict[int, str] = {}
    for name, spec in chains.items():
        if spec.id in seen:
            report.add(("chains", name, "id"), f"chain {spec.id} is already there as {seen[spec.id]}")
        seen.setdefault(spec.id, name)


def _markets(
    values: dict[str, Any], chains: dict[str, ChainSpec], protocols: Mapping[str, Naming] | None, report: Report
) -> tuple[MarketRef, ...]:
    tables = values.get("markets", [])
    if not isinstance(tables, list):
        report.add(("markets",), f"has to be a list of tables, not {type_words(tables)}", "write [[markets]]")
        return ()
    if not tables:
        return ()
    protocols = _known_protocols() if protocols is None else protocols
    section = schema.market_section(protocols)
    found: list[MarketRef] = []
    for place, table in enumerate(cast("list[Any]", tables)):
        path = ("markets", place)
        if not isinstance(table, dict):
            report.add(path, f"has to be a table, not {type_words(table)}", "write [[markets]]")
            continue
        before = len(report.errors)
        read = read_table(section, cast("dict[str, Any]", table), path, report)
        ref = _market(read, path, chains, protocols, report)
        if ref is None or len(report.errors) > before:
            continue
        if any((ref.protocol, ref.chain_id, ref.name) == (o.protocol, o.chain_id, o.name) for o in found):
            report.add((*path, "name"), "there is already such a market of this protocol and chain")
        found.append(ref)
    return tuple(found)


def _known_protocols() -> Mapping[str, Naming]:
    from liqtui.protocols.shipped import protocols  # here: their files are read for nothing where no market is named

    return protocols()


def _market(
    read: dict[str, Any],
    path: KeyPath,
    chains: dict[str, ChainSpec],
    protocols: Mapping[str, Naming],
    report: Report,
) -> MarketRef | None:
    missing = [key for key in ("protocol", "chain", "name") if read[key] is None]
    for key in missing:
        if not report.knows((*path, key)):
            report.add(path, f"{key} is missing")
    if missing:
        return None
    protocol, chain = read["protocol"], read["chain"]
    if protocol not in protocols:
        report.add((*path, "protocol"), "unknown protocol", did_you_mean(protocol, protocols))
        return None
    if chain not in chains:
        report.add((*path, "chain"), "is not a chain that is watched", did_you_mean(chain, chains))
        return None
    entry_key, *list_keys = protocols[protocol].keys
    for key in {key for naming in protocols.values() for key in naming.keys} - {entry_key, *list_keys}:
        if read.get(key) is not None:
            report.add((*path, key), f"does not belong to {protocol}", f"it takes {entry_key}")
    entry = read[entry_key]
    if entry is None and report.knows((*path, entry_key)):
        return None
    if entry is None:
        report.add(path, f"{entry_key} is missing")
        return None
    options = tuple((key, ",".join(read[key])) for key in list_keys if read[key])
    if read["app"] is not None:
        options = (*options, ("app", read["app"]))
    return MarketRef(protocol, chains[chain].id, read["name"], entry, options, custom=True)
