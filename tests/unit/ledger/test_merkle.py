"""The tree against the vectors of Certificate Transparency, and its proofs against random trees."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxii_hub.ledger.log import TILE, head_from_tiles, needed_tiles, tile_writes
from taxii_hub.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    Head,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    tree_head,
    verify_consistency,
    verify_inclusion,
)

INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
HASHES = [leaf_hash(bytes.fromhex(text)) for text in INPUTS]


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % n) for n in range(count)]


def test_the_published_roots() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of([]) == EMPTY_ROOT
    assert tuple(root_of(HASHES[: n + 1]).hex() for n in range(8)) == ROOTS


def test_the_published_proofs() -> None:
    """The paths that RFC 9162 section 2.1.5 draws for seven leaves: names there, hashes here."""
    mth = tree_head(HASHES[:7])
    assert inclusion_proof(0, 7, mth) == [HASHES[1], mth(2, 4), mth(4, 7)]
    assert inclusion_proof(3, 7, mth) == [HASHES[2], mth(0, 2), mth(4, 7)]
    assert inclusion_proof(4, 7, mth) == [HASHES[5], HASHES[6], mth(0, 4)]
    assert inclusion_proof(6, 7, mth) == [mth(4, 6), mth(0, 4)]
    assert consistency_proof(3, 7, mth) == [HASHES[2], HASHES[3], mth(0, 2), mth(4, 7)]
    assert consistency_proof(4, 7, mth) == [mth(4, 7)]
    assert consistency_proof(6, 7, mth) == [mth(4, 6), HASHES[6], mth(0, 4)]


@given(st.integers(1, 400), st.data())
@settings(max_examples=60, deadline=None)
def test_a_proof_holds_and_a_changed_one_does_not(size: int, data: st.DataObject) -> None:
    leaves = hashes(size)
    mth, root = tree_head(leaves), root_of(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    proof = inclusion_proof(index, size, mth)
    assert verify_inclusion(index, size, leaves[index], proof, root)
    assert not verify_inclusion(index, size, leaf_hash(b"other"), proof, root)
    assert not verify_inclusion(index, size, leaves[index], [*proof, root], root)
    assert size == 1 or not verify_inclusion((index + 1) % size, size, leaves[index], proof, root)
    before, now = Head(old, root_of(leaves[:old])), Head(size, root)
    path = consistency_proof(old, size, mth)
    assert verify_consistency(before, now, path)
    assert not verify_consistency(Head(old, leaf_hash(b"other")), now, path)
    assert not verify_consistency(before, Head(size, leaf_hash(b"other")), path)
    assert not verify_consistency(before, now, [*path, root])
    if path:
        assert not verify_consistency(before, now, path[:-1])


@given(st.lists(st.integers(0, 700), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_a_frontier_goes_on_where_it_was_stored(parts: list[int]) -> None:
    leaves = hashes(sum(parts))
    frontier, tiles, done = Frontier.empty(), {}, 0
    for part in parts:
        frontier = Frontier.of(frontier.size, frontier.nodes)
        new = leaves[done : done + part]
        frontier.extend(new)
        tiles.update(tile_writes(done, tiles.get(done // TILE, b""), new))
        done += part
    assert frontier.root() == root_of(leaves)
    assert b"".join(tiles[index] for index in sorted(tiles)) == b"".join(leaves)


@given(st.integers(1, 1500), st.data())
@settings(max_examples=40, deadline=None)
def test_proofs_need_the_roots_of_tiles_and_few_tiles(size: int, data: st.DataObject) -> None:
    leaves = hashes(size)
    tiles = tile_writes(0, b"", leaves)
    roots = {i: root_of(leaves[i * TILE : (i + 1) * TILE]) for i in tiles if (i + 1) * TILE <= size}
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    some = {i: tiles[i] for i in needed_tiles(size, index, old) if i in tiles}
    assert len(some) <= 3
    mth = head_from_tiles(roots, some)
    assert inclusion_proof(index, size, mth) == inclusion_proof(index, size, tree_head(leaves))
    assert consistency_proof(old, size, mth) == consistency_proof(old, size, tree_head(leaves))
    assert mth(0, size) == root_of(leaves)


def test_what_cannot_be_is_refused() -> None:
    mth = tree_head(HASHES)
    for wrong in (-1, 8):
        with pytest.raises(ValueError, match="has no leaf"):
            inclusion_proof(wrong, 8, mth)
        assert not verify_inclusion(wrong, 8, HASHES[0], [], mth(0, 8))
    for wrong in (0, 9):
        with pytest.raises(ValueError, match="has no older one"):
            consistency_proof(wrong, 8, mth)
        assert not verify_consistency(Head(wrong, b""), Head(8, mth(0, 8)), [])
    assert not verify_consistency(Head(3, root_of(HASHES[:3])), Head(8, mth(0, 8)), [])
    for size, nodes in ((3, [b"x" * 32]), (1, [b"x"]), (-1, [])):
        with pytest.raises(ValueError, match="frontier"):
            Frontier.of(size, nodes)
