"""The Morpho Blue functions and events that are used, and the getters of its Chainlink oracles."""

from __future__ import annotations

from liqtui.protocols.abi import function

# Morpho
POSITION = function("position(bytes32,address)", "93c52062")
MARKET = function("market(bytes32)", "5c60e39a")
ID_TO_MARKET_PARAMS = function("idToMarketParams(bytes32)", "2c3c9157")
LIQUIDATE = function("liquidate((address,address,address,address,uint256),address,uint256,uint256,bytes)", "d8eabcb8")
IS_AUTHORIZED = function("isAuthorized(address,address)", "65e4ad9e")

# PreLiquidation
PRE_ID = function("ID()", "b3cea217")
PRE_MORPHO = function("MORPHO()", "3acb5624")
PRE_PARAMS = function("preLiquidationParams()", "1d553cee")
PRE_LIQUIDATE = function("preLiquidate(address,uint256,uint256,bytes)", "3078f50a")
NOT_PRE_LIQUIDATABLE = bytes.fromhex("0bb9a651")
"""Error NotPreLiquidatablePosition(): the account is healthy enough."""
PAST_PRE_LIQUIDATION = bytes.fromhex("f78266a2")
"""Error LiquidatablePosition(): it is Morpho's own liquidation that is due."""

# Oracle and interest rate model of a market
PRICE = function("price()", "a035b1fe")
BORROW_RATE_VIEW = function(
    "borrowRateView((address,address,address,address,uint256),(uint128,uint128,uint128,uint128,uint128,uint128))",
    "8c00bf6b",
)

# MorphoChainlinkOracleV2, and ChainlinkOracle before it, which knows one vault only
BASE_FEED_1 = function("BASE_FEED_1()", "f50a4718")
BASE_FEED_2 = function("BASE_FEED_2()", "dc53858c")
QUOTE_FEED_1 = function("QUOTE_FEED_1()", "56095e11")
QUOTE_FEED_2 = function("QUOTE_FEED_2()", "acfbd39e")
BASE_VAULT = function("BASE_VAULT()", "eaa2d7b4")
BASE_VAULT_SAMPLE = function("BASE_VAULT_CONVERSION_SAMPLE()", "054f7ac0")
QUOTE_VAULT = function("QUOTE_VAULT()", "2e6f20a6")
VAULT = function("VAULT()", "411557d1")
VAULT_SAMPLE = function("VAULT_CONVERSION_SAMPLE()", "d6c843ca")
SCALE_FACTOR = function("SCALE_FACTOR()", "ce4b5bbe")
CONVERT_TO_ASSETS = function("convertToAssets(uint256)", "07a2d13a")

# Tokens
SYMBOL = function("symbol()", "95d89b41")
DECIMALS = function("decimals()", "313ce567")

# Event topics
BORROW = "0x570954540bed6b1304a87dfe815a5eda4a648f7097a16240dcd85c9b5fd42a43"
"""Borrow(bytes32 indexed id,address caller,address indexed onBehalf,address indexed receiver,uint256,uint256)"""
SUPPLY_COLLATERAL = "0xa3b9472a1399e17e123f3c2e6586c23e504184d504de59cdaa2b375e880c6184"
"""SupplyCollateral(bytes32 indexed id,address indexed caller,address indexed onBehalf,uint256 assets)"""
SET_AUTHORIZATION = "0xd5e969f01efe921d3f766bdebad25f0a05e3f237311f56482bf132d0326309c0"
"""SetAuthorization(address indexed caller,address indexed authorizer,address indexed authorized,bool)"""
