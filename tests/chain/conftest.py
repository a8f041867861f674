"""Pools that are closed whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from liqtui.chain.pool import EndpointPool

PoolMaker = Callable[..., EndpointPool]


async def no_wait(seconds: float) -> None:
    """Instead of sleeping."""


@pytest_asyncio.fixture
async def make_pool() -> AsyncIterator[PoolMaker]:
    made: list[EndpointPool] = []

    def make(*args: Any, **options: Any) -> EndpointPool:
        made.append(EndpointPool(*args, **({"sleep": no_wait} | options)))
        return made[-1]

    yield make
    for pool in made:
        await pool.close()
