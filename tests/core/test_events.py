from liqtui.core.events import EventKind, MarketEvent, Moved, liquidation_lines
from liqtui.core.model import Asset, PositionKey

KEY = PositionKey(1, "aave-v3", "main", "0x" + "11" * 20)
WETH, USDC = Asset("0x" + "e0" * 20, "WETH", 18), Asset("0x" + "c0" * 20, "USDC", 6)
WHO = "0x1234" + "00" * 16 + "abcd"
TX = "0x" + "ab" * 32


def event(kind=EventKind.LIQUIDATED, tx=TX, who=WHO, **moved):
    return MarketEvent(kind, KEY, tx, 1, 10, "0x" + "bb" * 32, who=who, **moved)


def test_a_liquidation_in_one_line():
    found = event(collateral=Moved(WETH, 32 * 10**17), debt=Moved(USDC, 5000 * 10**6))
    assert liquidation_lines([found]) == (f"by 0x1234…abcd: 3.2 WETH taken, 5,000 USDC repaid, tx {TX}",)


def test_one_transaction_is_one_line_and_two_are_two():
    first = event(collateral=Moved(WETH, 10**18))
    second = event(collateral=Moved(WETH, 2 * 10**18), debt=Moved(USDC, 10**6))
    lost = event(EventKind.WRITTEN_OFF, who="", debt=Moved(USDC, 7 * 10**6))
    other = event(tx="0x" + "cd" * 32, who="")
    assert liquidation_lines([first, second, lost, other]) == (
        f"by 0x1234…abcd: 3 WETH taken, 1 USDC repaid, 7 USDC of debt written off, tx {TX}",
        f"by somebody: tx 0x{'cd' * 32}",
    )


def test_what_the_owner_did_is_no_liquidation():
    acts = [event(kind, debt=Moved(USDC, 1)) for kind in EventKind if kind.own]
    assert len(acts) == 4
    assert liquidation_lines(acts) == ()
    assert liquidation_lines([event(EventKind.WRITTEN_OFF, debt=Moved(USDC, 1))]) == ()


def test_text_from_the_chain_is_cleaned():
    (line,) = liquidation_lines([event(tx="\x1b[2J" + "A" * 300, who="\x1b]0;x\x07")])
    assert line.isprintable()
    assert len(line) < 120
