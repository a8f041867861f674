"""Tapes: what goes in comes out, cut files play to the cut, damaged ones say so."""

from __future__ import annotations

import random
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqtui.chain import tape as tapes
from liqtui.chain.tape import (
    Frame,
    LogQuery,
    Tape,
    TapeError,
    TapeHeader,
    TapeReader,
    TapeWriter,
    compact,
    load_tape,
)
from liqtui.core.reads import Block, Call, Failure, Log, LogFilter, Result
from liqtui.core.sources import ChainSpec
from tests.chain.node import SECRET

if TYPE_CHECKING:
    from pathlib import Path

from tests.chain.tapes import HEADER, MARKET, WALLET, pool_of_calls, write

hashes = st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex())


blocks = st.builds(Block, st.integers(0, 2**40), hashes, st.integers(0, 2**40))


answers = st.binary(max_size=40) | st.builds(
    Failure, st.sampled_from(["revert", "short"]), st.just("no"), st.binary(max_size=8)
)


filters = st.builds(LogFilter, st.just(("0x" + "ee" * 20,)), st.sampled_from([(), (None, ("0x" + "aa" * 32,))]))


logs = st.builds(
    Log, st.just("0x" + "ee" * 20), st.just(("0x" + "aa" * 32,)), st.binary(max_size=8), st.integers(0, 99), hashes,
    hashes, st.integers(0, 9),
)  # fmt: skip


queries = st.builds(LogQuery, st.integers(0, 50), st.integers(50, 99), filters, st.lists(logs, max_size=3).map(tuple))


frames = st.builds(
    Frame,
    chain_id=st.sampled_from([1, 10]),
    time=st.floats(0, 2e9),
    head=st.none() | blocks,
    fault=st.none() | st.tuples(st.sampled_from(["timeout", "behind"]), st.just("no answer")),
    results=st.dictionaries(st.sampled_from(pool_of_calls), answers),
    logs=st.lists(queries, max_size=2).map(tuple),
    note=st.sampled_from(["", "a note"]),
    chapter=st.sampled_from(["", "the fall"]),
)


def loaded(path: Path) -> tuple[Tape | None, str]:
    """(the tape, or None and why not)."""
    try:
        return load_tape(path), ""
    except TapeError as error:
        return None, str(error)


def fresh(folder: Path) -> Path:
    return folder / f"{len(list(folder.iterdir()))}.tape"


def states(wanted: list[Frame]) -> list[dict[Call, Result]]:
    """What each frame's chain had answered by then."""
    by_chain: dict[int, dict[Call, Result]] = {1: {}, 10: {}}
    out = []
    for frame in wanted:
        by_chain[frame.chain_id] = by_chain[frame.chain_id] | frame.results
        out.append(by_chain[frame.chain_id])
    return out


def differences(wanted: list[Frame]) -> list[dict[Call, Result]]:
    before: dict[int, dict[Call, Result]] = {1: {}, 10: {}}
    out = []
    for frame in wanted:
        known = before[frame.chain_id]
        out.append({call: result for call, result in frame.results.items() if known.get(call) != result})
        before[frame.chain_id] = known | frame.results
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tapes")


@given(st.lists(frames, max_size=8))
@settings(max_examples=40)
async def test_what_goes_in_comes_out(folder: Path, wanted: list[Frame]) -> None:
    path = write(fresh(folder), wanted)
    tape = load_tape(path)
    assert tape.cut == ""
    assert list(tape.frames) == [
        Frame(f.chain_id, f.time, f.head, f.fault, changed, f.logs, f.note, f.chapter)
        for f, changed in zip(wanted, differences(wanted), strict=True)
    ]
    for at, (frame, state) in enumerate(zip(wanted, states(wanted), strict=True)):
        reader = TapeReader(tape, frame.chain_id)
        reader.seek(at)
        if frame.head is None or frame.fault is not None:
            continue
        assert await reader.head() == frame.head
        expected = [state.get(call, Failure("missing", "not on the tape")) for call in pool_of_calls]
        assert await reader.read(frame.head, pool_of_calls) == expected


@given(st.lists(frames, min_size=1, max_size=5), st.data())
@settings(max_examples=40)
def test_a_tape_cut_anywhere_plays_to_its_last_whole_frame(
    folder: Path, wanted: list[Frame], data: st.DataObject
) -> None:
    whole = write(fresh(folder), wanted)
    content, full = whole.read_bytes(), load_tape(whole)
    cut = fresh(folder)
    cut.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    tape, error = loaded(cut)
    if tape is None:
        assert "no liqtui tape" in error or "nothing to play" in error
        assert str(cut) in error
        return
    assert list(tape.frames) == list(full.frames[: len(tape.frames)])
    assert f"{len(tape.frames)} frames of it are whole" in tape.cut


@given(st.lists(frames, min_size=1, max_size=5), st.data())
@settings(max_examples=40)
def test_a_flipped_byte_never_plays_as_something_else(folder: Path, wanted: list[Frame], data: st.DataObject) -> None:
    whole = write(fresh(folder), wanted)
    content, full = bytearray(whole.read_bytes()), load_tape(whole)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    bad = fresh(folder)
    bad.write_bytes(content)
    tape, error = loaded(bad)
    if tape is None:
        assert str(bad) in error
        return
    assert tape.header == full.header
    assert list(tape.frames) == list(full.frames[: len(tape.frames)])
    assert len(tape.frames) == len(full.frames) or tape.cut


