"""`python -m tests.real.built PROTOCOL FOLDER`: the conformance suite on contracts that you built yourself.

For protocols whose code no package of a registry carries. FOLDER holds the artifacts of your own build; further
arguments go to pytest. Nothing is built here. With `--record` the recordings in `tests/real/recorded` are made anew
instead.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tests.lab.built import VARIABLE, built
from tests.real import comet_record, moonwell_record
from tests.real.cases_comet import compound_v3
from tests.real.cases_compound import compound_v2

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.real.conformance import Case

Builder: TypeAlias = "Callable[[pytest.FixtureRequest], Case]"
PROTOCOLS: dict[str, dict[str, Builder]] = {
    "compound-v3": {
        "compound-v3-usdc": lambda request: compound_v3(request.getfixturevalue("comets"), "USDC"),
        "compound-v3-weth": lambda request: compound_v3(request.getfixturevalue("comets"), "WETH"),
    },
    "compound-v2": {"compound-later": lambda request: compound_v2(request.getfixturevalue("compound_later"))},
    "moonwell": {"moonwell": lambda request: compound_v2(request.getfixturevalue("moonwell"))},
}
"""Protocol → its cases by name."""
RECORDERS: dict[str, Callable[[Path, Path], list[Path]]] = {
    "compound-v3": comet_record.record,
    "moonwell": moonwell_record.record,
}
"""Protocol → what records it: from the folder of artifacts into a folder."""


def built_cases() -> dict[str, Builder]:
    """Cases of those protocols whose contracts somebody built."""
    return {name: case for protocol in built() for name, case in PROTOCOLS[protocol].items()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.real.built", description=__doc__)
    parser.add_argument("protocol", choices=sorted(PROTOCOLS))
    parser.add_argument("folder", type=Path, help="artifacts as Hardhat writes them")
    parser.add_argument("--record", action="store_true", help="record instead of testing")
    options, further = parser.parse_known_args()
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    if options.record and options.protocol not in RECORDERS:
        parser.error(f"{options.protocol} is not recorded")
    if options.record:
        for path in RECORDERS[options.protocol](options.folder, Path(__file__).with_name("recorded")):
            print(f"{path.name}: {path.stat().st_size:,} bytes")
        return 0
    chosen = {**os.environ, VARIABLE: f"{options.protocol}={options.folder.resolve()}"}
    own = f"built_{options.protocol.replace('-', '_')}"
    files = [str(Path(__file__).with_name(name)) for name in ("test_walks.py", "test_conformance.py", f"{own}.py")]
    names = " or ".join((*PROTOCOLS[options.protocol], own))
    command = [sys.executable, "-m", "pytest", *files, "-k", names, *further]
    return subprocess.run(command, env=chosen, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
