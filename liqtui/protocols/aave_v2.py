"""Aave v2: the pool before eMode and caps, with stable-rate debt, mostly counted in ether.

Its account arithmetic is that of the first Aave v3 (half up, average threshold in whole basis points), so the
modules of v3 read and evaluate it; here is what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from liqtui.protocols.aave_v2_abi import GET_LENDING_POOL, LENDINGPOOL_REVISION
from liqtui.protocols.aave_v3 import AaveV3
from liqtui.protocols.aave_v3_abi import (
    BASE_CURRENCY,
    BASE_CURRENCY_UNIT,
    GET_PRICE_ORACLE,
    GET_RESERVES_LIST,
    GET_USER_ACCOUNT_DATA,
    GET_USER_CONFIGURATION,
    PAUSED,
    WETH,
)
from liqtui.protocols.aave_v3_math import rules_for
from liqtui.protocols.aave_v3_open import open_market
from liqtui.protocols.aave_v3_state import Dialect, ReserveData
from liqtui.protocols.abi import as_address, words

if TYPE_CHECKING:
    from liqtui.core.reads import Block, Plan, Result
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.aave_v3_math import Rules
    from liqtui.protocols.aave_v3_state import Opened
    from liqtui.protocols.adapter import Adapter

NEWEST_REVISION = 2
_RESERVE_WORDS = 12


def rules(revision: int) -> Rules:
    """Rules of a LENDINGPOOL_REVISION: the same for all, `known` only for those whose source was read."""
    return rules_for(1)._replace(
        revision=revision,
        version="2",
        known=1 <= revision <= NEWEST_REVISION,
        category_in_config=False,
        caps=False,
        half_always=True,
        bonus_first=True,
        per_second=True,
    )


def reserve_data(result: Result) -> ReserveData:
    """The tuple of getReserveData, in the order of v2. ValueError for what is none."""
    config, income, debt_index, supply_rate, borrow_rate, _, updated, *rest = words(result, _RESERVE_WORDS)
    a_token, stable, variable = map(as_address, rest[:3])
    return ReserveData(
        config, income, supply_rate, debt_index, borrow_rate, updated, rest[4], a_token, stable, variable
    )


V2 = Dialect(
    title="an Aave v2",
    entry="LendingPoolAddressesProvider",
    pool=GET_LENDING_POOL,
    revision=LENDINGPOOL_REVISION,
    of_provider=(GET_LENDING_POOL, GET_PRICE_ORACLE),
    of_pool=(LENDINGPOOL_REVISION, GET_RESERVES_LIST, PAUSED),
    of_oracle=(BASE_CURRENCY, BASE_CURRENCY_UNIT, WETH),
    of_user=(GET_USER_ACCOUNT_DATA, GET_USER_CONFIGURATION),
    reserve_data=reserve_data,
    rules=rules,
)


class AaveV2(AaveV3):
    """The adapter. Hints as in v3."""

    protocol: ClassVar[str] = "aave-v2"

    def open(self, ref: MarketRef, block: Block) -> Plan[Opened]:  # noqa: ARG002 - the reader pins the block
        return open_market(ref, self._names(ref.chain_id), self._sequencer(ref.chain_id), V2)


ADAPTER: Adapter = AaveV2()
