"""Tapes: rounds of reading as they were, in one file, to be played again without a network.

A tape is a line that names the format, then compressed lines of JSON, each after the CRC-32 of its text: a header
and one line per frame. A frame is one round on one chain; results are kept as the difference to what that chain
answered before. Every frame is flushed by itself, so that a file cut anywhere is good up to its last whole frame.
The format is described in docs/tapes.md. Endpoints are not part of it.
"""

from __future__ import annotations

import json
import lzma
import os
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from liqtui.chain.jsontext import parse
from liqtui.chain.tapeformat import (
    Frame,
    FrameDecoder,
    FrameEncoder,
    LogQuery,
    TapeHeader,
    header_from_json,
    header_to_json,
)
from liqtui.core.reads import Block, Call, ChainReader, Failure, Log, LogFilter, ReadError, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from liqtui.core.clock import Clock

__all__ = [
    "Frame",
    "LogQuery",
    "RecordingReader",
    "Tape",
    "TapeError",
    "TapeHeader",
    "TapeReader",
    "TapeWriter",
    "compact",
    "load_tape",
]

VERSION = 1
MAGIC = b"liqtui-tape "
MAX_TEXT = 1024 * 1024 * 1024
"""A tape that unpacks to more is not read: it may come from a stranger."""


class TapeError(Exception):
    """A tape that cannot be read: which file, where in it, and what to do."""


@dataclass(frozen=True)
class Tape:
    header: TapeHeader
    frames: Sequence[Frame]
    cut: str = ""
    """Not empty: the recording was not closed, in a sentence."""

    @property
    def chapters(self) -> list[tuple[int, str]]:
        named = [(at, frame.chapter) for at, frame in enumerate(self.frames) if frame.chapter]
        return sorted({*self.header.chapters, *named})

    @property
    def start(self) -> float:
        """Unix time of the first frame; of the header when there is none."""
        return self.frames[0].time if self.frames else self.header.created


class TapeWriter:
    """Appends to a new file, readable by its owner only. Raises FileExistsError rather than write over one."""

    def __init__(self, path: Path, header: TapeHeader) -> None:
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._packer = zlib.compressobj(9)
        self._encoder = FrameEncoder()
        self.frames = 0
        self._file.write(MAGIC + f"{VERSION} zlib\n".encode())
        self._line(header_to_json(header))

    def frame(self, frame: Frame) -> None:
        """Append a frame; it is in the file, if not yet on the disk, when this returns. Raises OSError."""
        self._line(self._encoder.encode(frame))
        self.frames += 1

    def close(self) -> None:
        """Mark the recording as complete."""
        if self._file.closed:
            return
        self._file.write(self._packer.flush(zlib.Z_FINISH))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def _line(self, value: object) -> None:
        packed = self._packer.compress(_with_crc(value))
        self._file.write(packed + self._packer.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()


def load_tape(path: Path) -> Tape:
    """The whole tape. Raises TapeError for what is no tape, another version or damaged; OSError.

    A tape without its end (the recorder was killed, or still records) is good up to its last whole frame, and
    says so in `cut`.
    """
    lines, complete = _lines(path)
    try:
        header = header_from_json(next(lines))
    except StopIteration:
        raise TapeError(f"{path}: the recording ends before its header; there is nothing to play") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise TapeError(f"{path}: the header is not as expected ({_why(error)}); record it again") from None
    decoder = FrameDecoder()
    frames: list[Frame] = []
    for line in lines:
        try:
            frames.append(decoder.decode(line))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise TapeError(
                f"{path}: frame {len(frames)} is not as expected ({_why(error)}); the file is damaged, or from a "
                "program that writes another format under the same version"
            ) from None
    cut = "" if complete() else f"the recording was not closed: {len(frames)} frames of it are whole"
    return Tape(header, frames, cut)


def compact(source: Path, target: Path) -> None:
    """Write a tape again in its smallest form, for shipping; the target must not exist. Raises as `load_tape`.

    One solid block instead of one per frame: smaller, and no longer readable when it is cut.
    """
    lines, complete = _lines(source)
    text = b"".join(_with_crc(line) for line in lines)
    if not complete():
        raise TapeError(f"{source}: the recording was not closed; play it once more into a new tape to mend it")
    packed = lzma.compress(text, format=lzma.FORMAT_XZ, preset=9 | lzma.PRESET_EXTREME)
    with target.open("xb") as file:
        file.write(MAGIC + f"{VERSION} xz\n".encode() + packed)


def _with_crc(value: object) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:120]


