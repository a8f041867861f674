"""Deployment of Aave v3.0 and v3.6 from their published packages, step by step as their own scripts do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.lab import abi
from tests.lab.artifacts import Artifacts, Source, compile_source, hardhat_artifacts
from tests.lab.assets import (
    ASSETS,
    ETH_CATEGORY,
    PT_CATEGORY,
    STABLE_CATEGORY,
    USD,
    AssetSpec,
    Category,
    SharedAssets,
    Token,
)
from tests.lab.deployer import Deployer
from tests.lab.market import AaveMarket, wallet
from tests.lab.node import ADMIN
from tests.lab.packages import AAVE_CORE, AAVE_ORIGIN, OPENZEPPELIN, SOLC_0_8, SOLIDITY_UTILS, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

NOBODY = "0x" + "00" * 20
TREASURY = wallet("treasury")
LENDER = wallet("lender")
SEED_BORROWER = wallet("seed borrower")
_STABLE_RATE_CURVE = (50, 6000, 100, 800, 2000)  # stable-rate borrowing stays off, its curve must exist
_RAY_PER_BPS = 10**23
_LEAST_DECIMALS = 6

_CORE_30 = ["Pool", "PoolConfigurator", "PoolAddressesProvider", "ACLManager", "AaveOracle", "AToken"]
_CORE_30 += ["AaveProtocolDataProvider", "StableDebtToken", "VariableDebtToken"]
_CORE_30 += ["DefaultReserveInterestRateStrategy", "PriceOracleSentinel"]

_CORE_36 = ["instances/PoolInstance", "instances/PoolConfiguratorInstance", "instances/ATokenInstance"]
_CORE_36 += ["instances/VariableDebtTokenInstance", "misc/AaveOracle", "misc/PriceOracleSentinel"]
_CORE_36 += ["misc/DefaultReserveInterestRateStrategyV2", "helpers/AaveProtocolDataProvider"]
_CORE_36 += ["protocol/configuration/ACLManager", "protocol/configuration/PoolAddressesProvider"]
_CORE_36 += ["protocol/libraries/helpers/Errors"]


def artifacts_30(folder: Path) -> Artifacts:
    """v3.0 ships built."""
    return hardhat_artifacts(fetch(AAVE_CORE, folder) / "artifacts" / "contracts", _CORE_30)


def artifacts_36(folder: Path) -> Artifacts:
    """v3.6 ships as sources only."""
    roots = {
        "aave/": fetch(AAVE_ORIGIN, folder) / "src" / "contracts",
        "openzeppelin-contracts/contracts/": fetch(OPENZEPPELIN, folder),
        "solidity-utils/": fetch(SOLIDITY_UTILS, folder) / "src",
    }
    entries = tuple(f"aave/{name}.sol" for name in _CORE_36)
    source = Source(SOLC_0_8, entries, roots, evm_version="cancun", also=("/libraries/logic/",))
    return compile_source(source, folder)


def _deploy_core(deploy: Deployer, market_id: str, pool: Callable[[str], str], configurator: str) -> str:
    """Registry, roles, pool, configurator, oracle and data provider. Returns the registry."""
    node = deploy.node
    with node.batch():
        provider = deploy.deploy("PoolAddressesProvider", market_id, ADMIN)
        node.do(provider, "setACLAdmin(address)", ADMIN)
        roles = deploy.deploy("ACLManager", provider)
        node.do(provider, "setACLManager(address)", roles)
        node.do(roles, "addPoolAdmin(address)", ADMIN)
        node.do(roles, "addEmergencyAdmin(address)", ADMIN)
        node.do(provider, "setPoolImpl(address)", pool(provider))
        implementation = deploy.deploy(configurator)
        node.do(provider, "setPoolConfiguratorImpl(address)", implementation)
        oracle = deploy.deploy("AaveOracle", provider, [], [], NOBODY, NOBODY, USD)
        node.do(provider, "setPriceOracle(address)", oracle)
        node.do(provider, "setPoolDataProvider(address)", deploy.deploy("AaveProtocolDataProvider", provider))
    return provider


def deploy_30(assets: SharedAssets, folder: Path) -> AaveMarket:
    """Aave v3.0.x, POOL_REVISION 1."""
    deploy = Deployer(assets.node, artifacts_30(folder))

    def new_pool(provider: str) -> str:
        implementation = deploy.deploy("Pool", provider)
        assets.node.do(implementation, "initialize(address)", provider)
        return implementation

    provider = _deploy_core(deploy, "Lab Aave 3.0", new_pool, "PoolConfigurator")
    market = AaveMarket("lab aave 3.0", assets, provider)
    initialise = deploy.artifacts["PoolConfigurator"].signature("initReserves")
    with assets.node.batch():
        implementations = [deploy.deploy(n, market.pool) for n in ("AToken", "StableDebtToken", "VariableDebtToken")]

    def init_reserve(spec: AssetSpec, token: Token) -> None:
        names = [part for kind in ("a", "variableDebt", "stableDebt") for part in _names(kind, spec.symbol)]
        rays = [part * _RAY_PER_BPS for part in (*spec.rates, *_STABLE_RATE_CURVE)]
        strategy = deploy.deploy("DefaultReserveInterestRateStrategy", provider, *rays)
        place = (token.decimals, strategy, token.address, TREASURY, NOBODY)
        market.configure(initialise, [(*implementations, *place, *names, b"")])

    market.init_reserve = init_reserve
    _list_all(market, [ETH_CATEGORY, STABLE_CATEGORY])
    return market


def deploy_36(assets: SharedAssets, folder: Path) -> AaveMarket:
    """Aave v3.6, POOL_REVISION 10."""
    artifacts = artifacts_36(folder)
    assets.node.error_names.update(abi.error_names(artifacts.errors()))
    deploy = Deployer(assets.node, artifacts)

    def new_pool(provider: str) -> str:
        strategy = deploy.deploy("DefaultReserveInterestRateStrategyV2", provider)
        return deploy.deploy("PoolInstance", provider, strategy)

    provider = _deploy_core(deploy, "Lab Aave 3.6", new_pool, "PoolConfiguratorInstance")
    market = AaveMarket("lab aave 3.6", assets, provider)
    initialise = deploy.artifacts["PoolConfiguratorInstance"].signature("initReserves")
    with assets.node.batch():
        atoken = deploy.deploy("ATokenInstance", market.pool, NOBODY, TREASURY)
        debt = deploy.deploy("VariableDebtTokenInstance", market.pool, NOBODY)

    def init_reserve(spec: AssetSpec, token: Token) -> None:
        rates = abi.encode_args(["uint16", "uint32", "uint32", "uint32"], spec.rates)
        names = [*_names("a", spec.symbol), *_names("variableDebt", spec.symbol)]
        market.configure(initialise, [(atoken, debt, token.address, *names, b"", rates)])

    market.init_reserve = init_reserve
    with _decimals_of_an_older_listing(market, ASSETS):
        _list_all(market, [ETH_CATEGORY, STABLE_CATEGORY, PT_CATEGORY])
    return market


@contextmanager
def _decimals_of_an_older_listing(market: AaveMarket, specs: Iterable[AssetSpec]) -> Iterator[None]:
    """List tokens of few decimals as a market has them that was upgraded from 3.0.

    This generation lists nothing below 6 decimals, but keeps what was listed before. So the token
    claims 6 for the listing, and the configuration is then written as the upgrade would have left it.
    """
    node, few = market.node, [market.assets.tokens[s.symbol] for s in specs if s.decimals < _LEAST_DECIMALS]
    for token in few:
        node.do(token.address, "setDecimals(uint8)", _LEAST_DECIMALS)
    yield
    for token in few:
        node.do(token.address, "setDecimals(uint8)", token.decimals)
        word = node.view(market.pool, "getConfiguration(address)->uint256", token.address)
        word = word & ~(0xFF << 48) | token.decimals << 48
        node.do(market.pool, "setConfiguration(address,(uint256))", token.address, (word,), sender=market.configurator)


def _names(kind: str, symbol: str) -> tuple[str, str]:
    return f"Lab {kind} {symbol}", f"{kind}Lab{symbol}"


def _list_all(market: AaveMarket, categories: Iterable[Category]) -> None:
    """Every asset with its parameters, and the categories over them."""
    with market.node.batch():
        for spec in ASSETS:
            market.list_asset(spec)
        for category in categories:
            market.set_category(category)


def seed_liquidity(market: AaveMarket) -> None:
    """A lender on every reserve and one whale borrower, so that rates are not zero."""
    with market.node.batch():
        for spec in market.specs.values():
            market.supply(LENDER, spec.symbol, spec.seed * market.tokens[spec.symbol].unit)
        market.supply(SEED_BORROWER, "WBTC", 20_000 * market.tokens["WBTC"].unit)
        for spec in market.specs.values():
            if spec.lent:
                market.borrow(SEED_BORROWER, spec.symbol, spec.lent * market.tokens[spec.symbol].unit)
