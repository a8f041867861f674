"""`liqtui history export`, on files as the engine writes them."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.cli.main import main
from liqtui.core.model import HEALTH_INFINITE, Feed, PositionKey
from liqtui.core.snapshot import Alert, Level, Severity
from liqtui.core.units import WAD
from liqtui.engine import archive
from liqtui.engine.archive import COLUMNS
from liqtui.engine.history import FILE, History, Sample
from liqtui.engine.lifecycle import account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = 1_700_000_000
WALLET, OTHER = "0x" + "ab" * 20, "0x" + "cd" * 20
KEYS = PositionKey(1, "aave-v3", "main: odd", WALLET), PositionKey(8453, "morpho-blue", "core", OTHER, "0x77")
ETH, BTC = "0x" + "e1" * 20, "0x" + "b1" * 20


@pytest.fixture
def state(own_folders: Path) -> Path:
    folder = own_folders / "state" / "liqtui"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def history(state: Path) -> Iterator[History]:
    opened = History(state, keep_days=10_000, price_days=10_000, alert_days=10_000)
    yield opened
    opened.close()


def fill(history: History) -> None:
    for key in KEYS:
        history.position(key, is_open=True)
        history.hears(str(key), START - 500, WAD)
    history.relies(str(KEYS[0]), 1, [ETH], START)
    history.relies(str(KEYS[1]), 8453, [BTC], START)
    for minute in range(3):
        at = START + 60 * minute
        history.round(1, Feed(ETH, "=ETH / USD", "eth", 2000_12345678 + minute, 8, at - 30, 3600))
        history.round(8453, Feed(BTC, "BTC / USD", "btc", 60_000 * 10**8, 8, START - 30, 3600))
        history.sample(Sample(str(KEYS[0]), at, 100 + minute, 1_042_001_700_000_000_001 + minute, -0.043))
        history.sample(Sample(str(KEYS[1]), at, 900 + minute, HEALTH_INFINITE, None))
    alert = Alert(
        1, START, Severity.WARN, "threshold", "=cmd|' /C calc'!A0", "HF 1.1", str(KEYS[0]), "repay", None, 100,
        Level.CALL, (str(KEYS[0]),), (("HF", "1.1"),),
    )  # fmt: skip
    history.alert(alert)
    history.alert(Alert(2, START + 60, Severity.OK, "opened", "w2", "opened", str(KEYS[1]), positions=(str(KEYS[1]),)))
    history.flush(START + 120)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["history", "export", *words]) == 0
    found = capsys.readouterr()
    assert found.err == ""
    return found.out


def plain(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    made = json.loads(told(capsys, *words, "--format", "json"))
    assert made["schema"] == 1
    assert made["what"] == words[0]
    return made["rows"]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_samples_with_every_digit_and_the_prices_of_their_time(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(history)
    rows = plain(capsys, "samples")
    assert [list(row) == list(COLUMNS["samples"]) for row in rows] == [True] * 6
    assert [row["time"] for row in rows] == [f"2023-11-14T22:1{3 + at}:20.000Z" for at in (0, 0, 1, 1, 2, 2)]
    first, second = rows[4], rows[5]
    assert first["position"] == str(KEYS[0])
    assert (first["chain_id"], first["market"], first["wallet"]) == (1, "main: odd", WALLET)
    assert first["health"] == "1.042001700000000003"
    assert first["health_raw"] == "1042001700000000003"
    assert first["cushion"] == -0.043
    assert first["prices"] == [
        {"feed": ETH, "label": "=ETH / USD", "price": "2000.1234568", "answer": "200012345680",
         "updated_at": "2023-11-14T22:14:50.000Z"}
    ]  # fmt: skip
    assert (second["health"], second["market_id"], second["cushion"]) == ("infinity", "0x77", None)
    assert [quote["label"] for quote in second["prices"]] == ["BTC / USD"]


def test_samples_with_all_that_is_kept_of_a_reading(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    full = Sample(
        str(KEYS[0]), START, 100, 2 * WAD, -0.25, block_at=START - 3, nearest=0.2, sigmas=4.5, eta=86_400.0,
        unsafe=False,
    )  # fmt: skip
    history.sample(full)
    history.sample(full._replace(at=START + 60, sigmas=None, eta=None, unsafe=True, block_at=2**62))
    history.sample(Sample(str(KEYS[0]), START + 120, 100, 2 * WAD, None))
    history.flush(START + 120)
    new = ("block_time", "nearest", "sigmas", "interest_eta_seconds", "liquidatable")
    assert COLUMNS["samples"][-5:] == new
    assert [tuple(row[name] for name in new) for row in plain(capsys, "samples")] == [
        ("2023-11-14T22:13:17.000Z", 0.2, 4.5, 86_400.0, False),
        (None, 0.2, None, None, True),
        (None, None, None, None, None),
    ]
    assert [",".join(row[name] for name in new) for row in table(told(capsys, "samples"))] == [
        "2023-11-14T22:13:17.000Z,0.2,4.5,86400.0,false", ",0.2,,,true", ",,,,",
    ]  # fmt: skip


def test_silences_with_both_their_ends(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    for at in (0, 60, 700.5, 760):
        history.sample(Sample(str(KEYS[0]), START + at, 100, 2 * WAD, None))
        history.sample(Sample(str(KEYS[1]), START + at, 100, 2 * WAD, None, patience=900))
    history.position(KEYS[0], is_open=True)
    history.flush(START + 760)
    (row,) = plain(capsys, "silences")
    assert tuple(row) == COLUMNS["silences"]
    assert (row["since"], row["until"]) == ("2023-11-14T22:14:20.000Z", "2023-11-14T22:25:00.500Z")
    assert (row["seconds"], row["position"], row["market"]) == (640.5, str(KEYS[0]), "main: odd")
    assert table(told(capsys, "silences"))[0]["seconds"] == "640.5"


def test_csv_has_the_same_rows_and_no_formula(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    fill(history)
    for what in COLUMNS:
        rows, exact = table(told(capsys, what)), plain(capsys, what)
        assert [list(row) for row in rows] == [list(COLUMNS[what])] * len(exact)
        for row, other in zip(rows, exact, strict=True):
            for name, cell in row.items():
                value = other[name]
                guarded = isinstance(value, str) and value[:1] in "=+-@" and value != ""
                assert not cell.startswith(("=", "+", "@", "\t", "\r"))
                if isinstance(value, (list, dict)):
                    assert json.loads(cell) == value
                else:
                    assert cell == ("" if value is None else f"'{value}" if guarded else str(value))
    assert "'=cmd|' /C calc'!A0" in {row["title"] for row in table(told(capsys, "alerts"))}
    assert "'=ETH / USD" in {row["label"] for row in table(told(capsys, "prices"))}


def test_alerts_with_their_whole_life(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    fill(history)
    alert = history.alerts()[1]
    history.alert(replace(alert, escalated=1, level=Level.CRITICAL))
    history.flush(START + 900)
    history.alert(replace(alert, escalated=1, level=Level.CRITICAL, acked_at=START + 901.5, over_at=START + 990.0))
    history.flush(START + 991)
    first, second = plain(capsys, "alerts")
    assert first["acked_at"] == "2023-11-14T22:28:21.500Z"
    assert first["acked_by"] == account()
    assert first["over_at"] == "2023-11-14T22:29:50.000Z"
    assert first["facts"] == {"HF": "1.1"}
    assert first["positions"] == [str(KEYS[0])]
    assert [event["what"] for event in first["events"]] == ["raised", "escalated", "acknowledged", "over"]
    assert first["level"] == "critical"
    assert first["deliveries"] == []
    assert (second["acked_at"], second["acked_by"], second["held"]) == (None, None, None)


def test_prices_name_the_positions_that_rely_on_them(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    fill(history)
    rows = plain(capsys, "prices")
    assert [(row["label"], row["price"], row["decimals"]) for row in rows] == [
        ("=ETH / USD", "2000.12345678", 8),
        ("BTC / USD", "60000", 8),
        ("=ETH / USD", "2000.12345679", 8),
        ("=ETH / USD", "2000.1234568", 8),
    ]
    assert rows[0]["positions"] == [str(KEYS[0])]
    assert rows[1]["positions"] == [str(KEYS[1])]


@pytest.mark.parametrize("what", list(COLUMNS))
def test_one_wallet_and_from_a_time_on(
    what: str, history: History, own_folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(history)
    everything = plain(capsys, what)
    own = plain(capsys, what, "--wallet", "0x" + "AB" * 20)
    assert 0 < len(own) < len(everything)
    assert all(row in everything for row in own)
    assert OTHER not in json.dumps(own)
    (own_folders / "liqtui").mkdir()
    (own_folders / "liqtui" / "watchlist.toml").write_text(f'[[wallet]]\naddress = "{WALLET}"\nlabel = "Treasury"\n')
    assert plain(capsys, what, "--wallet", "treasury") == own
    later = plain(capsys, what, "--since", "2023-11-14T22:14:00Z")
    assert later == [row for row in everything if row.get("time", row.get("until")) >= "2023-11-14T22:14:00"]
    assert plain(capsys, what, "--since", "2023-11-15") == []
    assert plain(capsys, what, "--since", "1d") == []


def test_an_unknown_wallet_is_wrong_usage(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    fill(history)
    for text in ("nobody", "0x12"):
        assert main(["history", "export", "samples", "--wallet", text]) == 64
        assert text in capsys.readouterr().err


def test_a_file_is_replaced_when_it_is_whole(
    history: History, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(history)
    target = tmp_path / "out.csv"
    target.write_text("the old one")
    expected = told(capsys, "samples")
    assert told(capsys, "samples", "--output", str(target)) == ""
    assert target.read_text() == expected
    assert target.stat().st_mode & 0o777 == 0o600

    def broken(*_: object) -> str:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(archive, "iso", broken)
    assert main(["history", "export", "samples", "--output", str(target)]) == 1
    assert "disk I/O error" in capsys.readouterr().err
    assert target.read_text() == expected
    assert list(tmp_path.iterdir()) == [target]
    assert main(["history", "export", "samples", "--output", str(tmp_path / "none" / "out.csv")]) == 74


def test_it_works_while_the_monitor_writes(history: History, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(history)
    writer = sqlite3.connect(state / FILE, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM reading")
    assert len(plain(capsys, "samples")) == 6
    writer.execute("ROLLBACK")
    writer.close()


def test_no_history_and_one_that_is_none(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "export", "samples"]) == 1
    assert "there is no history yet" in capsys.readouterr().err
    (state / FILE).write_bytes(b"not a database at all" * 200)
    assert main(["history", "export", "samples"]) == 1
    assert "cannot be read" in capsys.readouterr().err
    (state / FILE).unlink()
    old = sqlite3.connect(state / FILE)
    old.execute("CREATE TABLE sample (position TEXT)")
    old.close()
    assert main(["history", "export", "samples"]) == 1
    assert "older version" in capsys.readouterr().err


def test_every_row_comes_once_across_pieces(
    history: History, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(history)
    expected = {what: plain(capsys, what) for what in COLUMNS}
    monkeypatch.setattr(archive, "PIECE", 1)
    for what, rows in expected.items():
        assert plain(capsys, what) == rows


def test_memory_does_not_grow_with_the_rows(
    history: History, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "PIECE", piece := 400)
    fill(history)
    db = sqlite3.connect(state / FILE)

    def peak(rows: int) -> int:
        values = [(START + 1000.0 + at, at, WAD + at, 0.5) for at in range(rows)]
        db.executemany(
            "INSERT OR REPLACE INTO reading (position, at, block, health, cushion) VALUES (1, ?, ?, ?, ?)", values
        )
        db.commit()
        tracemalloc.start()
        assert main(["history", "export", "samples", "--output", str(tmp_path / "out")]) == 0
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)  # what is imported on the way is no row
    few, many = peak(2 * piece), peak(12 * piece)
    db.close()
    assert many < few * 1.5


@pytest.mark.parametrize("since", ["yesterday", "7x", "2026-13-01", ""])
def test_a_time_that_is_none_is_wrong_usage(since: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "export", "samples", "--since", since]) == 64
    assert "neither a date nor a stretch of time" in capsys.readouterr().err


HOSTILE = (
    '=HYPERLINK("http://evil.example","x")', "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r\n=1+1", " =1+1",
    "＝1+1", "a\n1,2,3\n=4", 'quote " and , comma; semicolon', "\x1b[2J\x1b]52;c;ZXZpbA==\x07", "\x9b31m\u202etxt.exe",
    "'; DROP TABLE alert; --", "\U000e0041tag", "-5", "plain σ −4%",
)  # fmt: skip


def hostile(history: History) -> None:
    """Every text that comes from a chain, or from somebody else's configuration, is bad."""
    for number, text in enumerate(HOSTILE):
        feed = f"0x{number:040x}"
        history.round(1, Feed(feed, text, text, 2**255 + number, 18, START + number, 3600))
        key = PositionKey(1, "aave-v3", text, f"0x{number + 1:040x}", text)
        history.position(key, is_open=True)
        history.relies(str(key), 1, [feed], START)
        history.hears(str(key), START - 500, WAD)
        history.sample(Sample(str(key), START + 60, 2**62, 10**60 + number, float("inf")))
        alert = Alert(number + 1, START + number, Severity.WARN, "threshold", text, text, str(key), text, None, 100)
        history.alert(replace(alert, positions=(str(key),), facts=((text, text), ("label", text)), held=text))
    history.flush(START + 120)


