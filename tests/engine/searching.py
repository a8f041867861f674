"""A protocol whose positions only logs tell of, a chain that keeps logs, and a search on it."""

import asyncio
from dataclasses import replace

from liqtui.core.reads import Log, LogFilter
from liqtui.engine.logsearch import LogSearch
from tests.engine.fakes import START, FakeAdapter, FakeChain, address, market

ENTRY = market().entry
DEPLOYED = 1_000
TOPIC = "0x" + "70" * 32


def word(number):
    return f"0x{number:064x}"


class Searching(FakeAdapter):
    """The fake protocol, in which accounts are seen only in rooms that a log told of."""

    def searches(self, ref):
        return "rooms" not in dict(ref.options)

    def first_block(self, ref):
        return DEPLOYED

    def log_filters(self, ref, wallets):
        return (LogFilter((ref.entry,), ((TOPIC,), None, tuple(word(int(w, 16)) for w in wallets))),)

    def learn(self, ref, logs):
        known = dict(ref.options).get("rooms")
        rooms = dict.fromkeys((known or "").split(",") if known else ())
        rooms |= dict.fromkeys(log.topics[1] for log in logs)
        if known is not None and len(rooms) == len(known.split(",") if known else ()):
            return ref
        return replace(ref, options=(("rooms", ",".join(rooms)),))

    def discover(self, opened, wallets):
        ref, _ = opened
        return (yield from super().discover(opened, wallets if dict(ref.options)["rooms"] else ()))


class Logged(FakeChain):
    """Keeps logs, and what was asked for."""

    def __init__(self, number=DEPLOYED + 100):
        super().__init__(number=number)
        self.kept, self.asked, self.fault = [], [], None
        self.slow = 0.0

    def log(self, who, room, block):
        self.kept.append(Log(ENTRY, (TOPIC, word(room), word(who)), b"", block, word(block), word(1), 0))

    async def logs(self, first, last, wanted):
        self.requests += 1
        self.asked.append((first, last))
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.fault is not None:
            raise self.fault
        return [log for log in self.kept if first <= log.block_number <= last and log.topics[2] in wanted.topics[2]]


def search(notebook=None):
    return LogSearch(Searching(), market(), notebook)


def rooms(found):
    return dict(found.ref.options)["rooms"]


async def stepped(found, node, *wallets, now=START):
    await found.step(node, node.block, [address(number) for number in wallets or (1,)], now)
    return found
