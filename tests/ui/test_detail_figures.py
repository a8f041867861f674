"""The figures of a position in its detail: none can be wrong, cut or unsealed."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from liqtui.core import format as fmt
from liqtui.core.model import Asset, Change, Health
from liqtui.core.results import Direction
from liqtui.core.snapshot import Ages, Freshness, Severity
from liqtui.core.units import HEALTH_INFINITE, WAD
from liqtui.ui.detail_view import View
from liqtui.ui.detail_ways import _amount, ladder_mover, rescue_for, steps
from liqtui.ui.style import DEFAULT_VARIABLES, Palette
from liqtui.ui.targets import TargetsDialog, read_targets
from tests.ui import frames, lookalikes, scenes
from tests.ui.details import app_with, elsewhere, opened, whole
from tests.ui.stage import make, stage


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
    legs = tuple(leg._replace(price=None, value=None) for leg in position.legs)
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


def test_a_rate_that_nobody_tells_is_unknown_wherever_it_counts() -> None:
    position = lookalikes.looped()
    assert "carry" in whole(lookalikes.row(position))
    legs = tuple(leg._replace(rate=None) if leg.owed else leg for leg in position.legs)
    text = whole(lookalikes.row(replace(position, legs=legs, interest_eta=None, carry_per_year=None)))
    assert "unknown" in text
    assert "interest alone: not known" in text
    assert "never at today's rates" not in text
    assert "carry" not in text


def test_boundaries_give_direction_price_distance_and_none_in_words() -> None:
    text = whole(lookalikes.row(lookalikes.looped()))
    assert re.search(r"wstETH / ETH ▼ +1\.1853 +−2\.8% 5\.5σ", text)
    assert re.search(r"WETH only +▲ +2,573\.2 +\+2\.9%", text)
    assert re.search(r"ETH +▲ +2,699\.8 +\+7\.9%", text), "where the cap of wstETH lets WETH run away from it"
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


async def test_the_list_tells_the_way_back_to_the_target_that_is_nearest_to_the_one_before() -> None:
    """Whatever the engine's targets are: the cure must not vanish from the list."""
    app = app_with()
    async with stage(app, (120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("t", "ctrl+shift+a", "backspace", *"1.9 3", "enter", "escape")
        await pilot.pause()
        assert app.state.settings.target == 190 * WAD // 100
        position = scenes.ROWS[0].position
        assert position is not None
        (way,) = rescue_for(position, (190 * WAD // 100,))
        asset, raw = way.repay[0]
        assert f"back to 1.90   repay {fmt.amount(raw, asset.decimals, up=True)} USDC" in frames.text(app)


def test_without_debt_nothing_is_cut_in_the_box_of_health() -> None:
    row = scenes.ROWS[0]
    assert row.position is not None
    free = replace(row.position, legs=row.position.legs[:2], debt_value=0, boundaries=(), rescue=(), book=None)
    text = whole(replace(row, position=free, cushion=None, severity=Severity.OK))
    assert re.search(r"│ to 1\.00  no debt +│", text)


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


def test_links_are_listed_where_the_figures_come_from() -> None:
    text = whole(lookalikes.row(lookalikes.looped()))
    assert "app (O)           https://app.example.org/?marketName=proto_mainnet_v3" in text
    assert "app (O)" not in whole(lookalikes.row(lookalikes.looped(), app=""))


def test_a_view_speaks_in_the_base_of_its_market() -> None:
    position = replace(lookalikes.looped(), base_symbol="ETH", base_decimals=18)
    app = make()
    view = View(app.state, Palette(DEFAULT_VARIABLES), app.state.snapshot, lookalikes.row(position))
    assert view.money(1_234 * WAD) == "1,234 ETH"


def test_only_protocols_with_categories_say_that_there_is_none() -> None:
    row = scenes.ROWS[0]
    assert "e-mode off" in whole(row)
    assert "e-mode" not in whole(replace(row, position=elsewhere(row.position)))
