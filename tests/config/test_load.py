from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from liqtui.config import schema, schema_alerts
from liqtui.config.errors import ConfigError, ConfigFileError
from liqtui.config.load import Config, load, parse
from liqtui.core.units import WAD, decimal_string
from liqtui.core.wallet import DEFAULT_THRESHOLDS
from liqtui.protocols.shipped import Naming
from liqtui.protocols.shipped import protocols as shipped

FILE = Path("config.toml")
SECRET = "deadbeefsecret"
ENTRY = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
LAB = '[chains.lab]\nid = 31337\nrpc = ["http://127.0.0.1:8545"]\n'


def read(text: str, **env: str) -> Config:
    return parse(text, FILE, env=env)


def mistakes(text: str, **env: str) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        read(text, **env)
    return str(caught.value).splitlines()


def test_without_a_file_the_main_chains_are_public(tmp_path: Path) -> None:
    config = load(tmp_path / "config.toml")
    assert list(config.chains)[:3] == ["ethereum", "base", "arbitrum"]
    assert config.public
    assert config.source is None
    assert config.thresholds == DEFAULT_THRESHOLDS
    assert all(chain.public and len(chain.rpc) >= 3 and chain.poll == 12 for chain in config.chains.values())


def test_an_empty_file_is_as_none(tmp_path: Path) -> None:
    (file := tmp_path / "config.toml").write_text("")
    assert load(file).chains == load(tmp_path / "missing.toml").chains


def test_a_file_that_was_named_has_to_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml: there is no such file"):
        load(tmp_path / "missing.toml", named=True)


def test_a_folder_instead_of_a_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_named_chains_are_the_only_ones() -> None:
    config = read('[chains.base]\nrpc = ["https://a.example", "wss://b.example"]\n' + LAB)
    assert list(config.chains) == ["base", "lab"]
    base = config.chains["base"]
    assert (base.id, base.tag, base.rpc, base.ws) == (8453, "base", ("https://a.example",), ("wss://b.example",))
    assert not config.public
    assert config.chains["lab"].id == 31337


def test_a_known_chain_without_endpoints_stays_public() -> None:
    config = read(f"[chains.ethereum]\npoll = 30\n[chains.linea]\n{LAB}[engine]\npoll = 5")
    assert config.public
    assert [chain.public for chain in config.chains.values()] == [True, True, False]
    assert [chain.poll for chain in config.chains.values()] == [30, 5, 5]


def test_switching_chains_off_adds_none() -> None:
    everything = read("").chains
    assert set(read("[chains.bnb]\nenabled = false").chains) == set(everything) - {"bnb"}
    assert set(read("[chains.bnb]\nenabled = false\n[chains.base]").chains) == {"base"}


def test_a_name_of_ones_own_for_a_known_chain_keeps_what_is_known() -> None:
    chain = read('[chains.era]\nid = 324\nrpc = "https://a.example"').chains["era"]
    assert chain.multicall3 == "0xf9cda624fbc7e059355ce98a31693d299facd963"
    assert chain.rpc == ("https://a.example",)
    assert not chain.public


def test_gas_zero_is_the_nodes_own() -> None:
    assert read(LAB + "gas = 0").chains["lab"].gas is None
    assert read(LAB).chains["lab"].gas == 50_000_000


def test_every_mistake_at_once_in_order() -> None:
    text = f"""\
[thresholds]
warm = 1.2
critical = 1.0

[ui]
color = "blue"
bell = "yes"
{LAB}timeout = 0
[chains.eth]
[threshold]
warn = 2
"""
    assert mistakes(text) == [
        'config.toml:2: thresholds.warm: unknown key, did you mean "warn"?',
        "config.toml:3: thresholds.critical: has to be a decimal above 1 and under 100",
        "config.toml:6: ui.color: has to be one of auto, truecolor, 256, 16, mono",
        "config.toml:7: ui.bell: has to be true or false, not text",
        "config.toml:11: chains.lab.timeout: has to be between 0.5 and 300 seconds",
        'config.toml:12: chains.eth: unknown chain, its id is missing, did you mean "ethereum"?',
        'config.toml:13: threshold: unknown table, did you mean "thresholds"?',
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("warn = 1.04", "thresholds.warn: is 1.04 and has to be above critical, which is 1.05 by default"),
        ("critical = 1.2", "thresholds.critical: is 1.2 and has to be under warn, which is 1.2 by default"),
        ("warn = nan", "thresholds.warn: has to be a finite number"),
        ('warn = "1.3"', "thresholds.warn: has to be a number, not text"),
        ("warn = true", "thresholds.warn: has to be a number, not true or false"),
        ("warn = 1.2000000000000000001", "thresholds.warn: has more than 18 decimals"),
        ("warn_cushion = 10", "thresholds.warn_cushion: has to be a decimal above 0 and under 1"),
        (
            "warn_cushion = 0.05\ncritical_cushion = 0.1",
            "thresholds.warn_cushion: is 0.05 and has to be above critical_cushion, which is 0.1",
        ),
    ],
)
def test_thresholds_that_cannot_be(text: str, expected: str) -> None:
    [mistake] = mistakes(f"[thresholds]\n{text}")
    assert mistake.split(": ", 1)[1] == expected


