"""Venus from its own packages' artifacts: the core pool with its e-mode pools, and an isolated pool, over its oracle.

Driven like Compound v2, which both descend from.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak

from tests.lab import abi
from tests.lab.artifacts import hardhat_artifacts
from tests.lab.compound_v2 import SPECS, WAD, CompoundMarket, Spec, own_artifacts
from tests.lab.deployer import Deployer
from tests.lab.errors import LabError
from tests.lab.node import ADMIN
from tests.lab.packages import VENUS_CORE, VENUS_ORACLE, VENUS_POOLS, fetch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.lab import Lab

NOBODY = "0x" + "00" * 20
MOST = 2**256 - 1
BLOCKS_PER_YEAR = 2_102_400
INCENTIVE = 108 * WAD // 100
_PATIENCE = 10**9
"""Seconds for which the oracle believes an answer."""
_MOST_SLOTS = 500
_NEVER = 10**12
"""Blocks between two payments of reserves."""


def liquidation_threshold(spec: Spec) -> int:
    """A little above the collateral factor, as on the live markets."""
    return spec.factor * WAD // 10_000 + (WAD // 50 if spec.factor else 0)


class VenusOracle:
    """Venus's ResilientOracle asking its ChainlinkOracle, and what bounds prices for borrowing."""

    def __init__(self, lab: Lab, cache: Path, helper: str, proxies: Deployer) -> None:
        names = ("ResilientOracle", "ChainlinkOracle", "BoundValidator", "DeviationBoundedOracle")
        make = Deployer(lab.node, hardhat_artifacts(fetch(VENUS_ORACLE, cache), names))
        start = abi.encode("initialize(address)", helper)
        bound = proxies.deploy("ERC1967Proxy", make.deploy("BoundValidator"), start)
        self.node = lab.node
        self.chainlink = proxies.deploy("ERC1967Proxy", make.deploy("ChainlinkOracle"), start)
        logic = make.deploy("ResilientOracle", NOBODY, NOBODY, bound)
        self.address = proxies.deploy("ERC1967Proxy", logic, start)
        bounded = make.deploy("DeviationBoundedOracle", self.address, helper, NOBODY)
        self.bounded = proxies.deploy("ERC1967Proxy", bounded, start)

    def list(self, asset: str, feed: str) -> None:
        own = (asset, feed, _PATIENCE)
        self.node.do(self.chainlink, "setTokenConfig((address,address,uint256))", own)
        config = (asset, [self.chainlink, NOBODY, NOBODY], [True, False, False], False)
        self.node.do(self.address, "setTokenConfig((address,address[3],bool[3],bool))", config)

    @cached_property
    def price_slot(self) -> int:
        """Where the oracle keeps prices that are set by hand, which come before its feeds'."""
        asset, price = "0x" + "99" * 20, 123_456_789
        branch = self.node.rpc("evm_snapshot")
        self.node.do(self.chainlink, "setDirectPrice(address,uint256)", asset, price)
        for slot in range(_MOST_SLOTS):
            place = "0x" + keccak(bytes(12) + bytes.fromhex(asset[2:]) + slot.to_bytes(32, "big")).hex()
            if int(self.node.rpc("eth_getStorageAt", self.chainlink, place, "latest"), 16) == price:
                self.node.rpc("evm_revert", branch)
                return slot
        raise LabError("the oracle keeps its prices elsewhere")


class VenusMarket(CompoundMarket):
    """What the core pool and an isolated pool have in common."""

    coin = ""
    most_decimals = 18

    def told_price(self, token: str, asset: str, answer: int, decimals: int) -> tuple[str, list[Any], int]:
        return self.source.chainlink, [asset, self.source.price_slot], answer

    def list_odd(self, spec: Spec) -> None:
        self.point(spec.symbol, self.feeds[spec.symbol].address)
        self.list_token(spec)

    def point(self, symbol: str, feed: str) -> None:
        self.source.list(self.underlying[symbol], feed)

    def _prepare(self, lab: Lab, cache: Path) -> None:
        self._begin(lab)
        self.helper = Deployer(self.node, own_artifacts(cache)).deploy("VenusHelper")
        self.proxies = Deployer(self.node, hardhat_artifacts(fetch(VENUS_CORE, cache), ("ERC1967Proxy",)))
        self.source = VenusOracle(lab, cache, self.helper, self.proxies)
        self.oracle = self.source.address
        for spec in SPECS:
            self.source.list(self.underlying[spec.symbol], self.feeds[spec.symbol].address)

    def _uncap(self, prefix: str, token: str) -> None:
        for what in ("Supply", "Borrow"):
            self.do(self.comptroller, f"{prefix}etMarket{what}Caps(address[],uint256[])", [token], [MOST])

    def weigh(self, spec: Spec) -> None:
        factors = spec.factor * WAD // 10_000, liquidation_threshold(spec)
        signature = "setCollateralFactor(address,uint256,uint256)"
        self.do(self.comptroller, signature, self.tokens[spec.symbol], *factors)

    def _head(self, spec: Spec) -> tuple[Any, ...]:
        """The first arguments of a new vToken."""
        rate = 2 * 10 ** (18 + spec.decimals - 8 - 2)
        names = (f"Venus {spec.symbol}", f"v{spec.symbol}")
        return (self.underlying[spec.symbol], self.comptroller, self.model, rate, *names, 8)


