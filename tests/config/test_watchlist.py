from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.chain.addresses import checksum
from liqtui.config.errors import ConfigError, WatchlistError
from liqtui.config.watchlist import Watchlist, is_resolved
from liqtui.config.watchlist_text import parse, serialise
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds, Wallet

FILE = Path("watchlist.toml")
VITALIK = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
OTHER = checksum("0x" + "ab" * 20)

COMMENTED = f"""\
# my wallets
# since 2021

# the big one
[[wallet]]
address = "{VITALIK}"  # inline
label = 'treasury'
# inside
[wallet.thresholds]
warn = 1.350

# trailing, above the next
[[wallet]]
address = "{OTHER}"
"""


def read(text: str) -> Watchlist:
    return parse(text, FILE, checksum, {"ethereum", "base"})


OTHERS = "is not the id of a position of this wallet, it ends with the wallet's address"


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [line.removeprefix("watchlist.toml:") for line in str(caught.value).splitlines()]


def test_a_wallet_with_everything() -> None:
    [wallet] = read(f"""
[[wallet]]
address = "{VITALIK.lower()}"
name = "vitalik.eth"
label = "treasury"
chains = ["ethereum", "base"]
tags = ["dao"]
note = "multisig 3/5"
thresholds = {{ warn = 1.35, critical_cushion = 0.05 }}
[wallet.positions."1:aave-v3:core:{VITALIK}"]
critical = 1.10
""").wallets
    assert wallet == Wallet(
        VITALIK,
        label="treasury",
        name="vitalik.eth",
        chains=("ethereum", "base"),
        tags=("dao",),
        note="multisig 3/5",
        thresholds=Thresholds(warn=135 * WAD // 100, critical_cushion=5 * WAD // 100),
        position_thresholds=((f"1:aave-v3:core:{VITALIK.lower()}", Thresholds(critical=110 * WAD // 100)),),
    )


@pytest.mark.parametrize("written", [VITALIK, VITALIK.lower(), "0X" + VITALIK[2:].upper(), "0x" + VITALIK[2:].upper()])
def test_addresses_get_their_checksum(written: str) -> None:
    assert read(f'[[wallet]]\naddress = "{written}"').wallets[0].address == VITALIK


def test_a_name_is_kept_until_it_is_resolved() -> None:
    [wallet] = read('[[wallet]]\naddress = "vitalik.eth"').wallets
    assert (wallet.address, wallet.name, is_resolved(wallet)) == ("vitalik.eth", "vitalik.eth", False)
    assert read(serialise(Watchlist((wallet,)))).wallets == (wallet,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (VITALIK.replace("d8dA", "D8dA"), "2: wallet[1].address: has a wrong checksum"),
        ("0x12", "2: wallet[1].address: is not an address, 0x and 40 hex digits are needed"),
        ("treasury", "2: wallet[1].address: is neither an address nor an ENS name"),
        ("a b.eth", "2: wallet[1].address: is neither an address nor an ENS name"),
        ("", "2: wallet[1].address: is empty"),
    ],
)
def test_addresses_that_cannot_be(text: str, expected: str) -> None:
    [mistake] = mistakes(f'[[wallet]]\naddress = "{text}"')
    assert mistake.startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "adress = 1",
            ["1: wallet[1]: address is missing", '2: wallet[1].adress: unknown key, did you mean "address"?'],
        ),
        (f'address = "{VITALIK}"\nlabel = 3', ["3: wallet[1].label: has to be text, not a whole number"]),
        (
            f'address = "{VITALIK}"\nlabel = "a\\u202eb"',
            ["3: wallet[1].label: holds characters that cannot be printed"],
        ),
        (
            f'address = "{VITALIK}"\nchains = [\n"base",\n"etherum",\n]',
            ['5: wallet[1].chains[2]: unknown chain "etherum", did you mean "ethereum"?'],
        ),
        (
            f'address = "{VITALIK}"\n[wallet.thresholds]\nwarn = 0.9\ncrit = 2',
            [
                "4: wallet[1].thresholds.warn: has to be a decimal above 1 and under 100",
                '5: wallet[1].thresholds.crit: unknown key, did you mean "critical"?',
            ],
        ),
        (
            f'address = "{VITALIK}"\n[wallet.positions."1:a:b:{VITALIK}"]\nwarn = 1.1\ncritical = 1.2',
            [f'4: wallet[1].positions."1:a:b:{VITALIK}".warn: is 1.1 and has to be above critical, which is 1.2'],
        ),
        (
            f'address = "{VITALIK}"\n[wallet.positions.x]\nwarn = 1.3',
            ["3: wallet[1].positions.x: is not the id of a position, as `liqtui check --json` shows it"],
        ),
        (
            f'address = "{VITALIK}"\n[wallet.positions."1:a:b:0x{"1" * 40}"]\nwarn = 1.3',
            [f'3: wallet[1].positions."1:a:b:0x{"1" * 40}": {OTHERS}'],
        ),
        (
            f'address = "{VITALIK}"\n[wallet.positions]\n"1:a:b:{VITALIK}" = {{}}\n"1:a:b:{VITALIK.lower()}" = {{}}',
            [f'5: wallet[1].positions."1:a:b:{VITALIK.lower()}": stands there twice'],
        ),
        (
            f'address = "{VITALIK}"\nthresholds = 1.2',
            ["3: wallet[1].thresholds: has to be a table, not a decimal, write [wallet.thresholds]"],
        ),
        (
            f'address = "{VITALIK}"\n[[wallet]]\naddress = "{VITALIK.lower()}"',
            ["4: wallet[2].address: is already watched (line 2), as 0xd8dA…6045"],
        ),
        (
            f'address = "{VITALIK}"\nname = "v.eth"\n[[wallet]]\naddress = "V.eth"',
            ["5: wallet[2].address: is already watched (line 2), as v.eth"],
        ),
    ],
)
def test_mistakes_are_placed(text: str, expected: list[str]) -> None:
    assert mistakes(f"[[wallet]]\n{text}") == expected


