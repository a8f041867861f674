"""Deployment of Aave v3.0 and v3.6 from their published packages, step by step as their own scripts do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    Rates,
    SharedAssets,
)
from tests.lab.deployer import Deployer
from tests.lab.market import AaveMarket, wallet
from tests.lab.node import ADMIN
from tests.lab.packages import AAVE_CORE, AAVE_ORIGIN, OPENZEPPELIN, SOLC_0_8, SOLIDITY_UTILS, fetch

NOBODY = "0x" + "00" * 20
TREASURY = wallet("treasury")
LENDER = wallet("lender")
SEED_BORROWER = wallet("seed borrower")
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


def artifacts_30(cache: Path) -> Artifacts:
    """v3.0 ships built."""
    return hardhat_artifacts(fetch(AAVE_CORE, cache) / "artifacts" / "contracts", _CORE_30)


def artifacts_36(cache: Path) -> Artifacts:
    """v3.6 ships as sources only."""
    roots = {
        "aave/": fetch(AAVE_ORIGIN, cache) / "src" / "contracts",
        "openzeppelin-contracts/contracts/": fetch(OPENZEPPELIN, cache),
        "solidity-utils/": fetch(SOLIDITY_UTILS, cache) / "src",
    }
    entries = tuple(f"aave/{name}.sol" for name in _CORE_36)
    source = Source(SOLC_0_8, entries, roots, evm_version="cancun", also=("/libraries/logic/",))
    return compile_source(source, cache)


def _deploy_core(
    deploy: Deployer, assets: SharedAssets, market_id: str, pool: Callable[[str], str], configurator: str
) -> str:
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


def deploy_30(assets: SharedAssets, cache: Path) -> AaveMarket:
    """Aave v3.0.x, POOL_REVISION 1."""
    deploy = Deployer(assets.node, artifacts_30(cache))

    def new_pool(provider: str) -> str:
        implementation = deploy.deploy("Pool", provider)
        assets.node.do(implementation, "initialize(address)", provider)
        return implementation

    provider = _deploy_core(deploy, assets, "Lab Aave 3.0", new_pool, "PoolConfigurator")
    market = AaveMarket("lab aave 3.0", assets, provider, ASSETS)
    strategies: dict[Rates, str] = {}
    with assets.node.batch():
        tokens = [deploy.deploy(n, market.pool) for n in ("AToken", "StableDebtToken", "VariableDebtToken")]
        for spec in ASSETS:
            if spec.rates not in strategies:
                curve = (spec.rates.optimal, spec.rates.base, spec.rates.slope1, spec.rates.slope2)
                rays = [part * _RAY_PER_BPS for part in (*curve, 50, 6000, 100, 800, 2000)]
                strategies[spec.rates] = deploy.deploy("DefaultReserveInterestRateStrategy", provider, *rays)

    def reserve(spec: AssetSpec) -> tuple[Any, ...]:
        token = assets.tokens[spec.symbol]
        names = [part for kind in ("a", "variableDebt", "stableDebt") for part in _names(kind, spec.symbol)]
        place = (token.decimals, strategies[spec.rates], token.address, TREASURY, NOBODY)
        return (*tokens, *place, *names, b"")

    _list_reserves(deploy, market, "PoolConfigurator", map(reserve, ASSETS), [ETH_CATEGORY, STABLE_CATEGORY])
    return market


def deploy_36(assets: SharedAssets, cache: Path) -> AaveMarket:
    """Aave v3.6, POOL_REVISION 10."""
    artifacts = artifacts_36(cache)
    assets.node.error_names.update(abi.error_names(artifacts.errors()))
    deploy = Deployer(assets.node, artifacts)

    def new_pool(provider: str) -> str:
        strategy = deploy.deploy("DefaultReserveInterestRateStrategyV2", provider)
        return deploy.deploy("PoolInstance", provider, strategy)

    provider = _deploy_core(deploy, assets, "Lab Aave 3.6", new_pool, "PoolConfiguratorInstance")
    market = AaveMarket("lab aave 3.6", assets, provider, ASSETS)
    with assets.node.batch():
        atoken = deploy.deploy("ATokenInstance", market.pool, NOBODY, TREASURY)
        debt = deploy.deploy("VariableDebtTokenInstance", market.pool, NOBODY)

    def reserve(spec: AssetSpec) -> tuple[Any, ...]:
        curve = (spec.rates.optimal, spec.rates.base, spec.rates.slope1, spec.rates.slope2)
        rates = abi.encode_args(["uint16", "uint32", "uint32", "uint32"], curve)
        names = [*_names("a", spec.symbol), *_names("variableDebt", spec.symbol)]
        return (atoken, debt, assets.tokens[spec.symbol].address, *names, b"", rates)

    categories = [ETH_CATEGORY, STABLE_CATEGORY, PT_CATEGORY]
    with _decimals_of_an_older_listing(market):
        _list_reserves(deploy, market, "PoolConfiguratorInstance", map(reserve, ASSETS), categories)
    return market


@contextmanager
def _decimals_of_an_older_listing(market: AaveMarket) -> Iterator[None]:
    """List tokens of few decimals as a market has them that was upgraded from 3.0.

    This generation lists nothing below 6 decimals, but keeps what was listed before. So the token
    claims 6 for the listing, and the configuration is then written as the upgrade would have left it.
    """
    node, few = market.node, [t for t in market.tokens.values() if t.decimals < _LEAST_DECIMALS]
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


def _list_reserves(
    deploy: Deployer,
    market: AaveMarket,
    configurator: str,
    reserves: Iterable[tuple[Any, ...]],
    categories: Sequence[Category],
) -> None:
    """List every asset with its parameters, and the categories over them."""
    initialise = deploy.artifacts[configurator].signature("initReserves")
    specs = list(market.specs.values())
    with market.node.batch():
        for reserve in reserves:  # one by one: all of them exceed the gas of a transaction
            market.configure(initialise, [reserve])
        addresses = [market.tokens[s.symbol].address for s in specs]
        sources = [market.assets.source_of(s) for s in specs]
        market.node.do(market.oracle, "setAssetSources(address[],address[])", addresses, sources)
        for spec in specs:
            _configure(market, spec)
        for category in categories:
            market.set_category(category)


def _configure(market: AaveMarket, spec: AssetSpec) -> None:
    asset = market.tokens[spec.symbol].address
    if spec.lt:
        signature = "configureReserveAsCollateral(address,uint256,uint256,uint256)"
        market.configure(signature, asset, spec.ltv, spec.lt, spec.bonus)
    market.configure("setReserveFactor(address,uint256)", asset, spec.reserve_factor)
    market.configure("setLiquidationProtocolFee(address,uint256)", asset, 1000)
    if spec.borrowable:
        market.configure("setReserveBorrowing(address,bool)", asset, True)
        market.configure("setReserveFlashLoaning(address,bool)", asset, True)
    if spec.isolated_ceiling:  # before anything is supplied, or the pool refuses
        market.configure("setDebtCeiling(address,uint256)", asset, spec.isolated_ceiling * 100)
    if spec.isolation_borrowable:
        market.configure("setBorrowableInIsolation(address,bool)", asset, True)


def seed_liquidity(market: AaveMarket) -> None:
    """A lender on every reserve and one whale borrower, so that rates are not zero."""
    with market.node.batch():
        for spec in market.specs.values():
            market.supply(LENDER, spec.symbol, spec.seed * market.tokens[spec.symbol].unit)
        market.supply(SEED_BORROWER, "WBTC", 20_000 * market.tokens["WBTC"].unit)
        for spec in market.specs.values():
            if spec.lent:
                market.borrow(SEED_BORROWER, spec.symbol, spec.lent * market.tokens[spec.symbol].unit)
