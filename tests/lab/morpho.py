"""Morpho Blue from its own package on the laboratory's node, with oracles over the laboratory's feeds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import eth_abi
from eth_utils.crypto import keccak

from tests.lab import abi
from tests.lab.artifacts import Artifacts, Source, compile_source
from tests.lab.deployer import Deployer
from tests.lab.market import wallet
from tests.lab.node import ADMIN, RpcError
from tests.lab.packages import MORPHO, MORPHO_IRM, SOLC_0_8, SOLC_0_8_19, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lab.assets import Token
    from tests.lab.feeds import ChainlinkFeed
    from tests.lab.lab import Lab
    from tests.lab.node import Receipt

NOBODY = "0x" + "00" * 20
PARAMS = "(address,address,address,address,uint256)"
WAD = 10**18
HEALTHY = b"position is healthy"
LENDER = wallet("morpho lender")
FEE_RECIPIENT = wallet("morpho fees")
FEE = WAD // 10


class ViaIr(Source):
    """Compiled through the intermediate representation, as the live contract is."""

    def standard_input(self) -> str:
        task = json.loads(super().standard_input())
        task["settings"]["viaIR"] = True
        return json.dumps(task)


@dataclass(frozen=True)
class Spec:
    """One market. Feeds by pair; `rate`: a vault rate of 1.22 multiplies the base."""

    name: str
    collateral: str
    loan: str
    lltv: int
    """Tenths of a percent."""
    base: tuple[str, ...] = ()
    quote: tuple[str, ...] = ()
    rate: bool = False
    interest: bool = True
    fee: bool = False
    seed: int = 0
    """Whole loan tokens lent out by the lender."""


STAKED = "stETH / ETH"
SPECS = (
    Spec("eth-usdc", "WETH", "USDC", 860, ("ETH / USD",), ("USDC / USD",), seed=20_000_000, fee=True),
    Spec("wsteth-eth", "wstETH", "WETH", 945, rate=True, seed=5_000),
    Spec("btc-usdc", "WBTC", "USDC", 860, ("BTC / USD",), seed=9_000_000),
    Spec("wsteth-usdc", "wstETH", "USDC", 770, ("ETH / USD",), ("USDC / USD",), rate=True, seed=9_000_000),
    Spec("eth-btc", "WETH", "WBTC", 915, ("ETH / USD",), ("BTC / USD",), seed=200, fee=True),
    Spec("link-eurs", "LINK", "EURS", 625, ("LINK / USD",), ("EUR / USD",), seed=900_000),
    Spec("dai-usdc", "DAI", "USDC", 965, seed=5_000_000),
    Spec("crv-dai", "CRV", "DAI", 385, ("CRV / USD",), ("DAI / USD",), interest=False, seed=900_000),
    Spec("wsteth-dai", "wstETH", "DAI", 860, (STAKED, "ETH / USD"), ("DAI / USD",), rate=True, seed=4_000_000),
    Spec("dai-wsteth", "DAI", "wstETH", 770, ("DAI / USD",), (STAKED, "ETH / USD"), seed=900),
)
ADAPTIVE = {"btc-usdc", "wsteth-usdc", "eth-btc", "link-eurs", "wsteth-dai"}
"""With the interest model that the live markets have, and not the simple one of Morpho's own tests."""
START_RATE = 122 * WAD // 100


