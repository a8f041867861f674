"""A mistake in the configuration is named by its place, and never by what stands there: that may be a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

MARK = "SECRET123"


def secret(where: str) -> str:
    return f"{MARK}x{where}"


@pytest.mark.parametrize(
    "mistake",
    [
        f'[channels.a]\nkind = "webhook"\nurl = "htp://host/{secret("url")}"\n',
        f'[channels.a]\nkind = "webhook"\nurl = "http://host:{secret("portx")}/"\n',
        f'[channels.a]\nkind = "apprise"\nurl = "{secret("noaddress")}"\n',
        f'[channels.a]\nkind = "command"\ncommand = "{secret("string")}"\n',
        f'[channels.a]\nkind = "webhook"\nurl = "http://host/"\nsecret = ["{secret("list")}"]\n',
        f'[channels.a]\nkind = "webhook"\nurl = "http://host/"\nsecrets = "{secret("key")}"\n',
        f'[ping]\nurl = "{secret("ping")}"\n',
        f'[ping]\nurl = "http://host/{secret("unclosed")}\n',
        f'[chains.x]\nid = 5\nrpc = ["{secret("rpc")}"]\n',
        '[chains.x]\nid = "${FROM_ENVIRONMENT}"\nrpc = ["http://host/"]\n',
        '[metrics]\nlisten = "${FROM_ENVIRONMENT}"\n',
    ],
)
def test_a_mistake_beside_a_secret_is_named_without_it(
    mistake: str, own_folders: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FROM_ENVIRONMENT", secret("environment"))
    folder = own_folders / "liqtui"
    folder.mkdir()
    (folder / "config.toml").write_text(mistake)
    for words in (["check"], ["doctor"], ["alert", "test"], ["markets"], ["daemon"]):
        assert main(words) == 78
        told = capfd.readouterr()
        assert "config.toml:" in told.err, "it says where"
        assert MARK.lower() not in (told.out + told.err).lower()


def test_an_own_market_with_the_name_of_a_shipped_one_is_refused(
    own_folders: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Both would have the same position ids, and of each wallet one position would hide the other."""
    folder = own_folders / "liqtui"
    folder.mkdir()
    text = '[chains.ethereum]\n[[markets]]\nprotocol = "aave-v3"\nchain = "ethereum"\nname = "ethereum core"\n'
    (folder / "config.toml").write_text(f'{text}pool_addresses_provider = "0x{"1" * 40}"\n')
    assert main(["check"]) == 78
    assert "config.toml:5: markets[1].name: is the name of a market that liqtui knows" in capfd.readouterr().err
