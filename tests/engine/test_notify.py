from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.engine import notify
from liqtui.engine.notify import Channel

SENDING = [Channel.OSC9, Channel.OSC777, Channel.OSC99]


@pytest.mark.parametrize(
    ("environment", "channel"),
    [
        ({"TERM": "xterm-kitty"}, Channel.OSC99),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "3"}, Channel.OSC99),
        ({"TERM": "foot"}, Channel.OSC777),
        ({"TERM": "xterm-ghostty"}, Channel.OSC777),
        ({"TERM": "xterm-256color"}, Channel.OSC9),
        ({"TERM": "linux"}, Channel.NONE),
        ({}, Channel.NONE),
    ],
)
def test_guesses_the_channel(environment, channel):
    assert notify.guess(environment) is channel


def test_each_channel_has_its_form():
    assert notify.notification(Channel.NONE, "t", "b") == ""
    assert notify.notification(Channel.OSC9, "t", "b") == "\x1b]9;t: b\a"
    assert notify.notification(Channel.OSC777, "t", "b") == "\x1b]777;notify;t;b\a"
    assert notify.notification(Channel.OSC99, "t", "b", ident=7) == (
        "\x1b]99;i=liqtui7:d=0;t\x1b\\\x1b]99;i=liqtui7:p=body;b\x1b\\"
    )


def test_tmux_gets_it_wrapped_with_doubled_escapes():
    assert notify.notification(Channel.OSC9, "t", "b", tmux=True) == "\x1bPtmux;\x1b\x1b]9;t: b\a\x1b\\"
    assert notify.in_tmux({"TMUX": "/tmp/x,1,0"})
    assert not notify.in_tmux({})


@given(st.text(), st.text(), st.sampled_from(SENDING))
def test_no_text_can_end_or_extend_the_sequence(title, body, channel):
    plain = notify.notification(channel, "", "")
    hostile = notify.notification(channel, title, body)
    for control in ("\x1b", "\a", "\x9c", "\x9d", ";"):
        assert hostile.count(control) == plain.count(control)


def test_a_message_cannot_become_a_progress_bar():
    assert "9;4;" not in notify.notification(Channel.OSC9, "4;1;50", "x")


@given(st.text())
def test_the_title_carries_no_controls(text):
    out = notify.window_title(text)
    assert out.startswith("\x1b]2;")
    assert out.endswith("\a")
    assert all(char >= " " and char != "\x7f" for char in out[4:-1])


def test_title_has_the_prefix_first():
    assert notify.window_title("▲1") == "\x1b]2;▲1 liqtui\a"
    assert notify.window_title() == "\x1b]2;liqtui\a"


@given(st.text(max_size=200))
def test_copy_is_exact(text):
    out = notify.copy(text)
    assert b64decode(out.removeprefix("\x1b]52;c;").removesuffix("\a")).decode() == text


def test_copy_in_tmux_is_sent_raw_and_wrapped():
    raw = notify.copy("x")
    assert notify.copy("x", tmux=True) == raw + notify.passthrough(raw)


def test_copy_refuses_what_terminals_would_cut():
    assert notify.copy("x" * notify.COPY_LIMIT) is not None
    assert notify.copy("x" * (notify.COPY_LIMIT + 1)) is None