def test_every_frame_is_in_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "live.tape"
    writer = TapeWriter(path, HEADER)
    for count in range(3):
        assert len(load_tape(path).frames) == count
        writer.frame(Frame(1, float(count), None, ("timeout", "no answer")))
    writer.close()
    writer.close()
    assert (len(load_tape(path).frames), load_tape(path).cut) == (3, "")


def test_the_header_comes_back_without_endpoints(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tape", [Frame(1, 2.0, None, ("http", f"https://u:p@node.example/{SECRET} is down"))])
    tape = load_tape(path)
    assert tape.header.wallets == (WALLET,)
    assert tape.header.markets == (MARKET,)
    assert tape.header.chains == (ChainSpec(1, "ethereum", poll=3.0),)
    assert (tape.header.title, tape.header.created, tape.start) == ("a crash", 1.5, 2.0)
    text = tapes._Unpacked(path).text
    assert b"node.example" in text
    assert SECRET.encode() not in text


def test_chapters_are_those_of_the_header_and_of_the_frames(tmp_path: Path) -> None:
    wanted = [Frame(1, 1.0, None, ("x", "")), Frame(1, 2.0, None, ("x", ""), chapter="the fall")]
    assert load_tape(write(tmp_path / "a.tape", wanted)).chapters == [(0, "before"), (1, "the fall")]
    assert load_tape(write(tmp_path / "b.tape", [])).start == HEADER.created


def test_a_tape_is_private_and_never_written_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tape", [])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        TapeWriter(path, HEADER)
    with pytest.raises(FileExistsError):
        compact(write(tmp_path / "b.tape", []), path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no liqtui tape"),
        (b"SQLite format 3\0", "no liqtui tape"),
        (b"liqtui-tape 9 zlib\nx", "tape format 9, this liqtui reads format 1"),
        (b"liqtui-tape 1 gzip\nx", "unknown packing"),
        (b"liqtui-tape 1 zlib\n", "nothing to play"),
        (b"liqtui-tape 1 zlib\nnot zlib", "damaged"),
        (b"liqtui-tape 1 xz\nthis is certainly no xz", "damaged"),
    ],
)
def test_what_is_no_tape_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.tape"
    path.write_bytes(content)
    with pytest.raises(TapeError, match=message) as caught:
        load_tape(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("lines", [[{"title": "x"}], [[]], [None]], ids=str)
def test_a_header_of_another_shape_is_named(tmp_path: Path, lines: list[Any]) -> None:
    path = tmp_path / "bad.tape"
    writer = TapeWriter(path, HEADER)
    writer._file.seek(0)
    writer._packer = tapes.zlib.compressobj()
    writer._file.write(b"liqtui-tape 1 zlib\n")
    for line in lines:
        writer._line(line)
    writer.close()
    with pytest.raises(TapeError, match="header is not as expected"):
        load_tape(path)


@pytest.mark.parametrize("line", [{}, {"c": 1, "t": 0, "r": [[7, "00"]]}, {"c": 1, "t": 0, "h": [1]}, 5], ids=str)
def test_a_frame_of_another_shape_is_named(tmp_path: Path, line: Any) -> None:
    path = tmp_path / "bad.tape"
    writer = TapeWriter(path, HEADER)
    writer._line(line)
    writer.close()
    with pytest.raises(TapeError, match="frame 0 is not as expected"):
        load_tape(path)


@pytest.mark.parametrize("line", [b"00000000 {}\n", b"xyz\n", b"\n"])
def test_a_line_that_is_not_what_was_written_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "bad.tape"
    writer = TapeWriter(path, HEADER)
    writer._file.write(writer._packer.compress(line))
    writer.close()
    with pytest.raises(TapeError, match=r"damaged at byte [\d,]+ of its text"):
        load_tape(path)


def test_a_chain_that_cannot_be_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.tape", [], TapeHeader(chains=(ChainSpec(1, "x", poll=0),)))
    with pytest.raises(TapeError, match="impossible times"):
        load_tape(path)


def test_a_tape_that_unpacks_without_end_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.tape", [Frame(1, 0.0, None, ("x", ""), note="long " * 150)])
    monkeypatch.setattr(tapes, "MAX_TEXT", 300)
    with pytest.raises(TapeError, match="more than 300"):
        load_tape(path)


def test_a_recording_that_was_not_closed_cannot_be_compacted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tape", [], close=False)
    with pytest.raises(TapeError, match="not closed"):
        compact(path, tmp_path / "b.tape")


def test_hundreds_of_frames_stay_small(tmp_path: Path) -> None:
    """600 rounds of 400 calls of which 20 change."""
    rng = random.Random(7)
    wanted = [Call("0x" + rng.randbytes(20).hex(), rng.randbytes(36)) for _ in range(400)]
    values: dict[Call, Result] = {call: rng.randbytes(32 * rng.choice([1, 1, 1, 3, 6, 15])) for call in wanted}
    writer = TapeWriter(tmp_path / "a.tape", HEADER)
    for number in range(600):
        for call in rng.sample(wanted, 20):
            values[call] = rng.randbytes(8).rjust(32, b"\0")
        head = Block(number, "0x" + rng.randbytes(32).hex(), number)
        writer.frame(Frame(1, 12.0 * number, head, results=dict(values)))
    writer.close()
    assert (tmp_path / "a.tape").stat().st_size < 500_000
    compact(tmp_path / "a.tape", tmp_path / "b.tape")
    assert (tmp_path / "b.tape").stat().st_size < (tmp_path / "a.tape").stat().st_size
    assert load_tape(tmp_path / "b.tape") == load_tape(tmp_path / "a.tape")
