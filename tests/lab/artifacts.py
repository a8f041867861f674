"""Contracts ready to deploy: from published build artifacts, or compiled here with solc-js and cached."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tests.lab.abi import constructor_types, function_types
from tests.lab.errors import LabError
from tests.lab.packages import Package, fetch, locked, tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_IMPORT = re.compile(r"""^\s*import\s[^;]*?["']([^"']+)["']\s*;""", re.MULTILINE)

# solc-js wraps this same emscripten module, but pulls in packages that are not needed to call it.
_DRIVER = """
const solc = require(process.argv[1]);
const compile = solc.cwrap('solidity_compile', 'string', ['string', 'number', 'number']);
process.stdout.write(compile(require('fs').readFileSync(0, 'utf8'), 0, 0));
"""


@dataclass(frozen=True)
class Artifact:
    """One compiled contract. ``links`` maps a library name to the byte offsets of its address."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: str
    links: Mapping[str, tuple[int, ...]]

    def creation_code(self, libraries: Mapping[str, str]) -> bytes:
        """Creation code with library addresses filled in."""
        code = self.bytecode.removeprefix("0x")
        for library, offsets in self.links.items():
            address = libraries[library].removeprefix("0x").lower()
            for offset in offsets:
                code = code[: offset * 2] + address + code[offset * 2 + 40 :]
        return bytes.fromhex(code)

    @cached_property
    def constructor(self) -> list[str]:
        """ABI types of the constructor's arguments."""
        return constructor_types(self.abi)

    def signature(self, function: str) -> str:
        """``name(type,…)`` of a function that is not overloaded."""
        return f"{function}({','.join(function_types(self.abi, function))})"


class Artifacts:
    """Artifacts by contract name."""

    def __init__(self, found: Mapping[str, Artifact]) -> None:
        self._found = found

    def __getitem__(self, name: str) -> Artifact:
        try:
            return self._found[name]
        except KeyError:
            raise LabError(f"no compiled contract named {name}") from None

    def errors(self) -> list[dict[str, Any]]:
        """ABI entries of every custom error, to put names on revert data."""
        return [entry for item in self._found.values() for entry in item.abi if entry["type"] == "error"]


def _links(references: Mapping[str, Mapping[str, list[dict[str, int]]]]) -> dict[str, tuple[int, ...]]:
    return {
        library: tuple(place["start"] for place in places)
        for libraries in references.values()
        for library, places in libraries.items()
    }


def hardhat_artifacts(root: Path, names: Iterable[str]) -> Artifacts:
    """Artifacts that a package ships built, with the libraries they link."""
    paths = {path.stem: path for path in root.rglob("*.json") if not path.name.endswith(".dbg.json")}
    found: dict[str, Artifact] = {}
    wanted = list(names)
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        raw = json.loads(paths[name].read_text())
        found[name] = Artifact(name, raw["abi"], raw["bytecode"], _links(raw["linkReferences"]))
        wanted.extend(found[name].links)
    return Artifacts(found)


@dataclass(frozen=True)
class Source:
    """What to compile: entry files, and where each import prefix lives on disk."""

    compiler: Package
    entries: tuple[str, ...]
    roots: Mapping[str, Path]
    evm_version: str | None = None
    runs: int = 200
    also: tuple[str, ...] = ()  # imported files whose contracts are wanted too (regular expressions)

    def _path(self, unit: str) -> Path:
        prefix = max((p for p in self.roots if unit.startswith(p)), key=len, default=None)
        if prefix is None:
            raise LabError(f"no package is known for the import {unit}")
        return self.roots[prefix] / unit.removeprefix(prefix)

    def _collect(self) -> dict[str, str]:
        texts: dict[str, str] = {}
        wanted = list(self.entries)
        while wanted:
            unit = wanted.pop()
            if unit in texts:
                continue
            texts[unit] = self._path(unit).read_text(encoding="utf-8")
            for target in _IMPORT.findall(texts[unit]):
                relative = target.startswith(".")
                wanted.append(
                    posixpath.normpath(posixpath.join(posixpath.dirname(unit), target)) if relative else target
                )
        return texts

    def standard_input(self) -> str:
        """solc's standard JSON input, in a stable order so that its hash can key the cache."""
        texts = self._collect()
        outputs = ["abi", "evm.bytecode.object", "evm.bytecode.linkReferences"]
        chosen = [u for u in texts if u in self.entries or any(re.search(a, u) for a in self.also)]
        settings: dict[str, Any] = {
            "optimizer": {"enabled": True, "runs": self.runs},
            "metadata": {"bytecodeHash": "none"} if self.evm_version else {},
            "outputSelection": {unit: {"*": outputs} for unit in sorted(chosen)},
        }
        if self.evm_version:
            settings["evmVersion"] = self.evm_version
        sources = {unit: {"content": texts[unit]} for unit in sorted(texts)}
        return json.dumps({"language": "Solidity", "sources": sources, "settings": settings})


def compile_source(source: Source, cache: Path) -> Artifacts:
    """Compile, or take the cached output of the same compiler and input."""
    text = source.standard_input()
    key = hashlib.sha256(f"{source.compiler.spec}\n{text}".encode()).hexdigest()
    stored = cache / "compiled" / f"{key}.json"
    if not stored.exists():
        with locked(cache, key):
            if not stored.exists():
                stored.parent.mkdir(parents=True, exist_ok=True)
                partial = stored.with_suffix(f".{os.getpid()}")
                partial.write_text(json.dumps(_run_solc(source.compiler, text, cache)))
                partial.replace(stored)
    found = {}
    for name, raw in json.loads(stored.read_text()).items():
        found[name] = Artifact(name, raw["abi"], raw["bytecode"], _links(raw["links"]))
    return Artifacts(found)


def _run_solc(compiler: Package, text: str, cache: Path) -> dict[str, Any]:
    module = fetch(compiler, cache) / "soljson.js"
    run = subprocess.run(
        [tool("node"), "-e", _DRIVER, str(module)],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise LabError(f"{compiler.spec} did not run under Node.js: {run.stderr.strip()[-600:]}")
    output = json.loads(run.stdout)
    problems = [e["formattedMessage"] for e in output.get("errors", []) if e["severity"] == "error"]
    if problems:
        raise LabError(f"{compiler.spec} refused the sources:\n" + "\n".join(problems[:5]))
    return {
        name: {
            "abi": item["abi"],
            "bytecode": item["evm"]["bytecode"]["object"],
            "links": item["evm"]["bytecode"]["linkReferences"],
        }
        for unit in output["contracts"].values()
        for name, item in unit.items()
    }
