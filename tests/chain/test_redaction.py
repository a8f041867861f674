"""Keys live in URLs: none is ever shown, logged or repeated after a node that says it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core.reads import ReadError
from tests.chain.node import SECRET, Reply, echo, error_body, nodes, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chain.conftest import PoolMaker


async def test_no_secret_of_a_url_is_ever_shown(make_pool: PoolMaker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    echoing: list[Callable[[Any], Any]] = [
        lambda request: Reply(403, f"key {SECRET} is not allowed"),
        error_body(-32000, f"project {SECRET} unknown at https://node.example/v3/{SECRET}"),
        lambda request: Reply(500, json.dumps(error_body(-32000, f"invalid api key: {SECRET}")(request))),
        error_body(429, f"rate limit of {SECRET}"),
        lambda request: Reply(302, "", {"Location": f"https://node.example/{SECRET}"}),
        lambda request: Reply(drop=True),
        error_body(3, f"execution reverted {SECRET}"),
    ]
    shown = []
    async with nodes() as [node]:
        for fault in echoing:
            node.fault = fault
            pool = make_pool(spec_of(node))
            with pytest.raises(ReadError) as caught:
                await pool.head()
            shown += [str(caught.value), repr(caught.value), repr(pool.endpoints()), repr(pool), repr(pool._endpoints)]
            shown += [repr(pool._endpoints[0].wire), pool.last_source, pool.contradiction, pool.notice]
        node.fault = None
        pool = make_pool(spec_of(node))
        await pool.read(await pool.head(), echo(1))
        shown += [repr(pool.endpoints()), pool.last_source, repr(pool._spec)]
        assert node.name in shown[2]
    assert not [text for text in shown if SECRET in text]
    assert SECRET not in caplog.text
