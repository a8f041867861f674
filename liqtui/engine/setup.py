"""What an engine is told to watch, and how its parts are put together from that."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from liqtui.config.folders import LOCK
from liqtui.config.watchlist import is_resolved
from liqtui.core.reads import ChainReader, ReadError
from liqtui.core.rules import DEFAULT_RULES, Desk
from liqtui.core.text import clean
from liqtui.core.wallet import TARGETS, Thresholds
from liqtui.engine.words import safe

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from pathlib import Path

    from liqtui.config.lock import InstanceLock
    from liqtui.core.model import PositionKey
    from liqtui.core.rules import ChannelSpec, Ping, Rules
    from liqtui.core.sources import ChainSpec, MarketRef
    from liqtui.core.wallet import Wallet
    from liqtui.engine.logsearch import Notebook
    from liqtui.engine.rounds import ChainRounds
    from liqtui.protocols.adapter import Adapter


class Owner(StrEnum):
    """Who keeps the history and sends the alerts."""

    SELF = "self"
    OTHER = "other"
    NOBODY = "nobody"
    """The state folder cannot be used: nothing is kept, and alerts are sent all the same."""


class Reader(ChainReader, Protocol):
    """A `ChainReader` that holds connections."""

    async def close(self) -> None: ...


@runtime_checkable
class _Pooled(Protocol):
    """What an endpoint pool can tell of itself."""

    def counts(self) -> tuple[int, int]: ...
    @property
    def last_source(self) -> str: ...
    @property
    def contradiction(self) -> str: ...
    @property
    def notice(self) -> str: ...


class Link(NamedTuple):
    """How a chain is reached now."""

    ok: int = 0
    all: int = 0
    source: str = ""
    """Redacted."""
    contradiction: str = ""
    """Two endpoints disagree about the same block, in a sentence."""
    notice: str = ""
    """What could be configured better."""


class ReaderFactory(Protocol):
    def __call__(self, spec: ChainSpec, /) -> Reader: ...


def pool(spec: ChainSpec) -> Reader:
    """The endpoints of the chain."""
    from liqtui.chain.pool import EndpointPool

    return EndpointPool(spec)


def link_of(reader: ChainReader) -> Link:
    if not isinstance(reader, _Pooled):
        return Link(1, 1)
    return Link(*reader.counts(), reader.last_source, reader.contradiction, reader.notice)


@dataclass(frozen=True)
class Setup:
    """All that an engine is told before it starts."""

    chains: tuple[ChainSpec, ...]
    markets: tuple[MarketRef, ...]
    wallets: tuple[Wallet, ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    """Of the config; what it leaves open falls back to the defaults."""
    targets: tuple[int, ...] = TARGETS
    """Health that rescue amounts aim at, 1e18-scaled."""
    state: Path | None = None
    """Folder of the history, its lock and the last verdict; None keeps all in memory."""
    keep_days: int = 30
    """How long samples are kept."""
    price_days: int = 30
    """How long feed rounds are kept."""
    alert_days: int = 365
    metrics: tuple[str, int] | None = None
    """Host and port of the endpoint for Prometheus; None: none."""
    notices: tuple[str, ...] = ()
    """Standing remarks for the screen."""
    rules: Rules = DEFAULT_RULES
    """Of the config, over the defaults."""
    desk: Desk = field(default_factory=Desk)
    channels: tuple[ChannelSpec, ...] = ()
    ping: Ping | None = None
    given: bool = False
    """The wallets are those of this one session: whoever is not among them is watched at other times."""


class Sign(NamedTuple):
    """What a market is shown as."""

    brand: str = ""
    """The name that it goes by, where that is not the protocol's."""
    venue: str = ""
    """What tells it from its siblings on that chain, for narrow columns.

    Nothing for an only child, nor for the one that bears the chain's name; "EthereumLido" on ethereum is "Lido".
    """
    app: str = ""
    """Address of the protocol's own app; "{wallet}" and "{market_id}" stand for those of a position."""

    def link(self, key: PositionKey) -> str:
        return self.app.replace("{wallet}", key.wallet).replace("{market_id}", key.market_id)


