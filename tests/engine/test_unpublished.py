"""A daemon whose engine lives and can publish nothing: without a service manager nobody but these would tell."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.cli import status
from liqtui.core.clock import FrozenClock
from liqtui.core.rules import Ping
from liqtui.engine import live, thread, verdict, wire
from liqtui.engine.client import RemoteEngine
from liqtui.engine.live import LiveEngine
from liqtui.engine.monitor import Monitor
from liqtui.engine.server import Deps, Server
from tests.engine.fakes import START, setup
from tests.engine.seen import PATIENCE, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.engine.fakes import FakeChain
    from tests.engine.receiver import Receiver

WHY = "ValueError: nothing can be said of it"


@pytest.fixture(autouse=True)
def soon_well() -> Iterator[None]:
    """A task that died counts as well a moment after it was started again, also when all else is as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "LASTS", 0.05)
        yield


def break_down(monkeypatch: pytest.MonkeyPatch, where: type) -> list[Any]:
    """From now on nothing is published, for a reason in the monitor or in the thread; gives the tries."""
    tries: list[Any] = []

    def fails(_: object, what: Any) -> None:
        tries.append(what)
        raise ValueError("nothing can be said of it")

    monkeypatch.setattr(live, "RESTART_MAX", 0.02)
    monkeypatch.setattr(where, "publish", fails)
    return tries


@pytest.mark.parametrize("where", [Monitor, LiveEngine])
def test_no_ping_says_that_all_is_well(
    world: FakeChain,
    run_live: Callable[..., tuple[LiveEngine, Seen]],
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    where: type,
) -> None:
    clock = FrozenClock(START)
    _, seen = run_live(world, setup(ping=Ping(receiver.url, 0.0)), clock=clock)

    def after_a_while(wanted: Callable[[], bool]) -> bool:
        clock.advance(1.1)
        world.time = int(clock.now())
        return wanted()

    seen.wait(lambda: after_a_while(lambda: len(receiver.requests) > 3))
    tries = break_down(monkeypatch, where)
    seen.wait(lambda: len(tries) > 2)
    under_way = len(receiver.requests) + 1
    seen.wait(lambda: after_a_while(lambda: len(tries) > 20))
    assert len(receiver.requests) <= under_way
    monkeypatch.undo()
    seen.wait(lambda: after_a_while(lambda: len(receiver.requests) > under_way + 1))


@pytest.mark.parametrize("where", [Monitor, LiveEngine])
async def test_status_and_an_attached_screen_say_since_when(
    world: FakeChain,
    run_live: Callable[..., tuple[LiveEngine, Seen]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: type,
) -> None:
    monkeypatch.setattr("liqtui.engine.server.PULSE", 0.02)
    clock = FrozenClock(START)
    engine, seen = run_live(world, clock=clock)
    seen.until(lambda snapshot: snapshot.ready and snapshot.rows)
    hello = wire.greeting(pid=os.getpid())
    server = Server(tmp_path, engine, Deps(lambda: hello, lambda _, __: None))
    await server.open()
    screen = RemoteEngine(tmp_path, hello)
    screen.start()
    try:
        await until(lambda: screen.snapshot().rows)
        tries = break_down(monkeypatch, where)
        await until(lambda: len(tries) > 5)
        clock.advance(thread.SILENCE + 24)
        found = await asyncio.to_thread(verdict.ask, str(server.path), PATIENCE)
        line, code = status.describe(found, clock.now())
        assert line.startswith(f"◌ the engine has not moved since 22:13:20Z: {WHY}, last seen 34s ago:")
        assert code == 3
        await until(lambda: screen.snapshot().engine_error)
        left = screen.snapshot()
        assert left.engine_error == f"the engine has not moved since 22:13:20Z: {WHY}"
        assert left.at == START
        assert not any(row.trusted for row in left.rows)
    finally:
        await server.close()
        await asyncio.to_thread(screen.stop)


def test_it_keeps_what_it_knows_when_it_ends(
    world: FakeChain,
    run_live: Callable[..., tuple[LiveEngine, Seen]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine, seen = run_live(world, setup(state=tmp_path))
    seen.until(lambda snapshot: snapshot.ready and snapshot.rows)
    tries = break_down(monkeypatch, LiveEngine)
    seen.wait(lambda: len(tries) > 2)
    with sqlite3.connect(tmp_path / "history.sqlite") as db:
        db.execute("DELETE FROM memory")
    engine.stop()
    assert engine.samples("any", 0) == []
    assert "closed" in engine._history.notice  # type: ignore[union-attr]
    assert [name for (name,) in db.execute("SELECT name FROM memory WHERE name = 'rules'")] == ["rules"]
    db.close()


async def until(wanted: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not wanted():  # noqa: ASYNC110 - it lies in another thread
            await asyncio.sleep(0.005)
