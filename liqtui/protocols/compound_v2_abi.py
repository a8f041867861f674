"""The functions of Compound v2 and its forks that are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.reads import Call, Failure
from liqtui.protocols.abi import WORD, encode_word, function

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.core.reads import Result
    from liqtui.protocols.abi import Function

# Comptroller
ORACLE = function("oracle()", "7dc0d1d0")
GET_ALL_MARKETS = function("getAllMarkets()", "b0772d0b")
MARKETS = function("markets(address)", "8e8f294b")
CLOSE_FACTOR = function("closeFactorMantissa()", "e8755446")
LIQUIDATION_INCENTIVE = function("liquidationIncentiveMantissa()", "4ada90af")
GET_ASSETS_IN = function("getAssetsIn(address)", "abfceffc")
GET_ACCOUNT_LIQUIDITY = function("getAccountLiquidity(address)", "5ec88c79")
COMPTROLLER_IMPLEMENTATION = function("comptrollerImplementation()", "bb82aa5e")
SEIZE_PAUSED = function("seizeGuardianPaused()", "ac0b0bb7")
MINT_PAUSED = function("mintGuardianPaused(address)", "731f0c2b")
BORROW_PAUSED = function("borrowGuardianPaused(address)", "6d154ea5")
BORROW_CAPS = function("borrowCaps(address)", "4a584432")
SUPPLY_CAPS = function("supplyCaps(address)", "02c3bcbb")  # Venus, Moonwell
LIQUIDATOR_CONTRACT = function("liquidatorContract()", "9bb27d62")  # Venus core
LEAST_COLLATERAL = function("minLiquidatableCollateral()", "db5c65de")  # Venus's isolated pools
IS_DEPRECATED = function("isDeprecated(address)", "94543c15")
# Comptroller of Venus
ACTION_PAUSED = function("actionPaused(address,uint8)", "e85a2960")
PROTOCOL_PAUSED = function("protocolPaused()", "425fad58")
USER_POOL = function("userPoolId(address)", "73769099")
IS_FORCED = function("isForcedLiquidationEnabled(address)", "8c1ac18a")
IS_FORCED_FOR_USER = function("isForcedLiquidationEnabledForUser(address,address)", "f445d703")
EFFECTIVE_FACTOR = function("getEffectiveLtvFactor(address,address,uint8)", "19ef3e8b")
EFFECTIVE_INCENTIVE = function("getEffectiveLiquidationIncentive(address,address)", "afd3783b")
VAI_CONTROLLER = function("vaiController()", "9254f5e5")
GET_VAI_ADDRESS = function("getVAIAddress()", "cbeb2b28")
GET_VAI_REPAY_AMOUNT = function("getVAIRepayAmount(address)", "78c2f922")
GET_VAI_REPAY_RATE = function("getVAIRepayRate()", "b9ee8726")
ACCRUE_VAI_INTEREST = function("accrueVAIInterest()", "b49b1005")

# cToken, vToken, mToken
UNDERLYING = function("underlying()", "6f307dc3")
SYMBOL = function("symbol()", "95d89b41")
DECIMALS = function("decimals()", "313ce567")
BALANCE_OF = function("balanceOf(address)", "70a08231")
GET_ACCOUNT_SNAPSHOT = function("getAccountSnapshot(address)", "c37f68e2")
GET_CASH = function("getCash()", "3b1d21a2")
TOTAL_BORROWS = function("totalBorrows()", "47bd3718")
TOTAL_BORROWS_CURRENT = function("totalBorrowsCurrent()", "73acee98")
BAD_DEBT = function("badDebt()", "bbcac557")  # Venus's isolated pools
TOTAL_RESERVES = function("totalReserves()", "8f840ddd")
TOTAL_SUPPLY = function("totalSupply()", "18160ddd")
SEIZE_SHARE = function("protocolSeizeShareMantissa()", "6752e702")
ACCRUE_INTEREST = function("accrueInterest()", "a6afed95")
EXCHANGE_RATE_CURRENT = function("exchangeRateCurrent()", "bd6d894d")
BORROW_BALANCE_CURRENT = function("borrowBalanceCurrent(address)", "17bfdfbc")
BORROW_RATE_PER_BLOCK = function("borrowRatePerBlock()", "f8f9da28")
SUPPLY_RATE_PER_BLOCK = function("supplyRatePerBlock()", "ae9d70b0")
BORROW_RATE_PER_TIMESTAMP = function("borrowRatePerTimestamp()", "cd91801c")
SUPPLY_RATE_PER_TIMESTAMP = function("supplyRatePerTimestamp()", "d3bd2c72")
PERIODS_PER_YEAR = function("blocksOrSecondsPerYear()", "6857249c")

# Oracles: all of them, then those of Moonwell (and others) and of Venus
GET_UNDERLYING_PRICE = function("getUnderlyingPrice(address)", "fc57d4df")
GET_FEED = function("getFeed(string)", "3b39a51c")
GET_TOKEN_CONFIG = function("getTokenConfig(address)", "cb67e3b1")
TOKEN_CONFIGS = function("tokenConfigs(address)", "1b69dc5f")

# Multicall3
AGGREGATE3 = function("aggregate3((address,bool,bytes)[])", "82ad56cb")


def with_text(getter: Function, target: str, text: str) -> Call:
    """A call with one string as its argument."""
    return Call(target, getter.selector + encode_word(WORD) + _sized(text.encode()))


def in_one(multicall: str, calls: Iterable[Call]) -> Call:
    """These calls as a single one, so that each sees what those before it wrote. Reverts if one of them does."""
    tuples = [
        encode_word(call.target) + encode_word(0) + encode_word(3 * WORD) + _sized(call.data)  # no failure is allowed
        for call in calls
    ]
    places = [len(tuples) * WORD + sum(map(len, tuples[:i])) for i in range(len(tuples))]
    head = encode_word(WORD) + encode_word(len(tuples)) + b"".join(map(encode_word, places))
    return Call(multicall, AGGREGATE3.selector + head + b"".join(tuples))


def last_of(result: Result) -> Result:
    """What the last call of `in_one` answered; a Failure where there is no such answer."""
    if isinstance(result, Failure):
        return result
    end, number = len(result) - WORD, int.from_bytes
    head = number(result[:WORD])
    count = number(result[head : head + WORD]) if head <= end else 0
    at = head + count * WORD
    last = head + WORD + number(result[at : at + WORD])
    if not count or max(at, last + 2 * WORD) > end:
        return Failure("short")
    size = last + number(result[last + WORD : last + 2 * WORD])
    return result[size + WORD : size + WORD + number(result[size : size + WORD])]


def _sized(data: bytes) -> bytes:
    """Bytes with their length before them, padded to whole words."""
    return encode_word(len(data)) + data.ljust(-(-len(data) // WORD) * WORD, b"\0")
