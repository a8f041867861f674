"""What a protocol module offers, as its `ADAPTER`. Adding a protocol is one such module and one file of the same name
in `deployments/`: nothing else has a list of them.

The life of a market:

1. `open` once (and again when the contracts change): resolve addresses, assets, price sources, revision.
2. `discover` rarely: which wallets hold something here, and where to look for it.
3. `refresh` every round: market state and account states at one block, in a constant number of steps.
4. `evaluate` each account: pure, exact, no reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from liqtui.core.model import PositionKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from liqtui.core.events import MarketEvent
    from liqtui.core.model import Feed, Position
    from liqtui.core.reads import Block, Log, LogFilter, Plan
    from liqtui.core.sources import MarketRef


class Keys(dict[str, PositionKey]):
    """Wallet → the key of its position in this market. Kept: they are the same every round."""

    def __init__(self, ref: MarketRef) -> None:
        super().__init__()
        self._market = (ref.chain_id, ref.protocol, ref.name)

    def __missing__(self, wallet: str) -> PositionKey:
        self[wallet] = key = PositionKey(*self._market, wallet)
        return key


@dataclass(frozen=True)
class Reading:
    """One market at one block."""

    market: Any
    """The adapter's own market state: indexes, prices, thresholds, flags."""
    accounts: Mapping[str, Any]
    """Wallet (lower case) → account state, or an Exception that says why it could not be read."""
    feeds: tuple[Feed, ...] = ()
    changed: bool = False
    """The contracts are not those that were opened (revision, oracle, reserves): open the market again."""
    errors: tuple[str, ...] = field(default=())
    """What was missing without blanking the rest."""


class Adapter(Protocol):
    protocol: ClassVar[str]

    def open(self, ref: MarketRef, block: Block) -> Plan[Any]:
        """The opened market. PlanFailed in words when the address is not such a market."""
        ...

    def discover(self, opened: Any, wallets: Sequence[str]) -> Plan[Mapping[str, Any]]:
        """Wallet → hint where to look, only for wallets that hold something here."""
        ...

    def refresh(self, opened: Any, block: Block, hints: Mapping[str, Any]) -> Plan[Reading]: ...

    def evaluate(self, opened: Any, block: Block, market: Any, account: Any, wallet: str) -> tuple[Position, ...]:
        """Figures of one account, with `book` set and without boundaries and rescue (see `core.risk.complete`)."""
        ...


class Survey(NamedTuple):
    """What an opened market says of itself."""

    contents: str
    """What there is to borrow and to give, in a few words: "14 reserves, in USD"."""
    revision: str = ""
    """As its contracts tell it: "11 (v3.7)"; empty where they tell none."""
    known: bool = True
    """Whether our arithmetic was written for that revision."""
    facts: tuple[tuple[str, str], ...] = ()
    """(name, lower-case address) of what the shipped data may hold too; see `registry.About`."""


@runtime_checkable
class Surveyor(Protocol):
    """What an adapter offers besides, for `doctor` and `markets --live`."""

    def survey(self, opened: Any) -> Survey: ...


@runtime_checkable
class Glancer(Protocol):
    """What an adapter offers besides where one call tells that a wallet holds something, though not what."""

    def glance(self, opened: Any, wallets: Sequence[str]) -> Plan[AbstractSet[str]]:
        """In one step, those that surely hold something; `discover` then has to find them too."""
        ...


@runtime_checkable
class LogDiscovery(Protocol):
    """What an adapter offers besides where the chain's state does not tell which markets a wallet is in.

    `engine.logsearch` walks the blocks and keeps how far it got for each wallet. A log is of a wallet when it bears
    its address as an indexed field.
    """

    def searches(self, ref: MarketRef) -> bool:
        """Whether this deployment needs it; not where the person said what to look at."""
        ...

    def first_block(self, ref: MarketRef) -> int:
        """Where the search begins."""
        ...

    def log_filters(self, ref: MarketRef, wallets: Sequence[str]) -> tuple[LogFilter, ...]: ...

    def learn(self, ref: MarketRef, logs: Iterable[Log]) -> MarketRef:
        """The deployment with what these logs tell; the same object when that is nothing new.

        Also without a single log it then can be opened. The ref has to be opened again when it has changed.
        """
        ...


class EarlyLogs(NamedTuple):
    """Blocks in which a contract surely said something."""

    first: int
    last: int
    wanted: LogFilter


@runtime_checkable
class Outspoken(Protocol):
    """What a `LogDiscovery` offers besides where it is known when the contract began to speak.

    A node that has dropped old logs, and answers as if there were none, gives itself away by these.
    """

    def early_logs(self, ref: MarketRef) -> EarlyLogs | None: ...


@runtime_checkable
class EventLog(Protocol):
    """What an adapter offers besides: liquidations and the owner's own acts, from the log of its contracts.

    `engine.eventlog` asks for the logs. Both are pure, and a log that makes no sense gives nothing.
    """

    def event_filters(self, opened: Any, wallets: Sequence[str]) -> tuple[LogFilter, ...]:
        """What to ask for. Filters of several markets are merged where they name the wallets in the same place."""
        ...

    def events(self, opened: Any, logs: Sequence[Log]) -> tuple[MarketEvent, ...]:
        """In the order of the logs. Logs of other contracts are passed over; those of one transaction come together."""
        ...
