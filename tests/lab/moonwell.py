"""Moonwell, from artifacts that somebody built: no package ships its contracts. Comptroller, markets behind delegators,
its Chainlink oracle, interest by seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.lab.artifacts import hardhat_artifacts
from tests.lab.compound_v2 import WAD, CompoundMarket, Spec
from tests.lab.deployer import Deployer
from tests.lab.node import ADMIN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.lab import Lab

SEIZE_SHARE = 28 * WAD // 1000
_NAMES = ("Unitroller", "Comptroller", "MErc20Delegator", "MErc20Delegate", "JumpRateModel", "ChainlinkOracle")
_PRICES = 2
"""Slot of ChainlinkOracle.prices: by underlying, 18 digits for a whole token."""


class MoonwellMarket(CompoundMarket):
    name = "lab moonwell"
    coin = ""
    most_decimals = 18

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._begin(lab)
        make = self.make = Deployer(self.node, hardhat_artifacts(folder, _NAMES))
        with self.node.batch():
            self.comptroller = make.deploy("Unitroller")
            logic = make.deploy("Comptroller")
            self.oracle = make.deploy("ChainlinkOracle", "none")
            self._govern(logic)
            self.model = make.deploy("JumpRateModel", 2 * WAD, 6 * WAD, 20 * WAD, 80 * WAD // 100)
            self.logic = make.deploy("MErc20Delegate")
            for spec in self.specs:
                self.list_token(spec)
        self._fill()

    def list_token(self, spec: Spec) -> None:
        rate = 2 * 10 ** (18 + spec.decimals - 8 - 2)
        head = (self.underlying[spec.symbol], self.comptroller, self.model, rate, f"Moonwell {spec.symbol}")
        token = self.make.deploy("MErc20Delegator", *head, f"m{spec.symbol}", 8, ADMIN, self.logic, b"")
        self.tokens[spec.symbol] = token
        name = "WETH" if spec.symbol == "ETH" else spec.symbol
        self.do(self.oracle, "setFeed(string,address)", name, self.feeds[spec.symbol].address)
        self.do(self.comptroller, "_supportMarket(address)", token)
        self.do(token, "_setReserveFactor(uint256)", WAD // 10)
        self.do(token, "_setProtocolSeizeShare(uint256)", SEIZE_SHARE)

    def fix_price(self, symbol: str, price: int) -> None:
        own = price * self.units[symbol] // WAD
        self.do(self.oracle, "setDirectPrice(address,uint256)", self.underlying[symbol], own)

    def told_price(self, token: str, asset: str, answer: int, decimals: int) -> tuple[str, list[Any], int]:
        return self.oracle, [asset, _PRICES], answer