class VenusCore(VenusMarket):
    """The core pool: comptroller of facets, weights and incentives that depend on the account's e-mode pool."""

    name = "lab venus core"

    def __init__(self, lab: Lab, cache: Path) -> None:
        names = ("Unitroller", "DiamondConsolidated", "ComptrollerLens", "VBep20Immutable")
        names += ("WhitePaperInterestRateModel", "VAI", "VAIController", "VAIUnitroller")
        make = self.make = Deployer(
            lab.node, hardhat_artifacts(fetch(VENUS_CORE, cache) / "artifacts" / "contracts", names)
        )
        with lab.node.batch():
            self._prepare(lab, cache)
        with self.node.batch():
            self.comptroller = make.deploy("Unitroller")
            logic = make.deploy("DiamondConsolidated")
            self.do(self.comptroller, "_setPendingImplementation(address)", logic)
            self.do(logic, "_become(address)", self.comptroller)
            for signature, value in (
                ("_setAccessControl(address)", self.helper),
                ("_setComptrollerLens(address)", make.deploy("ComptrollerLens")),
                ("_setPriceOracle(address)", self.oracle),
                ("setDeviationBoundedOracle(address)", self.source.bounded),
                ("_setCloseFactor(uint256)", WAD // 2),
            ):
                self.do(self.comptroller, signature, value)
            self.model = make.deploy("WhitePaperInterestRateModel", 2 * WAD, 6 * WAD, BLOCKS_PER_YEAR)
            for spec in SPECS:
                self.list_token(spec)
        with self.node.batch():
            for spec in SPECS:
                self.weigh(spec)
        with self.node.batch():
            self.seed()
        assert not self.failures()

    def list_token(self, spec: Spec) -> None:
        token = self.tokens[spec.symbol] = self.make.deploy("VBep20Immutable", *self._head(spec), ADMIN)
        self.do(token, "setAccessControlManager(address)", self.helper)
        self.do(token, "setReduceReservesBlockDelta(uint256)", _NEVER)
        self.do(token, "setProtocolShareReserve(address)", self.helper)
        self.do(token, "_setReserveFactor(uint256)", WAD // 10)
        self.do(self.comptroller, "_supportMarket(address)", token)
        self._uncap("_s", token)

    def add_vai(self, rate: int) -> tuple[str, str]:
        """VAI and its controller, for `rate` a year (1e18-scaled)."""
        vai, at, logic = (
            self.make.deploy(name, *more) for name, *more in (("VAI", 1), ("VAIUnitroller",), ("VAIController",))
        )
        with self.node.batch():
            self.do(at, "_setPendingImplementation(address)", logic)
            self.do(logic, "_become(address)", at)
            self.do(at, "initialize()")
            self.do(at, "_setComptroller(address)", self.comptroller)
            self.do(at, "setAccessControl(address)", self.helper)
            self.do(at, "setVAIToken(address)", vai)
            self.do(at, "setBaseRate(uint256)", rate)
            self.do(vai, "rely(address)", at)
            self.do(self.comptroller, "_setVAIController(address)", at)
            self.do(self.comptroller, "_setVAIMintRate(uint256)", 10_000)
        return vai, at

    def weigh(self, spec: Spec) -> None:
        token = self.tokens[spec.symbol]
        self.do(self.comptroller, "setLiquidationIncentive(address,uint256)", token, INCENTIVE)
        super().weigh(spec)
        self.do(self.comptroller, "setIsBorrowAllowed(uint96,address,bool)", 0, token, True)


class VenusPool(VenusMarket):
    """An isolated pool: liquidation thresholds of its own, custom errors instead of codes, indexed events."""

    name = "lab venus pool"
    timed = False
    """Interest by seconds and not by blocks, as on the chains whose blocks have no fixed pace."""

    def __init__(self, lab: Lab, cache: Path) -> None:
        names = ("Comptroller", "VToken", "WhitePaperInterestRateModel")
        blocks = 0 if self.timed else BLOCKS_PER_YEAR
        make = self.make = Deployer(lab.node, hardhat_artifacts(fetch(VENUS_POOLS, cache), names))
        with lab.node.batch():
            self._prepare(lab, cache)
        with self.node.batch():
            start = abi.encode("initialize(uint256,address)", 100, self.helper)
            self.comptroller = self.proxies.deploy("ERC1967Proxy", make.deploy("Comptroller", ADMIN), start)
            for signature, value in (
                ("setPriceOracle(address)", self.oracle),
                ("setCloseFactor(uint256)", WAD // 2),
                ("setLiquidationIncentive(uint256)", INCENTIVE),
            ):
                self.do(self.comptroller, signature, value)
            self.model = make.deploy("WhitePaperInterestRateModel", 2 * WAD, 6 * WAD, self.timed, blocks)
            self.logic = make.deploy("VToken", self.timed, blocks, 5 * 10**13)
            for spec in SPECS:
                self.list_token(spec)
        with self.node.batch():
            for spec in SPECS:
                self.weigh(spec)
        with self.node.batch():
            self.seed()

    def list_token(self, spec: Spec) -> None:
        types = "address,address,address,uint256,string,string,uint8,address,address,(address,address),uint256"
        args = (*self._head(spec), ADMIN, self.helper, (self.helper, self.helper), WAD // 10)
        start = abi.encode(f"initialize({types})", *args)
        token = self.tokens[spec.symbol] = self.proxies.deploy("ERC1967Proxy", self.logic, start)
        self.do(token, "setReduceReservesBlockDelta(uint256)", _NEVER)
        self.do(self.comptroller, "supportMarket(address)", token)
        self._uncap("s", token)


class VenusTimedPool(VenusPool):
    name = "lab venus timed pool"
    timed = True
