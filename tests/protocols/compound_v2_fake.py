"""A Compound v2 comptroller, or one of its forks, in a dictionary. Answers are encoded with eth_abi."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import eth_abi

from liqtui.core.reads import Block, Call, Failure
from liqtui.core.sources import USUAL_MULTICALL3, MarketRef
from liqtui.core.units import WAD
from liqtui.protocols import compound_v2_abi as abi
from liqtui.protocols.compound_v2 import CompoundV2
from liqtui.protocols.compound_v2_math import TRUNCATING, Line, Rounding, measure
from liqtui.protocols.compound_v2_open import COIN
from liqtui.protocols.compound_v2_pauses import Action
from tests.protocols.fake import NOBODY, NOW, Chain, addr, feed, run

ENTRY, ORACLE, MAIN = addr("comptroller"), addr("oracle"), addr("main")
VAI, VAI_CONTROLLER = addr("VAI"), addr("vaic")
WALLET = addr("user")
REF = MarketRef("compound-v2", 1, "test market", ENTRY)
BLOCK = Block(100, "0x" + "11" * 32, NOW)
ADAPTER = CompoundV2()


@dataclass
class Token:
    """One cToken. The price is in dollars of 8 decimals, as its feed answers."""

    symbol: str
    price: int
    decimals: int = 18
    factor: int = 80 * WAD // 100
    threshold: int = 0
    incentive: int = 108 * WAD // 100
    coin: bool = False
    underlying: str = ""
    rate: int = WAD
    stored_rate: int = 0
    cash: int = 10**24
    supply_rate: int = 10**9
    borrow_rate: int = 2 * 10**9
    deprecated: bool = False
    periods: int = 0
    per_second: bool = False
    sizes: tuple[int, int, int] | None = None
    """Total debts, reserves and cTokens; None: not told."""
    grown: tuple[int, int] = (0, 0)
    """By how much interest up to the block makes the debts and the reserves more."""
    bad: int = 0
    """Debt written off, in an isolated pool."""
    share: int | None = None
    caps: tuple[int, int] | None = None
    """For borrowing and for supplying; None: the comptroller knows none."""
    paused: tuple[str, ...] = ()
    """Names of actions, by those of Compound or those of Venus."""

    @property
    def address(self) -> str:
        return addr(f"c{self.symbol}")

    @property
    def of(self) -> str:
        return "" if self.coin else self.underlying or addr(self.symbol)

    @property
    def feed(self) -> str:
        return addr(f"feed{self.symbol}")

    @property
    def oracle_price(self) -> int:
        return self.price * 10 ** (28 - self.decimals)


@dataclass
class User:
    """cTokens, and debts in raw units, by symbol."""

    tokens: dict[str, int] = field(default_factory=dict)
    owed: dict[str, int] = field(default_factory=dict)
    stored_owed: dict[str, int] = field(default_factory=dict)
    entered: tuple[str, ...] = ()
    vai: int = 0
    stored_vai: int | None = None
    """Without the interest since the last time that it accrued; None: there is none."""
    weights: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Factor, threshold and incentive of its e-mode pool."""
    forced: tuple[str, ...] = ()
    pool: int = 0
    error: int = 0
    off: int = 0
    """By how much the comptroller's answer differs from the arithmetic."""