def test_keys_at_the_top_are_refused() -> None:
    [mistake] = mistakes('wallets = ["0x"]')
    assert mistake.startswith("1: wallets: unknown key")
    assert mistakes("[wallet]\naddress = 1")[0].startswith("1: wallet: has to be a list of tables")


def test_the_id_of_a_position_may_be_written_in_any_case() -> None:
    """It would never be met otherwise, and the thresholds would say nothing."""
    market, wallet = "0x" + "AB" * 32, VITALIK
    [found] = read(
        f'[[wallet]]\naddress = "{wallet}"\n[wallet.positions."1:morpho-blue:Blue:{market}:{wallet}"]\nwarn = 2'
    ).wallets
    assert [name for name, _ in found.position_thresholds] == [f"1:morpho-blue:Blue:{market.lower()}:{wallet.lower()}"]
    [named] = read(f'[[wallet]]\naddress = "v.eth"\n[wallet.positions."1:aave-v3:core:{wallet}"]\nwarn = 2').wallets
    assert named.position_thresholds[0][0].endswith(wallet.lower())


def test_thresholds_of_positions_go_with_the_address_that_holds_them() -> None:
    [wallet] = read(
        f'[[wallet]]\naddress = "{VITALIK}"\n[wallet.positions."1:aave-v3:core:{VITALIK}"]\nwarn = 2'
    ).wallets
    changed = replace(wallet, address="0x" + "1" * 40)
    assert Watchlist((wallet,)).edit(VITALIK, changed).wallets[0].position_thresholds == ()
    assert Watchlist((wallet,)).edit(VITALIK, replace(wallet, note="x")).wallets[0].position_thresholds


def test_comments_outlive_a_change_a_removal_and_a_name_that_is_resolved() -> None:
    found = read(f"""\
# mine
[[wallet]]
address = "{VITALIK}"
label = "one"
# about one

# ---- cold wallets ----
# ask bob first

# of the second
[[wallet]]
address = "v.eth"

# ---- the others ----
""")
    one, second = found.wallets
    heading = "# ---- cold wallets ----\n# ask bob first\n"
    assert heading in serialise(found.edit(VITALIK, replace(one, label="uno")))
    gone = serialise(found.remove(VITALIK))
    assert gone.startswith(f"{heading}\n# of the second\n[[wallet]]")
    assert "about one" not in gone
    resolved = serialise(found.edit("v.eth", replace(second, address="0x" + "1" * 40)))
    assert '# of the second\n[[wallet]]\naddress = "0x1111' in resolved
    assert resolved.endswith("\n\n# ---- the others ----\n")
    assert serialise(found.remove("v.eth")).endswith(f"{heading}\n# ---- the others ----\n")
    assert serialise(found.remove(VITALIK, "v.eth")) == f"{heading}\n# ---- the others ----\n"


