"""Chains known by name: `chains.toml` beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.sources import ChainSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(__file__).with_name("chains.toml")


class KnownChain(NamedTuple):
    spec: ChainSpec
    """With public endpoints and `public` set."""
    main: bool
    """Watched when the person names no chain."""


@cache
def known_chains() -> Mapping[str, KnownChain]:
    """By name, in the order in which they are shown."""
    import tomllib

    tables = tomllib.loads(FILE.read_text("utf-8"))
    return {name: _known(name, table) for name, table in tables.items()}


def _known(name: str, table: dict[str, Any]) -> KnownChain:
    values: dict[str, Any] = {**table, "rpc": tuple(table["rpc"])}
    main: bool = values.pop("main", False)
    return KnownChain(ChainSpec(name=name, public=True, **values), main)
