"""A receipt as a tired person understands it."""

from __future__ import annotations

from collections.abc import Iterable

from taxii_hub.model import EditionChanges, Problem, Receipt

SHOWN = 20


def has_problems(receipt: Receipt) -> bool:
    failed = receipt.status is not None and any(not outcome.ok for outcome in receipt.status.outcomes)
    return failed or bool(receipt.problems)


def words(receipt: Receipt, *, details: bool = False) -> str:
    """The receipt; ``details``: every record that changes, and how."""
    status, changes = receipt.status, receipt.changes
    outcomes = status.outcomes if status is not None else ()
    refused = [outcome for outcome in outcomes if not outcome.ok]
    stored = status.stored if status is not None else 0
    lines = [
        f"{receipt.source}: {receipt.mapping}",
        f"  records   {receipt.records} read, {receipt.failed_records} could not be converted",
        f"  fields    {receipt.leaves}: " + ", ".join(f"{n} {name}" for name, n in receipt.buckets if n),
    ]
    lines += [f"  minimised {path}: {done} ({count})" for path, done, count in receipt.minimised]
    if changes is not None:
        lines += _changes(changes)
    lines.append(
        f"  objects   {receipt.objects} made: "
        + ("would be stored " if receipt.dry_run else "stored ")
        + f"{stored}, refused {len(refused)}"
        + ("" if changes is None else _numbers(changes))
    )
    if changes is not None and details:
        lines += _details(changes)
    if waiting := sum(outcome.pending is not None for outcome in outcomes):
        lines.append(
            f"  on hold   {waiting}: `taxii-hub releases list` shows what waits for liaison officers"
        )
    lines += [f"  refused   {outcome.id}: {outcome.message}" for outcome in refused[:SHOWN]]
    lines += [f"  problem   {_problem(problem)}" for problem in receipt.problems[:SHOWN]]
    hidden = max(0, len(refused) - SHOWN) + max(0, len(receipt.problems) - SHOWN)
    if hidden:
        lines.append(f"  … and {hidden} more; --json shows all")
    for seen in receipt.audiences:
        readers = ", ".join(seen.readers) or "nobody"
        first = f", after {seen.signatures} liaison officers signed" if seen.signatures else ""
        lines.append(f"  readers   of {seen.objects}: {readers} ({seen.policy}){first}")
    if receipt.dry_run:
        lines.append("  dry run   nothing was stored")
    elif status is not None and status.id:
        lines.append(f"  status    {status.id}")
    return "\n".join(lines)


def _changes(changes: EditionChanges) -> list[str]:
    after = f", after {changes.previous}" if changes.previous else ", the first of this list"
    name = f" of {changes.source_list}" if changes.source_list else ""
    counts = {
        "added": len(changes.added),
        "changed": len(changes.changed),
        "returned": len(changes.returned),
        "missing": len(changes.missing),
        "vanished": len(changes.vanished),
        "held back": len(changes.held),
    }
    told = ", ".join(f"{n} {word}" for word, n in counts.items() if n) or "nothing changed"
    lines = [f"  edition   {changes.edition}{name}{after}", f"  changes   {told}"]
    if changes.mass_revocation:
        lines.append(
            f"  ATTENTION {changes.lost} of {changes.standing} records that stand are revoked: without "
            "--allow-mass-revocation this edition is refused"
        )
    return lines


def _numbers(changes: EditionChanges) -> str:
    counts = {
        "new": changes.new,
        "new versions": changes.versions,
        "revoked": changes.revoked,
        "unchanged": changes.unchanged,
        "not to be changed any more": changes.skipped,
    }
    return " (" + ", ".join(f"{n} {word}" for word, n in counts.items() if n) + ")"


def _details(changes: EditionChanges) -> list[str]:
    later = "left out; revoked if the next editions leave it out too"
    return [
        *_each("added", changes.added),
        *_each("returned", changes.returned),
        *(f"  changed   {item.record}: {', '.join(item.fields)}" for item in changes.changed),
        *_each("vanished", changes.vanished),
        *_each("missing", (f"{key}: {later}" for key in changes.missing)),
        *_each(
            "held back", (f"{key}: a record could not be read, so it counts as there" for key in changes.held)
        ),
    ]


def _each(word: str, records: Iterable[str]) -> list[str]:
    return [f"  {word:<9} {record}" for record in records]


def _problem(problem: Problem) -> str:
    place = f"line {problem.line}" if problem.line else ""
    parts = [place, problem.record or "", problem.path or ""]
    where = ", ".join(part for part in parts if part)
    value = f" ({problem.value!r})" if problem.value else ""
    remedy = f": {problem.remedy}" if problem.remedy else ""
    return f"{where}: {problem.message}{value}{remedy}" if where else f"{problem.message}{value}{remedy}"
