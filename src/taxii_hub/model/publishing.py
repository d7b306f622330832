"""What was offered, converted and stored, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(slots=True, unsafe_hash=True)
class Outcome:
    """What became of one offered object; nobody changes it (not frozen: there is a thousand of them in a request,
    and to make a frozen one takes four times as long). ``version`` is the STIX timestamp text of its version
    (None where it has none that can be read). ``pending`` is the proposal under which it waits for
    liaison officers; it is ``ok`` until somebody says otherwise."""

    id: str
    version: str | None
    ok: bool
    message: str | None = None
    stored: bool = False
    pending: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """A TAXII status resource, complete when it is made but for what waits for release. ``stored`` counts
    what is new (not told in TAXII: a success may also be an object that was there already)."""

    id: str
    agency: str
    api_root: str
    collection: str
    requested_at: int
    outcomes: tuple[Outcome, ...]
    stored: int = 0


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A version that somebody could see and can see no more; never its content.

    ``at`` is the stamp of the act (microseconds), ``agency`` who did it, ``kind`` what was done
    (``delete``, ``withdraw``, ``erase``, ``regrade``), ``reason`` in words, may be empty.
    """

    id: str
    object_id: str
    version: str
    at: int
    agency: str
    kind: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should look at, with its place.

    ``source`` is the file's name, ``line`` 1-based where the container has lines, ``record`` the
    record's own reference, ``path`` the source field, ``value`` the offending text (shortened),
    ``remedy`` what to do.
    """

    code: str
    message: str
    severity: Severity = "error"
    source: str = ""
    line: int | None = None
    record: str | None = None
    path: str | None = None
    value: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What an edition does to one record. ``fields``: what differs, where that was asked for."""

    record: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EditionChanges:
    """An edition against those before it; ``edition`` and ``previous`` are STIX timestamps.

    Records by their keys: ``returned`` were missing or revoked before, ``missing`` are left out but
    within the grace, ``vanished`` are revoked now, ``held`` were not judged because a record could not
    be read. The numbers count objects; ``skipped`` are those that a backfilled edition cannot change.
    Of ``standing`` records the edition revokes ``lost``; where that is a ``mass_revocation``, it is taken
    only if the person who ingests says that it is meant.
    """

    edition: str
    previous: str | None = None
    source_list: str = ""
    added: tuple[str, ...] = ()
    changed: tuple[RecordChange, ...] = ()
    returned: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    new: int = 0
    versions: int = 0
    revoked: int = 0
    unchanged: int = 0
    skipped: int = 0
    standing: int = 0
    lost: int = 0
    mass_revocation: bool = False


@dataclass(frozen=True, slots=True)
class Audience:
    """How many objects of a report would be read by whom: the policy in words, the agencies, the count, and
    how many liaison officers would have to sign first."""

    policy: str
    readers: tuple[str, ...]
    objects: int
    signatures: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of one report: what was read, what was made of it, what became of it. ``minimised``:
    path, what was done there, to how many values. ``audiences`` are foreseen by a dry run."""

    source: str
    mapping: str
    records: int
    failed_records: int
    objects: int
    leaves: int
    buckets: tuple[tuple[str, int], ...]
    problems: tuple[Problem, ...]
    status: Status | None = None
    dry_run: bool = False
    changes: EditionChanges | None = None
    minimised: tuple[tuple[str, str, int], ...] = ()
    audiences: tuple[Audience, ...] = ()
