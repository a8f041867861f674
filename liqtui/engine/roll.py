"""Who is watched, as alerts see it: what is about nobody's wallet any more is called by no one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.config.watchlist import is_resolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.snapshot import Alert
    from liqtui.core.sources import ChainSpec
    from liqtui.core.wallet import Wallet


class Roll:
    def __init__(self, chains: Iterable[ChainSpec], *, given: bool) -> None:
        """`given`: the wallets are those of this one session, which takes nobody off the watchlist."""
        self._chains = {str(spec.id): spec.name for spec in chains}
        self._given = given
        self._wallets: Mapping[str, Wallet] = {}
        self.whole = False
        """It is known who is watched: whoever is not on the list is not. A name without an address may be anybody, and
        a list that is empty as a whole is rather a file that is gone, or an editor halfway, than a wish.
        """

    def watch(self, wallets: Mapping[str, Wallet]) -> None:
        """`wallets` by their key."""
        self._wallets = wallets
        self.whole = bool(wallets) and not self._given and all(map(is_resolved, wallets.values()))

    def watched(self, position: str) -> bool:
        """Whether its wallet is, on its chain, by a position's id. True as long as that is not known."""
        if not self.whole:
            return True
        wallet = self._wallets.get(position.rpartition(":")[2])
        chain = self._chains.get(position.partition(":")[0])
        return wallet is not None and (chain is None or not wallet.chains or chain in wallet.chains)

    def concerns(self, alert: Alert) -> bool:
        """Whether it is about somebody who is watched, or about no position at all."""
        return not alert.positions or any(map(self.watched, alert.positions))
