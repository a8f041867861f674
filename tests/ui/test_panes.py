"""Wallets, prices, alerts and clocks in the cases that the frames do not show."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from textual.events import MouseScrollDown, MouseScrollUp

from liqtui.core.results import FactorKind
from liqtui.core.snapshot import Ages, Freshness, Severity, Stage
from liqtui.core.units import WAD
from tests.ui import frames, scenes
from tests.ui.stage import make, post, stage


async def test_a_partial_sum_has_a_plus() -> None:
    odd = replace(scenes.ROWS[4], position=None)
    app = make(scenes.snapshot(rows=(odd, *scenes.ROWS[:2])))
    async with stage(app):
        assert any(line.startswith("│ debt ") and "+ │" in line for line in frames.text(app).splitlines())


async def test_each_sum_has_its_own_plus() -> None:
    """One in another currency may be all that there is. Nothing in danger is $0: a dash is what is not known."""
    calm, critical = scenes.ROWS[4], scenes.ROWS[0]
    assert calm.position is not None
    assert critical.position is not None
    whole = {"collateral": "", "debt": "", "debt in danger": "$0", "carry per day": ""}
    for rows, wanted in (
        ((calm,), whole),
        ((calm, replace(critical, position=replace(critical.position, base_symbol="ETH"))),
         {"collateral": "+", "debt": "+", "debt in danger": "$0+", "carry per day": "+"}),
        ((replace(calm, position=replace(calm.position, carry_per_year=None)),), whole | {"carry per day": "$0+"}),
    ):  # fmt: skip
        app = make(scenes.snapshot(rows=rows))
        async with stage(app):
            lines = [line.split("│")[1] for line in frames.text(app).splitlines() if line.startswith("│ ")]
            for name, end in wanted.items():
                (told,) = {line.removeprefix(f" {name}").strip() for line in lines if line.startswith(f" {name}  ")}
                assert told.endswith("+") == end.endswith("+"), (name, told)
                assert told.endswith(end), (name, told)


@pytest.mark.parametrize(
    ("symbols", "told"),
    [
        (("USDC", "USDC"), [" 2.11M USDC", " 1.67M USDC", " in danger     1.67M USDC", "0 USDC"]),
        (("USDC", "ETH"), [" –", " –", " –", " –"]),
        (("USDC", "USD"), ["k+", "k+", " $0+", " $0+"]),
    ],
)
async def test_sums_are_in_the_currency_that_all_have_where_none_has_dollars(
    symbols: tuple[str, str], told: list[str]
) -> None:
    rows = tuple(
        replace(each, position=replace(each.position, base_symbol=symbol, carry_per_year=0))
        for each, symbol in zip((scenes.ROWS[0], scenes.ROWS[4]), symbols, strict=True)
        if each.position is not None
    )
    app = make(scenes.snapshot(rows=rows))
    async with stage(app):
        lines = [line.split("│")[1] for line in frames.text(app).splitlines() if line.startswith("│")]
        sums = [line for line in lines if line.startswith((" collateral", " debt", " in danger", " carry per day"))]
        assert [line.rstrip().endswith(end) for line, end in zip(sums, told, strict=True)] == [True] * 4, sums
        net = next(line for line in lines if line.startswith("›"))
        assert (symbols[0] in net) == (symbols[0] == symbols[1]), net


async def test_the_age_of_a_price_goes_on_when_its_chain_is_not_read() -> None:
    """An age that stands still would look fresh."""
    app = make(scenes.snapshot())
    async with stage(app):
        line = next(line for line in frames.text(app).splitlines() if line.startswith("│ POL "))
        assert "9m │" in line, "the chain is blind since"


async def test_nothing_is_known_of_a_wallet_while_a_market_was_not_looked_through() -> None:
    """None would be a promise."""
    chains = scenes.snapshot().chains
    for error, told in (("", "none"), ("revert: not a market", "–")):
        one = replace(chains[0], stages=(*chains[0].stages, Stage("spark", "spark", done=not error, error=error)))
        app = make(scenes.snapshot(chains=(one, *chains[1:3])))
        async with stage(app):
            (line,) = (line for line in frames.text(app).splitlines() if line.startswith("│ · ops-safe"))
            assert line.split("│")[1].endswith(f" {told}"), line


async def test_wallets_feeds_and_alerts_whose_names_are_long_are_told_apart() -> None:
    """Also where the room is little: what they begin with may be the same."""
    wallets = tuple(
        replace(each, label=f"customer {number} main") for number, each in enumerate(scenes.WALLETS.values(), 11)
    )
    feeds = tuple(
        (chain, feed._replace(label=f"staked {name} / ETH"))
        for (chain, feed), name in zip(scenes.FEEDS, ("one", "two", "three", "four", "five"), strict=True)
    )
    alerts = tuple(
        replace(alert, title=f"the customer of the house aave-v3 ethereum {name}")
        for alert, name in zip(scenes.ALERTS[:2], ("core", "prime"), strict=True)
    )
    app = make(scenes.snapshot(wallets=wallets, feeds=feeds, alerts=alerts))
    async with stage(app):
        lines = frames.text(app).splitlines()
        assert {strip.cell_length for strip in frames.strips(app)} == {120}
    names = [line.split("│")[1][3:11] for line in lines[4:10]]
    assert len(set(names)) == 6, names
    oracle = next(place for place, line in enumerate(lines) if line.startswith("├─ oracle"))
    prices = [line.split("│")[1][1:14] for line in lines[oracle + 1 : oracle + 6]]
    assert len(set(prices)) == 5, prices
    told = next(place for place, line in enumerate(lines) if line.startswith("╭─ alerts"))
    assert ["core" in lines[told + 1], "prime" in lines[told + 2]] == [True, True]


async def test_a_snoozed_alert_is_no_new_one_in_the_pane_either() -> None:
    alerts = (replace(scenes.ALERTS[0], snoozed_until=scenes.NOW + 60), *scenes.ALERTS[1:])
    app = make(scenes.snapshot(alerts=alerts))
    async with stage(app):
        lines = frames.text(app).splitlines()
    told = next(place for place, line in enumerate(lines) if line.startswith("╭─ alerts"))
    assert [line.rstrip("│ ")[-4:] for line in lines[told + 1 : told + 3]] == ["snzd", "●new"]


async def test_moving_through_every_pane() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("3", "G")
        assert app.dashboard.alerts.chosen == scenes.ALERTS[-1]
        await pilot.press("g", "pagedown", "k")
        assert app.dashboard.alerts.chosen == scenes.ALERTS[3]
        await pilot.press("2", "G")
        await pilot.pause()
        assert app.state.wallet == scenes.WALLETS["ops-safe"].key
        assert "no borrow position of ops-safe was found" in frames.text(app)
        await pilot.press("pageup")
        await pilot.pause()
        assert app.state.wallet is None
        await pilot.press("4", "j", "pagedown", "g")
        assert app.dashboard.prices.top == 0


async def test_more_feeds_than_fit_can_be_scrolled() -> None:
    feeds = tuple((chain, feed._replace(label=f"A{n} / USD")) for n in range(10) for chain, feed in scenes.FEEDS)
    app = make(scenes.snapshot(feeds=feeds))
    async with stage(app) as pilot:
        assert "more ─╯" in frames.text(app)
        await pilot.press("4", "G")
        assert "A9 base" in frames.text(app), "feeds of one name are told apart by their chain"


async def test_a_late_feed_and_one_from_the_future_are_marked() -> None:
    now = scenes.CHAINS[0].block.timestamp  # type: ignore[union-attr]
    late = ("ethereum", scenes.FEEDS[0][1]._replace(updated_at=now - 3601))
    future = ("ethereum", scenes.FEEDS[0][1]._replace(updated_at=now + 5, label="X / USD"))
    silent = ("ethereum", scenes.FEEDS[0][1]._replace(updated_at=None, answer=None, label="Y / USD"))
    app = make(scenes.snapshot(feeds=(late, future, silent)))
    async with stage(app):
        lines = frames.text(app).splitlines()
        assert next(line for line in lines if line.startswith("│ ETH")).split("│")[1].rstrip().endswith("✗1h")
        assert "✗" in next(line for line in lines if line.startswith("│ X "))
        assert next(line for line in lines if line.startswith("│ Y ")).split("│")[1].split() == ["Y", "–", "–"]


async def test_chains_that_are_late_or_public_or_too_many() -> None:
    late = replace(scenes.CHAINS[0], freshness=Freshness.LATE, age=75, public_endpoints=True)
    app = make(scenes.snapshot(chains=(late, *scenes.CHAINS[1:])))
    async with stage(app) as pilot:
        clocks = frames.text(app).splitlines()[0]
        assert "eth 21,993,104 1m" in clocks
        assert "public" in clocks
        many = tuple(replace(scenes.CHAINS[1], name=f"chain{n}") for n in range(30))
        await post(pilot, scenes.snapshot(2, chains=(*many, *scenes.CHAINS[2:])))
        clocks = frames.text(app).splitlines()[0]
        assert "✗ pol 9m" in clocks
        assert "31 fresh" in clocks
        dead = tuple(replace(scenes.CHAINS[3], name=f"chain{n}") for n in range(30))
        await post(pilot, scenes.snapshot(3, chains=dead))
        clocks = frames.text(app).splitlines()[0]
        shown = clocks.count("✗ chain")
        assert shown > 2
        assert f" +{30 - shown} " in clocks, "those that have no room are counted"


async def test_an_old_block_is_blamed_for_its_own_age() -> None:
    """A node that answers at once with a block of three minutes ago: "2s" would say that all is well."""
    chain, row = scenes.CHAINS[0], scenes.ROWS[0]
    assert chain.block is not None
    old = replace(chain, freshness=Freshness.LATE, age=2, block=chain.block._replace(timestamp=int(scenes.NOW) - 200))
    stale = replace(row, freshness=Freshness.STALE, ages=Ages(400, None, 2))
    app = make(scenes.snapshot(chains=(old, *scenes.CHAINS[1:]), rows=(stale,)))
    async with stage(app):
        lines = frames.text(app).splitlines()
        assert "eth 21,993,104 3m" in lines[0]
        assert next(line for line in lines if "││" in line and "aave-v3 eth" in line).rstrip(" │").endswith("6m")


async def test_a_chain_that_nothing_is_known_of_is_in_the_verdict() -> None:
    unread = replace(scenes.CHAINS[3], name="gnosis")
    app = make(scenes.snapshot(chains=(*scenes.CHAINS, unread)))
    async with stage(app, (140, 36)) as pilot:
        assert "✗ 1 CHAIN UNREAD" in frames.text(app).splitlines()[1]
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "◌1 ✗1" in frames.text(app).splitlines()[0]


async def test_notices_and_old_alerts() -> None:
    old = replace(scenes.ALERTS[0], at=scenes.NOW - 3 * 86_400)
    app = make(scenes.snapshot(alerts=(old,), notices=("public endpoints are used",)))
    async with stage(app) as pilot:
        text = frames.text(app)
        assert "Jun 29   ▲ treasury" in text
        assert "note     · public endpoints are used" in text
        await pilot.click("#alerts", offset=(10, 1))
        assert app.dashboard.alerts.chosen == old


async def test_the_wheel_moves_the_cursor() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot._post_mouse_events([MouseScrollDown], "#positions", (5, 5))
        await pilot.pause()
        assert app.state.selected_index == 3
        await pilot._post_mouse_events([MouseScrollUp], "#positions", (5, 5))
        await pilot.pause()
        assert app.state.selected_index == 0


async def test_where_no_price_ends_it_a_short_preview_tells_of_interest() -> None:
    row = scenes.ROWS[0]
    assert row.position is not None
    bare = replace(row, cushion=None, position=replace(row.position, boundaries=(), book=None))
    app = make(scenes.snapshot(rows=(bare,)))
    async with stage(app, (80, 24)):
        assert "left alone     interest brings it to 1.00" in frames.text(app)


async def test_all_prices_together_are_named_in_every_list() -> None:
    row = scenes.ROWS[0]
    assert row.cushion is not None
    together = replace(
        row.cushion,
        factor="together",
        kind=FactorKind.TOGETHER,
        label="all volatile",
        price=85 * WAD // 100,
        price_now=WAD,
        decimals=18,
    )
    app = make(scenes.snapshot(rows=(replace(row, cushion=together),)))
    async with stage(app):
        assert re.search(r" all +×0\.85", frames.text(app))


async def test_of_positions_that_were_never_read_nothing_is_a_figure() -> None:
    unread = replace(scenes.ROWS[0], position=None, cushion=None, severity=Severity.UNKNOWN, freshness=Freshness.BLIND)
    app = make(scenes.snapshot(rows=(unread,), alerts=()))
    async with stage(app):
        shown = frames.text(app)
        assert "$" not in shown
        assert "–~" not in shown


async def test_sums_are_no_zero_before_anything_was_read() -> None:
    app = make(replace(scenes.snapshot(rows=(), alerts=()), chains=()))
    async with stage(app):
        lines = [
            line for line in frames.text(app).splitlines() if line.startswith(("│ collateral", "│ debt", "│ carry"))
        ]
        assert len(lines) == 4
        assert all("$" not in line and "–" in line for line in lines)


async def test_what_the_preview_says_of_odd_positions() -> None:
    row = scenes.ROWS[0]
    assert row.position is not None
    no_debt = replace(
        row, position=replace(row.position, legs=row.position.legs[:2], debt_value=0, rescue=(), book=None)
    )
    app = make(scenes.snapshot(rows=(no_debt,)))
    async with stage(app) as pilot:
        text = frames.text(app)
        assert "left alone     no debt, nothing to liquidate" in text
        assert "debt           none" in text
        low = row.position.health._replace(raw=99 * 10**16, reported=99 * 10**16)
        gone = replace(row, severity=Severity.LIQUIDATABLE, position=replace(row.position, health=low, book=None))
        await post(pilot, scenes.snapshot(2, rows=(gone,)))
        assert "left alone     can be liquidated now" in frames.text(app)
        many = tuple(leg for _ in range(9) for leg in row.position.legs[:2]) + row.position.legs[2:]
        odd = many[0]._replace(counts=False, notes=("paused",))
        await post(
            pilot, scenes.snapshot(3, rows=(replace(row, position=replace(row.position, legs=(odd, *many[1:]))),))
        )
        text = frames.text(app)
        assert "does not count  paused" in text
        assert "more" in next(line for line in text.splitlines() if "more" in line and "││" in line)
        eternal = replace(row.position, interest_eta=None)
        await post(pilot, scenes.snapshot(4, rows=(replace(row, position=eternal),)))
        assert "interest never brings it to 1.00" in frames.text(app)
        unpriced = replace(eternal, legs=(many[0]._replace(price=None, value=None), *many[1:]), book=None)
        await post(pilot, scenes.snapshot(5, rows=(replace(row, position=unpriced),)))
        assert "when interest brings it to 1.00 is not known" in frames.text(app)
        silent = tuple(leg._replace(rate=None) if leg.owed else leg for leg in eternal.legs)
        await post(pilot, scenes.snapshot(6, rows=(replace(row, position=replace(eternal, legs=silent)),)))
        text = frames.text(app)
        assert "when interest brings it to 1.00 is not known" in text
        assert "what it costs a year is not known" in text


async def test_a_search_that_takes_long_says_how_far_it_is() -> None:
    searching = Stage("morpho-blue", "ethereum", done=False, note="logs to block 5 of 9")
    chain = replace(scenes.CHAINS[0], error="", stages=(searching,))
    app = make(replace(scenes.loading(), chains=(chain,), rows=()))
    async with stage(app):
        assert "morpho … logs to block 5 of 9" in frames.text(app)


@pytest.mark.parametrize(("size", "shown", "told"), [((120, 36), 1, "· 1 more note"), ((80, 24), 0, "· 2 notes")])
async def test_what_the_engine_remarks_is_never_hidden_by_alerts_without_a_word(
    size: tuple[int, int], shown: int, told: str
) -> None:
    many = tuple(replace(scenes.snapshot().alerts[0], id=number) for number in range(40, 0, -1))
    notices = ("this one sends no alerts", "quiet hours until 07:00")
    app = make(scenes.snapshot(alerts=many, notices=notices))
    async with stage(app, size):
        text = frames.text(app)
        assert sum(notice in text for notice in notices) == shown
        assert told in text
        assert notices[shown] not in text
