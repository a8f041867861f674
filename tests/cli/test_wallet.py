"""The watchlist from the shell."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from liqtui.chain.addresses import checksum
from liqtui.cli import doctor, wallet
from liqtui.cli.arguments import parse
from liqtui.cli.session import begin
from liqtui.config.errors import ConfigError, WatchlistError
from liqtui.core.units import WAD

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = (checksum("0x" + pair * 20) for pair in ("ab", "cd", "ef"))


def resolve(name: str) -> str:
    if name == "treasury.eth":
        return C
    raise LookupError(f"{name} is not registered, or has no resolver of its own")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIQTUI_CONFIG_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]):
    """Run `liqtui wallet …`; (code, output, complaints)."""

    def call(*words: str, answer: str | None = None) -> tuple[int, str, str]:
        def ask(question: str) -> str:
            assert answer is not None, f"asked: {question}"
            if answer == "EOF":
                raise EOFError
            return answer

        code = wallet.run(parse(["wallet", *words]), resolve, ask)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def held(run) -> list[dict[str, object]]:
    code, out, _ = run("list", "--json")
    assert code == 0
    return json.loads(out)["wallets"]


def test_add_with_details(run, home: Path) -> None:
    words = ("add", A.lower(), "--label", "treasury", "--tags", "dao,cold", "--chains", "ethereum", "--note", "3/5")
    code, out, err = run(*words, "--warn", "1.35", "--critical-cushion", "0.05")
    assert (code, err) == (0, "")
    assert out.splitlines() == [f"watching treasury {A}", f"1 wallet in {home / 'watchlist.toml'}"]
    assert held(run) == [
        {
            "address": A,
            "name": "",
            "label": "treasury",
            "chains": ["ethereum"],
            "tags": ["dao", "cold"],
            "note": "3/5",
            "thresholds": {"warn": "1.35", "critical_cushion": "0.05"},
            "positions": {},
        }
    ]


def test_add_several_and_a_name(run) -> None:
    code, out, _ = run("add", A, B, "treasury.eth")
    assert code == 0
    assert f"watching treasury.eth {C}" in out
    assert [(entry["address"], entry["name"]) for entry in held(run)] == [(A, ""), (B, ""), (C, "treasury.eth")]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((A, "nobody.eth"), 1, "nobody.eth is not registered, or has no resolver of its own. Nothing was added."),
        ((A, A.lower()), 1, f"{A} is already watched, as 0xABab…ABab. Nothing was added."),
        ((A[:-1] + A[-1].swapcase(),), 64, "has a wrong checksum"),
        ((A, B, "--label", "x"), 64, "--label is for one wallet"),
        ((A, "--warn", "abc"), 64, '--warn: "abc" is no number.'),
        ((A, "--warn", "nan"), 64, "--warn has to be a finite number."),
        ((A, "--warn", "0.99"), 64, "--warn has to be a decimal above 1"),
        ((A, "--critical-cushion", "5"), 64, "--critical-cushion has to be a decimal above 0 and under 1."),
        ((A, "--warn", "1.1", "--critical", "1.2"), 64, "--warn has to be above --critical."),
        ((A, "--critical", "1.9"), 64, "--critical has to be under --warn, which is 1.2 where nothing is given."),
        ((A, "--chains", "etherum"), 64, 'unknown chain "etherum": did you mean "ethereum"?'),
        ((A, "--label", "a\u202eb"), 64, "--label holds characters that cannot be printed."),
    ],
)
def test_add_refuses_as_a_whole(run, home: Path, words: tuple[str, ...], code: int, said: str) -> None:
    found, out, err = run("add", *words)
    assert (found, out) == (code, "")
    assert err.startswith("liqtui wallet add: ")
    assert said.replace("0xABab…ABab", f"{A[:6]}…{A[-4:]}") in err
    assert not (home / "watchlist.toml").exists()


def test_what_is_watched_already_is_refused(run) -> None:
    run("add", A, "--label", "mine")
    code, _, err = run("add", A.lower())
    assert (code, err) == (1, f"liqtui wallet add: {A} is already watched, as mine.\n")
    run("add", "treasury.eth")
    assert run("add", C)[0] == 1


def test_a_chain_that_is_known_but_not_read_is_told(run, home: Path) -> None:
    (home / "config.toml").write_text("[chains.ethereum]\n")
    code, _, err = run("add", A, "--label", "t", "--chains", "ethereum,linea")
    assert (code, err) == (0, "t: not configured, so not read: linea\n")


def test_a_chain_of_one_s_own_may_be_named(run, home: Path) -> None:
    (home / "config.toml").write_text('[chains.lab]\nid = 31337\nrpc = "http://127.0.0.1:8545"\n')
    assert run("add", A, "--chains", "lab")[0] == 0
    assert held(run)[0]["chains"] == ["lab"]


def test_list_for_people(run) -> None:
    code, out, err = run("list")
    assert (code, out) == (0, "")
    assert err.startswith("No wallets yet: liqtui wallet add ADDRESS (")
    run("add", A, "--label", "treasury", "--warn", "1.3")
    run("add", B)
    lines = run("list")[1].splitlines()
    assert lines[0].split() == ["LABEL", "ADDRESS", "THRESHOLDS"]
    assert lines[1].split() == ["treasury", A, "warn=1.3"]
    assert lines[2].split() == [B]
    assert lines[1].index(A) == lines[2].index(B) == lines[0].index("ADDRESS")


def test_remove_asks_and_tells_the_way_back(run, home: Path) -> None:
    run("add", A, "--label", "treasury")
    run("add", B)
    before = (home / "watchlist.toml").read_bytes()
    for answer, said in (
        ("n", "nothing was changed."),
        ("", "nothing was changed."),
        ("EOF", "nobody there to answer"),
    ):
        code, _, err = run("remove", "treasury", answer=answer)
        assert code == 1
        assert said in err
    assert (home / "watchlist.toml").read_bytes() == before
    code, out, _ = run("remove", "treasury", answer="y")
    assert code == 0
    assert [entry["address"] for entry in held(run)] == [B]
    way_back = next(part for part in out.splitlines()[-1].split(": ", 1)[1:]).removesuffix(" brings it back.")
    subprocess.run(way_back, shell=True, check=True)
    assert (home / "watchlist.toml").read_bytes() == before


def test_remove_without_asking(run) -> None:
    run("add", A, B, C)
    assert run("remove", "--yes", A, B.lower(), A)[0] == 0
    assert [entry["address"] for entry in held(run)] == [C]


def test_remove_and_edit_say_who_is_meant(run) -> None:
    run("add", A, "--label", "treasury")
    code, _, err = run("remove", "-y", "tresury")
    assert (code, err) == (1, 'liqtui wallet remove: "tresury" is not in the watchlist. did you mean "treasury"?\n')
    assert run("edit", B, "--label", "x")[0] == 1
    run("add", B, "--label", "treasury")
    with pytest.raises(WatchlistError, match='"treasury" means 2 wallets'):
        run("remove", "-y", "treasury")


def test_edit(run) -> None:
    run("add", A, "--label", "treasury", "--tags", "dao", "--warn", "1.3", "--note", "old")
    assert run("edit", "treasury", "--note", "new", "--warn", "", "--critical", "1.1")[0] == 0
    [entry] = held(run)
    assert (entry["label"], entry["tags"], entry["note"]) == ("treasury", ["dao"], "new")
    assert entry["thresholds"] == {"critical": "1.1"}
    assert run("edit", "treasury", "--label", "", "--tags", "")[0] == 0
    assert (held(run)[0]["label"], held(run)[0]["tags"]) == ("", [])


def test_edit_of_nothing_is_wrong_usage(run) -> None:
    run("add", A, "--label", "t")
    assert run("edit", "t")[0] == 64
    assert run("edit", "t", "--label", "t")[0] == 64
    assert run("edit", "t", "--warn", "1.1", "--critical", "1.2")[0] == 64


def test_thresholds_are_exact(run, home: Path) -> None:
    from liqtui.config.store import WatchlistStore

    run("add", A, "--warn", "1.100000000000000001")
    [found] = WatchlistStore(home / "watchlist.toml", checksum).load().wallets
    assert found.thresholds.warn == 11 * WAD // 10 + 1


def test_import_a_file(run, tmp_path: Path) -> None:
    run("add", A)
    (file := tmp_path / "w.csv").write_text(f"{A}\n{B},cold\ntreasury.eth\nnobody.eth\n0x12\n")
    code, out, err = run("import", str(file))
    assert code == 1
    assert out.splitlines()[0] == "2 added, 1 known, 2 refused"
    assert err.splitlines() == [
        f"line 1: {A} is already watched, as {A[:6]}…{A[-4:]}",
        "line 5: 0x12 is not an address, 0x and 40 hex digits are needed",
        "nobody.eth is not registered, or has no resolver of its own.",
    ]
    assert [(entry["address"], entry["label"], entry["name"]) for entry in held(run)] == [
        (A, "", ""),
        (B, "cold", ""),
        (C, "", "treasury.eth"),
    ]


def test_import_again_is_no_fault(run, tmp_path: Path) -> None:
    (file := tmp_path / "w.txt").write_text(f"{A} {B}")
    assert run("import", str(file))[0] == 0
    code, out, _ = run("import", str(file))
    assert (code, out.splitlines()[0]) == (0, "0 added, 2 known, 0 refused")


def test_import_of_two_names_of_one_address(run, tmp_path: Path) -> None:
    (file := tmp_path / "w.txt").write_text(f"{C}\ntreasury.eth\n")
    code, out, err = run("import", str(file))
    assert (code, out.splitlines()[0]) == (0, "1 added, 1 known, 0 refused")
    assert "treasury.eth" in err


def test_import_from_standard_input(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{A}\n".encode())))
    assert run("import", "-")[0] == 0
    assert [entry["address"] for entry in held(run)] == [A]


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), (b"\xff\xfe", "is not UTF-8 text")])
def test_import_of_what_cannot_be_read(run, tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "w.txt"
    if content:
        file.write_bytes(content)
    code, _, err = run("import", str(file))
    assert code == 1
    assert said in err


def test_files_with_mistakes_are_not_touched(run, home: Path) -> None:
    (home / "watchlist.toml").write_text("[[wallet]]\nadress = 1\n")
    with pytest.raises(ConfigError):
        run("add", A)
    (home / "watchlist.toml").write_text("")
    (home / "config.toml").write_text("nonsense = 1\n")
    with pytest.raises(ConfigError):
        run("add", A)
    assert (home / "watchlist.toml").read_text() == ""


def test_other_files_by_option(run, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    assert run("add", A, "--watchlist", str(other))[0] == 0
    assert A in other.read_text()
    assert held(run) == []


def test_the_program_itself(home: Path) -> None:
    def liqtui(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "liqtui", "wallet", *words], capture_output=True, text=True)

    assert liqtui("add", A).returncode == 0
    assert json.loads(liqtui("list", "--json").stdout)["wallets"][0]["address"] == A
    (home / "watchlist.toml").write_text("[[wallet]]\nadress = 1\n")
    broken = liqtui("list")
    assert broken.returncode == 78
    assert broken.stderr.splitlines() == [
        f"{home}/watchlist.toml:1: wallet[1]: address is missing",
        f'{home}/watchlist.toml:2: wallet[1].adress: unknown key, did you mean "address"?',
    ]


def test_no_screen_and_no_chain_for_a_list(home: Path) -> None:
    script = """