ETH = {"symbol": "ETH", "price": 2_000 * 10**8, "coin": True}
USDC = {"symbol": "USDC", "price": 10**8, "decimals": 6, "factor": 85 * WAD // 100}


@dataclass
class Fake:
    """`kind`: compound, isolated, core (of Venus)."""

    kind: str = "compound"
    tokens: list[Token] = field(default_factory=lambda: [Token(**ETH), Token(**USDC)])
    users: dict[str, User] = field(default_factory=dict)
    close_factor: int = WAD // 2
    paused: bool = False
    implementation: str = ""
    with_deprecation: bool = True
    liquidator: str = ""
    vai_forced: bool = False
    least: int | None = None
    feeds: str = "symbol"
    """How the oracle tells its feeds: by symbol, by token, or not."""
    rounding: Rounding = TRUNCATING

    def token(self, symbol: str) -> Token:
        return next(token for token in self.tokens if token.symbol == symbol)

    def chain(self) -> Chain:
        chain = Chain()
        chain.set(ENTRY, abi.ORACLE, types="address", value=ORACLE)
        listing = [token.address for token in self.tokens]
        chain.set(ENTRY, abi.GET_ALL_MARKETS, types="address[]", value=listing)
        chain.set(ENTRY, abi.CLOSE_FACTOR, types="uint256", value=self.close_factor)
        chain.set(ENTRY, abi.LIQUIDATION_INCENTIVE, types="uint256", value=108 * WAD // 100)
        if self.kind == "compound":
            chain.set(ENTRY, abi.SEIZE_PAUSED, types="bool", value=self.paused)
        if self.implementation:
            chain.set(ENTRY, abi.COMPTROLLER_IMPLEMENTATION, types="address", value=self.implementation)
        if self.liquidator:
            chain.set(ENTRY, abi.LIQUIDATOR_CONTRACT, types="address", value=self.liquidator)
        if self.least is not None:
            chain.set(ENTRY, abi.LEAST_COLLATERAL, types="uint256", value=self.least)
        if self.kind == "core":
            chain.set(ENTRY, abi.PROTOCOL_PAUSED, types="bool", value=self.paused)
            chain.set(ENTRY, abi.VAI_CONTROLLER, types="address", value=VAI_CONTROLLER)
            chain.set(VAI_CONTROLLER, abi.GET_VAI_ADDRESS, types="address", value=VAI)
            chain.set(VAI, abi.SYMBOL, types="string", value="VAI")
            chain.set(VAI, abi.DECIMALS, types="uint8", value=18)
            chain.set(VAI_CONTROLLER, abi.GET_VAI_REPAY_RATE, types="uint256", value=4 * WAD // 100)
            chain.set(ENTRY, abi.IS_FORCED, VAI_CONTROLLER, types="bool", value=self.vai_forced)
        for token in self.tokens:
            self._token(chain, token)
        for wallet, user in self.users.items():
            self._user(chain, wallet, user)
        return chain

    def _token(self, chain: Chain, token: Token) -> None:
        at = token.address
        chain.set(at, abi.SYMBOL, types="string", value=f"c{token.symbol}")
        if not token.coin:
            chain.set(at, abi.UNDERLYING, types="address", value=token.of)
            chain.set(token.of, abi.SYMBOL, types="string", value=token.symbol)
            chain.set(token.of, abi.DECIMALS, types="uint8", value=token.decimals)
        rates = (abi.SUPPLY_RATE_PER_BLOCK, abi.BORROW_RATE_PER_BLOCK)
        if token.per_second:
            rates = (abi.SUPPLY_RATE_PER_TIMESTAMP, abi.BORROW_RATE_PER_TIMESTAMP)
        if token.periods:
            chain.set(at, abi.PERIODS_PER_YEAR, types="uint256", value=token.periods)
        for getter, value in zip(rates, (token.supply_rate, token.borrow_rate), strict=True):
            chain.set(at, getter, types="uint256", value=value)
        chain.set(at, abi.GET_CASH, types="uint256", value=token.cash)
        if token.sizes is not None:
            for getter, value in zip(
                (abi.TOTAL_BORROWS, abi.TOTAL_RESERVES, abi.TOTAL_SUPPLY), token.sizes, strict=True
            ):
                chain.set(at, getter, types="uint256", value=value)
            lent, kept = (size + more for size, more in zip(token.sizes, token.grown, strict=False))
            chain.set(at, abi.TOTAL_BORROWS_CURRENT, types="uint256", value=lent)
            call = abi.in_one(USUAL_MULTICALL3, [abi.ACCRUE_INTEREST.at(at), abi.TOTAL_RESERVES.at(at)])
            replies = [(True, bytes(32)), (True, kept.to_bytes(32))]
            chain.results[call.target, call.data] = eth_abi.encode(["(bool,bytes)[]"], [replies])
        if self.least is not None:
            chain.set(at, abi.BAD_DEBT, types="uint256", value=token.bad)
        if token.share is not None:
            chain.set(at, abi.SEIZE_SHARE, types="uint256", value=token.share)
        if token.caps is not None:
            for getter, value in zip((abi.BORROW_CAPS, abi.SUPPLY_CAPS), token.caps, strict=True):
                chain.set(ENTRY, getter, at, types="uint256", value=value)
        for number, action in enumerate(Action):
            said = action in token.paused
            if self.kind != "compound":
                chain.set(ENTRY, abi.ACTION_PAUSED, at, number, types="bool", value=said)
            elif action in {Action.ADD, Action.BORROW}:
                getter = abi.MINT_PAUSED if action is Action.ADD else abi.BORROW_PAUSED
                chain.set(ENTRY, getter, at, types="bool", value=said)
        chain.set(at, abi.EXCHANGE_RATE_CURRENT, types="uint256", value=token.rate)
        self._markets(chain, token)
        chain.set(ORACLE, abi.GET_UNDERLYING_PRICE, at, types="uint256", value=token.oracle_price)
        if self.feeds == "symbol":
            call = abi.with_text(abi.GET_FEED, ORACLE, f"c{token.symbol}" if token.coin else token.symbol)
            chain.results[call.target, call.data] = eth_abi.encode(["address"], [token.feed])
        elif self.feeds == "token":
            asset = token.of or COIN
            types = ["address", "address[3]", "bool[3]", "bool"]
            value = [asset, [MAIN, NOBODY, NOBODY], [True, False, False], False]
            chain.set(ORACLE, abi.GET_TOKEN_CONFIG, asset, types=types, value=value)
            chain.set(
                MAIN, abi.TOKEN_CONFIGS, asset, types=["address", "address", "uint256"], value=[asset, token.feed, 99]
            )
        feed(chain, token.feed, token.price, f"{token.symbol} / USD")

    def _markets(self, chain: Chain, token: Token) -> None:
        types, value = ["bool", "uint256", "bool"], [True, token.factor, True]
        if self.kind == "isolated":
            types, value = ["bool", "uint256", "uint256"], [True, token.factor, token.threshold]
        if self.kind == "core":
            types = ["bool", "uint256", "bool", "uint256", "uint256", "uint96", "bool"]
            value = [True, token.factor, True, token.threshold, token.incentive, 0, True]
            chain.set(ENTRY, abi.IS_FORCED_FOR_USER, ENTRY, token.address, types="bool", value=False)
        if self.kind != "compound":
            chain.set(ENTRY, abi.IS_FORCED, token.address, types="bool", value=token.deprecated)
        elif self.with_deprecation:
            chain.set(ENTRY, abi.IS_DEPRECATED, token.address, types="bool", value=token.deprecated)
        chain.set(ENTRY, abi.MARKETS, token.address, types=types, value=value)

    def _user(self, chain: Chain, wallet: str, user: User) -> None:
        entered = [self.token(symbol).address for symbol in user.entered]
        chain.set(ENTRY, abi.GET_ASSETS_IN, wallet, types="address[]", value=entered)
        for token in self.tokens:
            held, owed = user.tokens.get(token.symbol, 0), user.owed.get(token.symbol, 0)
            stored = [0, held, user.stored_owed.get(token.symbol, owed), token.stored_rate or token.rate]
            chain.set(token.address, abi.BALANCE_OF, wallet, types="uint256", value=held)
            chain.set(token.address, abi.GET_ACCOUNT_SNAPSHOT, wallet, types=["uint256"] * 4, value=stored)
            chain.set(token.address, abi.BORROW_BALANCE_CURRENT, wallet, types="uint256", value=owed)
            if self.kind == "core":
                own = user.weights.get(token.symbol, (token.factor, token.threshold, token.incentive))
                for kind in (0, 1):
                    chain.set(
                        ENTRY, abi.EFFECTIVE_FACTOR, wallet, token.address, kind, types="uint256", value=own[kind]
                    )
                chain.set(ENTRY, abi.EFFECTIVE_INCENTIVE, wallet, token.address, types="uint256", value=own[2])
                forced = token.symbol in user.forced
                chain.set(ENTRY, abi.IS_FORCED_FOR_USER, wallet, token.address, types="bool", value=forced)
        if self.kind == "core":
            stored_vai = user.vai if user.stored_vai is None else user.stored_vai
            chain.set(VAI_CONTROLLER, abi.GET_VAI_REPAY_AMOUNT, wallet, types="uint256", value=stored_vai)
            forced = "VAI" in user.forced
            chain.set(ENTRY, abi.IS_FORCED_FOR_USER, wallet, VAI_CONTROLLER, types="bool", value=forced)
            chain.set(ENTRY, abi.USER_POOL, wallet, types="uint96", value=user.pool)
        calls = [Call(token, abi.ACCRUE_INTEREST.selector) for token in entered]
        if user.vai:
            accrue = Call(VAI_CONTROLLER, abi.ACCRUE_VAI_INTEREST.selector)
            calls.append(accrue)
            call = abi.in_one(USUAL_MULTICALL3, [accrue, abi.GET_VAI_REPAY_AMOUNT.at(VAI_CONTROLLER, wallet)])
            replies = [(True, b""), (True, eth_abi.encode(["uint256"], [user.vai]))]
            chain.results[call.target, call.data] = eth_abi.encode(["(bool,bytes)[]"], [replies])
        call = abi.in_one(USUAL_MULTICALL3, [*calls, abi.GET_ACCOUNT_LIQUIDITY.at(ENTRY, wallet)])
        answer = eth_abi.encode(["uint256"] * 3, [user.error, *self._liquidity(user)])
        replies = [(True, eth_abi.encode(["uint256"], [0]))] * len(calls) + [(True, answer)]
        chain.results[call.target, call.data] = eth_abi.encode(["(bool,bytes)[]"], [replies])

    def _liquidity(self, user: User) -> tuple[int, int]:
        lines = []
        for symbol in user.entered:
            token = self.token(symbol)
            weight = token.threshold if self.kind != "compound" else token.factor
            weight = user.weights[symbol][1] if symbol in user.weights else weight
            held, owed = user.tokens.get(symbol, 0), user.owed.get(symbol, 0)
            lines.append(Line(symbol, held, owed, token.rate, weight, token.oracle_price))
        lines.append(Line("VAI", 0, user.vai, 0, 0, WAD))
        sums = measure(lines, self.rounding)
        assert sums is not None
        liquidity, shortfall = sums.liquidity
        return liquidity + user.off, shortfall


def opened(chain: Chain, ref: MarketRef = REF) -> Any:
    return run(ADAPTER.open(ref, BLOCK), chain)


def read(chain: Chain, hints: dict[str, frozenset[str]] | None = None) -> Any:
    market = opened(chain)
    wanted = {WALLET: frozenset[str]()} if hints is None else hints
    return market, run(ADAPTER.refresh(market, BLOCK, wanted), chain)


def position(chain: Chain, hint: frozenset[str] = frozenset()) -> Any:
    """The position of the one user."""
    market, reading = read(chain, {WALLET: hint})
    account = reading.accounts[WALLET]
    assert not isinstance(account, Exception), account
    (found,) = ADAPTER.evaluate(market, BLOCK, reading.market, account, WALLET)
    return found


def loan(**change: Any) -> Fake:
    """One ether against 1,000 USDC: 2,000 × 0.8 ÷ 1,000."""
    user = User({"ETH": WAD}, {"USDC": 1_000 * 10**6}, entered=("ETH", "USDC"))
    return Fake(users={WALLET: user}, **change)


REVERT = Failure("revert")


def venus(**user: Any) -> Fake:
    tokens = [
        Token(**ETH, threshold=85 * WAD // 100, incentive=110 * WAD // 100),
        Token(**USDC, threshold=88 * WAD // 100, incentive=105 * WAD // 100),
    ]
    fake = loan(kind="core", tokens=tokens, feeds="token")
    for name, value in user.items():
        setattr(fake.users[WALLET], name, value)
    return fake


def held(chain: Chain) -> Any:
    return read(chain)[1].accounts[WALLET]
