"""Positions in Morpho Blue are found by logs alone: on the laboratory's node, by the engine as it runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from eth_utils.crypto import keccak

from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.core.wallet import Wallet
from liqtui.engine.history import History
from liqtui.engine.logsearch import place_of
from liqtui.engine.once import run_once
from liqtui.engine.outcome import Outcome
from liqtui.engine.setup import Setup, pool, rounds_on, shipped_adapters
from liqtui.protocols import morpho_blue_logs
from liqtui.protocols.morpho_blue import MorphoBlue
from tests.lab.morpho_positions import SHAPES

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from liqtui.core.reads import Log
    from tests.lab.morpho import MorphoLab

USERS = list(dict.fromkeys(shape.wallet for shape in SHAPES))


def setup_of(morpho: MorphoLab, state: Path | None = None) -> Setup:
    spec = ChainSpec(morpho.lab.node.chain_id, "lab", rpc=(morpho.lab.node.url,), requests_per_second=1e6, timeout=30)
    ref = MarketRef("morpho-blue", spec.id, "lab", morpho.address.lower(), custom=True)
    return Setup((spec,), (ref,), tuple(Wallet(user) for user in USERS), state=state)


def expected(morpho: MorphoLab) -> set[tuple[str, str]]:
    return {(shape.wallet.lower(), morpho.markets[shape.market].id) for shape in SHAPES}


def test_one_round_finds_every_position_without_being_told_a_market(morpho_lab: MorphoLab) -> None:
    snapshot = run_once(setup_of(morpho_lab))
    assert (snapshot.unread, snapshot.searching) == ((), ())
    assert {(row.key.wallet, row.key.market_id) for row in snapshot.rows} == expected(morpho_lab)
    assert all(row.position is not None for row in snapshot.rows)


def test_its_first_word_is_in_the_block_in_which_it_was_made(
    morpho_lab: MorphoLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a node which tells none there has dropped old logs."""
    node, setup = morpho_lab.lab.node, setup_of(morpho_lab)
    there = [int(node.rpc("eth_getCode", morpho_lab.address, hex(at)) != "0x") for at in range(node.block_number + 1)]
    monkeypatch.setattr(morpho_blue_logs, "first_block", lambda _: there.index(1))
    early = MorphoBlue().early_logs(setup.markets[0])
    assert early is not None

    async def told() -> list[Log]:
        reader = pool(setup.chains[0])
        try:
            return await reader.logs(early.first, early.first, early.wanted)
        finally:
            await reader.close()

    (first, *_) = asyncio.run(told())
    assert first.topics[0] == "0x" + keccak(text="SetOwner(address)").hex()


def test_what_was_found_is_known_after_a_restart(morpho_lab: MorphoLab, tmp_path: Path) -> None:
    setup = setup_of(morpho_lab, tmp_path)

    async def one(history: History) -> Outcome:
        reader = pool(setup.chains[0])
        try:
            outcome = await rounds_on(setup.chains[0], setup, shipped_adapters(), reader, history).round(0.0)
        finally:
            await reader.close()
        assert isinstance(outcome, Outcome)
        return outcome

    morpho_lab.lab.node.mine(100)
    history = History(tmp_path)
    first = asyncio.run(one(history))
    history.flush(0.0)
    place = place_of(MorphoBlue(), setup.markets[0])
    kept = [history.trail(place, user.lower()) for user in USERS]
    assert all(trail is not None and trail.next_block > 0 and len(trail.found) > len("[]") for trail in kept)
    history.close()
    morpho_lab.lab.node.mine(300)
    again = run_once(setup)
    assert {(row.key.wallet, row.key.market_id) for row in again.rows} == {
        (key.wallet, key.market_id) for key in first.positions
    }
