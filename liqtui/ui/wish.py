"""Why a wish was not met. Apart from the commands, which are not loaded before the first of them is given."""

from __future__ import annotations


class CommandError(Exception):
    """Why a command was not done, as a sentence to show under the line that was typed."""
