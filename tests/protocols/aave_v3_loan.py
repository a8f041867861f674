"""A plain loan on the pretended Aave v3, and its figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from liqtui.core.units import BPS, WAD
from tests.protocols.fake import (
    Fake,
    User,
    addr,
)

ALICE = addr("user")


LOAN = User(supplied={"WETH": 10 * 10**18}, owed={"USDC": 15_000 * 10**6})


LOAN_HEALTH = 25_000 * 8_250 * WAD // 15_000 // BPS


REPORTED = (25_000 * 10**8, 15_000 * 10**8, 5_000 * 10**8, 8_250, 8_000, LOAN_HEALTH)


def loan(revision: int = 10, **changes: Any) -> Fake:
    return Fake(revision=revision, users={ALICE: replace(LOAN, **{"reported": REPORTED, **changes})})


def with_asset(fake: Fake, symbol: str, **changes: Any) -> Fake:
    return replace(fake, assets=[replace(a, **changes) if a.symbol == symbol else a for a in fake.assets])


def codes(found: Any) -> list[str]:
    return [flag.code for flag in found.flags]