@given(st.integers(10**18 + 2, 100 * 10**18 - 1))
def test_thresholds_are_exact(raw: int) -> None:
    config = read(f"[thresholds]\nwarn = {decimal_string(raw, 18)}\ncritical = 1.000000000000000001")
    assert config.thresholds.warn == raw
    assert config.thresholds.critical == 10**18 + 1


def test_targets_hold_the_target() -> None:
    config = read("[rescue]\ntarget = 1.3\ntargets = [1.5, 1.1, 1.5]")
    assert config.target == 130 * WAD // 100
    assert config.targets == (110 * WAD // 100, 130 * WAD // 100, 150 * WAD // 100)


def test_switches_and_numbers_as_people_write_them() -> None:
    ui = read('[ui]\ncolor = 256\nmouse = false\nascii = true\nnotify = 9\ntheme = "mine"\nseconds = true').ui
    assert ui.seconds
    assert not read("").ui.seconds
    assert (ui.color, ui.mouse, ui.ascii, ui.notify, ui.theme, ui.bell) == ("256", "off", "on", "9", "mine", True)


def test_what_is_wrong_is_not_called_missing_as_well() -> None:
    text = f'{LAB}[[markets]]\nprotocol = 5\nchain = "lab"\nname = "x"\npool_addresses_provider = "{ENTRY}"\n'
    assert mistakes(text) == ["config.toml:5: markets[1].protocol: has to be text, not a whole number"]


_STRANGE = ("[]", "[[]]", '["a", 1]', "{}", "nan", "-inf", "-1", '""', "true", "0001-01-01", "9999-12-31", "12:00:00")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_whatever_stands_behind_a_key_is_taken_or_told(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the ends of the calendar the local time zone leads out of it, to either side."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    heads = {f"[{name}]": section for name, section in schema.SECTIONS.items()}
    heads |= {"[chains.base]": schema.CHAIN, "[[markets]]": schema.market_section(shipped())}
    heads |= {"[channels.x]": schema_alerts.CHANNEL, "[[maintenance]]": schema_alerts.MAINTENANCE}
    try:
        for head, section in heads.items():
            for key in section.keys:
                for value in _STRANGE:
                    with suppress(ConfigError):
                        read(f"{head}\n{key} = {value}")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("poll", ["1.99", "0", "-5", "1e9", "inf"])
def test_polls_are_never_under_two_seconds(poll: str) -> None:
    assert mistakes(f"[engine]\npoll = {poll}")
    assert mistakes(f"[chains.base]\npoll = {poll}")


def test_variables_of_the_environment() -> None:
    config = read('[chains.base]\nrpc = ["https://x.example/${KEY}"]\n[ui]\ntheme = "${T}-dark"', KEY="k1", T="my")
    assert config.chains["base"].rpc == ("https://x.example/k1",)
    assert config.ui.theme == "my-dark"


def test_a_missing_variable_is_named_once_and_placed() -> None:
    text = '[chains.base]\nrpc = [\n  "https://x.example",\n  "${WHOLE}",\n  "https://x/${EMPTY}${not a name}",\n]'
    assert mistakes(text, EMPTY="") == [
        "config.toml:4: chains.base.rpc[2]: the environment variable WHOLE is not set",
        "config.toml:5: chains.base.rpc[3]: the environment variable EMPTY is empty",
        "config.toml:5: chains.base.rpc[3]: ${not a name} is not the name of an environment variable",
    ]


@pytest.mark.parametrize(
    "text",
    [
        '[chains.base]\nrpc = ["ftp://${KEY}"]',
        '[chains.base]\nrpc = ["https:// ${KEY}"]',
        '[chains.base]\nrpc = ["https://[${KEY}"]',
        '[chains.base]\nexplorer = "${KEY}"',
        '[chains.base]\nmulticall3 = "${KEY}"',
        '[ui]\ncolor = "${KEY}"',
        f'{LAB}[[markets]]\nprotocol = "${{KEY}}"\nchain = "lab"\nname = "x"',
        f'{LAB}[[markets]]\nprotocol = "aave-v3"\nchain = "${{KEY}}"\nname = "x"',
    ],
)
def test_no_mistake_repeats_the_value_of_a_variable(text: str) -> None:
    assert SECRET not in "\n".join(mistakes(text, KEY=SECRET))


def test_endpoints_stay_out_of_what_is_printed() -> None:
    config = read('[chains.base]\nrpc = ["https://x.example/${KEY}", "wss://x.example/${KEY}"]', KEY=SECRET)
    assert SECRET not in repr(config)


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ("[chains.ethereum]\nid = 5", "chains.ethereum.id: ethereum is chain 1, give the other chain another name"),
        ("[chains.lab]\nid = 7", "chains.lab: rpc is missing"),
        ("[chains.lab]\nid = 7\nrpc = []", "chains.lab.rpc: is empty, give at least one endpoint"),
        ('[chains.lab]\nid = 7\nrpc = "wss://x"', "chains.lab.rpc: has no http or https endpoint"),
        ("[chains.nope]\nenabled = false", "chains.nope: unknown chain"),
        ('[chains."a b"]\nid = 7', 'chains."a b": a chain\'s name has up to 32'),
        ("chains = 3", "chains: has to be a table, not a whole number, write [chains]"),
        ("[chains]\nbase = 3", "chains.base: has to be a table, not a whole number"),
        (
            '[chains.a]\nid = 7\nrpc = "http://x"\n[chains.b]\nid = 7\nrpc = "http://x"',
            "chains.b.id: chain 7 is already",
        ),
    ],
)
def test_chains_that_cannot_be(chain: str, expected: str) -> None:
    [mistake] = mistakes(chain)
    assert mistake.split(": ", 1)[1].startswith(expected)


