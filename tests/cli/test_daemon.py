"""The daemon in this process, with its real engine, its real outbox and real signals; only the chain is not there."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import signal
import sqlite3
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.chain.addresses import checksum
from liqtui.cli import daemon as daemon_module
from liqtui.cli.daemon import CONFIGURATION, EXIT_SOFTWARE, WATCHLIST, Daemon
from liqtui.cli.logs import Log
from liqtui.cli.session import Session
from liqtui.config import load, paths
from liqtui.config.lock import InstanceLock
from liqtui.config.store import WatchlistStore
from liqtui.engine import courier as courier_module
from liqtui.engine import live, monitor, rehearsal
from tests.engine.receiver import HANG, Answer, Receiver
from tests.lab.node import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

PATIENCE = 20.0
"""Only reached when something is broken."""
CHAIN = '[chains.lab]\nid = 31337\nrpc = ["http://127.0.0.1:1"]\npoll = 2\n'
WALLETS = ("0x" + "11" * 20, "0x" + "22" * 20)


@dataclass
class Service:
    folder: Path
    out: io.StringIO = field(default_factory=io.StringIO)
    ended: int | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.lock = InstanceLock(self.folder / "state" / "liqtui.lock")
        self.log = Log(self.out)

    def configure(self, more: str = "") -> None:
        (self.folder / "config.toml").write_text(CHAIN + more)

    def watch(self, *wallets: str) -> None:
        (self.folder / "watchlist.toml").write_text("".join(f'[[wallet]]\naddress = "{one}"\n' for one in wallets))

    def begin(self) -> Session:
        names = {"LIQTUI_CONFIG_DIR": str(self.folder), "LIQTUI_STATE_DIR": str(self.folder / "state"), "HOME": "/"}
        where = paths.locate(env=names)
        config = load.load(where.config)
        store = WatchlistStore(where.watchlist, checksum, config.chains.keys())
        return Session(where, config, store, store.load().effective)

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[Daemon]:
        assert self.lock.acquire()
        self.daemon = Daemon(self.begin, self.begin(), self.lock, self.log)
        task = asyncio.create_task(self.daemon.run())
        try:
            await self.heard("listening")
            yield self.daemon
        finally:
            self.daemon._end("the test")
            self.ended = await asyncio.wait_for(task, PATIENCE)
            self.lock.release()
            self.log.close()

    def events(self, name: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.out.getvalue().splitlines() if line.endswith("}")]
        return [one for one in found if one["event"] == name]

    async def heard(self, name: str, count: int = 1) -> dict[str, Any]:
        await until(lambda: len(self.events(name)) >= count)
        return self.events(name)[count - 1]

    async def hang_up(self, event: str, count: int = 1) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGHUP)
        return await self.heard(event, count)

    def standing(self, title: str) -> list[str]:
        """Texts of the alerts under that title that are not over."""
        alerts = self.daemon._engine.snapshot().alerts
        return [alert.text for alert in alerts if alert.title == title and alert.over_at is None]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the condition lies in other threads
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "BACK_OFF", 0.02)
    monkeypatch.setattr(courier_module, "_BREATH", 0.005)
    monkeypatch.setattr(daemon_module, "FILES", 0.05)
    monkeypatch.setattr(daemon_module, "STEP", 0.05)
    monkeypatch.setattr(daemon_module, "RESTART", 0.05)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    made = Service(tmp_path / "home")
    made.configure()
    made.watch(WALLETS[0])
    return made


@pytest.fixture
def receivers() -> Iterator[Callable[[], Receiver]]:
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(Receiver())


def hook(name: str, receiver: Receiver, more: str = "") -> str:
    return f'[channels.{name}]\nkind = "webhook"\nurl = "{receiver.url}"\n{more}'


def deliveries(service: Service) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(service.folder / "state" / "history.sqlite")) as db:
        try:
            return db.execute("SELECT channel, alert, state FROM delivery ORDER BY channel, alert").fetchall()
        except sqlite3.OperationalError:  # there is no table yet
            return []


class Refusing:
    """Ends whoever makes a monitor for a setup with these words in it, from the so-manieth time on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, word: str, *, after: int) -> None:
        made = monitor.Monitor.__init__
        self.count = 0

        def make(one: Any, setup: Any, *rest: Any, **more: Any) -> None:
            if word in str(setup):
                self.count += 1
                if self.count > after:
                    raise RuntimeError(f"{word} is more than this engine can take")
            made(one, setup, *rest, **more)

        monkeypatch.setattr(monitor.Monitor, "__init__", make)


