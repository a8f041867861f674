"""What starting costs: modules that are loaded only when they are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("web3", "ens", "eth_abi", "eth_utils", "Crypto", "httpx", "websockets", "textual", "rich", "aiohttp")


@pytest.mark.parametrize(
    "module", ["pool", "transport", "tape", "heads", "ens", "addresses", "multicall", "crosscheck", "batching"]
)
def test_importing_the_chain_loads_no_library(module: str) -> None:
    script = f"import liqtui.chain.{module}, sys; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    loaded = {name.partition(".")[0] for name in shown.split()}
    assert loaded.isdisjoint(HEAVY)


def test_making_a_pool_loads_no_library_and_a_request_only_httpx() -> None:
    script = """
import asyncio, sys
from liqtui.chain.pool import EndpointPool
from liqtui.core.reads import ReadError
from liqtui.core.sources import ChainSpec
async def main():
    pool = EndpointPool(ChainSpec(1, "x", rpc=("http://127.0.0.1:1",)))
    print(*sys.modules)
    try:
        await pool.head()
    except ReadError:
        print(*sys.modules)
    await pool.close()
asyncio.run(main())
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    before, after = ({name.partition(".")[0] for name in line.split()} for line in shown.splitlines())
    assert before.isdisjoint(HEAVY)
    assert after.intersection(HEAVY) - {"rich"} == {"httpx"}  # httpx loads rich for its own command line