class _Unpacked:
    """The text of a tape, and whether its end was there."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        first, _, body = data.partition(b"\n")
        if not data or not first.startswith(MAGIC[: len(first)]):
            raise TapeError(f"{path}: this is no liqtui tape")
        words = first.removeprefix(MAGIC).decode("ascii", "replace").split()
        if len(words) != 2 or not body:
            raise TapeError(f"{path}: the recording ends before its header; there is nothing to play")
        if words[0] != str(VERSION):
            raise TapeError(
                f"{path}: tape format {words[0][:12]}, this liqtui reads format {VERSION}; "
                "play it with the version of liqtui that recorded it"
            )
        if words[1] not in {"zlib", "xz"}:
            raise TapeError(f"{path}: unknown packing {words[1][:12]!r}; the first line is damaged")
        try:
            if words[1] == "zlib":
                zipped = zlib.decompressobj()
                self.text, self.complete = zipped.decompress(body, MAX_TEXT), zipped.eof
                whole = not zipped.unconsumed_tail
            else:
                solid = lzma.LZMADecompressor(lzma.FORMAT_XZ)
                self.text, self.complete = solid.decompress(body, MAX_TEXT), solid.eof
                whole = solid.eof or solid.needs_input
        except (zlib.error, lzma.LZMAError) as error:
            raise TapeError(f"{path}: the file is damaged ({error}); get another copy of it") from None
        if not whole:
            raise TapeError(f"{path}: unpacks to more than {MAX_TEXT:,} bytes; not read")


def _lines(path: Path) -> tuple[Iterator[Any], Callable[[], bool]]:
    unpacked = _Unpacked(path)

    def walk() -> Iterator[Any]:
        place = 0
        text = unpacked.text
        while (end := text.find(b"\n", place)) >= 0:
            line, at, place = text[place:end], place, end + 1
            try:
                good = int(line[:8], 16) == zlib.crc32(line[9:])
                value = parse(line[9:]) if good else None
            except ValueError:
                good, value = False, None
            if not good:
                raise TapeError(f"{path}: damaged at byte {at:,} of its text; get another copy of it")
            yield cast("Any", value)
        if place < len(text):
            unpacked.complete = False

    return walk(), lambda: unpacked.complete


class TapeReader:
    """One chain of a tape, as it stood at a frame. Implements `ChainReader`.

    What a frame did not read again is answered as it was read last, so that a replay may begin, and open its
    markets, anywhere on the tape.
    """

    def __init__(self, tape: Tape, chain_id: int) -> None:
        """Stands at the first frame."""
        self._chain_id = chain_id
        self._frames = [(at, frame) for at, frame in enumerate(tape.frames) if frame.chain_id == chain_id]
        self._places = [at for at, _ in self._frames]
        self._queries = [(at, query) for at, frame in self._frames for query in frame.logs]
        self._answers: dict[Call, tuple[list[int], list[Result]]] = {}
        for at, frame in self._frames:
            for call, result in frame.results.items():
                places, results = self._answers.setdefault(call, ([], []))
                places.append(at)
                results.append(result)
        self._index = 0

    @property
    def chain_id(self) -> int:
        return self._chain_id

    @property
    def frame(self) -> Frame | None:
        """The chain's newest frame that is not after the index; None before its first."""
        place = bisect_right(self._places, self._index)
        return self._frames[place - 1][1] if place else None

    def seek(self, frame_index: int) -> None:
        """Stand at a frame of the tape, counted over all chains."""
        self._index = frame_index

    async def head(self) -> Block:
        """The head of the frame. Raises the ReadError that was recorded, or one of kind `tape` before the first."""
        frame = self._now()
        if frame.head is None:
            raise ReadError(*(frame.fault or ("tape", "a frame without a head")))
        return frame.head

    async def read(self, block: Block, calls: Sequence[Call]) -> list[Result]:
        """As recorded; a call that is not on the tape so far is Failure("missing").

        A round that a fault ended on the tape ends with that fault here, at its first read: none of its figures
        ever reached the screen.
        """
        frame = self._now()
        if frame.fault is not None:
            raise ReadError(*frame.fault)
        if block != frame.head:
            raise ReadError("tape", f"block {block.number} is not that of this frame")
        return [self._answer(call) for call in calls]

    async def logs(self, first: int, last: int, wanted: LogFilter) -> list[Log]:
        """Recorded logs. Raises ReadError of kind `tape` unless the whole range was recorded with that filter."""
        self._now()
        queries = [
            query
            for at, query in self._queries
            if at <= self._index and query.wanted == wanted and query.last >= first and query.first <= last
        ]
        reached = first
        for query in sorted(queries, key=lambda query: query.first):
            if query.first > reached:
                break
            reached = max(reached, query.last + 1)
        if reached <= last:
            raise ReadError("tape", f"logs of block {reached} are not on the tape")
        found = {log: None for query in queries for log in query.logs if first <= log.block_number <= last}
        return sorted(found, key=lambda log: (log.block_number, log.log_index))

    def _now(self) -> Frame:
        frame = self.frame
        if frame is None:
            raise ReadError("tape", "nothing of this chain is on the tape yet")
        return frame

    def _answer(self, call: Call) -> Result:
        places, results = self._answers.get(call, ([], []))
        place = bisect_right(places, self._index)
        return results[place - 1] if place else Failure("missing", "not on the tape")