class MorphoMarket:
    """One market, driven as its users drive it. Amounts are raw integers."""

    LIQUIDATE = f"liquidate({PARAMS},address,uint256,uint256,bytes)->uint256,uint256"

    def __init__(self, morpho: MorphoLab, spec: Spec) -> None:
        self.morpho, self.spec, self.node = morpho, spec, morpho.lab.node
        tokens = morpho.lab.assets.tokens
        self.collateral: Token = tokens[spec.collateral]
        self.loan: Token = tokens[spec.loan]
        self.oracle = morpho.deploy_oracle(spec)
        model = morpho.adaptive_irm if spec.name in ADAPTIVE else morpho.irm
        irm = model if spec.interest else NOBODY
        self.params = (self.loan.address, self.collateral.address, self.oracle, irm, spec.lltv * WAD // 1000)
        self.id = "0x" + keccak(eth_abi.encode([PARAMS], [self.params])).hex()

    @property
    def key(self) -> bytes:
        return bytes.fromhex(self.id[2:])

    @property
    def price(self) -> int:
        return int(self.node.view(self.oracle, "price()->uint256"))

    def _do(self, signature: str, *args: Any, sender: str) -> Receipt | None:
        return self.node.do(self.morpho.address, signature, self.params, *args, sender=sender)

    def _provision(self, user: str, token: Token, amount: int) -> None:
        self.node.do(
            token.address, "provision(address,address,uint256)", user, self.morpho.address, amount, sender=user
        )

    def create(self) -> None:
        """The market itself, and what can be borrowed in it."""
        self._do(f"createMarket({PARAMS})", sender=ADMIN)
        if self.spec.fee:
            self._do(f"setFee({PARAMS},uint256)", FEE, sender=ADMIN)
        amount = self.spec.seed * self.loan.unit
        self._provision(LENDER, self.loan, amount)
        self._do(f"supply({PARAMS},uint256,uint256,address,bytes)", amount, 0, LENDER, b"", sender=LENDER)

    def supply_collateral(self, user: str, amount: int) -> None:
        self._provision(user, self.collateral, amount)
        self._do(f"supplyCollateral({PARAMS},uint256,address,bytes)", amount, user, b"", sender=user)

    def withdraw_collateral(self, user: str, amount: int) -> Receipt | None:
        return self._do(f"withdrawCollateral({PARAMS},uint256,address,address)", amount, user, user, sender=user)

    def borrow(self, user: str, amount: int) -> Receipt | None:
        signature = f"borrow({PARAMS},uint256,uint256,address,address)"
        return self._do(signature, amount, 0, user, user, sender=user)

    def repay(self, user: str, amount: int = 0, shares: int = 0) -> None:
        self._provision(user, self.loan, amount or 10**9 * self.loan.unit)
        self._do(f"repay({PARAMS},uint256,uint256,address,bytes)", amount, shares, user, b"", sender=user)

    def liquidate(self, liquidator: str, user: str, seized: int = 0, shares: int = 0) -> Receipt | None:
        self.fund(liquidator)
        return self._do(self.LIQUIDATE.partition("->")[0], user, seized, shares, b"", sender=liquidator)

    def fund(self, liquidator: str) -> None:
        """Enough for any liquidation."""
        self._provision(liquidator, self.loan, 10**9 * self.loan.unit)

    def try_liquidation(
        self,
        liquidator: str,
        user: str,
        block_hash: str,
        *,
        seized: int = 0,
        shares: int = 0,
        code: Mapping[str, bytes] | None = None,
    ) -> tuple[int, int] | None:
        """What `liquidate` would answer at that block: seized and repaid. None where the position is healthy.

        Nothing is changed. `code` replaces contracts for this one call.
        """
        data = abi.encode(self.LIQUIDATE.partition("->")[0], self.params, user, seized, shares, b"")
        request = {"from": liquidator, "to": self.morpho.address, "data": "0x" + data.hex()}
        overrides = {address: {"code": "0x" + each.hex()} for address, each in (code or {}).items()}
        try:
            answer = self.node.rpc("eth_call", request, {"blockHash": block_hash}, overrides)
        except RpcError as error:
            if isinstance(error.data, str) and HEALTHY in bytes.fromhex(error.data[2:]):
                return None
            raise
        taken, repaid = abi.decode(self.LIQUIDATE, bytes.fromhex(answer[2:]))
        return taken, repaid

    def state(self) -> tuple[int, ...]:
        """`market(id)`: not accrued."""
        types = ",".join(["uint128"] * 6)
        return tuple(self.node.view(self.morpho.address, f"market(bytes32)->{types}", self.key))

    def position(self, user: str) -> tuple[int, int, int]:
        """Supply shares, borrow shares, collateral."""
        signature = "position(bytes32,address)->uint256,uint128,uint128"
        supply, borrow, collateral = self.node.view(self.morpho.address, signature, self.key, user)
        return supply, borrow, collateral


def _adaptive(cache: Path) -> Artifacts:
    root = {"domains/": fetch(MORPHO_IRM, cache) / "domains"}
    entries = ("domains/morphoIrm/contracts/AdaptiveCurveIrm.sol",)
    return compile_source(ViaIr(SOLC_0_8, entries, root, evm_version="paris", runs=999_999), cache)


class MorphoLab:
    """The contract and its markets, by name."""

    def __init__(self, lab: Lab, cache: Path) -> None:
        self.lab = lab
        root = {"morpho/": fetch(MORPHO, cache) / "src"}
        entries = ("morpho/Morpho.sol", "morpho/mocks/IrmMock.sol")
        live = Deployer(lab.node, compile_source(ViaIr(SOLC_0_8_19, entries, root, runs=999_999), cache))
        models = Deployer(lab.node, _adaptive(cache))
        entries = ("lab/MorphoOracle.sol", "lab/PreLiquidation.sol")
        own = Source(SOLC_0_8, entries, {"lab/": Path(__file__).parent / "contracts"}, evm_version="cancun")
        self._own = Deployer(lab.node, compile_source(own, cache))
        self.feeds: dict[str, ChainlinkFeed] = lab.assets.pairs
        with lab.node.batch():
            lab.assets.new_feed(STAKED, 9995 * WAD // 10_000, 18)
            self.address = live.deploy("Morpho", ADMIN)
            self.irm = live.deploy("IrmMock")
            self.adaptive_irm = models.deploy("AdaptiveCurveIrm", self.address)
            self.vault = self._own.deploy("VaultRate", START_RATE)
        with lab.node.batch():
            for irm in (self.irm, self.adaptive_irm, NOBODY):
                lab.node.do(self.address, "enableIrm(address)", irm)
            for lltv in sorted({spec.lltv for spec in SPECS}):
                lab.node.do(self.address, "enableLltv(uint256)", lltv * WAD // 1000)
            lab.node.do(self.address, "setFeeRecipient(address)", FEE_RECIPIENT)
            self.markets = {spec.name: MorphoMarket(self, spec) for spec in SPECS}
            for market in self.markets.values():
                market.create()

    def deploy_early(self, market: MorphoMarket, terms: tuple[Any, ...]) -> str:
        """A stand-in for a pre-liquidation contract: limit, close factors, incentives, oracle."""
        return self._own.deploy("PreLiquidationDouble", self.address, int(market.id, 16), terms)

    def deploy_oracle(self, spec: Spec) -> str:
        tokens, feeds = self.lab.assets.tokens, self.feeds
        gap = tokens[spec.loan].decimals - tokens[spec.collateral].decimals
        if not (spec.base or spec.rate):
            return self._own.deploy("OpaqueOracle", 10 ** (36 + gap) * 9998 // 10_000)
        scale = 36 + gap - (18 if spec.rate else 0)
        scale += sum(feeds[pair].decimals for pair in spec.quote) - sum(feeds[pair].decimals for pair in spec.base)
        base, quote = ([feeds[pair].address for pair in side] for side in (spec.base, spec.quote))
        four = [*base, *[NOBODY] * (2 - len(base)), *quote, *[NOBODY] * (2 - len(quote))]
        vault, sample = (self.vault, WAD) if spec.rate else (NOBODY, 1)
        return self._own.deploy("FeedOracle", vault, sample, four, scale)

    def set_rate(self, rate: int) -> None:
        """Of the vault, 18 decimals."""
        self.lab.node.do(self.vault, "set(uint256)", rate)

    def set_opaque(self, price: int) -> None:
        self.lab.node.do(self.markets["dai-usdc"].oracle, "set(uint256)", price)
