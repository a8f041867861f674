"""Makes docs/screenshot.svg: the dashboard at 120×36 on the demo tape. Run it after the tape or the screen changed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from liqtui.chain.tape import load_tape
from liqtui.config.themes import load_all
from liqtui.engine.playback import TapeEngine
from liqtui.engine.trial import DEMO
from liqtui.ui import theme
from liqtui.ui.app import LiqtuiApp
from liqtui.ui.state import Settings

CHAPTER = "a liquidation"
HERE = Path(__file__).parent


async def main() -> None:
    engine = TapeEngine(load_tape(DEMO))
    themes, _ = load_all(HERE)
    app = LiqtuiApp(engine, None, Settings(), own_themes=[theme.of(data) for data in themes])
    frame = next(frame for frame, title in engine.chapters if title == CHAPTER) - 8
    async with app.run_test(size=(120, 36)) as pilot:
        engine.jump(frame)
        while engine.index < frame:
            await pilot.pause(0.1)
        engine.pause()
        await pilot.pause(0.5)
        (HERE / "screenshot.svg").write_text(app.export_screenshot(title="liqtui demo"), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
