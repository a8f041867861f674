"""An endpoint for Prometheus: the newest snapshot as figures, made when somebody asks.

A thread of its own, so that neither a scrape nor a scraper that hangs holds the watching. `docs/metrics.md` lists
what there is. A figure that cannot be trusted is left out rather than repeated.
"""

from __future__ import annotations

import threading
from collections import Counter as Tally
from typing import TYPE_CHECKING, Any, cast

from liqtui.config.kinds import is_loopback
from liqtui.core.model import is_infinite
from liqtui.core.snapshot import Freshness, Severity
from liqtui.core.text import clean
from liqtui.core.units import WAD
from liqtui.engine.words import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.simple_server import WSGIServer

    from liqtui.core.clock import Clock
    from liqtui.core.snapshot import Row, Snapshot

POSITION = ("position", "wallet", "label", "chain", "protocol", "market")
FRESHNESS = tuple(Freshness)
SILENT = 60.0
"""Age of a snapshot (seconds) from which no figure in it is shown any more."""
_TIMEOUT = 10.0


class Metrics:
    """Serves `snapshot()` for as long as it is open."""

    def __init__(self, snapshot: Callable[[], Snapshot], clock: Clock, last: int = 0) -> None:
        """`last`: number of the newest alert from before. The clock does not tell: it may be set back."""
        self._snapshot = snapshot
        self._clock = clock
        self._last = last
        self._told: Tally[tuple[str, str]] = Tally()
        self._lock = threading.Lock()
        self._server: WSGIServer | None = None

    def open(self, host: str, port: int) -> str:
        """Begin to answer; why it cannot, in a sentence, else nothing. Never raises."""
        try:
            self._server = _server(self, host, port)
        except ImportError:
            return "metrics: prometheus-client is not installed"
        except OSError as fault:
            return f"metrics: cannot listen on {host}:{port}: {fault.strerror or fault}"
        except Exception as fault:  # noqa: BLE001 - whatever it is, the watching goes on
            return f"metrics: cannot listen on {host}:{port}: {words(fault)}"
        threading.Thread(target=self._server.serve_forever, name="liqtui-metrics", daemon=True).start()
        return ""

    @property
    def port(self) -> int:
        return self._server.server_port if self._server else 0

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def heard(self, snapshot: Snapshot) -> None:
        """Count alerts that were not there before; each snapshot has to be shown, for it holds the newest only."""
        with self._lock:
            for alert in snapshot.alerts:
                if alert.id <= self._last:
                    break
                self._told[alert.kind, alert.level.value] += 1
            self._last = max(self._last, snapshot.alerts[0].id if snapshot.alerts else 0)

    # -- what prometheus_client asks -----------------------------------------------------------------------------

    def collect(self) -> Iterator[Any]:
        now, snapshot = self._clock.now(), self._snapshot()
        silent = now - snapshot.at > SILENT
        dead = bool(snapshot.engine_error)
        yield _gauge("engine_up", "1 while the engine runs without a fault.", [((), float(not (dead or silent)))])
        yield _gauge("snapshot_age_seconds", "Since the engine last spoke.", [((), now - snapshot.at)])
        yield _gauge("ready", "1 once every chain was read.", [((), float(snapshot.ready))])
        yield from _positions(snapshot, now, hidden=dead or silent)
        yield from _chains(snapshot, now)
        yield from self._alerts(snapshot)

    def _alerts(self, snapshot: Snapshot) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily

        with self._lock:
            told = sorted(self._told.items())
        family = CounterMetricFamily("liqtui_alerts", "Alerts since the start.", labels=("kind", "level"))
        for labels, count in told:
            family.add_metric(labels, count)
        yield family
        waiting = Tally(a.level.value for a in snapshot.alerts if a.acked_at is None and a.severity is not Severity.OK)
        yield _gauge("alerts_unacked", "Alerts that nobody acknowledged, by level.", _counted(waiting), ("level",))
        sent = Tally((delivery.channel, delivery.state.value) for delivery in snapshot.deliveries)
        yield _gauge("deliveries", "Of the newest alerts.", sorted(sent.items()), ("channel", "state"))
        channels = [((c.name,), float(not c.error)) for c in snapshot.channels]
        yield _gauge("channel_up", "1 unless the last try failed.", channels, ("channel",))
        pending = [((c.name,), float(c.pending)) for c in snapshot.channels]
        yield _gauge("channel_pending", "Alerts that wait for a channel.", pending, ("channel",))


def _counted(tally: Tally[str]) -> list[tuple[tuple[str, ...], float]]:
    return [((name,), float(count)) for name, count in sorted(tally.items())]


def _gauge(
    name: str, help_: str, samples: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()
) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(f"liqtui_{name}", help_, labels=labels)
    for values, figure in samples:
        family.add_metric(values, figure)
    return family


