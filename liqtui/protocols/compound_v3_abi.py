"""The Comet functions that are called."""

from __future__ import annotations

from liqtui.protocols.abi import function

BASE_TOKEN = function("baseToken()", "c55dae63")
BASE_FEED = function("baseTokenPriceFeed()", "e7dad6bd")
BASE_SCALE = function("baseScale()", "44c1e5eb")
BASE_BORROW_MIN = function("baseBorrowMin()", "300e6beb")
STORE_FRONT = function("storeFrontPriceFactor()", "1f5954bd")
NUM_ASSETS = function("numAssets()", "a46fe83b")
GET_ASSET_INFO = function("getAssetInfo(uint8)", "c8c7fe6b")
GET_PRICE = function("getPrice(address)", "41976e09")
TOTALS_BASIC = function("totalsBasic()", "b9f0baf7")
TOTALS_COLLATERAL = function("totalsCollateral(address)", "59e017bd")
BORROW_RATE = function("getBorrowRate(uint256)", "9fa83b5a")
SUPPLY_RATE = function("getSupplyRate(uint256)", "d955759d")
USER_BASIC = function("userBasic(address)", "dc4abafd")
USER_COLLATERAL = function("userCollateral(address,address)", "2b92a07d")
BORROW_BALANCE = function("borrowBalanceOf(address)", "374c49b4")
IS_LIQUIDATABLE = function("isLiquidatable(address)", "042e02cf")

# Tokens
SYMBOL = function("symbol()", "95d89b41")
DECIMALS = function("decimals()", "313ce567")
BALANCE_OF = function("balanceOf(address)", "70a08231")