def test_every_chain_off_is_a_mistake() -> None:
    off = "\n".join(f"[chains.{name}]\nenabled = false" for name in read("").chains)
    assert [mistake.split(": ", 1)[1] for mistake in mistakes(off)] == ["chains: every chain is switched off"]


def market(**values: str) -> str:
    given = {"protocol": "aave-v3", "chain": "lab", "name": "lab market", "pool_addresses_provider": ENTRY, **values}
    lines = [f'{key} = "{value}"' for key, value in given.items() if value]
    return "\n".join(["[[markets]]", *lines, ""])


def test_markets() -> None:
    ids = f'market_ids = ["0x{"A" * 64}", "0x{"b" * 64}"]'
    morpho = market(protocol="morpho-blue", morpho=ENTRY, pool_addresses_provider="", name="blue") + ids
    aave, blue = read(f"{LAB}{market()}\n{morpho}").markets
    assert (aave.protocol, aave.chain_id, aave.name, aave.entry) == ("aave-v3", 31337, "lab market", ENTRY.lower())
    assert aave.custom
    assert blue.options == (("market_ids", f"0x{'a' * 64},0x{'b' * 64}"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (market(protocol="aave-v4"), "markets[1].protocol: unknown protocol, did you mean"),
        (market(chain="labb"), 'markets[1].chain: is not a chain that is watched, did you mean "lab"?'),
        (market(pool_addresses_provider=""), "markets[1]: pool_addresses_provider is missing"),
        (market(pool_addresses_provider="0x12"), "markets[1].pool_addresses_provider: is not an address"),
        (market(comet=ENTRY), "markets[1].comet: does not belong to aave-v3, it takes pool_addresses_provider"),
        (market(name=""), "markets[1]: name is missing"),
        (market(nam="x"), 'markets[1].nam: unknown key, did you mean "name"?'),
        (market() + market(), "markets[2].name: there is already such a market"),
        ("[markets]\nname = 1", "markets: has to be a list of tables, not a table"),
    ],
)
def test_markets_that_cannot_be(text: str, expected: str) -> None:
    [mistake] = mistakes(LAB + text)
    assert mistake.split(": ", 1)[1].startswith(expected)


def test_protocols_are_given_by_the_caller() -> None:
    text = f'{LAB}[[markets]]\nprotocol = "silo"\nchain = "lab"\nname = "x"\nsilo_config = "{ENTRY}"'
    [ref] = parse(text, FILE, protocols={"silo": Naming("silo_config")}, env={}).markets
    assert (ref.protocol, ref.entry) == ("silo", ENTRY.lower())
    assert mistakes(text)


def test_every_setting_is_explained() -> None:
    sections = (*schema.SECTIONS.values(), schema.CHAIN, schema.market_section(shipped()))
    assert all(setting.help and setting.kind.words for section in sections for setting in section.settings)


def faults(text: str) -> tuple[ConfigError, ...]:
    try:
        read(text)
    except ConfigError as fault:
        return fault.errors
    return ()


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    assert all(str(error).startswith("config.toml:") for error in faults(text))


TREES = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.floats(), st.text(st.characters(codec="utf-8"), max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from([*schema.TABLES, "base", "lab", "id", "rpc", "warn", "protocol", "chain", "name"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(schema.TABLES), TREES, max_size=3))
def test_any_table_is_read_or_refused_in_words(values: dict[str, object]) -> None:
    assert all(error.line for error in faults(tomli_w.dumps(values)))
