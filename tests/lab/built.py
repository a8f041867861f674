"""Contracts of protocols whose code no package of a registry carries: built by whoever runs this, never here.

`LIQTUI_BUILT` names the folders, as in `compound-v3=/where/its/artifacts/are` (several with `;` between them). A folder
holds artifacts as Hardhat writes them: JSON files with `abi`, `bytecode` and `linkReferences`.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.lab.errors import LabError

VARIABLE = "LIQTUI_BUILT"


def built() -> dict[str, Path]:
    """Protocol → folder of its artifacts; without those that nobody built."""
    parts = (part.partition("=") for part in os.environ.get(VARIABLE, "").split(";") if part)
    return {name: Path(folder) for name, _, folder in parts}


def folder_of(protocol: str) -> Path:
    """Its artifacts; raises LabError, with what to do, where nobody built them."""
    folder = built().get(protocol)
    if folder is None:
        raise LabError(f"build {protocol} from its repository and set {VARIABLE}={protocol}=FOLDER of its artifacts")
    return folder