async def test_a_configuration_that_no_engine_starts_with_leaves_the_one_that_runs(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    Refusing(monkeypatch, "side", after=0)
    async with service.run() as daemon:
        engine = daemon._engine
        service.configure('[chains.side]\nid = 7\nrpc = ["http://127.0.0.1:1"]\n')
        told = await service.hang_up("reload failed")
        assert told["why"] == "side is more than this engine can take"
        assert told["then"] == "the configuration before it holds"
        assert daemon._engine is engine, "it was not even stopped"
        assert engine.alive
        assert not engine.trouble
        await until(lambda: service.standing(CONFIGURATION))
        (text,) = service.standing(CONFIGURATION)
        assert text.startswith("configuration not taken over: side is more")
        assert any("side is more" in notice for notice in engine.snapshot().notices)
        await until(lambda: any("config.toml was changed" in notice for notice in engine.snapshot().notices))

        service.configure()
        assert (await service.hang_up("reloaded"))["engine"] == "goes on"
        await until(lambda: not service.standing(CONFIGURATION))
        await until(lambda: not any("side" in notice for notice in engine.snapshot().notices))
    assert service.ended == 0


async def test_an_engine_that_dies_at_its_start_gives_way_to_one_as_before(
    service: Service, receivers: Callable[[], Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    Refusing(monkeypatch, "side", after=1)  # what is only tried comes through
    phone = receivers()
    service.configure(hook("phone", phone))
    async with service.run() as daemon:
        engine = daemon._engine
        service.configure(hook("phone", phone) + '[chains.side]\nid = 7\nrpc = ["http://127.0.0.1:1"]\n')
        told = await service.hang_up("reload failed")
        assert "the engine has died" in told["why"]
        assert "side is more" in told["why"]
        assert daemon._engine is not engine
        assert daemon._engine.alive
        assert not daemon._engine.trouble
        assert daemon._server.engine is daemon._engine
        assert [spec.name for spec in daemon._setup.chains] == ["lab"]
        await until(lambda: phone.taken)
        assert phone.taken[0].titles == [CONFIGURATION], "it is sent, not only shown"
        assert service.events("engine died") == []
        assert any("side is more" in notice for notice in daemon._engine.snapshot().notices)
    assert service.ended == 0


def die() -> None:
    raise SystemExit("gone")


async def test_what_the_daemon_remarks_outlives_an_engine(service: Service) -> None:
    async with service.run() as daemon:
        (service.folder / "watchlist.toml").write_text("[[wallet]]\nadress = 1\n")
        await service.heard("watchlist not read")
        await until(lambda: service.standing(WATCHLIST))
        daemon._engine.tell(die)
        await service.heard("engine started again")
        await until(lambda: any("address is missing" in notice for notice in daemon._engine.snapshot().notices))
        text = "the engine has died: SystemExit: gone; another one watches since"
        await until(lambda: any(one.text == text for one in daemon._engine.snapshot().alerts))
        await until(lambda: not service.standing("daemon"))
        await until(lambda: service.standing(WATCHLIST))
        service.watch(*WALLETS)
        await service.heard("watchlist read")
        await until(lambda: not any("address is missing" in notice for notice in daemon._engine.snapshot().notices))
        await until(lambda: len(daemon._engine.snapshot().wallets) == 2 and not service.standing(WATCHLIST))


@pytest.mark.parametrize("emptied", [True, False])
async def test_a_list_that_is_gone_as_a_whole_takes_nobody_off_it(service: Service, *, emptied: bool) -> None:
    """An editor halfway, a folder that is not mounted: nobody would be watched, and nothing remembered of them."""
    service.watch(*WALLETS)
    file = service.folder / "watchlist.toml"
    async with service.run() as daemon:
        file.write_text("") if emptied else file.unlink()
        told = await service.heard("watchlist not read")
        assert told["why"].endswith("was emptied as a whole." if emptied else "is gone.")
        await until(lambda: service.standing(WATCHLIST))
        assert "nobody would be watched" in (await service.hang_up("reload failed"))["why"]
        assert len(daemon._engine.snapshot().wallets) == 2
        service.watch(WALLETS[0])
        await service.heard("watchlist read")
        await until(lambda: len(daemon._engine.snapshot().wallets) == 1 and not service.standing(WATCHLIST))
        file.write_text("# nobody\n")
        await until(lambda: not daemon._engine.snapshot().wallets)


async def test_an_engine_that_does_not_end_ends_the_daemon_because_two_must_not_write(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = threading.Event()
    monkeypatch.setattr("liqtui.engine.thread._JOIN", 0.05)
    async with service.run() as daemon:
        engine = daemon._engine
        engine.tell(lambda: stuck.wait(PATIENCE) and None)
        service.configure("[thresholds]\nwarn = 1.9\n")
        told = await service.hang_up("fault")
        assert "two must not write one history" in told["text"]
        assert daemon._engine is engine
    assert service.ended == EXIT_SOFTWARE
    stuck.set()


async def test_no_delivery_is_lost_or_repeated_by_a_reload(service: Service, receivers: Callable[[], Receiver]) -> None:
    """One channel has the alerts, one is being sent the first, one is being tried again, one waits for its minute."""
    good, slow, sick, narrow = (receivers() for _ in range(4))
    slow.usual = Answer(slow=0.5)
    sick.usual = Answer(503)
    channels = "".join(hook(name, one) for name, one in (("good", good), ("slow", slow), ("sick", sick)))
    channels += hook("narrow", narrow, "per_minute = 1\n")
    service.configure(channels)
    async with service.run() as daemon:
        daemon._engine.report("first", "one")
        await until(lambda: good.taken and narrow.taken and len(sick.requests) > 1)
        daemon._engine.report("second", "two")
        await until(lambda: len(good.taken) == 2)
        await until(lambda: len([one for one in deliveries(service) if one[1] == 2]) == 4)
        states = {(name, alert): state for name, alert, state in deliveries(service)}
        assert states["narrow", 2] == "waiting"
        assert states["sick", 1] != "delivered"
        service.configure(channels + "[thresholds]\nwarn = 1.9\n")
        assert (await service.hang_up("reloaded"))["engine"] == "started again"
        sick.usual = Answer()
        everything = [(name, alert, "delivered") for name in ("good", "narrow", "sick", "slow") for alert in (1, 2)]
        await until(lambda: deliveries(service) == everything)
    for one in (good, slow, sick, narrow):
        assert len(one.keys) == 2
        assert [alert["title"] for sent in one.taken for alert in sent.event["alerts"]] == ["first", "second"]
    told = [(one["channel"], one["alert"]) for one in service.events("delivery") if one["state"] == "delivered"]
    assert sorted(told) == [(name, alert) for name, alert, _ in everything], "nor is any told twice in the log"


async def test_what_hangs_is_not_waited_for_and_sent_again_by_the_next_engine(
    service: Service, receivers: Callable[[], Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ARRIVE", 0.1)
    deaf = receivers()
    deaf.usual = HANG
    service.configure(hook("deaf", deaf))
    async with service.run() as daemon:
        daemon._engine.report("first", "one")
        await until(lambda: deaf.requests)
        service.configure(hook("deaf", deaf) + "[thresholds]\nwarn = 1.9\n")
        deaf.usual = Answer()
        await service.hang_up("reloaded")
        await until(lambda: deliveries(service) == [("deaf", 1, "delivered")])
    assert len(deaf.keys) == 1
    assert len(deaf.requests) == 2


async def test_a_reload_that_changes_the_list_only_interrupts_nothing(
    service: Service, receivers: Callable[[], Receiver]
) -> None:
    slow = receivers()
    slow.usual = Answer(slow=0.3)
    service.configure(hook("slow", slow))
    async with service.run() as daemon:
        engine = daemon._engine
        engine.report("first", "one")
        await until(lambda: deliveries(service) == [("slow", 1, "sending")])
        service.watch(*WALLETS)
        assert (await service.hang_up("reloaded"))["engine"] == "goes on"
        assert daemon._engine is engine
        await until(lambda: len(engine.snapshot().wallets) == 2)
        await until(lambda: deliveries(service) == [("slow", 1, "delivered")])
    assert len(slow.requests) == 1


async def test_prometheus_is_answered_before_and_after_a_reload(service: Service) -> None:
    port = free_port()
    metrics = f'[metrics]\nlisten = "127.0.0.1:{port}"\n'

    def chains() -> list[str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
            return re.findall(r'liqtui_chain_up\{chain="(\w+)"\}', answer.read().decode())

    service.configure(metrics)
    async with service.run() as daemon:
        await until(lambda: daemon._engine.snapshot().ready)
        assert await asyncio.to_thread(chains) == ["lab"]
        service.configure(metrics + '[chains.side]\nid = 7\nrpc = ["http://127.0.0.1:1"]\n')
        await service.hang_up("reloaded")
        await until(lambda: daemon._engine.snapshot().ready)
        assert await asyncio.to_thread(chains) == ["lab", "side"]
        assert not any("metrics" in notice for notice in daemon._engine.snapshot().notices)
    with pytest.raises(urllib.error.URLError):
        await asyncio.to_thread(chains)


async def test_what_is_only_tried_leaves_nothing_behind(service: Service) -> None:
    setup = service.begin().setup()
    await rehearsal.rehearse(setup)
    assert not (service.folder / "state").exists()
