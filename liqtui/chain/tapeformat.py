"""What a tape holds: header and frames, and their form as JSON values.

Calls are named by their order of appearance on the tape, and a result is written only when it differs from the
last one that the same chain gave to the same call.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, cast

from liqtui.chain.faults import safe
from liqtui.core.reads import Block, Call, Failure, Log, LogFilter, Result
from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.core.text import clean
from liqtui.core.wallet import Thresholds, Wallet

SECRET_FIELDS = frozenset({"rpc", "ws"})
"""Of a ChainSpec: never written."""
TEXT = 120


@dataclass(frozen=True)
class TapeHeader:
    title: str = ""
    created: float = 0.0
    """Unix time."""
    wallets: tuple[Wallet, ...] = ()
    chains: tuple[ChainSpec, ...] = ()
    """Without endpoints."""
    markets: tuple[MarketRef, ...] = ()
    chapters: tuple[tuple[int, str], ...] = ()
    """(frame, title); chapters that were named while recording are in their frames."""


@dataclass(frozen=True)
class LogQuery:
    """One request for logs, and what it brought."""

    first: int
    last: int
    wanted: LogFilter
    logs: tuple[Log, ...]


@dataclass(frozen=True)
class Frame:
    """One round on one chain."""

    chain_id: int
    time: float
    """Unix time at which it began."""
    head: Block | None
    """None when the head could not be read."""
    fault: tuple[str, str] | None = None
    """(kind, detail) of the ReadError that ended the round."""
    results: dict[Call, Result] = field(default_factory=dict[Call, Result])
    """All that was read in the round; on a loaded tape, only what differs from the chain's frames before it."""
    logs: tuple[LogQuery, ...] = ()
    note: str = ""
    chapter: str = ""


def header_to_json(header: TapeHeader) -> dict[str, Any]:
    return {
        "title": header.title,
        "created": header.created,
        "wallets": [_wallet_to_json(wallet) for wallet in header.wallets],
        "chains": [_chain_to_json(chain) for chain in header.chains],
        "markets": [_plain(market) for market in header.markets],
        "chapters": [list(chapter) for chapter in header.chapters],
    }


def header_from_json(value: dict[str, Any]) -> TapeHeader:
    """Raises KeyError, TypeError or ValueError for anything else than a header."""
    return TapeHeader(
        title=clean(value["title"], TEXT),
        created=float(value["created"]),
        wallets=tuple(_wallet_from_json(wallet) for wallet in value["wallets"]),
        chains=tuple(_chain_from_json(chain) for chain in value["chains"]),
        markets=tuple(_market_from_json(market) for market in value["markets"]),
        chapters=tuple((int(frame), clean(title, TEXT)) for frame, title in value["chapters"]),
    )


def _plain(value: Any) -> dict[str, Any]:
    return {one.name: getattr(value, one.name) for one in fields(value)}


def _chain_to_json(chain: ChainSpec) -> dict[str, Any]:
    return {name: value for name, value in _plain(chain).items() if name not in SECRET_FIELDS}


def _chain_from_json(value: dict[str, Any]) -> ChainSpec:
    known = {one.name for one in fields(ChainSpec)} - SECRET_FIELDS
    texts = {name: clean(value[name], TEXT) for name in ("name", "short", "explorer") if name in value}
    spec = ChainSpec(**cast("dict[str, Any]", {name: value[name] for name in known & value.keys()} | texts))
    if type(spec.id) is not int or min(spec.poll, spec.block_time, spec.timeout) <= 0:
        raise ValueError("a chain without an id or with impossible times")
    return spec


def _market_from_json(value: dict[str, Any]) -> MarketRef:
    options = tuple((str(key), str(option)) for key, option in value["options"])
    name, protocol = clean(value["name"], TEXT), clean(value["protocol"], TEXT)
    return MarketRef(protocol, int(value["chain_id"]), name, str(value["entry"]), options, bool(value["custom"]))


def _wallet_to_json(wallet: Wallet) -> dict[str, Any]:
    """Thresholds as they apply; alert rules stay at home."""
    plain = _plain(wallet)
    for name in ("rules", "tag_thresholds", "tag_rules"):
        del plain[name]
    own = [[position, _limits(thresholds)] for position, thresholds in wallet.position_thresholds]
    wide = _limits(wallet.thresholds.over(wallet.tag_thresholds))
    return plain | {"thresholds": wide, "position_thresholds": own}


