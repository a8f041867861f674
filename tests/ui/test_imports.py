"""The first frame waits for nothing that it does not need."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("web3", "eth_abi", "eth_utils", "httpx", "aiohttp", "websockets", "sqlite3", "pydantic")

SCRIPT = f"""
import asyncio, sys
from liqtui.ui.app import LiqtuiApp
from tests.ui.frames import text
from tests.ui.stub import StubEngine

async def main():
    app = LiqtuiApp(StubEngine())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "CRITICAL" in text(app)
        print([name for name in {HEAVY!r} if name in sys.modules])

asyncio.run(main())
"""


def test_the_first_frame_imports_no_chain_library() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
