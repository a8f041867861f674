"""The Aave v3 functions that are called. The same in all revisions where nothing else is said."""

from __future__ import annotations

from liqtui.protocols.abi import function

# PoolAddressesProvider
GET_POOL = function("getPool()", "026b1d5f")
GET_PRICE_ORACLE = function("getPriceOracle()", "fca513a8")
GET_PRICE_ORACLE_SENTINEL = function("getPriceOracleSentinel()", "5eb88d3d")

# Pool
POOL_REVISION = function("POOL_REVISION()", "0148170e")
GET_RESERVES_LIST = function("getReservesList()", "d1946dbc")
GET_RESERVE_DATA = function("getReserveData(address)", "35ea6a75")
GET_USER_ACCOUNT_DATA = function("getUserAccountData(address)", "bf92857c")
GET_USER_CONFIGURATION = function("getUserConfiguration(address)", "4417a583")
GET_USER_EMODE = function("getUserEMode(address)", "eddf1b79")
PAUSED = function("paused()", "5c975abb")  # Aave v2
GET_GRACE_PERIOD = function("getLiquidationGracePeriod(address)", "5c9a8b18")  # 3.1 on
GET_VIRTUAL_BALANCE = function("getVirtualUnderlyingBalance(address)", "6fb07f96")  # 3.1 on
GET_CATEGORY_DATA = function("getEModeCategoryData(uint8)", "6c6f6ae1")  # to 3.1
GET_CATEGORY_CONFIG = function("getEModeCategoryCollateralConfig(uint8)", "b286f467")  # 3.2 on
GET_CATEGORY_MEMBERS = function("getEModeCategoryCollateralBitmap(uint8)", "b0771dba")  # 3.2 on
GET_CATEGORY_LABEL = function("getEModeCategoryLabel(uint8)", "2083e183")  # 3.2 on
GET_CATEGORY_LTV_ZERO = function("getEModeCategoryLtvzeroBitmap(uint8)", "fd89dee5")  # 3.6 on
GET_CATEGORY_ISOLATED = function("getIsEModeCategoryIsolated(uint8)", "05f68acb")  # 3.7 on

# AaveOracle and PriceOracleSentinel
BASE_CURRENCY = function("BASE_CURRENCY()", "e19f4700")
BASE_CURRENCY_UNIT = function("BASE_CURRENCY_UNIT()", "8c89b64f")
WETH = function("WETH()", "ad5c4648")  # the first of Aave v2 only
GET_ASSET_PRICE = function("getAssetPrice(address)", "b3596f07")
GET_SOURCE = function("getSourceOfAsset(address)", "92bf2be0")
IS_LIQUIDATION_ALLOWED = function("isLiquidationAllowed()", "7a5d20ea")

# Tokens
SCALED_BALANCE_OF = function("scaledBalanceOf(address)", "1da24f3e")
SCALED_TOTAL_SUPPLY = function("scaledTotalSupply()", "b1bf962d")
GET_USER_STABLE_RATE = function("getUserStableRate(address)", "e78c9b3b")  # stable debt token
BALANCE_OF = function("balanceOf(address)", "70a08231")
TOTAL_SUPPLY = function("totalSupply()", "18160ddd")
SYMBOL = function("symbol()", "95d89b41")
