"""What may be stored of the members of a request: parsed, checked, and settled where it may not.

Checking is work for the processor alone, and Python does one thing at a time: in threads it would hold up
every step of the commits, for which the database waits. So it is done in the event loop, a piece at a time,
and of large requests one after the other; only what cannot be taken apart goes into a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from taxii_hub.model import Collection, Outcome
from taxii_hub.stix.findings import Finding
from taxii_hub.stix.validation import Validator, version_of
from taxii_hub.taxii.envelope import Member, digest, parse_envelope

PIECE: Final = 32 * 1024
"""Bytes that are checked before others have their turn: less than a millisecond."""
IN_THREAD: Final = 1024 * 1024
MESSAGE_LENGTH: Final = 500
MESSAGES_LENGTH: Final = 5_000_000

Result = tuple[list[tuple[int, Outcome]], "list[Checked]"]


@dataclass(slots=True)
class Checked:
    """One object that may be stored; ``note`` tells what is worth knowing though it was accepted.
    ``beside``: the position of the object that the hub publishes it with, of itself.

    Nobody changes it. It is not frozen, like all that there is a thousand of in a request: to make a frozen one
    takes four times as long.
    """

    position: int
    member: Member
    value: Mapping[str, Any]
    version: int | None
    version_text: str | None
    digest: bytes
    note: str | None
    beside: int | None = None


@dataclass(slots=True)
class Checking:
    """The turns of one process."""

    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def turn(self, size: int) -> AsyncIterator[None]:
        """While this lasts no other large request is parsed or checked: the first of several can be stored while
        the next is looked at. Nobody waits for a request of few bytes, nor it for anybody."""
        if size <= PIECE:
            yield
            return
        async with self._turn:
            yield

    async def parse(self, body: bytes) -> tuple[Member, ...]:
        """The members of an envelope. Raises BadEnvelopeError."""
        if len(body) > IN_THREAD:
            return await asyncio.to_thread(parse_envelope, body)
        return parse_envelope(body)

    async def check(
        self, validator: Validator, collection: Collection, members: Sequence[Member], now: int
    ) -> Result:
        """As :func:`check_members`, letting others in."""
        checks = _Checks(validator, collection, now, len(members))
        size = 0
        for position, member in enumerate(members):
            length = len(member.data)
            if length > IN_THREAD:
                await asyncio.to_thread(checks.take, position, member)
            else:
                checks.take(position, member)
            size += length
            if size > PIECE:
                await asyncio.sleep(0)
                size = 0
        return checks.result


def check_members(
    validator: Validator, collection: Collection, members: Sequence[Member], now: int
) -> Result:
    """Settle what cannot be stored, by the collection's validation mode; the rest goes on."""
    checks = _Checks(validator, collection, now, len(members))
    for position, member in enumerate(members):
        checks.take(position, member)
    return checks.result


class _Checks:
    """The members of one request, one after the other."""

    def __init__(self, validator: Validator, collection: Collection, now: int, number: int) -> None:
        self.result: Result = ([], [])
        self._validator = validator
        self._mode = collection.validation
        self._now = now
        self._longest = min(MESSAGE_LENGTH, MESSAGES_LENGTH // max(1, number))

    def take(self, position: int, member: Member) -> None:
        longest = self._longest
        settled, checked = self.result
        problem, findings = self._examined(member)
        note = None
        if findings:
            note = _words(findings, longest, "must", "should")
            if self._mode == "strict":
                problem = _words(findings, longest, "must")
        value = member.value
        if problem is not None or value is None:
            settled.append((position, refused(member, position, (problem or "not a JSON object")[:longest])))
            return
        version, text = version_of(value)
        checked.append(Checked(position, member, value, version, text, digest(value), note))

    def _examined(self, member: Member) -> tuple[str | None, Sequence[Finding]]:
        """What forbids to store a member anywhere, and what a collection that validates finds wrong."""
        if member.problem is not None or member.value is None:
            return member.problem, ()
        problem = self._validator.floor(member.value)
        if problem is not None or self._mode == "off":
            return problem, ()
        return None, self._validator.above_the_floor(member.value, self._now)


def _words(findings: Sequence[Finding], longest: int, *levels: str) -> str | None:
    words = [f"{f.path}: {f.message}" if f.path else f.message for f in findings if f.level in levels]
    text = "; ".join(words)
    return (text if len(text) <= longest else text[: longest - 1] + "…") or None


def refused(member: Member, position: int, problem: str) -> Outcome:
    """What a status says of a member that is not stored."""
    value = member.value or {}
    given = value.get("id")
    known = given if isinstance(given, str) and given else f"(no id; object {position + 1} of the request)"
    spelled = value.get("modified", value.get("created"))
    version = spelled if isinstance(spelled, str) and version_of(value)[0] is not None else None
    return Outcome(known[:300], version, ok=False, message=problem)
