"""Event logs from one node: asked in ranges that it accepts, and checked before they are believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from liqtui.chain.faults import Cure, Fault, fixed_hex, hex_bytes, malformed, quantity
from liqtui.core.reads import Log, LogFilter

if TYPE_CHECKING:
    from liqtui.chain.endpoint import Deadline, Endpoint


async def read_logs(endpoint: Endpoint, first: int, last: int, wanted: LogFilter, deadline: Deadline) -> list[Log]:
    """All logs of the range, in order. Raises Fault; `behind` when the node does not have the last block.

    A node that lags answers with the logs it has and no error, so its blocks are looked at first.
    """
    if await endpoint.by_number(last, deadline) is None:
        raise Fault("behind", f"no block {last}")
    logs: list[Log] = []
    start, span = first, endpoint.most_blocks or last - first + 1
    while start <= last:
        end = min(last, start + span - 1)
        try:
            logs += await _range(endpoint, start, end, wanted, deadline)
        except Fault as fault:
            if fault.cure is not Cure.SMALLER or start == end:
                raise
            span = (end - start + 1) // 2
            endpoint.shrink_blocks(span)
        else:
            start = end + 1
    return logs


async def _range(endpoint: Endpoint, first: int, last: int, wanted: LogFilter, deadline: Deadline) -> list[Log]:
    query: dict[str, Any] = {
        "fromBlock": hex(first),
        "toBlock": hex(last),
        "topics": [None if topics is None else list(topics) for topics in wanted.topics],
    }
    if wanted.addresses:
        query["address"] = list(wanted.addresses)
    answer = await endpoint.request("eth_getLogs", [query], deadline)
    if not isinstance(answer, list):
        raise malformed("logs that are no list")
    logs = [_log(item) for item in cast("list[Any]", answer)]
    for log in logs:
        if not first <= log.block_number <= last or not matches(log, wanted):
            raise malformed("a log that was not asked for")
    return sorted(logs, key=lambda log: (log.block_number, log.log_index))


def matches(log: Log, wanted: LogFilter) -> bool:
    """Whether a log fits the filter, as a node has to decide it."""
    if wanted.addresses and log.address not in {address.lower() for address in wanted.addresses}:
        return False
    if len(log.topics) < len(wanted.topics):
        return False
    return all(
        accepted is None or topic in {value.lower() for value in accepted}
        for topic, accepted in zip(log.topics, wanted.topics, strict=False)
    )


def _log(item: object) -> Log:
    if not isinstance(item, dict):
        raise malformed("a log that is no object")
    fields = cast("dict[str, Any]", item)
    topics = fields.get("topics")
    if fields.get("removed") is True or not isinstance(topics, list):
        raise malformed("a log that was removed, or has no topics")
    return Log(
        address=fixed_hex(fields.get("address"), 20, "log address"),
        topics=tuple(fixed_hex(topic, 32, "log topic") for topic in cast("list[Any]", topics)),
        data=hex_bytes(fields.get("data"), "log data"),
        block_number=quantity(fields.get("blockNumber"), "log block"),
        block_hash=fixed_hex(fields.get("blockHash"), 32, "log block hash"),
        tx_hash=fixed_hex(fields.get("transactionHash"), 32, "log transaction"),
        log_index=quantity(fields.get("logIndex"), "log index"),
    )
