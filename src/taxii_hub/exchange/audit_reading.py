"""What an auditor does with the log: look at it, prove parts of it, verify it, take it away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from taxii_hub.errors import BadRequestError, NotFoundError
from taxii_hub.exchange.audit import Audit
from taxii_hub.exchange.audit_records import AuditRecords
from taxii_hub.ledger.asking import RowFilter
from taxii_hub.ledger.checkpoint import VerifierKey
from taxii_hub.ledger.export import checkpoint_line, header_line, row_line, tile_line
from taxii_hub.ledger.findings import Report
from taxii_hub.ledger.log import (
    TILE,
    Kept,
    Row,
    Tree,
    head_from_tiles,
    needed_tiles,
    part_of_tile,
    tile_root,
)
from taxii_hub.ledger.merkle import TreeHead, consistency_proof, inclusion_proof
from taxii_hub.ledger.rows import damage
from taxii_hub.ledger.verify import Evidence, Verification


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof about the tree of ``size`` leaves, and the root it leads to."""

    size: int
    root: bytes
    hashes: Sequence[bytes]


async def verified(audit: Audit, outside: Sequence[str] = (), keys: Sequence[VerifierKey] = ()) -> Report:
    """Verify the stored log, with checkpoints and keys that were kept elsewhere where there are some.

    It may grow meanwhile: what is beyond the tree read first is judged by the one read last.
    """
    records = audit.records
    tree, kept = await _still(records)
    tiles, roots = await records.tiles(), await records.tile_roots()
    parts = {index: part_of_tile(data, index, tree.size) for index, data in tiles.items()}
    evidence = Evidence(keys or audit.verifiers(), tree, parts, kept, outside, audit.origin)
    verification = Verification(evidence)
    later: list[Row] = []
    async for row in records.everything():
        if row.n < tree.size:
            verification.take(row)
        else:
            later.append(row)
    end = (await records.tree()).size
    for row in later:
        if row.n >= end:
            verification.take(row)
    for index in [index for index, part in parts.items() if not part and index * TILE < end]:
        del parts[index]
    report = verification.finish()
    for index, root in sorted(roots.items()):
        if tile_root(tiles.get(index, b"")) != root:
            report.add("tile", index, f"the root of tile {index} does not fit its hashes: it was changed")
    return report


async def _still(records: AuditRecords) -> tuple[Tree, list[Kept]]:
    """Tree and checkpoints of one moment."""
    while True:
        tree = await records.tree()
        kept = await records.kept()
        if (await records.tree()).checkpoints == tree.checkpoints:
            return tree, kept


async def exported(audit: Audit) -> AsyncIterator[bytes]:
    """The lines of an export of the log as it stands; sign it first, so that all of it is signed."""
    records = audit.records
    tree = await records.tree()
    kept = [each for each in await records.kept() if each.number <= tree.checkpoints]
    yield header_line(audit.origin, tree)
    for each in kept:
        yield checkpoint_line(each)
    for index, data in sorted((await records.tiles()).items()):
        if part := part_of_tile(data, index, tree.size):
            yield tile_line(index, part)
    async for row in records.rows(RowFilter(end=tree.size)):
        yield row_line(row)


async def proved_inclusion(records: AuditRecords, n: int, size: int | None) -> Proof:
    """That row ``n`` is in the tree of ``size`` leaves (None: as it stands). Raises NotFoundError."""
    size, head = await _head(records, size, n)
    if not 0 <= n < size:
        raise NotFoundError(f"the log of {size} rows has no row {n}")
    with damage():
        return Proof(size, head(0, size), inclusion_proof(n, size, head))


async def proved_consistency(records: AuditRecords, old: int, size: int | None) -> Proof:
    """That the tree of ``size`` leaves begins with the one of ``old``. Raises BadRequestError."""
    size, head = await _head(records, size, old)
    if not 0 < old <= size:
        raise BadRequestError(f"the log of {size} rows had never {old} of them")
    with damage():
        return Proof(size, head(0, size), consistency_proof(old, size, head))


async def _head(records: AuditRecords, size: int | None, place: int) -> tuple[int, TreeHead]:
    tree = await records.tree()
    wanted = tree.size if size is None else size
    if not 0 < wanted <= tree.size:
        raise NotFoundError(f"the log has {tree.size} rows, not {wanted}")
    roots: Mapping[int, bytes] = await records.tile_roots()
    tiles = await records.tiles(needed_tiles(wanted, place))
    return wanted, head_from_tiles(roots, tiles)
