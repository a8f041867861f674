"""Pools that are closed whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from liqtui.chain.pool import EndpointPool

PoolMaker = Callable[..., EndpointPool]


@pytest_asyncio.fixture
async def make_pool() -> AsyncIterator[PoolMaker]:
    made: list[EndpointPool] = []

    def make(*args: Any, **options: Any) -> EndpointPool:
        made.append(EndpointPool(*args, **options))
        return made[-1]

    yield make
    for pool in made:
        await pool.close()