import sys
from liqtui.cli.main import main
main(["wallet", "list"])
heavy = ("textual", "rich", "httpx", "web3", "eth_", "asyncio", "websockets", "sqlite3", "ens")
print([name for name in sys.modules if name.startswith(heavy)])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_a_table_of_a_tag_that_nobody_has_is_named(run, home: Path) -> None:
    (home / "watchlist.toml").write_text(
        f'[[wallet]]\naddress = "{A}"\nlabel = "one"\ntags = ["dao"]\n\n'
        "[tag.dao.thresholds]\nwarn = 1.3\n\n[tag.doa.thresholds]\nwarn = 1.5\n"
    )
    code, out, err = run("list")
    assert (code, "one" in out) == (0, True)
    assert err == 'tag doa: its table holds for nobody: no wallet has that tag; did you mean "dao"?\n'
    code, _, err = run("edit", "one", "--tags", "doa")
    assert (code, err) == (0, 'tag dao: its table holds for nobody: no wallet has that tag; did you mean "doa"?\n')
    code, _, err = run("remove", "one", "--yes")
    assert code == 0
    assert err.splitlines() == [
        f"tag {name}: its table holds for nobody: no wallet has that tag" for name in ("dao", "doa")
    ]


def test_doctor_takes_no_offence_at_folders_that_are_made_when_needed(
    own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first run neither ~/.config nor the folder in it has to be there."""
    monkeypatch.setenv("LIQTUI_CONFIG_DIR", str(own_folders / "not" / "yet"))
    session = begin(parse(["doctor"]))
    (found,) = [each for each in doctor._configuration(session) if each.what == "config folder"]
    assert (found.state, "made when" in found.words) == (doctor.GOOD, True)
    (own_folders / "not").write_text("a file")
    (found,) = [each for each in doctor._configuration(session) if each.what == "config folder"]
    assert (found.state, "cannot be written to" in found.words) == (doctor.BAD, True)


def test_doctor_looks_at_what_only_the_screen_reads(home: Path) -> None:
    def found(text: str) -> list[tuple[str, str, str]]:
        (home / "config.toml").write_text(text)
        args = parse(["doctor"])
        return [tuple(vars(each).values()) for each in doctor._screen(args, begin(args))]

    assert found("") == []
    good = found('[ui]\ntheme = "liqtui-16"\n[keys]\n"list.down" = "j,ctrl+j"\n')
    assert good == [(doctor.GOOD, "theme", "liqtui-16"), (doctor.GOOD, "keys", "1 of your own")]
    bad = found('[ui]\ntheme = "liqtui-61"\n[keys]\n"list.dwn" = "j"\n"view.refresh" = "s"\n')
    assert [each[:2] for each in bad] == [(doctor.BAD, "theme"), (doctor.BAD, "keys"), (doctor.BAD, "keys")]
    assert 'did you mean "liqtui-16"?' in bad[0][2]
    assert "config.toml:4" in bad[1][2]


def test_doctor_names_a_table_of_a_tag_that_nobody_has(home: Path) -> None:
    (home / "config.toml").write_text("")
    file = home / "watchlist.toml"
    file.write_text(f'[[wallet]]\naddress = "{A}"\ntags = ["dao"]\n\n[tag.dao.thresholds]\nwarn = 1.3\n')
    assert not [each for each in doctor._configuration(begin(parse(["doctor"]))) if each.what.startswith("tag ")]
    file.write_text(file.read_text().replace("tag.dao", "tag.cold"))
    odd = [each for each in doctor._configuration(begin(parse(["doctor"]))) if each.what.startswith("tag ")]
    assert [(each.state, each.what) for each in odd] == [(doctor.ODD, "tag cold")]
    assert "known: dao" in odd[0].words