def _positions(snapshot: Snapshot, now: float, *, hidden: bool) -> Iterator[Any]:
    rows = [(_labels(row), row) for row in snapshot.rows]
    trusted = [] if hidden else [(labels, row) for labels, row in rows if row.trusted]
    health = [(labels, figure) for labels, row in trusted if (figure := _health(row)) is not None]
    yield _gauge("health", "Health factor; +Inf without debt; absent when not known now.", health, POSITION)
    cushion = [(labels, figure) for labels, row in trusted if (figure := _cushion(row)) is not None]
    yield _gauge("cushion_ratio", "Relative distance to the nearest liquidation; 0: passed.", cushion, POSITION)
    severity = [(labels, float(len(Severity) - 1 - row.severity.rank)) for labels, row in rows]
    yield _gauge(
        "severity",
        "0 ok, 1 unknown, 2 blind, 3 warn, 4 critical, 5 liquidatable, 6 liquidated.",
        severity,
        POSITION,
    )
    fresh = [(labels, float(len(FRESHNESS) - 1 if hidden else FRESHNESS.index(row.freshness))) for labels, row in rows]
    yield _gauge("freshness", "0 fresh, 1 late, 2 stale, 3 blind.", fresh, POSITION)
    ages = [((*labels, name), age) for labels, row in rows for name, age in _ages(row, snapshot, now)]
    told = "Of the block that was read, of the reading, of the worst feed at that block."
    yield _gauge("age_seconds", told, ages, (*POSITION, "of"))


def _labels(row: Row) -> tuple[str, ...]:
    key = row.key
    return (row.id, key.wallet, clean(row.label, 60), row.chain, key.protocol, clean(key.market, 60))


def _health(row: Row) -> float | None:
    shown = row.position.health.shown if row.position else None
    if shown is None:
        return None
    return float("inf") if is_infinite(shown) else shown / WAD


def _cushion(row: Row) -> float | None:
    boundary = row.cushion
    if boundary is None or boundary.move is None:
        return None
    return 0.0 if boundary.passed else abs(boundary.move)


def _ages(row: Row, snapshot: Snapshot, now: float) -> Iterator[tuple[str, float]]:
    """A row that stays fresh is not made anew, so its ages are reckoned from what they hang on."""
    if row.position is not None:
        yield "head", now - row.position.block.timestamp
    good = next((chain.age for chain in snapshot.chains if chain.name == row.chain), None)
    read = [age for age in (good, row.ages.fetch) if age is not None]
    if row.ages.fetch is not None:
        yield "fetch", max(read) + now - snapshot.at
    if row.ages.oracle is not None:
        yield "oracle", float(row.ages.oracle)


def _chains(snapshot: Snapshot, now: float) -> Iterator[Any]:
    chains = [((chain.name,), chain) for chain in snapshot.chains]
    up = [(name, float(not chain.error and chain.block is not None)) for name, chain in chains]
    yield _gauge("chain_up", "1 while the chain is read.", up, ("chain",))
    blocks = [(name, float(chain.block.number)) for name, chain in chains if chain.block]
    yield _gauge("chain_block", "Newest block that was read.", blocks, ("chain",))
    heads = [(name, now - chain.block.timestamp) for name, chain in chains if chain.block]
    yield _gauge("chain_head_age_seconds", "Since the time of that block.", heads, ("chain",))
    ages = [(name, chain.age + now - snapshot.at) for name, chain in chains if chain.age is not None]
    yield _gauge("chain_fetch_age_seconds", "Since the last good round.", ages, ("chain",))
    ok = [(name, float(chain.endpoints_ok)) for name, chain in chains]
    yield _gauge("chain_endpoints_ok", "Endpoints that answer.", ok, ("chain",))
    known = [(name, float(chain.endpoints_all)) for name, chain in chains]
    yield _gauge("chain_endpoints_all", "Endpoints that are configured.", known, ("chain",))
    took = [(name, chain.took) for name, chain in chains if chain.took is not None]
    yield _gauge("round_seconds", "How long the last round took, good or not.", took, ("chain",))


def _server(metrics: Metrics, host: str, port: int) -> WSGIServer:
    import socket
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    from prometheus_client import CollectorRegistry, make_wsgi_app  # pyright: ignore[reportUnknownVariableType]

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True
        block_on_close = False
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def server_bind(self) -> None:
            super(WSGIServer, self).server_bind()  # not the one that looks the host's name up
            self.server_name, self.server_port = host, self.server_address[1]
            self.setup_environ()

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A scraper that goes away is no news, and the terminal may be a screen."""

    class Handler(WSGIRequestHandler):
        timeout = _TIMEOUT

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that is inherited
            """Nothing: the terminal may be a screen."""

    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)  # pyright: ignore[reportArgumentType] (anything with `collect` will do)
    serve: Any = cast("Any", make_wsgi_app(registry))  # pyright: ignore[reportUnknownVariableType]
    near = is_loopback(host)

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        asked = str(environ.get("HTTP_HOST", "")).rpartition(":")[0].strip("[]") or str(environ.get("HTTP_HOST", ""))
        if near and not is_loopback(asked):  # a page in a browser that had its own name point here
            start("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"ask for it by a loopback address\n"]
        if environ.get("PATH_INFO") != "/metrics":
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics is all there is\n"]
        return serve(environ, start)

    server = Server((host, port), Handler)
    server.set_app(app)
    return server
