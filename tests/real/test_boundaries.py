"""Each boundary is the very answer at which the contract itself starts to allow liquidation."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core.boundaries import boundaries
from liqtui.core.model import Direction, FactorKind, is_liquidatable
from tests.lab.walk import LIQUIDATOR
from tests.real.overrides import WhatIf, asset_at, feed_at
from tests.real.test_walk import watches

if TYPE_CHECKING:
    from liqtui.core.model import Boundary, Position
    from tests.lab.lab import Lab
    from tests.real.reader import Watch

GENERATIONS = ("aave30", "aave36")
BETWEEN = 3
TOO_HEALTHY = {"45", "HealthFactorNotBelowThreshold"}


def override(watch: Watch, found: Position, boundary: Boundary, answer: int) -> dict[str, Any]:
    """The factor moved to this answer, all else as it is. No source of a capped asset answers above its cap."""
    _, _, at = boundary.factor.rpartition(":")
    if boundary.kind is FactorKind.ASSET:
        cap = found.book.quotes[at].cap
        return asset_at(watch.opened.oracle, at, answer if cap is None else min(answer, cap))
    if boundary.kind is FactorKind.RATIO:
        return feed_at(watch.lab.assets.ratio.provider, answer)
    return feed_at(at, answer)


def single_knobs(found: Position) -> list[Boundary]:
    return [each for each in boundaries(found.book, found.feeds) if each.kind is not FactorKind.TOGETHER]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_contract_turns_where_we_say(populated: Lab, generation: str) -> None:
    watch = watches(populated)[generation]
    ask, chance = WhatIf(watch), random.Random(1)
    kinds: dict[tuple[FactorKind, Direction], int] = {}
    for found in watch.positions().values():
        for boundary in single_knobs(found):
            kinds[boundary.kind, boundary.direction] = kinds.get((boundary.kind, boundary.direction), 0) + 1

            def unsafe(answer: int, found: Position = found, boundary: Boundary = boundary) -> bool:
                return is_liquidatable(ask.health(found.key.wallet, override(watch, found, boundary, answer)))

            if boundary.price is None:
                if not found.book.liquidatable():
                    assert not unsafe(max(1, boundary.price_now // 10**6)), (found, boundary)
                    assert not unsafe(boundary.price_now * 900), (found, boundary)
                continue
            safer = 1 if boundary.direction is Direction.FALLS else -1
            assert unsafe(boundary.price), (found, boundary)
            assert not unsafe(boundary.price + safer), (found, boundary)
            if not boundary.passed:
                for _ in range(BETWEEN):
                    low, high = sorted((boundary.price + safer, boundary.price_now))
                    assert not unsafe(chance.randint(low, high)), (found, boundary)
    assert kinds[FactorKind.FACTOR, Direction.FALLS] >= 30
    assert kinds[FactorKind.FACTOR, Direction.RISES] >= 20
    assert kinds[FactorKind.RATIO, Direction.FALLS] >= 3
    assert kinds[FactorKind.ASSET, Direction.FALLS] >= 40


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_liquidation_goes_through_on_one_side_only(populated: Lab, generation: str) -> None:
    market = populated.markets[generation]
    with market.node.batch():
        for symbol, token in market.tokens.items():
            market.provision(LIQUIDATOR, symbol, 10**9 * token.unit)
    watch = watches(populated)[generation]
    ask, tried = WhatIf(watch), 0
    for wallet, found in watch.positions().items():
        for boundary in single_knobs(found):
            if boundary.price is None or boundary.kind is not FactorKind.FACTOR or found.scope is None:
                continue
            safer = 1 if boundary.direction is Direction.FALLS else -1
            here = ask.refusal(wallet, found.scope, override(watch, found, boundary, boundary.price))
            there = ask.refusal(wallet, found.scope, override(watch, found, boundary, boundary.price + safer))
            assert here in {"", "MustNotLeaveDust"}, (here, found, boundary)
            assert there in TOO_HEALTHY, (there, found, boundary)
            tried += 1
    assert tried >= 60