def _limits(thresholds: Thresholds) -> dict[str, Any]:
    """Those that are set, so that older versions read what they know."""
    return {name: value for name, value in thresholds._asdict().items() if value is not None}


def _wallet_from_json(value: dict[str, Any]) -> Wallet:
    return Wallet(
        address=clean(value["address"], 42),
        label=clean(value["label"], TEXT),
        name=clean(value["name"], TEXT),
        chains=tuple(str(chain) for chain in value["chains"]),
        tags=tuple(clean(tag, TEXT) for tag in value["tags"]),
        note=clean(value["note"], 1000),
        thresholds=Thresholds(**value["thresholds"]),
        position_thresholds=tuple((str(at), Thresholds(**own)) for at, own in value["position_thresholds"]),
    )


class FrameEncoder:
    def __init__(self) -> None:
        self._ids: dict[tuple[int, Call], int] = {}
        self._last: dict[int, Result] = {}

    def encode(self, frame: Frame) -> dict[str, Any]:
        new: list[list[Any]] = []
        changed: list[list[Any]] = []
        for call, result in frame.results.items():
            number = self._ids.setdefault((frame.chain_id, call), len(self._ids))
            if number not in self._last:
                new.append([call.target, call.data.hex()])
            elif self._last[number] == result:
                continue
            self._last[number] = result
            changed.append([number, _result_to_json(result)])
        out: dict[str, Any] = {"c": frame.chain_id, "t": frame.time}
        if frame.head is not None:
            out["h"] = list(frame.head)
        if frame.fault is not None:
            out["f"] = [frame.fault[0], safe(frame.fault[1])]
        optional = {"k": new, "r": changed, "l": [_query_to_json(query) for query in frame.logs]}
        optional |= {"n": frame.note, "s": frame.chapter}
        return out | {key: value for key, value in optional.items() if value}


class FrameDecoder:
    def __init__(self) -> None:
        self._calls: list[Call] = []

    def decode(self, value: dict[str, Any]) -> Frame:
        """Raises KeyError, IndexError, TypeError or ValueError for anything else than the next frame."""
        self._calls += [Call(str(target), bytes.fromhex(data)) for target, data in value.get("k", [])]
        head, fault = value.get("h"), value.get("f")
        return Frame(
            chain_id=int(value["c"]),
            time=float(value["t"]),
            head=None if head is None else Block(int(head[0]), str(head[1]), int(head[2])),
            fault=None if fault is None else (str(fault[0]), safe(str(fault[1]))),
            results={self._calls[number]: _result_from_json(result) for number, result in value.get("r", [])},
            logs=tuple(_query_from_json(query) for query in value.get("l", [])),
            note=clean(value.get("n", ""), 1000),
            chapter=clean(value.get("s", ""), TEXT),
        )


def _result_to_json(result: Result) -> Any:
    return [result.kind, safe(result.detail), result.data.hex()] if isinstance(result, Failure) else result.hex()


def _result_from_json(value: Any) -> Result:
    if isinstance(value, str):
        return bytes.fromhex(value)
    kind, detail, data = value
    return Failure(str(kind), clean(detail, 160), bytes.fromhex(data))


def _query_to_json(query: LogQuery) -> list[Any]:
    logs = [[*log[:2], log.data.hex(), *log[3:]] for log in query.logs]
    return [query.first, query.last, list(query.wanted.addresses), list(query.wanted.topics), logs]


def _query_from_json(value: Any) -> LogQuery:
    first, last, addresses, topics, logs = value
    wanted = LogFilter(tuple(addresses), tuple(None if each is None else tuple(each) for each in topics))
    return LogQuery(int(first), int(last), wanted, tuple(_log_from_json(log) for log in logs))


def _log_from_json(value: Any) -> Log:
    address, topics, data, number, block_hash, tx_hash, index = value
    block = (int(number), str(block_hash), str(tx_hash), int(index))
    return Log(str(address), tuple(str(topic) for topic in topics), bytes.fromhex(data), *block)
