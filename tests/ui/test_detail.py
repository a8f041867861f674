"""The detail of a position: what it shows at three sizes, and that none of it can be wrong, cut or faked."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from liqtui.core import format as fmt
from liqtui.core.model import Asset, Change, Direction, Health
from liqtui.core.snapshot import Ages, Freshness, Severity
from liqtui.core.units import HEALTH_INFINITE, WAD
from liqtui.ui import clipboard
from liqtui.ui.detail import PositionDetail, document
from liqtui.ui.detail_parts import columns
from liqtui.ui.detail_view import View
from liqtui.ui.detail_ways import _amount, ladder_mover, rescue_for, steps
from liqtui.ui.filters import Filter
from liqtui.ui.style import DEFAULT_VARIABLES, Palette
from liqtui.ui.targets import TargetsDialog, read_targets
from tests.ui import frames, lookalikes, scenes
from tests.ui.stage import engine_of, make, post, stage

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from liqtui.core.model import Position
    from liqtui.core.snapshot import Row
    from liqtui.ui.app import LiqtuiApp

SIZES = [(120, 36), (80, 24), (40, 10)]


def recorded() -> list[tuple[float, float]]:
    """A day that falls, with an hour in which nothing was read."""
    return [
        (scenes.NOW - 86_400 + i * 300, 1.109 - 0.06 * i / 288 + 0.008 * math.sin(i / 9))
        for i in range(288)
        if not 120 < i < 132
    ]


def app_with(*rows: Row, **settings: object) -> LiqtuiApp:
    alerts = tuple(lookalikes.alert(rows[0].id, n) for n in (1, 2)) if rows else scenes.ALERTS
    app = make(scenes.snapshot(rows=rows or scenes.ROWS, alerts=alerts), **settings)
    engine_of(app).recorded = recorded()
    return app


async def opened(pilot: Pilot[None]) -> PositionDetail:
    await pilot.press("enter")
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, PositionDetail)
    return screen


def view_of(row: Row, **settings: object) -> View:
    app = app_with(row, **settings)
    position, targets = row.position, app.state.settings.targets
    ways = rescue_for(position, targets) if position else ()
    return View(app.state, Palette(DEFAULT_VARIABLES), app.state.snapshot, row, recorded(), ways)


def whole(row: Row, width: int = 120) -> str:
    """All lines of the detail of a row."""
    return (
        "\n".join("".join(segment.text for segment in strip).rstrip() for strip in document(view_of(row), width)) + "\n"
    )


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_frame(size: tuple[int, int]) -> None:
    app = app_with()
    async with stage(app, size) as pilot:
        await opened(pilot)
        text = frames.text(app)
        frames.check(f"detail-{size[0]}x{size[1]}", text)
        assert all(cell_len(line) <= size[0] for line in text.splitlines())
        assert {strip.cell_length for strip in frames.strips(app)} == {size[0]}


def test_frame_of_everything_it_can_show() -> None:
    frames.check("detail-capped-ratio-120", whole(lookalikes.row(lookalikes.looped())))


@pytest.mark.parametrize("tab", [1, 2, 3, 4])
async def test_tabs_on_a_narrow_screen(tab: int) -> None:
    app = app_with(lookalikes.row(lookalikes.looped()))
    async with stage(app, (80, 24)) as pilot:
        await opened(pilot)
        await pilot.press(str(tab))
        frames.check(f"detail-tab{tab}-80x24", frames.text(app))


async def test_every_box_can_be_reached_on_the_smallest_screen() -> None:
    app = app_with(lookalikes.row(lookalikes.looped()))
    seen = ""
    async with stage(app, (40, 10)) as pilot:
        screen = await opened(pilot)
        for tab in "1234":
            await pilot.press(tab)
            before = -1
            while screen.sheet.top != before:
                before = screen.sheet.top
                seen += frames.text(app)
                await pilot.press("pagedown")
    for title in (
        "what takes it",
        "24 h",
        "made of",
        "prices are",
        "ways out",
        "if wstETH",
        "if it is",
        "alerts",
        "comes from",
    ):
        assert f"╌ {title}" in seen or title in seen, title


def test_the_arithmetic_is_shown_and_sealed() -> None:
    text = whole(scenes.ROWS[0])
    assert "HF = $1,735,714 ÷ $1,665,752 = 1.0420   ✓ verified" in text
    assert "✓ verified to the wei at block" in text


def test_a_figure_that_the_contract_does_not_confirm_is_marked_everywhere() -> None:
    position = lookalikes.looped()
    wrong = replace(position, health=Health(position.health.raw, 1_010 * 10**15, "revision 9 is not known"))
    text = whole(lookalikes.row(wrong))
    assert "1.0100   ≠ not verified" in text
    assert "the figure is its own, not this quotient" in text
    assert "(revision 9 is not known)" in re.sub(r"\s*│.*?│\s*", " ", text) or "revision 9 is" in text
    assert text.count("unverified") == 3, "ways out, ladder and liquidation are ours, not the contract's"


def test_the_contracts_silence_is_not_a_confirmation() -> None:
    position = lookalikes.looped()
    silent = replace(position, health=Health(position.health.raw, None, "it reverted"))
    text = whole(lookalikes.row(silent))
    assert "✓ verified" not in text
    assert "the contract" in text
    assert "no answer" in text


def test_old_figures_say_so_beside_each_of_them() -> None:
    position = lookalikes.looped()
    blind = lookalikes.row(
        position,
        severity=Severity.BLIND,
        freshness=Freshness.BLIND,
        ages=Ages(540, 9000, 540),
        error="timeout: no answer",
    )
    text = whole(blind)
    assert "= 1.0293~" in text
    assert text.count("from old figures") == 3
    assert "◌ blind, read 9m ago, oracle" in text
    assert "╭╮╭" in text, "the big figure carries its ~"


def test_never_read_shows_no_figure() -> None:
    row = lookalikes.row(None, severity=Severity.UNKNOWN, freshness=Freshness.BLIND, error="revert: not a market")
    text = whole(row)
    assert text.count("never read") >= 5
    assert "revert: not a market" in text
    assert not re.search(r"\$[0-9]", text)


def test_no_debt_is_infinite_and_says_why() -> None:
    held = lookalikes.looped().legs[:1]
    position = replace(
        lookalikes.looped(), legs=held, health=Health(HEALTH_INFINITE, HEALTH_INFINITE), debt_value=0, boundaries=(),
        rescue=(), scope=None, interest_eta=None, book=None,
    )  # fmt: skip
    text = whole(lookalikes.row(position, severity=Severity.OK, sigmas=None))
    assert "no debt: health is infinite" in text
    assert "no debt, so no price can" in text
    assert "nothing to repay" in text
    assert "┏━┳━┓" in text


def test_unknown_health_is_never_a_number() -> None:
    position = lookalikes.looped()
    legs = tuple(replace(leg, price=None, value=None) for leg in position.legs)
    unknown = replace(
        position, legs=legs, health=Health(None, None, "no price"), boundaries=(), rescue=(), book=None,
        collateral_value=None, debt_value=None, interest_eta=None, carry_per_year=None, scope=None,
    )  # fmt: skip
    text = whole(lookalikes.row(unknown, severity=Severity.UNKNOWN, sigmas=None, cushion=None))
    assert "no arithmetic: a price or an amount is missing" in text
    assert "health unknown" in text
    assert "interest alone: not known" in text
    assert "not known: a price or a rule" in text
    assert "can be liquidated" not in text


def test_boundaries_give_direction_price_distance_and_none_in_words() -> None:
    text = whole(lookalikes.row(lookalikes.looped()))
    assert re.search(r"wstETH / ETH ▼ +1\.1853 +−2\.8% 5\.5σ", text)
    assert re.search(r"WETH only +▲ +2,573\.3 +\+2\.9%", text)
    assert "none: all collateral" in text
    assert "interest alone: in about 405 days" in text


def test_how_a_capped_price_is_made() -> None:
    text = whole(lookalikes.row(lookalikes.looped()))
    assert "wstETH    3,050  ✓ proven" in text
    assert "ETH / USD 2,500 · × wstETH / ETH 1.22 · capped at 3,200 · rate capped at +9.68% a year" in text
    assert "updated 30m ago" in text


def test_parts_that_do_not_give_the_price_are_not_called_proven() -> None:
    position = lookalikes.looped()
    quotes = tuple(replace(quote, price=(quote.price or 0) + 1) for quote in position.quotes)
    text = whole(lookalikes.row(replace(position, quotes=quotes)))
    assert text.count("≠ the parts do not give it") == 2


def test_a_late_feed_is_called_late() -> None:
    feed = lookalikes.ETH_FEED._replace(updated_at=int(scenes.NOW) - 9000)
    text = whole(lookalikes.row(lookalikes.looped(feeds=(feed,))))
    assert "updated 2h ago of 1h, LATE" in " ".join(text.split())


def test_what_a_liquidation_takes() -> None:
    text = whole(lookalikes.row(lookalikes.looped()))
    assert "cannot happen now grace period until 14:30" in text
    assert "one call repays   56.3 WETH (50% of it)" in text
    assert "it takes          46.6 wstETH, bonus 1%" in text
    assert "you lose          ≈ $2,815" in text
    assert "under HF 0.9595 each liquidation lowers health" in text


async def test_provenance_shows_no_secret() -> None:
    text = whole(lookalikes.row(lookalikes.looped(), error="http: https://u:pw@node.example/v2/KEY said 401"))
    assert "0x" + "cd" * 32 in text
    assert "21,993,104" in text
    assert "KEY" not in text
    assert "pw@" not in text


def test_the_ladder_is_the_protocols_own_arithmetic() -> None:
    position = lookalikes.looped()
    boundary = position.nearest
    mover = ladder_mover(position, boundary)
    assert position.book is not None
    assert mover is not None
    assert mover.now is not None
    assert mover.factor.startswith("ratio:")
    here = position.book.health(Change(prices=mover.prices(mover.now)))
    assert here == position.health.shown
    fallen = position.book.health(Change(prices=mover.prices(mover.now * 97 // 100)))
    assert fallen is not None
    assert fallen < WAD


def test_the_ladder_holds_the_boundary_and_begins_on_the_safe_side() -> None:
    boundary = lookalikes.looped().nearest
    assert boundary is not None
    for move, direction in ((0.7, Direction.RISES), (-0.35, Direction.FALLS), (-0.043, Direction.FALLS)):
        now = 10**12
        moved = replace(boundary, price_now=now, price=round(now * (1 + move)), direction=direction)
        walk = steps(moved)
        assert min(walk) <= move * 100 <= max(walk)
        assert math.copysign(1, walk[0]) == -math.copysign(1, move)
        assert 0 in walk


@given(raw=st.integers(1, 10**40), decimals=st.integers(0, 24), width=st.integers(4, 30))
def test_an_amount_to_move_is_never_shown_smaller_than_it_is(raw: int, decimals: int, width: int) -> None:
    text = _amount((Asset("0x" + "00" * 20, "WETH", decimals), raw), width)
    assert cell_len(text) <= max(width, 7)
    if text != "see raw":
        number = text.split(" ")[0].replace(",", "")
        whole_part, _, part = number.partition(".")
        shown = int(whole_part) * 10**decimals + (int(part.ljust(decimals, "0")[:decimals] or "0") if part else 0)
        assert shown >= raw


async def test_the_ways_out_of_other_targets_are_computed_here() -> None:
    app = app_with()
    async with stage(app, (120, 60)) as pilot:
        await opened(pilot)
        await pilot.press("t")
        assert isinstance(app.screen, TargetsDialog)
        await pilot.press("ctrl+shift+a", "backspace", *"1.07 nonsense", "enter")
        assert isinstance(app.screen, TargetsDialog), "what is wrong stays open"
        await pilot.press(*["backspace"] * 9, *" 1.3", "enter")
        await pilot.pause()
        text = frames.text(app)
        position = scenes.ROWS[0].position
        assert position is not None
        (way,) = rescue_for(position, (130 * WAD // 100,))
        asset, raw = way.repay[0]
        assert fmt.amount(raw, asset.decimals, up=True) in text
        assert position.book is not None
        after = position.book.health(Change(debt={asset.address: -raw}))
        assert after is not None
        assert after >= 130 * WAD // 100
        assert re.search(r"1\.07 ", text)
        assert not re.search(r"1\.25 +[0-9,.]+ USDC", text)


@pytest.mark.parametrize("text", ["", "1", "0.9", "abc", "1e9", "101", " ".join(["1.1"] * 9)])
def test_bad_targets_are_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        read_targets(text)


def test_targets_are_sorted_and_each_once() -> None:
    assert read_targets("1.5, 1.1 1.5") == (11 * WAD // 10, 15 * WAD // 10)


def test_a_target_that_is_reached_asks_for_nothing() -> None:
    text = whole(replace(scenes.ROWS[4], since=0.0))
    assert "1.10  reached already" in text
    assert "1.25  reached already" in text
    assert re.search(r"1\.50 +[0-9,.]+ USDC", text)


async def test_stepping_goes_through_the_list_and_back() -> None:
    app = app_with()
    async with stage(app) as pilot:
        screen = await opened(pilot)
        await pilot.press("right_square_bracket")
        assert screen.sheet.position_id == scenes.ROWS[1].id
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert screen.sheet.position_id == scenes.ROWS[-1].id
        assert "20 of 20" in frames.text(app)
        await pilot.press("escape")
        assert app.screen is app.dashboard
        assert app.state.selected == scenes.ROWS[-1].key


async def test_raw_values_are_the_exact_integers() -> None:
    app = app_with()
    async with stage(app, (120, 60)) as pilot:
        await opened(pilot)
        await pilot.press("d")
        text = frames.text(app)
        position = scenes.ROWS[0].position
        assert position is not None
        assert str(position.health.raw) in text
        for leg in position.legs:
            assert str(leg.amount) in text
        frames.check("detail-raw-120x60", text)
        await pilot.press("escape")
        assert "raw values ──" not in frames.text(app)
        assert isinstance(app.screen, PositionDetail), "escape closed the raw values only"


async def test_acknowledge_takes_this_positions_newest_alert() -> None:
    app = app_with()
    async with stage(app) as pilot:
        await pilot.press("j")
        await opened(pilot)
        await pilot.press("a")
        assert engine_of(app).acked == [3]
        await pilot.pause()
        await pilot.press("a")
        assert engine_of(app).acked == [3]
        assert "nothing to acknowledge here" in frames.text(app)


async def test_copy_says_what_is_needed_to_act(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(
        clipboard, "copy", lambda _, text: copied.append(text) or clipboard.Copied(True, None, "no room")
    )
    app = app_with()
    async with stage(app) as pilot:
        await opened(pilot)
        await pilot.press("y")
        assert "HF 1.042000" in copied[0]
        assert "block 21993104" in copied[0]
        assert "liquidated when ETH falls to 2,308.4 (−4.3%)" in copied[0]
        assert "back to 1.25: repay 277,180.56 USDC or add 173.06 ETH" in copied[0]
        assert "no file: no room" in frames.text(app)


async def test_explorer_link_is_copied_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(clipboard, "copy", lambda _, text: copied.append(text) or clipboard.Copied(True, None))
    chains = tuple(replace(chain, explorer="https://explorer.example") for chain in scenes.CHAINS)
    app = make(scenes.snapshot(chains=chains))
    async with stage(app) as pilot:
        await opened(pilot)
        await pilot.press("o")
        assert copied == [f"https://explorer.example/address/{scenes.WALLETS['treasury'].address}"]
        assert copied[0] in frames.text(app)


async def test_without_an_explorer_it_says_so() -> None:
    app = app_with()
    async with stage(app) as pilot:
        await opened(pilot)
        await pilot.press("o")
        assert "no block explorer is set for ethereum" in frames.text(app)


async def test_the_link_to_the_app_is_copied_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(clipboard, "copy", lambda _, text: copied.append(text) or clipboard.Copied(True, None))
    row = lookalikes.row(lookalikes.looped())
    app = app_with(row)
    async with stage(app) as pilot:
        await opened(pilot)
        await pilot.press("O")
        assert copied == [row.app]
        assert row.app in frames.text(app)
        await post(pilot, scenes.snapshot(2, rows=(replace(row, app="", brand="[b]x[/b]"),)))
        await pilot.press("O")
        assert "no app is known for [b]x[/b] core" in frames.text(app)
        assert copied == [row.app]


def test_links_are_listed_where_the_figures_come_from() -> None:
    text = whole(lookalikes.row(lookalikes.looped()))
    assert "app (O)           https://app.example.org/?marketName=proto_mainnet_v3" in text
    assert "app (O)" not in whole(lookalikes.row(lookalikes.looped(), app=""))


async def test_a_fork_is_shown_and_found_by_its_own_name() -> None:
    row = lookalikes.row(lookalikes.looped(), brand="spark")
    app = app_with(row)
    async with stage(app) as pilot:
        assert "spark eth" in frames.text(app)
        await opened(pilot)
        assert "spark eth" in frames.text(app)
        assert "aave-v3" not in frames.text(app)
    for wanted in ("protocol:spark", "protocol:aave", "spark"):
        assert Filter(wanted).matches(row), wanted


async def test_a_new_snapshot_repaints_what_changed() -> None:
    app = app_with()
    async with stage(app) as pilot:
        await opened(pilot)
        worse = replace(scenes.ROWS[0], severity=Severity.LIQUIDATABLE)
        await post(pilot, scenes.snapshot(2, rows=(worse, *scenes.ROWS[1:])))
        assert "LIQUIDATABLE" in frames.text(app).splitlines()[0]


async def test_an_equal_snapshot_paints_nothing() -> None:
    app = app_with()
    async with stage(app) as pilot:
        screen = await opened(pilot)
        before = list(screen.sheet._lines)
        painted: list[object] = []
        screen.sheet.refresh = lambda *regions, **_: painted.append(regions)  # type: ignore[method-assign,assignment]
        await post(pilot, scenes.snapshot(2))
        assert screen.sheet._lines == before
        assert painted == []


async def test_a_position_that_is_gone_keeps_its_last_figures_and_says_so() -> None:
    app = app_with()
    async with stage(app) as pilot:
        await opened(pilot)
        await post(pilot, scenes.snapshot(2, rows=scenes.ROWS[1:]))
        text = frames.text(app)
        assert "no longer held or no longer watched: these are its last figures" in text
        assert "1.0420" in text


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_hostile_names_print_as_text_and_move_nothing(size: tuple[int, int]) -> None:
    app = app_with(lookalikes.hostile())
    async with stage(app, size) as pilot:
        screen = await opened(pilot)
        for keys in ("1", "2", "3", "4", "d"):
            await pilot.press(keys)
            before = -1
            while screen.sheet.top != before:
                before = screen.sheet.top
                for strip in frames.strips(app):
                    assert strip.cell_length == size[0]
                    assert "".join(segment.text for segment in strip).isprintable()
                assert "KEY" not in frames.text(app)
                await pilot.press("pagedown")


async def test_ascii_has_no_other_character() -> None:
    app = app_with(lookalikes.row(lookalikes.looped()), ascii=True)
    async with stage(app, (120, 64)) as pilot:
        await opened(pilot)
        text = frames.text(app)
        assert text.isascii()
        assert "1.029" in text.splitlines()[3]
        assert "?" not in text.replace("? help", ""), "each sign has a likeness"


@pytest.mark.parametrize("width", range(1, 60, 7))
async def test_any_size_is_survived(width: int) -> None:
    app = app_with(lookalikes.row(lookalikes.looped()))
    async with stage(app, (width, 5)) as pilot:
        await opened(pilot)
        assert {strip.cell_length for strip in frames.strips(app)} == {width}


@given(width=st.integers(10, 300))
def test_columns_fit(width: int) -> None:
    table = columns(width)
    assert table[0].heading == "side"
    if width >= 28:
        assert sum(column.width + 1 for column in table) - 1 <= width
        assert [column.heading for column in table][:3] == ["side", "asset", "amount"]


def test_a_view_speaks_in_the_base_of_its_market() -> None:
    position = replace(lookalikes.looped(), base_symbol="ETH", base_decimals=18)
    app = make()
    view = View(app.state, Palette(DEFAULT_VARIABLES), app.state.snapshot, lookalikes.row(position))
    assert view.money(1_234 * WAD) == "1,234 ETH"


def test_only_protocols_with_categories_say_that_there_is_none() -> None:
    row = scenes.ROWS[0]
    assert "e-mode off" in whole(row)
    assert "e-mode" not in whole(replace(row, position=elsewhere(row.position)))


def elsewhere(position: Position | None) -> Position:
    """The same loan at a protocol that knows no categories."""
    assert position is not None
    return replace(position, key=position.key._replace(protocol="compound-v3"))