def test_untouched_text_comes_back_byte_by_byte() -> None:
    assert serialise(read(COMMENTED)) == COMMENTED
    assert serialise(read(COMMENTED.replace("\n", "\r\n"))) == COMMENTED


def test_comments_outlive_changes() -> None:
    before = read(COMMENTED)
    added = serialise(before.add(Wallet(checksum("0x" + "cd" * 20))))
    assert added.startswith(COMMENTED)
    edited = serialise(before.edit("treasury", replace(before.wallets[0], label="safe")))
    for comment in ("# my wallets", "# since 2021", "# the big one", "# trailing, above the next"):
        assert comment in edited
    assert read(edited).wallets[0].label == "safe"
    removed = serialise(before.remove("treasury"))
    assert removed.startswith("# my wallets\n# since 2021\n\n# trailing, above the next\n[[wallet]]")
    moved = serialise(before.move("treasury", 1))
    assert moved.index(OTHER) < moved.index("# the big one") < moved.index(VITALIK)


def test_wallets_written_inline_keep_the_comment_at_the_top() -> None:
    text = f'# top\nwallet = [{{ address = "{VITALIK}" }}]\n'
    out = serialise(read(text).add(Wallet(OTHER)))
    assert out.startswith("# top\n\n[[wallet]]")
    assert len(read(out).wallets) == 2


def test_found_by_address_name_and_label() -> None:
    held = Watchlist((Wallet(VITALIK, "a", "v.eth"), Wallet(OTHER, "b"), Wallet(checksum("0x" + "cd" * 20), "b")))
    assert held.get(VITALIK.upper().replace("X", "x")) == held.get("V.ETH") == held.get("a") == held.wallets[0]
    assert held.get("nobody") is None
    assert held.get("") is None
    with pytest.raises(WatchlistError, match="means 2 wallets"):
        held.get("b")


def test_operations_refuse_what_cannot_be() -> None:
    held = Watchlist((Wallet(VITALIK, "a"), Wallet(OTHER, "b")))
    with pytest.raises(WatchlistError, match="already watched, as a"):
        held.add(Wallet(VITALIK.lower()))
    with pytest.raises(WatchlistError, match="already watched, as b"):
        held.edit("a", Wallet(OTHER))
    for action in (lambda: held.remove("x"), lambda: held.move("x", 0), lambda: held.edit("x", Wallet(OTHER))):
        with pytest.raises(WatchlistError, match="x is not in the watchlist"):
            action()
    assert [w.label for w in held.move("b", 0).wallets] == [w.label for w in held.move("a", 9).wallets] == ["b", "a"]


TEXT = st.text(st.characters(codec="utf-8"), max_size=6).filter(str.isprintable)
NAMES = st.lists(TEXT.filter(str.strip), max_size=2).map(tuple)
RAW = st.integers(WAD + 1, 100 * WAD - 1)
PART = st.integers(1, WAD - 1)


@st.composite
def thresholds(draw: st.DrawFn) -> Thresholds:
    critical, warn = sorted((draw(RAW), draw(RAW)))
    lower, upper = sorted((draw(PART), draw(PART)))
    limits = (warn if warn > critical else None, critical, upper if upper > lower else None, lower)
    return Thresholds(*(limit if draw(st.booleans()) else None for limit in limits))


@st.composite
def watchlists(draw: st.DrawFn) -> Watchlist:
    numbers = draw(st.lists(st.integers(1, 2**160 - 1), unique=True, max_size=4))
    return Watchlist(
        tuple(
            Wallet(
                checksum(f"0x{number:040x}"),
                draw(TEXT),
                draw(st.sampled_from(["", "x.eth"])),
                draw(NAMES),
                draw(NAMES),
                draw(TEXT),
                draw(thresholds()),
                tuple(
                    (f"1:aave-v3:{market}:0x{number:040x}", own)
                    for market, own in draw(st.dictionaries(TEXT, thresholds(), max_size=2)).items()
                ),
            )
            for number in numbers
        )
    )


@given(watchlists(), watchlists())
def test_what_is_written_reads_back_the_same(first: Watchlist, second: Watchlist) -> None:
    once = parse(serialise(first), FILE, checksum)
    assert once == first
    assert serialise(once) == serialise(first)
    later = replace(second, layout=once.layout)
    assert parse(serialise(later), FILE, checksum) == second
