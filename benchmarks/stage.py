"""Programs that the screen, alert and memory benchmarks run in a terminal: ours and an alternative on the same data.

    python stage.py PROGRAM ROWS FOLDER

They post a prepared snapshot when a file says so (`FOLDER/order`: "change", "same", "flow" for one each second,
"stop"), and note what that cost in `FOLDER/answer`.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from liqtui.core.clock import SystemClock
from liqtui.core.units import WAD
from tests.ui import scene_rows, scenes
from tests.ui.stub import StubEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from liqtui.core.snapshot import Row, Snapshot

SCENES = 12
COLUMNS = ("", "wallet", "protocol", "chain", "health", "trend", "to liq", "cushion", "debt", "spark")


def moved(row: Row, step: int) -> Row:
    """The same position after a small move of its price: health, distance, cushion and values differ."""
    position, factor = row.position, 1000 + step
    if position is None or position.health.raw is None:
        return row
    raw = position.health.raw * factor // 1000
    cushion = row.cushion and replace(row.cushion, price_now=(row.cushion.price_now or 0) * factor // 1000)
    legs = tuple(leg._replace(value=(leg.value or 0) * factor // 1000) for leg in position.legs)
    health = position.health._replace(raw=raw, reported=raw)
    position = replace(
        position, health=health, legs=legs, collateral_value=(position.collateral_value or 0) * factor // 1000
    )
    sigmas = row.sigmas and row.sigmas * factor / 1000
    return replace(row, position=position, cushion=cushion, sigmas=sigmas, trend=step / 1000)


def prepared(count: int) -> list[Snapshot]:
    """Snapshots in which every position differs from the one before; made beforehand, so that it costs nothing."""
    rows, now = scenes.many(count), time.time()
    return [
        scenes.snapshot(version, at=now + version, rows=tuple(moved(row, version - SCENES // 2) for row in rows))
        for version in range(1, SCENES + 1)
    ]


class Stub(StubEngine):
    """Publishes the prepared snapshots in turn, each with a version of its own."""

    def __init__(self, scenes_: list[Snapshot]) -> None:
        super().__init__(current=scenes_[0])
        self.scenes = scenes_
        self.version = 1

    def change(self) -> None:
        self.publish(self.scenes[self.version % SCENES])

    def same(self) -> None:
        """A round in which nothing changed, not even the second that is shown."""
        self.publish(self.current)

    def publish(self, snapshot: Snapshot) -> None:
        """As an engine does: see `EngineThread.publish`."""
        self.version += 1
        newest = replace(snapshot, version=self.version)
        newest.take_stock(self.current)
        self.post(newest)


def listen(folder: Path, engine: Stub) -> None:
    """Obey orders, in a thread."""

    def work() -> None:
        flowing = False
        due = time.monotonic()
        while True:
            time.sleep(max(0.0, min(0.05, due - time.monotonic())) if flowing else 0.05)
            order = folder / "order"
            words = order.read_text() if order.exists() else ""
            if words:
                order.unlink()
                flowing, due = words == "flow", time.monotonic()
                if words in {"change", "same"}:
                    getattr(engine, words)()
            if flowing and time.monotonic() >= due:
                engine.change()
                due += 1.0

    threading.Thread(target=work, daemon=True).start()


def timed(owner: Any, name: str, folder: Path, painted: Callable[[Any, Callable[[], None]], object]) -> None:
    """Note what one call of a handler costs, and all until it is painted: processor milliseconds."""
    inner = getattr(owner, name)

    def outer(self: Any) -> None:
        started = time.process_time()
        inner(self)
        handled = time.process_time()

        def note() -> None:
            spent = time.process_time()
            (folder / "answer").write_text(f"{(handled - started) * 1e3} {(spent - started) * 1e3}\n")

        painted(self, note)

    setattr(owner, name, outer)


def ours(engine: Stub, folder: Path) -> None:
    from liqtui.ui.app import LiqtuiApp, run
    from liqtui.ui.board import Board
    from liqtui.ui.state import Settings

    timed(Board, "refresh_all", folder, lambda board, note: board.call_after_refresh(note))
    listen(folder, engine)
    run(LiqtuiApp(engine, None, Settings(chain_tags=scene_rows.TAGS, silence_after=1e9), clock=SystemClock()))


def cells(row: Row) -> tuple[str, ...]:
    """As our own table shows it."""
    from liqtui.core import format as fmt

    position = row.position
    return (
        row.severity.value, row.label, row.key.protocol, row.chain,
        f"{(position.health.shown or 0) / WAD:.3f}" if position else fmt.UNKNOWN,
        f"{row.trend:+.3f}" if row.trend is not None else fmt.UNKNOWN,
        fmt.percent(row.cushion.move) if row.cushion else "",
        fmt.sigma(row.sigmas) if row.sigmas is not None else "",
        fmt.money(position.debt_value, position.base_decimals) if position else "",
        "".join(" ▁▂▃▄▅▆▇█"[min(8, int((level or 0) * 4))] for level in row.spark),
    )  # fmt: skip


def datatable(engine: Stub, folder: Path) -> None:
    from textual.app import App
    from textual.message import Message
    from textual.widgets import DataTable, Footer, Header

    class Table(App[None]):
        class Ready(Message):
            pass

        def compose(self) -> Any:
            yield Header()
            yield DataTable()
            yield Footer()

        def on_mount(self) -> None:
            table = self.query_one(DataTable)
            self.keys = table.add_columns(*COLUMNS)
            for row in engine.current.rows:
                table.add_row(*cells(row), key=row.id)
            engine.subscribe(lambda _: self.post_message(self.Ready()))
            listen(folder, engine)

        def on_table_ready(self) -> None:
            self.take()

        def take(self) -> None:
            table = self.query_one(DataTable)
            for row in engine.current.rows:
                before = table.get_row(row.id)
                for key, old, new in zip(self.keys, before, cells(row), strict=True):
                    if old != new:
                        table.update_cell(row.id, key, new)

    timed(Table, "take", folder, lambda app, note: app.call_after_refresh(note))
    Table().run(mouse=False)


PROGRAMS = {"liqtui": ours, "datatable": datatable}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](Stub(prepared(int(sys.argv[2]))), Path(sys.argv[3]))
