"""The shipped data of the protocols: for each one file in `deployments/`, named as its module.

A file begins with how `config.toml` names a deployment (`entry`, `options`) and what `doctor` compares (`facts`).
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "deployments"


class Option(NamedTuple):
    """A list that belongs to a deployment besides its entry address."""

    key: str
    """In `config.toml`, and in the options of a `MarketRef`."""
    holds: str
    """"ids" of 32 bytes, or "addresses"."""
    help: str


class Naming(NamedTuple):
    """How `config.toml` names a deployment of a protocol."""

    entry: str
    """Key of the one address that names a deployment, there and in the shipped data: "comet"."""
    options: tuple[Option, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Of all that names one, the entry address first."""
        return (self.entry, *(option.key for option in self.options))


@cache
def protocols() -> Mapping[str, Naming]:
    """Every protocol that there is, by its name, in the order of names."""
    return {name: _naming(deployment(name)) for name in sorted(map(_protocol, FOLDER.glob("*.toml")))}


@cache
def deployment(protocol: str) -> dict[str, Any]:
    """The shipped data of that protocol, parsed."""
    return tomllib.loads((FOLDER / f"{stem(protocol)}.toml").read_text("utf-8"))


def stem(protocol: str) -> str:
    """What its module and its file are called: "aave_v3" for "aave-v3"."""
    return protocol.replace("-", "_")


def _protocol(file: Path) -> str:
    return file.stem.replace("_", "-")


def _naming(file: Mapping[str, Any]) -> Naming:
    return Naming(file["entry"], tuple(Option(key, **option) for key, option in file.get("options", {}).items()))
