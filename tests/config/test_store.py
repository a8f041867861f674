"""The watchlist on disk: whole whatever happens, and never written over what somebody else changed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.chain.addresses import checksum
from liqtui.config import atomic
from liqtui.config.errors import ConfigError, WatchlistError
from liqtui.config.merge import WatchlistConflict, merge
from liqtui.config.store import WatchlistStore
from liqtui.config.watchlist import Watchlist
from liqtui.core.wallet import Wallet

REPO = Path(__file__).parents[2]


def wallet(number: int, label: str = "") -> Wallet:
    return Wallet(checksum(f"0x{number:040x}"), label=label)


ONE, TWO, THREE, FOUR = (wallet(n, f"w{n}") for n in range(1, 5))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watchlist.toml"


def opened(path: Path) -> WatchlistStore:
    store = WatchlistStore(path, checksum, {"ethereum"})
    store.load()
    return store


def labels(path: Path) -> list[str]:
    return [entry.label for entry in opened(path).current.wallets]


def run(module: str, directory: Path, *words: str) -> dict[str, object]:
    command = [sys.executable, "-m", f"tests.config.{module}", str(directory), *words]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_writer_killed_at_any_moment_leaves_a_whole_list(tmp_path: Path) -> None:
    found = run("crashes", tmp_path, "random", "120")
    seen = found["seen"]
    assert isinstance(seen, dict)
    assert set(seen) == {"old", "new", "bak old", "bak new"}
    assert seen["old"] + seen["new"] == 120
    assert found["left"] == [], "the next writer sweeps up after a killed one"


def test_a_writer_killed_before_each_of_its_steps_leaves_a_whole_list(tmp_path: Path) -> None:
    found = run("crashes", tmp_path, "points", "0")
    seen = found["seen"]
    assert isinstance(seen, list)
    assert seen == sorted(seen, reverse=True), "first old, from some step on new"
    assert seen.count("old") >= 8
    assert seen[-1] == "new"
    assert found["status"] == 0


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    assert run("crashes", tmp_path, "writers", "25") == {"codes": [0, 0], "wallets": 50}


def test_a_full_disk_leaves_the_old_list_and_keeps_the_change(tmp_path: Path) -> None:
    found = run("hardship", tmp_path, "full")
    assert str(found["said"]).startswith("The watchlist was not saved: the file may not grow that large here")
    assert (found["file"], found["kept"], found["left"], found["later"]) == ("old", True, [], "new")


def test_a_read_only_folder_is_a_sentence() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        folder = Path(name)
        folder.chmod(0o755)
        (inner := folder / "lists").mkdir()
        found = run("hardship", inner, "readonly")
    assert "the folder may not be written to" in str(found["said"])
    assert (found["file"], found["kept"], found["left"]) == ("old", True, [])


def test_a_folder_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = WatchlistStore(tmp_path / "file" / "watchlist.toml", checksum)
    with pytest.raises(WatchlistError, match="The watchlist was not saved"):
        store.save(Watchlist((ONE,)))
    assert store.current.wallets == (ONE,)
    assert store.unsaved


def test_no_file_is_an_empty_list(path: Path) -> None:
    store = opened(path)
    assert store.current.wallets == ()
    assert not store.unsaved
    assert not store.changed_outside()
    assert not path.exists()


def test_saved_private_with_the_version_before_kept(path: Path) -> None:
    store = opened(path)
    store.add(ONE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not store.backup.exists()
    first = path.read_bytes()
    path.chmod(0o644)
    store.add(TWO)
    assert store.backup.read_bytes() == first
    assert [file.stat().st_mode & 0o777 for file in (path, store.backup)] == [0o600, 0o600]
    assert labels(path) == ["w1", "w2"]


def test_saving_what_is_there_writes_nothing(path: Path) -> None:
    store = opened(path)
    store.add(ONE)
    store.add(TWO)

    def written() -> tuple[object, ...]:
        """Without the time of access, which reading may move."""
        found = path.stat()
        return found.st_mtime_ns, found.st_ino, found.st_ctime_ns, store.backup.read_bytes()

    before = written()
    store.save(store.current)
    assert written() == before


def test_a_symbolic_link_stays_one(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "wallets.toml"
    real.parent.mkdir()
    path.symlink_to(real)
    store = opened(path)
    store.add(ONE)
    store.add(TWO)
    assert path.is_symlink()
    assert not real.is_symlink()
    assert labels(real) == ["w1", "w2"]
    assert store.backup == real.with_name("wallets.toml.bak")
    assert not store.changed_outside()


def test_an_edit_in_the_same_moment_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(path)
    settle = atomic._sync_directory

    def meddle(folder: Path) -> None:
        """Somebody writes between our write and its end."""
        settle(folder)
        if path.exists():
            path.write_text(path.read_text().replace("w1", "theirs"))

    monkeypatch.setattr(atomic, "_sync_directory", meddle)
    store.add(ONE)
    monkeypatch.undo()
    assert store.changed_outside()
    assert store.load().wallets[0].label == "theirs"


def test_an_edit_outside_is_noticed_and_merged(path: Path) -> None:
    here = opened(path)
    here.save(Watchlist((ONE, TWO, THREE)))
    there = opened(path)
    there.edit("w2", replace(TWO, note="theirs"))
    there.remove("w3")
    assert here.changed_outside()
    here.edit("w1", replace(ONE, note="ours"))
    here.add(FOUR)
    assert not here.changed_outside()
    assert [(w.label, w.note) for w in here.current.wallets] == [("w1", "ours"), ("w2", "theirs"), ("w4", "")]
    assert opened(path).current == here.current


def test_touching_the_file_is_no_change(path: Path) -> None:
    store = opened(path)
    store.add(ONE)
    path.write_bytes(path.read_bytes())
    assert not store.changed_outside()


def test_an_edit_of_the_same_size_is_noticed(path: Path) -> None:
    store = opened(path)
    store.add(ONE)
    path.write_text(path.read_text().replace("w1", "w9"))
    assert store.changed_outside()


def test_the_same_wallet_on_both_sides_is_a_conflict_and_nothing_is_written(path: Path) -> None:
    here, there = opened(path), opened(path)
    here.save(Watchlist((ONE, TWO)))
    there.load()
    there.edit("w1", replace(ONE, label="theirs"))
    held = path.read_bytes()
    with pytest.raises(WatchlistConflict) as caught:
        here.edit("w1", replace(ONE, label="ours"))
    assert path.read_bytes() == held
    conflict = caught.value
    assert conflict.keys == (ONE.key,)
    assert [side.wallets[0].label for side in (conflict.base, conflict.theirs, conflict.ours)] == [
        "w1",
        "theirs",
        "ours",
    ]
    assert "theirs" in str(conflict) or "ours" in str(conflict)
    assert here.current.wallets[0].label == "ours"
    here.resolve(conflict, conflict.ours)
    assert labels(path) == ["ours", "w2"]


@pytest.mark.parametrize("ours_removes", [True, False])
def test_removed_here_and_changed_there_is_a_conflict(path: Path, ours_removes: bool) -> None:
    here, there = opened(path), opened(path)
    here.save(Watchlist((ONE, TWO)))
    there.load()
    remover, changer = (here, there) if ours_removes else (there, here)
    if ours_removes:
        changer.edit("w1", replace(ONE, note="x"))
        with pytest.raises(WatchlistConflict):
            remover.remove("w1")
    else:
        remover.remove("w1")
        with pytest.raises(WatchlistConflict):
            changer.edit("w1", replace(ONE, note="x"))


def test_a_file_that_became_invalid_is_not_written_over(path: Path) -> None:
    store = opened(path)
    store.add(ONE)
    path.write_text("[[wallet]]\naddres = 1\n")
    with pytest.raises(
        WatchlistError, match=r"the file cannot be used now: .*watchlist\.toml:1: wallet\[1\]: address is missing"
    ):
        store.add(TWO)
    assert path.read_text() == "[[wallet]]\naddres = 1\n"
    assert store.current.wallets == (ONE, TWO)


def test_an_emptied_file_is_asked_about(path: Path) -> None:
    store = opened(path)
    store.add(ONE)
    path.write_text("")
    with pytest.raises(WatchlistConflict, match="was emptied meanwhile") as caught:
        store.add(TWO)
    assert path.read_text() == ""
    store.resolve(caught.value, store.current)
    assert labels(path) == ["w1", "w2"]


def test_a_file_that_is_gone_is_written_anew(path: Path) -> None:
    store = opened(path)
    store.add(ONE)
    path.unlink()
    assert store.changed_outside()
    store.add(TWO)
    assert labels(path) == ["w1", "w2"]


def test_the_last_wallet_can_go_and_others_come(path: Path) -> None:
    here, there = opened(path), opened(path)
    here.add(ONE)
    there.load()
    there.remove("w1")
    here.add(TWO)
    assert labels(path) == ["w2"]


def test_undo_and_redo(path: Path) -> None:
    store = opened(path)
    assert store.undo() is None
    store.add(ONE, TWO)
    store.remove("w1")
    store.move("w2", 0)
    assert labels(path) == ["w2"]
    store.undo()
    assert labels(path) == ["w1", "w2"]
    store.redo()
    assert labels(path) == ["w2"]
    assert store.redo() is None
    store.undo()
    store.undo()
    assert labels(path) == []
    assert store.undo() is None
    store.redo()
    store.add(THREE)
    assert store.redo() is None
    assert labels(path) == ["w1", "w2", "w3"]


def test_undo_takes_back_our_change_and_nothing_of_others(path: Path) -> None:
    here, there = opened(path), opened(path)
    here.save(Watchlist((ONE, TWO)))
    here.remove("w1")
    there.load()
    there.add(THREE)
    here.undo()
    assert sorted(labels(path)) == ["w1", "w2", "w3"]


def test_a_failed_undo_can_be_tried_again(path: Path) -> None:
    store = opened(path)
    store.add(ONE)
    good = path.read_text()
    store.add(TWO)
    path.write_text("broken")
    with pytest.raises(WatchlistError):
        store.undo()
    path.write_text(good)
    store.load()
    assert store.undo() is not None
    assert labels(path) == ["w1"]


def test_what_would_not_read_back_is_refused(path: Path) -> None:
    store = opened(path)
    store.add(ONE)
    held = path.read_bytes()
    for bad in (Wallet("0x12"), replace(TWO, label="a\nb"), replace(TWO, chains=("moon",)), Wallet(wallet(0xABC).key)):
        with pytest.raises(WatchlistError, match="was not saved"):
            store.add(bad)
        assert path.read_bytes() == held
        store.load()


def test_load_names_every_mistake(path: Path) -> None:
    path.write_text('[[wallet]]\nlabel = 3\n[[wallet]]\naddress = "0x1"\n')
    with pytest.raises(ConfigError) as caught:
        opened(path)
    assert [error.line for error in caught.value.errors] == [1, 2, 4]


def test_import_adds_what_is_new_and_tells_the_rest(path: Path) -> None:
    store = opened(path)
    store.add(ONE)
    found = store.import_text(f"{ONE.address}\n{TWO.address.lower()}, two\nnonsense\n")
    assert labels(path) == ["w1", "two"]
    assert [(row.line, row.harmless) for row in found.rejected] == [(1, True), (3, False)]


VERSIONS = st.dictionaries(st.integers(1, 5), st.sampled_from("ab"), max_size=5)
ORDERS = st.permutations(range(1, 6))


@given(VERSIONS, VERSIONS, VERSIONS, ORDERS, ORDERS)
def test_merging_takes_each_change_once(
    base: dict[int, str], theirs: dict[int, str], ours: dict[int, str], first: list[int], second: list[int]
) -> None:
    def made(side: dict[int, str], order: list[int]) -> Watchlist:
        return Watchlist(tuple(wallet(n, side[n]) for n in order if n in side))

    lists = made(base, [1, 2, 3, 4, 5]), made(theirs, list(first)), made(ours, list(second))
    conflicts = {n for n in range(1, 6) if ours.get(n) != base.get(n) != theirs.get(n) and ours.get(n) != theirs.get(n)}
    if conflicts:
        with pytest.raises(WatchlistConflict) as caught:
            merge(*lists)
        assert set(caught.value.keys) == {wallet(n).key for n in conflicts}
        return
    merged = {entry.key: entry.label for entry in merge(*lists)}
    for n in range(1, 6):
        side = theirs if ours.get(n) == base.get(n) else ours
        assert merged.get(wallet(n).key) == side.get(n)


def test_merging_keeps_the_order_that_somebody_chose() -> None:
    base, moved = Watchlist((ONE, TWO, THREE)), Watchlist((THREE, ONE, TWO))
    added = Watchlist((ONE, FOUR, TWO, THREE))
    assert merge(base, added, moved) == (THREE, ONE, FOUR, TWO)
    assert merge(base, moved, added) == (THREE, ONE, FOUR, TWO)
