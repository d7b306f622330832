"""The Merkle tree of RFC 6962 and RFC 9162: SHA-256, leaves and nodes told apart by a first byte.

``mth(low, high)`` below is the tree head over the leaves from ``low`` to before ``high``; where leaf
hashes come from (a list, tiles of a database) is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

TreeHead = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf (RFC 9162 section 2.1.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The roots of the perfect subtrees that a tree of ``size`` leaves consists of, largest first: all
    that is needed to go on appending."""

    size: int
    nodes: list[bytes]

    @classmethod
    def empty(cls) -> Frontier:
        """Of a tree without leaves."""
        return cls(0, [])

    @classmethod
    def of(cls, size: int, nodes: Sequence[bytes]) -> Frontier:
        """As stored. Raises ValueError where there are not as many nodes as such a tree has."""
        if size < 0 or len(nodes) != size.bit_count() or any(len(node) != HASH_BYTES for node in nodes):
            raise ValueError(f"no tree of {size} leaves has this frontier")
        return cls(size, list(nodes))

    def copy(self) -> Frontier:
        return Frontier(self.size, list(self.nodes))

    def append(self, hashed: bytes) -> None:
        """Add the hash of the next leaf."""
        size, nodes = self.size, self.nodes
        while size & 1:
            hashed = sha256(b"\x01" + nodes.pop() + hashed).digest()
            size >>= 1
        nodes.append(hashed)
        self.size += 1

    def extend(self, hashes: Iterable[bytes]) -> None:
        for hashed in hashes:
            self.append(hashed)

    def root(self) -> bytes:
        """The tree head."""
        if not self.nodes:
            return EMPTY_ROOT
        found = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            found = node_hash(node, found)
        return found


def root_of(hashes: Iterable[bytes]) -> bytes:
    """The tree head over these leaf hashes."""
    frontier = Frontier.empty()
    frontier.extend(hashes)
    return frontier.root()


def tree_head(hashes: Sequence[bytes]) -> TreeHead:
    """``mth`` over leaf hashes that are all at hand."""
    return lambda low, high: root_of(hashes[low:high])


def split(size: int) -> int:
    """The greatest power of two below ``size`` (which is at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, mth: TreeHead) -> list[bytes]:
    """That leaf ``index`` is in the tree of ``size`` leaves (RFC 9162 section 2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    proof: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + split(high - low)
        if index < middle:
            proof.append(mth(middle, high))
            high = middle
        else:
            proof.append(mth(low, middle))
            low = middle
    return proof[::-1]


def verify_inclusion(index: int, size: int, hashed: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that the leaf with this hash is at ``index`` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last = index, size - 1
    for node in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            hashed = node_hash(node, hashed)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            hashed = node_hash(hashed, node)
        place >>= 1
        last >>= 1
    return last == 0 and hashed == root


def consistency_proof(old: int, size: int, mth: TreeHead) -> list[bytes]:
    """That the tree of ``size`` leaves begins with the one of ``old`` (RFC 9162 section 2.1.4.1)."""
    if not 0 < old <= size:
        raise ValueError(f"a tree of {size} leaves has no older one of {old}")
    proof: list[bytes] = []
    low, high, whole = 0, size, True
    while old != high:
        middle = low + split(high - low)
        if old <= middle:
            proof.append(mth(middle, high))
            high = middle
        else:
            proof.append(mth(low, middle))
            low, whole = middle, False
    if not whole:
        proof.append(mth(low, high))
    return proof[::-1]


@dataclass(frozen=True, slots=True)
class Head:
    """A tree head: how many leaves, and the root over them."""

    size: int
    root: bytes


def verify_consistency(old: Head, new: Head, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the new tree begins with the old one (RFC 9162 section 2.1.4.2)."""
    if not 0 < old.size <= new.size:
        return False
    if old.size == new.size:
        return not proof and old.root == new.root
    path = list(proof)
    if old.size.bit_count() == 1:
        path.insert(0, old.root)
    if not path:
        return False
    place, last = old.size - 1, new.size - 1
    while place & 1:
        place >>= 1
        last >>= 1
    older = newer = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            older = node_hash(node, older)
            newer = node_hash(node, newer)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            newer = node_hash(newer, node)
        place >>= 1
        last >>= 1
    return last == 0 and older == old.root and newer == new.root