def signs(setup: Setup) -> dict[tuple[int, str, str], Sign]:
    """By (chain id, protocol, market)."""
    from liqtui.protocols.registry import about

    names = {chain.id: chain.name for chain in setup.chains}
    known = [(ref, about(ref)) for ref in setup.markets]
    siblings = Counter((ref.chain_id, said.brand or ref.protocol) for ref, said in known)
    return {
        (ref.chain_id, ref.protocol, ref.name): Sign(
            said.brand,
            clean(_own_name(ref.name, said.brand, names.get(ref.chain_id, "")), 20)
            if siblings[ref.chain_id, said.brand or ref.protocol] > 1
            else "",
            clean(said.app, 300),
        )
        for ref, said in known
    }


def _own_name(name: str, *prefixes: str) -> str:
    """A market's name without that of its brand and of its chain before it."""
    for prefix in prefixes:
        if prefix and name.lower().startswith(prefix.lower()):
            name = name[len(prefix) :].strip()
    return name


def wallets_on(chain: str, wallets: Iterable[Wallet]) -> list[str]:
    """Keys of the wallets that are looked at on a chain; not of those that are a name only."""
    return [wallet.key for wallet in wallets if is_resolved(wallet) and (not wallet.chains or chain in wallet.chains)]


def rounds_on(
    spec: ChainSpec,
    setup: Setup,
    adapters: Mapping[str, Adapter],
    reader: ChainReader,
    notebook: Notebook | None = None,
    *,
    once: bool = False,
) -> ChainRounds:
    """The rounds of one chain over its share of the markets and wallets. `once`: nothing hangs on what was before."""
    from liqtui.core.risk import complete
    from liqtui.engine.lineage import Lineage
    from liqtui.engine.rounds import ChainRounds

    refs = [ref for ref in setup.markets if ref.chain_id == spec.id]
    finish = partial(complete, targets=setup.targets)
    lineage = None if once else Lineage(spec, reader, notebook)
    rounds = ChainRounds(spec, refs, adapters, reader, finish=finish, notebook=notebook, lineage=lineage)
    rounds.watch(wallets_on(spec.name, setup.wallets))
    return rounds


@contextlib.contextmanager
def ownership(state: Path | None, given: InstanceLock | None = None) -> Generator[Owner]:
    """Hold the state folder for as long as it lasts, unless another process has it or it cannot be used.

    A lock that is `given` stays with its giver.
    """
    if state is None or given is not None:
        yield Owner.SELF if given is None or given.held else Owner.OTHER
        return
    from liqtui.config.lock import InstanceLock

    lock = InstanceLock(state / LOCK)
    try:
        owner = Owner.SELF if lock.acquire() else Owner.OTHER
    except OSError:
        owner = Owner.NOBODY
    try:
        yield owner
    finally:
        lock.release()


async def until_free(state: Path, patience: float) -> None:
    """Until nobody holds the state folder, so many seconds at most."""
    from liqtui.config.lock import InstanceLock

    lock = InstanceLock(state / LOCK)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while lock.holder is not None:  # noqa: ASYNC110 - another process lets go of it
                await asyncio.sleep(0.1)


async def resolve_name(name: str, chains: Iterable[ChainSpec], factory: ReaderFactory) -> str:
    """Checksummed address of an ENS name. Raises LookupError with a sentence."""
    from liqtui.chain.ens import CHAIN_ID, resolve

    spec = next((spec for spec in chains if spec.id == CHAIN_ID), None)
    if spec is None:
        raise LookupError("ENS names are resolved on Ethereum, which is not configured")
    reader = factory(spec)
    try:
        return await resolve(reader, name)
    except ReadError as error:
        raise LookupError(f"{safe(name)} could not be looked up: {error.detail or error.kind}") from error
    finally:
        await reader.close()


def shipped_adapters() -> Mapping[str, Adapter]:
    from liqtui.protocols.registry import adapters

    return adapters()
