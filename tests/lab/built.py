"""Contracts of protocols whose code no package of a registry carries: built by whoever runs this, never here.

`LIQTUI_BUILT` names the folders, as in `compound-v3=/where/its/artifacts/are` (several with `;` between them). A folder
holds artifacts as Hardhat writes them: JSON files with `abi`, `bytecode` and `linkReferences`.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "LIQTUI_BUILT"


def built() -> dict[str, Path]:
    """Protocol → folder of its artifacts; without those that nobody built."""
    parts = (part.partition("=") for part in os.environ.get(VARIABLE, "").split(";") if part)
    return {name: Path(folder) for name, _, folder in parts}
