"""`python -m tests.lab`: a laboratory in the foreground, to try the program against. Ctrl-C ends it."""

from __future__ import annotations

import argparse
import signal
import sys
import time

from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.positions import open_positions
from tests.lab.walk import Walk

HEARTBEAT = 1800  # seconds between two rounds of a feed that does not move


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("--port", type=int, help="port of the node on 127.0.0.1 (default: a free one)")
    parser.add_argument("--aave36-only", action="store_true", help="leave Aave 3.0 out")
    parser.add_argument("--walk", action="store_true", help="let prices and users move with every block")
    parser.add_argument("--block-time", type=float, default=12.0, help="seconds between blocks (default 12)")
    parser.add_argument("--volatility", type=float, default=0.15, help="size of the price moves (default 0.15)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the walk (default 0)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    generations = ("aave36",) if options.aave36_only else ("aave30", "aave36")
    try:
        with Lab.build(generations=generations, port=options.port) as lab:
            for name, market in lab.markets.items():
                lab.positions[name] = open_positions(market)
            lab.catch_up()
            describe(lab)
            run(lab, options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlab: ended")
    return 0


def describe(lab: Lab) -> None:
    """What a person needs to point a program here."""
    print(f"RPC       {lab.node.url}   {lab.node.ws_url}   chain id {lab.node.chain_id}")
    print(f"Multicall {lab.multicall3}")
    wallets: dict[str, str] = {}
    for name, market in lab.markets.items():
        print(f"{name}    provider {market.provider}   pool {market.pool}   revision {market.revision}")
        wallets.update((position.name, position.wallet) for position in lab.positions[name])
    print("\nWallets (the same in every market)")
    for name, address in wallets.items():
        print(f"  {address}  {name}")
    print(f'\nconfig.toml\n\n[chains.lab]\nid = {lab.node.chain_id}\nrpc = ["{lab.node.url}"]')
    for market in lab.markets.values():
        print(f'\n[[markets]]\nprotocol = "aave-v3"\nchain = "lab"\nname = "{market.name}"')
        print(f'pool_addresses_provider = "{market.provider}"')
    print(flush=True)


def run(lab: Lab, options: argparse.Namespace) -> None:
    """Blocks at the pace and the time of the wall clock, until interrupted."""
    walk = Walk(lab, options.seed, volatility=options.volatility)
    refreshed = time.monotonic()
    while True:
        time.sleep(options.block_time)
        behind = max(1, int(time.time()) - lab.node.timestamp)
        if time.monotonic() - refreshed > HEARTBEAT:
            lab.refresh_feeds(dt=behind)
            refreshed = time.monotonic()
        elif options.walk:
            walk.step(dt=behind)
        else:
            lab.node.mine(dt=behind)
        eth = lab.assets.pairs["ETH / USD"].answer / 1e8
        print(f"block {lab.node.block_number}   ETH {eth:.2f}", end="\r", flush=True)


if __name__ == "__main__":
    sys.exit(main())
