"""`liqtui markets`: the deployments that are known, where they come from, and which of them are watched."""

from __future__ import annotations

import asyncio
import json
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.chain.addresses import checksum
from liqtui.cli.glyphs import plain
from liqtui.cli.waiting import Asking
from liqtui.core.reads import ReadError
from liqtui.core.redact import redact
from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from liqtui.cli.arguments import Arguments
    from liqtui.config.load import Config
    from liqtui.core.sources import ChainSpec, MarketRef
    from liqtui.engine.examine import Examined
    from liqtui.protocols.registry import About

SCHEMA = 1
WIDTH = 80
_NAME, _MARKET = 12, 21
"""Cells for the protocol and for the market's name; the address takes 42."""
_OWN = "+"
_AT_ONCE = 8


class Entry(NamedTuple):
    ref: MarketRef
    chain: str
    """Name; empty where the chain has none here."""
    watched: bool
    about: About
    live: Examined | None = None
    """What the chain said; None: it was not asked, or nobody answered."""
    error: str = ""
    """Why nobody answered."""

    @property
    def protocol(self) -> str:
        return self.about.brand or self.ref.protocol


def run(args: Arguments) -> int:
    """0; with --live 1 when a watched deployment did not open. Raises ConfigError."""
    from liqtui.cli.session import locate
    from liqtui.config.load import load

    where = locate(args)
    config = load(where.config, named=where.config_named)
    found = entries(config)
    if args.live:
        found = asyncio.run(_asked(config, found))
    if args.json:
        print(json.dumps(as_json(found), ensure_ascii=False, indent=1))
    else:
        for line in table(found):
            print(plain(line) if args.ascii else line)
    return 1 if any(entry.error or (entry.live and entry.live.survey is None) for entry in found) else 0


def entries(config: Config) -> list[Entry]:
    """Watched ones first, in the order of the chains; an own one stands in for its shipped twin."""
    from liqtui.cli.session import own_and_shipped
    from liqtui.config.chains import known_chains
    from liqtui.protocols.registry import about, all_markets

    watched = {spec.id: spec.name for spec in config.chains.values()}
    names = {chain.spec.id: name for name, chain in known_chains().items()} | watched
    order = {chain_id: place for place, chain_id in enumerate(names)}
    refs = sorted(
        own_and_shipped(config.markets, all_markets()),
        key=lambda ref: (ref.chain_id not in watched, order.get(ref.chain_id, len(order)), ref.chain_id, ref.custom),
    )
    return [Entry(ref, names.get(ref.chain_id, ""), ref.chain_id in watched, about(ref)) for ref in refs]


async def _asked(config: Config, found: Iterable[Entry]) -> list[Entry]:
    """The watched entries with what the chain says of them."""
    gate, found = asyncio.Semaphore(_AT_ONCE), list(found)
    asking = Asking("chains", len(config.chains))

    async def ask(spec: ChainSpec) -> list[Entry]:
        mine = [entry for entry in found if entry.ref.chain_id == spec.id]
        async with gate:
            return await _of_chain(spec, mine) if mine else []

    asked = await asyncio.gather(*(asking.counted(ask(spec)) for spec in config.chains.values()))
    told = {entry.ref: entry for entries in asked for entry in entries}
    return [told.get(entry.ref, entry) for entry in found]


async def _of_chain(spec: ChainSpec, mine: Sequence[Entry]) -> list[Entry]:
    from liqtui.chain.pool import EndpointPool
    from liqtui.engine.examine import examine
    from liqtui.protocols.registry import about, adapters

    pool = EndpointPool(spec)
    try:
        answers = await examine(pool, [entry.ref for entry in mine], adapters(), about)
    except ReadError as fault:
        return [entry._replace(error=clean(redact(str(fault)), 200)) for entry in mine]
    finally:
        await pool.close()
    return [entry._replace(live=answer) for entry, answer in zip(mine, answers, strict=True)]


def table(found: Sequence[Entry]) -> Iterator[str]:
    """Under a line for each chain; never wider than `WIDTH`."""
    heading = ""
    for entry in found:
        if (title := _title(entry)) != heading:
            yield from (() if not heading else ("",))
            yield title
            heading = title
            if entry.error:  # of the chain, so that it holds for all its markets
                yield from (f"{'':6}{line}" for line in wrap(f"nobody answered: {entry.error}", WIDTH - 6))
        names = wrap(clean(entry.ref.name, 80), _MARKET) or [""]
        mark = _OWN if entry.ref.custom else " "
        first = f"{mark} {entry.protocol[:_NAME]:<{_NAME}} {names[0]:<{_MARKET}} {checksum(entry.ref.entry)}"
        yield first.rstrip()
        yield from (f"{'':{_NAME + 3}}{more}" for more in names[1:])
        yield from (f"{'':6}{line}" for line in wrap(_told(entry), WIDTH - 6))
    yield from _footer(found)


def _title(entry: Entry) -> str:
    name = f"{entry.chain} ({entry.ref.chain_id})" if entry.chain else f"chain {entry.ref.chain_id}"
    if entry.watched:
        return f"{clean(name, 60)} · watched"
    hint = f"name it under [chains.{entry.chain}]" if entry.chain else "needs a [chains.NAME] with id and rpc"
    return f"{clean(name, 40)} · not watched: {hint}"


def _told(entry: Entry) -> str:
    """What the chain said; empty where it was not asked, or nobody answered."""
    if entry.live is None:
        return ""
    survey = entry.live.survey
    if survey is None:
        return f"does not open: {entry.live.error}"
    parts = [survey.contents, survey.revision and f"revision {survey.revision}"]
    parts += [f"{each.fact.replace('_', ' ')} is another than shipped: {each.chain}" for each in entry.live.differences]
    return ", ".join(part for part in parts if part)


def _footer(found: Sequence[Entry]) -> Iterator[str]:
    sources = dict.fromkeys(
        (entry.protocol, entry.about.source, entry.about.compiled) for entry in found if entry.about.source
    )
    yield from ("", "addresses from")
    for protocol, source, compiled in sources:
        lines = wrap(f"{source} ({compiled})", WIDTH - _NAME - 3)
        yield f"  {protocol[:_NAME]:<{_NAME}} {lines[0]}"
        yield from (f"{'':{_NAME + 3}}{more}" for more in lines[1:])
    if any(entry.ref.custom for entry in found):
        yield f"{_OWN} from your config.toml"


def as_json(found: Sequence[Entry]) -> dict[str, Any]:
    return {"schema": SCHEMA, "markets": [_entry(entry) for entry in found]}


def _entry(entry: Entry) -> dict[str, Any]:
    ref, known = entry.ref, entry.about
    out: dict[str, Any] = {
        "protocol": ref.protocol,
        "brand": known.brand or None,
        "chain": entry.chain or None,
        "chain_id": ref.chain_id,
        "name": ref.name,
        "entry": checksum(ref.entry),
        "watched": entry.watched,
        "custom": ref.custom,
        "source": known.source or None,
        "compiled": known.compiled or None,
        "app": known.app or None,
    }
    if entry.error:
        out["live"] = {"opens": None, "error": entry.error}
    elif entry.live is not None:
        out["live"] = _live(entry.live)
    return out


def _live(found: Examined) -> dict[str, Any]:
    survey = found.survey
    if survey is None:
        return {"opens": False, "error": found.error}
    differences: list[Mapping[str, str]] = [each._asdict() for each in found.differences]
    return {
        "opens": True,
        "contents": survey.contents,
        "revision": survey.revision or None,
        "known": survey.known,
        "differences": differences,
    }
