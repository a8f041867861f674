"""What most commands begin with: files found and read, wallets known, the engine's setup put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.chain.addresses import checksum
from liqtui.cli.arguments import UsageError
from liqtui.config import load, paths
from liqtui.config.kinds import BadValueError
from liqtui.config.store import WatchlistStore
from liqtui.config.watchlist import Watchlist, is_resolved, read_address
from liqtui.core.wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.cli.arguments import Arguments
    from liqtui.config.load import Config
    from liqtui.config.paths import Paths
    from liqtui.core.sources import MarketRef
    from liqtui.engine.setup import Setup

PUBLIC = "public endpoints are in use: slow, rate-limited, and they see your addresses. Set your own in config.toml"


class Session(NamedTuple):
    paths: Paths
    config: Config
    store: WatchlistStore | None
    """None when the wallets were given on the command line: nothing is saved."""
    wallets: tuple[Wallet, ...]

    @property
    def markets(self) -> tuple[MarketRef, ...]:
        """Shipped markets of the configured chains, then the person's own; an own one replaces a shipped twin."""
        from liqtui.protocols.registry import known_markets

        shipped = known_markets(_ids(self.config))
        return own_and_shipped(self.config.markets, shipped)

    def digest(self) -> str:
        """Of the configuration file as it is now; empty where there is none. A daemon is asked whether it read it."""
        import hashlib

        try:
            return hashlib.sha256(self.paths.config.read_bytes()).hexdigest()
        except OSError:
            return ""

    def setup(self, *, shipped: bool = True) -> Setup:
        """For an engine; without the shipped markets only to begin with, see `LiveEngine`."""
        from liqtui.engine.setup import Setup

        return Setup(
            chains=tuple(self.config.chains.values()),
            markets=self.markets if shipped else self.config.markets,
            wallets=self.wallets,
            given=self.store is None,
            thresholds=self.config.thresholds,
            targets=self.config.targets,
            state=self.paths.state,
            keep_days=self.config.keep_days,
            price_days=self.config.price_days,
            alert_days=self.config.alert_days,
            metrics=self.config.metrics,
            notices=(PUBLIC,) if self.config.public else (),
            rules=self.config.rules,
            desk=self.config.desk,
            channels=self.config.channels,
            ping=self.config.ping,
        )


def own_and_shipped(own: Sequence[MarketRef], shipped: Iterable[MarketRef]) -> tuple[MarketRef, ...]:
    """Shipped markets, then the person's own; an own one replaces its shipped twin."""
    taken = {(market.chain_id, market.entry) for market in own}
    return (*(market for market in shipped if (market.chain_id, market.entry) not in taken), *own)


def refuse_shipped_names(config: Config) -> None:
    """Raises ConfigError for an own market named like another that ships: one of both would hide the other."""
    if not config.markets or config.source is None:
        return
    from liqtui.protocols.registry import known_markets

    shipped = {(each.protocol, each.chain_id, each.name): each.entry for each in known_markets(_ids(config))}
    for place, own in enumerate(config.markets):
        if shipped.get((own.protocol, own.chain_id, own.name), own.entry) != own.entry:
            path = ("markets", place, "name")
            raise config.source.error(path, "is the name of a market that liqtui knows", "give it another name")


def _ids(config: Config) -> Iterable[int]:
    return (chain.id for chain in config.chains.values())


def locate(args: Arguments) -> Paths:
    return paths.locate(args.config, args.watchlist)


def begin(args: Arguments) -> Session:
    """Raises ConfigError or WatchlistError with every mistake of the files, UsageError for a wrong address."""
    where = locate(args)
    config = load.load(where.config, named=where.config_named)
    refuse_shipped_names(config)
    if args.addresses:
        return Session(where, config, None, given(args.addresses))
    store = WatchlistStore(where.watchlist, checksum, config.chains.keys())
    return Session(where, config, store, store.load().effective)


def given(addresses: Sequence[str]) -> tuple[Wallet, ...]:
    """Wallets from the command line, doubles once. Raises UsageError for a wrong checksum."""
    found = Watchlist()
    for text in addresses:
        try:
            wallet = Wallet(read_address(text, checksum))
        except BadValueError as fault:
            raise UsageError(f"{text} {fault.message}; {fault.hint}") from fault
        if found.get(wallet.address) is None:
            found = found.add(wallet)
    return found.wallets


def unresolved(wallets: Sequence[Wallet]) -> tuple[Wallet, ...]:
    """Those that are still an ENS name only."""
    return tuple(wallet for wallet in wallets if not is_resolved(wallet))
