"""A chain that can be asked for its blocks of before, and left for another one."""

from liqtui.core.reads import Block
from tests.engine.logged import Logged


class Told(Logged):
    """`branches`: the history that goes on from each height. `mute`: it tells nothing of before."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.branches, self.mute, self.asked_for = {0: 0}, False, []

    def leave(self, since, number=None):
        """From that height on it is another chain, which stands at `number`."""
        self.branches[since] = max(self.branches.values()) + 1
        self.number = self.number if number is None else number

    def hash_of(self, number):
        branch = self.branches[max(since for since in self.branches if since <= number)]
        return f"0x{branch:032x}{number:032x}"

    @property
    def block(self):
        return Block(self.number, self.hash_of(self.number), self.time)

    async def hash_at(self, number):
        self.requests += 1
        self.asked_for.append(number)
        return None if self.mute or number > self.number else self.hash_of(number)

    async def holds(self, number, block_hash):
        found = await self.hash_at(number)
        return None if found is None else found == block_hash
