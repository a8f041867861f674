"""From any screen to the app, typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

    from liqtui.ui.app import LiqtuiApp


def app_of(pump: MessagePump) -> LiqtuiApp:
    return cast("LiqtuiApp", cast("Any", pump).app)
