"""The laboratory: real protocol contracts on a local node, driven over JSON-RPC.

``lab.py`` builds everything; ``fixtures.py`` hands it to tests; ``python -m tests.lab`` to people.
``market.py`` is what users and admins of a market do, ``positions.py`` a zoo of accounts, ``walk.py`` time
passing, ``faults.py`` a node that misbehaves. Contract code is fetched by ``packages.py`` when tests run, and
kept in a cache outside the tree (``LIQTUI_LAB_CACHE``); ``built.py`` tells where contracts are that no package carries.
"""