def test_text_from_a_chain_begins_no_formula_no_line_and_no_command(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile(history)
    for what in COLUMNS:
        text = told(capsys, what)
        lines = text.splitlines()
        assert len(lines) == 1 + len(HOSTILE), "a row is a line"
        assert all(char.isprintable() or char == "\n" for char in text)
        rows = table(text)
        assert [len(row) for row in rows] == [len(COLUMNS[what])] * len(HOSTILE)
        for row in rows:
            for cell in row.values():
                assert cell is not None
                assert not cell.startswith(("=", "+", "@", "＝", "＋", "－", "＠", " ", "\t"))
                assert not cell.startswith("-") or cell == "-5"
    titles = [row["title"] for row in table(told(capsys, "alerts"))]
    assert titles[0] == '\'=HYPERLINK("http://evil.example","x")'
    assert titles[8] == "a 1,2,3 =4"
    assert titles[-1] == "plain σ −4%"


def test_json_keeps_every_text_as_it_is_and_steers_no_terminal(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile(history)
    for what, column in (("alerts", "title"), ("prices", "label"), ("samples", "market")):
        text = told(capsys, what, "--format", "json")
        assert all(char.isprintable() or char == "\n" for char in text)
        assert sorted(row[column] for row in json.loads(text)["rows"]) == sorted(HOSTILE)
    assert [row["facts"]["label"] for row in plain(capsys, "alerts")] == list(HOSTILE)


def test_integers_are_exact_however_large(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    hostile(history)
    for rows in (plain(capsys, "samples"), table(told(capsys, "samples"))):
        assert sorted(int(row["health_raw"]) for row in rows) == [10**60 + number for number in range(len(HOSTILE))]
        assert {str(row["block"]) for row in rows} == {str(2**62)}
        assert {row["cushion"] for row in rows} <= {None, ""}, "what is infinite is no number of JSON"
    for rows in (plain(capsys, "prices"), table(told(capsys, "prices"))):
        assert [int(row["answer"]) for row in rows] == [2**255 + number for number in range(len(HOSTILE))]
        assert rows[0]["price"].replace(".", "") == str(2**255)
