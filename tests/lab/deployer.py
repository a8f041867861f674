"""Contract creation on a node, with libraries deployed and linked as they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rlp
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.lab import abi
from tests.lab.node import ADMIN, Node

if TYPE_CHECKING:
    from tests.lab.artifacts import Artifacts


def created_address(sender: str, nonce: int) -> str:
    """Address of the contract that ``sender`` creates with this nonce."""
    return to_checksum_address(keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:])


class Deployer:
    """Deploys from one set of artifacts. Addresses are known at once, even inside a batch."""

    def __init__(self, node: Node, artifacts: Artifacts) -> None:
        self.node = node
        self.artifacts = artifacts
        self._libraries: dict[str, str] = {}

    def deploy(self, name: str, *args: Any) -> str:
        """Create the named contract and return its address."""
        artifact = self.artifacts[name]
        for library in artifact.links:
            if library not in self._libraries:
                self._libraries[library] = self.deploy(library)
        code = artifact.creation_code(self._libraries) + abi.encode_args(artifact.constructor, args)
        nonce = int(self.node.rpc("eth_getTransactionCount", ADMIN, "pending"), 16)
        self.node.transact(None, code)
        return created_address(ADMIN, nonce)
