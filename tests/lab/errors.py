"""What goes wrong in the laboratory, in words a person can act on."""

from __future__ import annotations


class LabError(Exception):
    """The laboratory itself cannot work: a tool is missing, a package differs, the node died."""


class LabRevert(Exception):  # noqa: N818 - it names what happened, as "revert" does
    """A contract refused. ``data`` is the raw revert data, ``reason`` its readable form where known."""

    def __init__(self, reason: str, data: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.data = data
