"""The Aave v2 functions that are called where v3 has others of the same meaning."""

from __future__ import annotations

from liqtui.protocols.abi import function

GET_LENDING_POOL = function("getLendingPool()", "0261bf8b")  # LendingPoolAddressesProvider
LENDINGPOOL_REVISION = function("LENDINGPOOL_REVISION()", "8afaff02")  # LendingPool
