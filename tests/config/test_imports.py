from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.chain.addresses import checksum
from liqtui.config.errors import ConfigError
from liqtui.config.imports import Imported, import_text
from liqtui.config.watchlist import Watchlist
from liqtui.core.wallet import Wallet

A, B, C = (checksum("0x" + pair * 20) for pair in ("ab", "cd", "ef"))


def found(text: str, *watched: str) -> Imported:
    return import_text(text, Watchlist(tuple(map(Wallet, watched))), checksum, {"ethereum", "base"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{A}", [(A, "")]),
        (f"\ufeff{A}\r\n\r\n{B}\r\n", [(A, ""), (B, "")]),
        (f"# mine\n  {A}   # the big one\n", [(A, "")]),
        (f"{A} {B},{C}", [(A, ""), (B, ""), (C, "")]),
        (f"{A}, {B}", [(A, ""), (B, "")]),
        (f"{A},treasury", [(A, "treasury")]),
        (f'{A},"big, old"', [(A, "big, old")]),
        (f"{A};cold store", [(A, "cold store")]),
        (f"{A}\tcold store", [(A, "cold store")]),
        (f"label,address\ntreasury,{A}\n,{B}", [(A, "treasury"), (B, "")]),
        (f"vitalik.eth\n{A.lower()}", [("vitalik.eth", ""), (A, "")]),
    ],
)
def test_forms(text: str, expected: list[tuple[str, str]]) -> None:
    result = found(text)
    assert result.rejected == ()
    assert [(wallet.address, wallet.label) for wallet in result.wallets] == expected


def test_a_name_is_marked_as_one() -> None:
    assert found("vitalik.eth").wallets == (Wallet("vitalik.eth", name="vitalik.eth"),)


def test_all_columns() -> None:
    text = f"Address;Label;Tags;Note;Chains;Balance\n{A};t;dao cold;a note;ethereum base;12"
    assert found(text).wallets == (Wallet(A, "t", "", ("ethereum", "base"), ("dao", "cold"), "a note"),)


def test_toml_is_a_watchlist() -> None:
    text = f'# theirs\n[[wallet]]\naddress = "{A}"\nlabel = "x"\n[[wallet]]\naddress = "{B}"\n'
    result = found(text, B)
    assert result.wallets == (Wallet(A, "x"),)
    assert [row.harmless for row in result.rejected] == [True]
    with pytest.raises(ConfigError, match="import:2: wallet"):
        found('[[wallet]]\nlabel = "x\ty"')


def test_each_line_that_gives_nothing_has_its_reason() -> None:
    wrong = A.replace("a", "A", 1) if "a" in A else A.replace("A", "a", 1)
    text = f"{A}\n0x12\n{wrong}\nnonsense\n{B}\n{B.lower()}\n{C}, bad\u202elabel\n"
    result = found(text, A)
    assert [wallet.address for wallet in result.wallets] == [B]
    assert [(row.line, row.harmless, row.reason.split(",")[0].split(":")[0]) for row in result.rejected] == [
        (1, True, "is already watched"),
        (2, False, "is not an address"),
        (3, False, "has a wrong checksum"),
        (4, False, "is neither an address nor an ENS name"),
        (6, True, "stands further up already"),
        (7, False, "label holds characters that cannot be printed"),
    ]


def test_a_line_of_a_csv_without_address_and_an_unknown_chain() -> None:
    result = found(f"address,chains\n,base\n{A},moon")
    assert [row.reason for row in result.rejected] == ["has no address", 'names the unknown chain "moon"']


@given(st.text(max_size=300))
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        result = found(text)
    except ConfigError:
        return
    assert all(row.reason and row.text.isprintable() for row in result.rejected)
    assert all(wallet.label.isprintable() for wallet in result.wallets)


def test_what_is_beside_a_wallet_and_not_read_is_told() -> None:
    tagged = f'[[wallet]]\naddress = "{A}"\ntags = ["dao"]\n[tag.dao.thresholds]\nwarn = 1.9\n'
    result = found(tagged)
    assert [wallet.tags for wallet in result.wallets] == [("dao",)]
    [lost] = result.rejected
    assert (lost.text, lost.harmless) == ("tag.dao", False)
    assert lost.reason.startswith("is the table of a tag, which is not imported")
    result = found(f"address,label,warn\n{A},treasury,1.9\n{B},Main, old one,x\n")
    assert [wallet.label for wallet in result.wallets] == ["treasury", "Main"]
    assert [(row.line, row.text, row.reason, row.harmless) for row in result.rejected] == [
        (1, "warn", "not read: only address, label, name, tags, note and chains are", True),
        (3, "x", "not read: there is no such column", True),
    ]


def test_a_label_may_hold_the_sign_of_a_remark() -> None:
    result = found(f"{A}, Ledger #2\n# all of it, a remark\n{B}  # the big one\n")
    assert [(wallet.address, wallet.label) for wallet in result.wallets] == [(A, "Ledger #2"), (B, "")]
    assert not result.rejected


def test_a_header_says_what_stands_between_the_cells_of_all_lines() -> None:
    result = found(f'address,label,tags,note\n{A},"a, b",dao;cold,no #1\n')
    assert not result.rejected
    (wallet,) = result.wallets
    assert (wallet.label, wallet.tags, wallet.note) == ("a, b", ("dao", "cold"), "no #1")
