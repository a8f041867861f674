"""Checksums and ENS names: a mistyped wallet would always be empty, and so always safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from eth_utils import to_checksum_address
from hypothesis import assume, given
from hypothesis import strategies as st

from liqtui.chain import ens
from liqtui.chain.addresses import checksum, is_address
from liqtui.core.reads import Block, Call, Failure, Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RIGHT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # of EIP-55
addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())


@given(addresses)
def test_checksums_agree_with_eth_utils(address: str) -> None:
    right = to_checksum_address(address)
    for written in (address, "0x" + address[2:].upper(), right, f" {right}\n", "0X" + right[2:]):
        assert checksum(written) == right


@given(addresses, st.integers(0, 39))
def test_one_letter_in_the_wrong_case_is_found(address: str, at: int) -> None:
    right = checksum(address)
    wrong = right[: at + 2] + right[at + 2].swapcase() + right[at + 3 :]
    assume(wrong != right and wrong[2:] not in {address[2:], address[2:].upper()})
    with pytest.raises(ValueError, match=f"wrong checksum .first at digit {at + 1}."):
        checksum(wrong)


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "does not begin with 0x"), (RIGHT[2:], "does not begin with 0x"), (RIGHT[:-1], "it has 39"),
     (RIGHT + "0", "it has 41"), (RIGHT[:-1] + "g", "other characters"), ("0x" + "\u0661" * 40, "other characters")],
)  # fmt: skip
def test_what_is_no_address_is_told(text: str, why: str) -> None:
    assert not is_address(text)
    with pytest.raises(ValueError, match=why):
        checksum(text)


def test_hostile_text_is_cleaned_in_the_message() -> None:
    with pytest.raises(ValueError) as caught:
        checksum("\x1b[31m" + "x" * 5000)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 200


# -- ENS -----------------------------------------------------------------------------------------

RESOLVER = "0x" + "4e" * 20
VITALIK = bytes.fromhex("ee6c4522aab0003e8d14cd40a6af439055fd2577951148c14b6cea9a53475835")  # a known node


class Names:
    """A reader that knows the registry and one resolver."""

    def __init__(self, answer: Result, chain_id: int = 1, resolver: str = RESOLVER) -> None:
        self.chain_id = chain_id
        self.answer = answer
        self.resolver = resolver
        self.asked: list[Call] = []

    async def head(self) -> Block:
        return Block(1, "0x" + "00" * 32, 0)

    async def read(self, block: Block, calls: Sequence[Call]) -> list[Result]:
        self.asked += calls
        if calls[0].target == ens.REGISTRY:
            return [bytes(12) + bytes.fromhex(self.resolver[2:])]
        return [self.answer]

    async def logs(self, *_: object) -> list[object]:
        raise AssertionError


def word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


async def test_a_name_is_resolved_by_registry_and_resolver() -> None:
    reader = Names(word(RIGHT.lower()))
    assert await ens.resolve(reader, "vitalik.eth") == RIGHT
    assert reader.asked == [Call(ens.REGISTRY, ens.RESOLVER + VITALIK), Call(RESOLVER, ens.ADDR + VITALIK)]


@pytest.mark.parametrize(
    ("reader", "name", "why"),
    [
        (Names(word(RIGHT), chain_id=10), "vitalik.eth", "resolved on Ethereum"),
        (Names(word(RIGHT)), "treasury", "neither an address nor an ENS name"),
        (Names(word(RIGHT), resolver="0x" + "00" * 20), "vitalik.eth", "not registered"),
        (Names(bytes(32)), "vitalik.eth", "points to no address"),
        (Names(b"\1" * 32), "vitalik.eth", "points to no address"),
        (Names(b"\1" * 20), "vitalik.eth", "points to no address"),
        (Names(Failure("revert", "", b"")), "vitalik.eth", "points to no address"),
        (Names(Failure("revert", "", ens.OFFCHAIN_LOOKUP + bytes(32))), "x.cb.id", "off chain"),
    ],
)
async def test_names_without_an_address_say_why(reader: Names, name: str, why: str) -> None:
    with pytest.raises(LookupError, match=why):
        await ens.resolve(reader, name)


@pytest.mark.parametrize(
    ("name", "why"),
    [("Vitalik.eth", "write it as vitalik.eth"), ("vita lik.eth", "no valid ENS name"), ("a..eth", "no valid ENS name"),
     ("a_b.eth", "ENS name|cannot be checked"), ("ab--c.eth", "ENS name|cannot be checked"),
     ("vit\u0430lik.eth", "confusable|mixture|ENS name|cannot be checked")],
)  # fmt: skip
def test_names_that_are_not_normal_are_refused(name: str, why: str) -> None:
    with pytest.raises(LookupError, match=why):
        ens.node_of(name)


@pytest.fixture(scope="module")
def web3_tables() -> Iterator[None]:
    """web3's own normalisation with its Unicode step, which does nothing to ASCII, left out: not every version of
    web3 gets on with every version of the library that does that step.
    """
    from ens import _normalization

    unicode_step, _normalization.NFC = _normalization.NFC, "".join
    yield
    _normalization.NFC = unicode_step


labels = st.from_regex(r"_{0,2}[a-z0-9$-]{0,6}", fullmatch=True).filter(ens._is_plain)
plain_names = st.lists(labels, min_size=1, max_size=4).map(".".join)


@given(plain_names)
def test_what_passes_without_the_tables_is_normal_by_the_tables(web3_tables: None, name: str) -> None:
    from ens import _normalization

    assert _normalization.normalize_name_ensip15(name).as_text == name


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("eth", "93cdeb708b7545dc668eb9280176169d1c33cfd8ed6f04690a0bcc88a93fc4ae"),
        ("foo.eth", "de9b09fd7c5f901e23a3f19fecc54828e9c848539801e86591bd9801b019f84f"),
    ],
)
def test_nodes_are_those_of_eip_137(name: str, node: str) -> None:
    assert ens.node_of(name).hex() == node


def test_what_looks_like_a_name() -> None:
    assert ens.looks_like_name("vitalik.eth")
    assert not ens.looks_like_name("treasury")
    assert not ens.looks_like_name("0x12.34")