class RecordingReader:
    """Passes everything on to another reader and keeps it: `head` begins a frame, `commit` writes it.

    A frame that was not committed when the next one begins is written as it is. Several recording readers may
    share one writer in one event loop.
    """

    def __init__(self, reader: ChainReader, writer: TapeWriter, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._began: float | None = None
        self._head: Block | None = None
        self._fault: tuple[str, str] | None = None
        self._results: dict[Call, Result] = {}
        self._queries: list[LogQuery] = []

    @property
    def chain_id(self) -> int:
        return self._reader.chain_id

    async def head(self) -> Block:
        self.commit()
        self._began = self._clock.now()
        try:
            self._head = await self._reader.head()
        except ReadError as error:
            self._fault = (error.kind, error.detail)
            raise
        return self._head

    async def read(self, block: Block, calls: Sequence[Call]) -> list[Result]:
        try:
            results = await self._reader.read(block, calls)
        except ReadError as error:
            self._fault = (error.kind, error.detail)
            raise
        if block == self._head:  # what was read of another block has no place in this frame
            self._results.update(zip(calls, results, strict=True))
        return results

    async def logs(self, first: int, last: int, wanted: LogFilter) -> list[Log]:
        logs = await self._reader.logs(first, last, wanted)
        self._queries.append(LogQuery(first, last, wanted, tuple(logs)))
        return logs

    def over(self, fault: ReadError | None) -> None:
        """How the round ended, where somebody knows: it may get over a read that failed, or end for another reason."""
        self._fault = None if fault is None else (fault.kind, fault.detail)

    def commit(self, note: str = "", chapter: str = "") -> None:
        """Write the frame that `head` began; nothing when there is none."""
        if self._began is None:
            return
        self._writer.frame(
            Frame(
                chain_id=self.chain_id,
                time=self._began,
                head=self._head,
                fault=self._fault,
                results=self._results,
                logs=tuple(self._queries),
                note=note,
                chapter=chapter,
            )
        )
        self._began, self._head, self._fault = None, None, None
        self._results, self._queries = {}, []
