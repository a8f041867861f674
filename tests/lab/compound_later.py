"""The newest Compound v2, from artifacts that somebody built: no package ships it. Comptroller that truncates, knows
borrow caps, pauses and closed down markets; cTokens behind delegators, with the protocol's share of what is seized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.artifacts import hardhat_artifacts
from tests.lab.compound_v2 import WAD, CompoundMarket, Spec, own_artifacts
from tests.lab.deployer import Deployer
from tests.lab.node import ADMIN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.lab import Lab

_NAMES = ("Unitroller", "Comptroller", "CErc20Delegator", "CErc20Delegate", "CEther", "JumpRateModelV2")


class LaterMarket(CompoundMarket):
    name = "lab compound later"

    def __init__(self, lab: Lab, cache: Path, folder: Path) -> None:
        self._begin(lab)
        make = self.make = Deployer(self.node, hardhat_artifacts(folder, _NAMES))
        with self.node.batch():
            self.comptroller = make.deploy("Unitroller")
            logic = make.deploy("Comptroller")
            self.oracle = Deployer(self.node, own_artifacts(cache)).deploy("CompoundOracle")
            self._govern(logic)
            self.model = make.deploy("JumpRateModelV2", 2 * WAD, 6 * WAD, 20 * WAD, 80 * WAD // 100, ADMIN)
            self.logic = make.deploy("CErc20Delegate")
            for spec in self.specs:
                self.list_token(spec)
        self._fill()

    def list_token(self, spec: Spec) -> None:
        rate, symbol = 2 * 10 ** (18 + spec.decimals - 8 - 2), spec.symbol
        head, named = (self.comptroller, self.model, rate), (f"Compound {symbol}", f"c{symbol}", 8, ADMIN)
        if symbol == "ETH":
            token = self.make.deploy("CEther", *head, *named)
            self.do(self.oracle, "setCoin(address)", token)
        else:
            token = self.make.deploy("CErc20Delegator", self.underlying[symbol], *head, *named, self.logic, b"")
        self.tokens[symbol] = token
        feed = self.feeds[symbol].address
        self.do(self.oracle, "setFeed(string,address)", "cETH" if symbol == "ETH" else symbol, feed)
        self.do(self.comptroller, "_supportMarket(address)", token)
        self.do(token, "_setReserveFactor(uint256)", WAD // 10)
