"""`watchlist.toml` on disk: always whole, never written over what somebody else changed."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from liqtui.config import atomic
from liqtui.config.errors import ConfigError, WatchlistError
from liqtui.config.lock import locked
from liqtui.config.merge import WatchlistConflict, merge
from liqtui.config.paths import private_dir
from liqtui.config.watchlist import Checksum, Layout, Watchlist
from liqtui.config.watchlist_text import HEADER, checked_text, parse

if TYPE_CHECKING:
    import os
    from collections.abc import Collection
    from pathlib import Path

    from liqtui.config.imports import Imported
    from liqtui.core.wallet import Wallet

_REASONS = {
    errno.ENOSPC: "there is no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file may not grow that large here",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "the folder may not be written to",
    errno.EPERM: "the folder may not be written to",
    errno.ENOENT: "the folder does not exist",
}
_UNDO_DEPTH = 100


class _Seen(NamedTuple):
    """How the file looked when it was last read or written."""

    stat: tuple[int, int, int] | None
    """(mtime in ns, size, inode); None: there was no file."""
    data: bytes


class _Step(NamedTuple):
    before: Watchlist
    after: Watchlist


class WatchlistStore:
    """The one way to the file. Not thread safe: use it from one thread; other processes are no problem.

    `current` is what the person sees. It keeps an edit that could not be written, until it can or `load` drops it.
    """

    def __init__(self, path: Path, checksum: Checksum, chains: Collection[str] | None = None) -> None:
        """`chains`: names that a wallet may name; None: any."""
        self.path = path
        self.current = Watchlist()
        self._checksum = checksum
        self._chains = chains
        self._saved = Watchlist()
        """What the file held when it was last read or written here."""
        self._seen = _Seen(None, b"")
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []

    @property
    def file(self) -> Path:
        """The file itself, behind symbolic links."""
        return atomic.target_of(self.path)

    @property
    def backup(self) -> Path:
        """The version before the last change."""
        file = self.file
        return file.with_name(file.name + ".bak")

    @property
    def unsaved(self) -> bool:
        """`current` holds an edit that is not in the file."""
        return self.current != self._saved

    def load(self) -> Watchlist:
        """Read the file; an empty list when there is none. Raises ConfigError with every mistake, WatchlistError."""
        self._saved, self._seen = self._read()
        self.current = self._saved
        return self.current

    def reread(self) -> Watchlist:
        """As `load`, after a change outside. Raises WatchlistError too where all that was there is gone: that is rather
        an accident, or an editor halfway, than a wish, and nobody would be watched.
        """
        saved, seen = self._read()
        if self._saved.wallets and not seen.data:
            raise WatchlistError(f"{self.path} {_GONE if seen.stat is None else _EMPTIED}.")
        self.current = self._saved = saved
        self._seen = seen
        return self.current

    @property
    def vanished(self) -> str:
        """What has become of the file, where nothing at all was in it when it was read; else empty."""
        if self._seen.data:
            return ""
        return f"{self.path} {_GONE if self._seen.stat is None else _EMPTIED}"

    def changed_outside(self) -> bool:
        """Whether the file is no longer as it was last read or written here. Cheap while nothing happens."""
        try:
            if self._stat() == self._seen.stat:
                return False
            return self.file.read_bytes() != self._seen.data
        except FileNotFoundError:
            return self._seen.stat is not None
        except OSError:
            return True

    def save(self, new: Watchlist) -> Watchlist:
        """Write `new`, merged with what was changed in the file meanwhile; returns what the file now holds.

        Raises WatchlistConflict where the same wallet was changed on both sides, WatchlistError with a sentence
        when writing fails. Then the old file is whole and `current` is `new`.
        """
        before = self._saved
        self.current = new
        after = self._apply(before, new)
        if new != before:
            self._undo = [*self._undo, _Step(before, new)][-_UNDO_DEPTH:]
            self._redo.clear()
        return after

    def resolve(self, conflict: WatchlistConflict, chosen: Watchlist) -> Watchlist:
        """Write `chosen`, decided by the person who has seen both versions of a conflict. Raises as `save`."""
        self._saved = conflict.theirs
        return self.save(chosen)

    def undo(self) -> Watchlist | None:
        """Take back the last change made here, and nothing that others did. None: there is none. Raises as `save`."""
        return self._replay(self._undo, self._redo, back=True)

    def redo(self) -> Watchlist | None:
        return self._replay(self._redo, self._undo, back=False)

    def add(self, *wallets: Wallet) -> Watchlist:
        return self.save(self.current.add(*wallets))

    def edit(self, wallet: str, changed: Wallet) -> Watchlist:
        return self.save(self.current.edit(wallet, changed))

    def remove(self, *wallets: str) -> Watchlist:
        return self.save(self.current.remove(*wallets))

    def move(self, wallet: str, place: int) -> Watchlist:
        return self.save(self.current.move(wallet, place))

    def import_text(self, text: str) -> Imported:
        """Add the wallets in the text; see `liqtui.config.imports`. Raises ConfigError, and as `save`."""
        found = self.preview(text)
        if found.wallets:
            self.add(*found.wallets)
        return found

    def preview(self, text: str) -> Imported:
        """What `import_text` would add and what it would refuse. Changes nothing. Raises ConfigError."""
        from liqtui.config.imports import import_text

        return import_text(text, self.current, self._checksum, self._chains)

    def _replay(self, source: list[_Step], target: list[_Step], *, back: bool) -> Watchlist | None:
        if not source:
            return None
        step = source[-1]
        self._apply(*((step.after, step.before) if back else (step.before, step.after)))
        target.append(source.pop())
        return self.current

    def _apply(self, base: Watchlist, ours: Watchlist) -> Watchlist:
        """Bring the change from `base` to `ours` into the file as it is now."""
        try:
            private_dir(self.file.parent)
            with locked(self.file.with_name(f".{self.file.name}.lock")):
                atomic.sweep(self.file)
                theirs, seen = self._theirs()
                merged = replace(theirs, wallets=self._merged(base, theirs, ours, seen))
                if seen.stat is None and ours.tags:  # the file is gone: what it said of tags is not
                    merged = replace(merged, tags=ours.tags, layout=ours.layout)
                self._write(merged, theirs, seen)
        except TimeoutError:
            raise WatchlistError(f"{_NOT_SAVED}: another program holds its lock ({self.path}).") from None
        except OSError as fault:
            reason = _REASONS.get(fault.errno or 0, fault.strerror or str(fault))
            raise WatchlistError(f"{_NOT_SAVED}: {reason} ({self.path}). {_WHOLE}") from fault
        return self.current

    def _theirs(self) -> tuple[Watchlist, _Seen]:
        try:
            return self._read()
        except ConfigError as fault:
            raise WatchlistError(f"{_NOT_SAVED}: the file cannot be used now: {fault.errors[0]}") from fault

    def _merged(self, base: Watchlist, theirs: Watchlist, ours: Watchlist, seen: _Seen) -> tuple[Wallet, ...]:
        """A file that is gone or emptied as a whole is rather an accident, or an editor halfway, than a wish."""
        if seen.stat is None:
            return ours.wallets
        if not seen.data and self._saved.wallets:
            reason = f"{self.path} was emptied meanwhile. Nothing was written."
            raise WatchlistConflict(base, theirs, ours, [wallet.key for wallet in base.wallets], reason)
        return merge(base, theirs, ours)

    def _write(self, merged: Watchlist, theirs: Watchlist, seen: _Seen) -> None:
        file = self.file
        if merged != theirs or seen.stat is None:
            data = checked_text(merged, self._checksum, self._chains).encode()
            if seen.stat is not None:
                atomic.write(self.backup, file.read_bytes())
            written = atomic.write(file, data)
            merged = parse(data.decode(), self.path, self._checksum, self._chains)
            seen = _Seen(_marks(written), data)
        self._saved = self.current = merged
        self._seen = seen

    def _read(self) -> tuple[Watchlist, _Seen]:
        """Raises ConfigError; OSError only while writing needs it as one."""
        try:
            stat = self._stat()
            data = self.file.read_bytes()
        except FileNotFoundError:
            return Watchlist(layout=Layout(HEADER)), _Seen(None, b"")
        except OSError as fault:
            raise ConfigError(self.path, None, "", f"cannot be read: {fault.strerror or fault}") from None
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as fault:
            line = data[: fault.start].count(b"\n") + 1
            raise ConfigError(self.path, line, "", "not UTF-8 text") from None
        return parse(text, self.path, self._checksum, self._chains), _Seen(stat, data)

    def _stat(self) -> tuple[int, int, int]:
        return _marks(self.file.stat())


_NOT_SAVED = "The watchlist was not saved"
_GONE, _EMPTIED = "is gone", "was emptied as a whole"
_WHOLE = "The file is as it was."


def _marks(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_mtime_ns, found.st_size, found.st_ino
