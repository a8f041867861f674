"""Logs of a pretended market, as a node tells them."""

import asyncio

from liqtui.core.events import EventKind, MarketEvent, Moved
from liqtui.core.model import PositionKey
from liqtui.core.reads import Log, LogFilter
from tests.engine.fakes import ETH, USDC, FakeAdapter, FakeChain, address, market

ENTRY = market().entry


TAKEN, ACTED, THIRD = ("0x" + digit * 64 for digit in "123")


def word(number):
    return f"0x{number:064x}"


class Logging(FakeAdapter):
    """The fake protocol with a log: the wallet is the first field of an act, the second of a liquidation."""

    def event_filters(self, opened, wallets):
        ref, _ = opened
        who = tuple(word(int(wallet, 16)) for wallet in wallets)
        return (LogFilter((ref.entry,), ((TAKEN,), None, who)), LogFilter((ref.entry,), ((ACTED,), who)))

    def events(self, opened, logs):
        ref, _ = opened
        return tuple(self._event(ref, log) for log in logs if log.address == ref.entry)

    def _event(self, ref, log):
        taken = log.topics[0] == TAKEN
        key = PositionKey(ref.chain_id, ref.protocol, ref.name, "0x" + log.topics[2 if taken else 1][-40:])
        if not taken:
            return MarketEvent.of(log, EventKind.REPAID, key, debt=Moved(USDC, 10**8), who=key.wallet)
        moved = Moved(ETH, 10**17), Moved(USDC, 10**8)
        return MarketEvent.of(log, EventKind.LIQUIDATED, key, collateral=moved[0], debt=moved[1], who=address(0xBAD))


class Logged(FakeChain):
    """Keeps logs, and what was asked for."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.kept, self.asked, self.fault, self.slow = [], [], None, 0.0

    def log(self, topic, who, block=None, *, tx=1, index=0, entry=ENTRY):
        block = self.number if block is None else block
        topics = (TAKEN, word(7), word(who)) if topic == TAKEN else (topic, word(who))
        self.kept.append(Log(entry, topics, b"", block, word(block), word(tx), index))

    async def logs(self, first, last, wanted):
        self.asked.append((first, last))
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.fault is not None:
            raise self.fault
        return [
            log
            for log in self.kept
            if first <= log.block_number <= last
            and log.address in wanted.addresses
            and all(
                accepted is None or topic in accepted
                for topic, accepted in zip(log.topics, wanted.topics, strict=False)
            )
        ]
