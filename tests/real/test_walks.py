"""Every figure against the contracts at every block of a long walk, and the very answer at which they turn."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from liqtui.core.results import Direction, FactorKind
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE

if TYPE_CHECKING:
    from tests.real.conformance import Case

REDISCOVER = 10
POSITIONS = 20


def test_every_figure_is_the_contracts_at_every_block_of_a_walk(case: Case) -> None:
    healths: list[int] = []
    compared = 0
    for step, _ in enumerate(case.walk(case.blocks)):
        if step % REDISCOVER == 0:
            case.discover()
        found = case.positions()
        compared += case.verify(found)
        healths += [position.health.raw for position in found.values() if position.health.raw is not None]
    assert compared >= POSITIONS * case.blocks
    finite = [health for health in healths if health < HEALTH_INFINITE]
    assert min(finite) < HEALTH_ONE < max(finite)
    assert len(set(finite)) > 10 * case.blocks


def test_the_contract_turns_where_we_say(case: Case) -> None:
    chance = random.Random(1)
    kinds: Counter[FactorKind] = Counter()
    directions: Counter[Direction] = Counter()
    for found in case.positions().values():
        for boundary, mover in case.boundaries(found):
            if boundary.price is None:
                directions[Direction.NONE] += 1
                kinds[boundary.kind] += boundary.kind is FactorKind.TOGETHER
                continue
            kinds[boundary.kind] += 1
            directions[boundary.direction] += 1
            safer = 1 if boundary.direction is Direction.FALLS else -1
            asked = {boundary.price: True, boundary.price + safer: False}
            if not boundary.passed and boundary.price_now is not None:
                low, high = sorted((boundary.price + safer, boundary.price_now))
                asked[chance.randint(low, high)] = False
            for answer, expected in asked.items():
                assert case.unsafe(found, boundary, mover, answer) is expected, (found, boundary, answer)
    assert min(kinds[kind] for kind in (FactorKind.FACTOR, FactorKind.ASSET, FactorKind.TOGETHER)) >= 4, kinds
    assert min(directions[each] for each in Direction) >= 4, directions
