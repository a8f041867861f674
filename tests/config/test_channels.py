from __future__ import annotations

from pathlib import Path

import pytest

from liqtui.config.errors import ConfigError
from liqtui.config.load import Config, parse
from liqtui.core.states import Level

SECRET = "hush-hush-token"


def read(text: str) -> Config:
    return parse(text, Path("config.toml"), env={"T": SECRET})


def test_channels_and_ping_are_read() -> None:
    config = read(
        "[channels.hook]\nkind = 'webhook'\nurl = 'https://h.example/${T}'\nsecret = '${T}'\nlevel = 'critical'\n"
        "[channels.run]\nkind = 'command'\ncommand = ['a', 'b']\nper_minute = 3\ndigest = false\n"
        "[channels.tg]\nkind = 'apprise'\nurl = 'tgram://${T}/1'\n[ping]\nurl = 'https://p.example/${T}'\n"
    )
    hook, run, service = config.channels
    assert (hook.url, hook.secret, hook.level) == (f"https://h.example/{SECRET}", SECRET, Level.CRITICAL)
    assert (run.command, run.per_minute, run.digest, run.level) == (("a", "b"), 3, False, Level.CALL)
    assert service.url == f"tgram://{SECRET}/1"
    assert config.ping is not None
    assert config.ping.every == 60
    assert SECRET not in repr(config.channels) + repr(config.ping)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[channels.a]\nurl = 'https://h/${T}'", "channels.a: kind is missing"),
        ("[channels.a]\nkind = 'webhook'", "url is missing"),
        ("[channels.a]\nkind = 'webhook'\nurl = 'ftp://h/${T}'", "channels.a.url: is not a web address"),
        ("[channels.a]\nkind = 'webhook'\nurl = 'https://h:${T}/'", "channels.a.url: is not a web address"),
        ("[channels.a]\nkind = 'apprise'\nurl = '${T}'", "channels.a.url: is not an address of apprise"),
        ("[channels.a]\nkind = 'command'\ncommand = 'sh ${T}'", "channels.a.command: has to be a list"),
        ("[channels.a]\nkind = 'command'\ncommand = []", "channels.a.command: is empty"),
        (
            "[channels.a]\nkind = 'command'\ncommand = ['x']\nsecret = '${T}'",
            "channels.a.secret: does not belong to a command",
        ),
        ("[channels.a]\nkind = 'apprise'\nurl = 'x://${T}'\nlevel = 'loud'", "channels.a.level: has to be one of"),
        ("[channels.a]\nkind = 'apprise'\nurl = 'x://${T}'\nlevle = 'call'", 'did you mean "level"?'),
        ("[channels.ping]\nkind = 'command'\ncommand = ['x']", "not ping"),
        ("channels = 3", "write [channels]"),
        ("[channels]\na = 3", "write [channels.NAME]"),
        ("[ping]\nevery = 30", "ping: url is missing"),
        ("[ping]\nurl = 'h.example/${T}'", "ping.url: is not a web address"),
    ],
)
def test_a_mistake_is_named_and_repeats_no_secret(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as found:
        read(text)
    assert told in str(found.value)
    assert SECRET not in str(found.value)
    assert len(found.value.errors) == 1
