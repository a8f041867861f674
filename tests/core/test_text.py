"""What comes from outside is made harmless before it is shown: symbols, names, errors, URLs with keys."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.redact import redact, redact_url, scrubber
from liqtui.core.text import clean, short_address

KEY = "s3cr3tKEY"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("USDC", "USDC"),
        ("\x1b[31mRED\x07", "[31mRED"),
        ("US\u202eDC\u200b", "USDC"),
        ("a\u00a0\u2003 b\tc", "a bc"),
        ("\u3164\u2800\uffa0", ""),
        ("Z͑̚a", "Za"),
        ("[bold]x", "[bold]x"),
        ("line\nbreak\u2028more", "linebreak more"),
    ],
)
def test_clean(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


@given(st.text(max_size=400), st.integers(1, 40))
def test_cleaned_text_is_bounded_printable_and_stays_as_it_is(text: str, limit: int) -> None:
    made = clean(text, limit)
    assert len(made) <= limit
    assert all(char == " " or unicodedata.category(char)[0] not in "CZ" for char in made)
    assert clean(made, limit) == made


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert clean("A" * 1000) == "A" * 23 + "…"
    assert clean("A" * 24) == "A" * 24


def test_short_address() -> None:
    assert short_address("0x7F3cE0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa91aE") == "0x7F3c…91aE"
    assert short_address("0x12345678") == "0x12345678"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://node.example/v2/{KEY}", "https://node.example/…"),
        (f"https://user:{KEY}@node.example", "https://node.example/…"),
        (f"wss://node.example:8546/?k={KEY}", "wss://node.example:8546/…"),
        (f"https://node.example#{KEY}", "https://node.example/…"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("http://127.0.0.1:8545/", "http://127.0.0.1:8545"),
        (f"http://[::1]:8545/{KEY}", "http://[::1]:8545/…"),
        (f"https://node.example:{KEY}/", "(unreadable URL)"),
        (f"https://[{KEY}", "(unreadable URL)"),
        (f"https:///{KEY}", "https://?/…"),
    ],
)
def test_redact_url(url: str, shown: str) -> None:
    assert redact_url(url) == shown
    assert KEY not in redact_url(url)


@pytest.mark.parametrize(
    "text",
    [
        f"timeout at https://node.example/v2/{KEY} after 10 s",
        f"two: HTTPS://a.example/{KEY}, wss://b.example/{KEY}",
        f'{{"url":"https:\\/\\/node.example\\/v2\\/{KEY}"}}',
        f"urlhttps://node.example/{KEY}",
        f"(http://[::1]:8545/{KEY})",
    ],
)
def test_no_key_survives_in_running_text(text: str) -> None:
    assert KEY not in redact(text)
    assert "/…" in redact(text)


@pytest.mark.parametrize("url", [f"tgram://{KEY}/1", f"mailto://u:{KEY}@mail.example", f"discord://1/{KEY}"])
def test_of_an_address_of_a_service_only_the_scheme_stays(url: str) -> None:
    assert redact(f"to {url} failed") == f"to {url.partition(':')[0]}://… failed"


def test_a_scrubber_takes_every_part_of_an_address_out_of_a_text() -> None:
    scrub = scrubber("tgram://Bot-Token/chat%20room?k=value1", ("hush hush",))
    assert scrub("BOT-TOKEN, chat room, value1, hush hush, abc") == "…, …, …, …, abc"
    assert scrubber("https://node.example/v2/key1")("node.example v2 key1") == "node.example v2 …"


@given(st.text(max_size=60))
def test_text_without_a_url_is_untouched(text: str) -> None:
    if "://" not in text and ":\\/" not in text and ":/\\" not in text:
        assert redact(text) == text
