"""How one process hands a commit to the process that holds the lease: BSON frames on a Unix socket.

A frame is a four-byte big-endian length and a BSON document. Requests carry ``n``; answers carry the
same ``n`` and come in any order.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import bson

from taxii_hub.model import Outcome, VersionFilter
from taxii_hub.store.base import Change, Offer, Publication, Settlement
from taxii_hub.store.gaining_base import FeedAgain, GainedClass

MAX_FRAME = 64 * 1024 * 1024

Job = Publication | Change | Settlement | FeedAgain

_OFFER = [f.name for f in fields(Offer)]
_OUTCOME = [f.name for f in fields(Outcome)]


async def read_frame(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next document, or None at the end of the stream."""
    try:
        (size,) = struct.unpack(">I", await reader.readexactly(4))
        if size > MAX_FRAME:
            return None
        return bson.decode(await reader.readexactly(size))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def frame(document: Mapping[str, Any]) -> bytes:
    """The bytes of one frame."""
    data = bson.encode(document)
    return struct.pack(">I", len(data)) + data


def job_document(job: Job) -> dict[str, Any]:
    """A job as a document; read back by :func:`job_of`."""
    plain = {f.name: getattr(job, f.name) for f in fields(job)}
    if isinstance(job, FeedAgain):
        plain["classes"] = [[each.number, each.copies, list(each.implied)] for each in job.classes]
        return {"job": "feed-again", **plain}
    if isinstance(job, Settlement):
        plain["change"] = None if job.change is None else job_document(job.change)
        return {"job": "settlement", **plain}
    if isinstance(job, Change):
        plain["versions"] = [sorted(job.versions.keywords), list(job.versions.exact)]
        plain["also"] = [job_document(each) for each in job.also]
        return {"job": "change", **plain}
    plain["offers"] = [[getattr(offer, name) for name in _OFFER] for offer in job.offers]
    plain["settled"] = [
        [position, *(getattr(outcome, name) for name in _OUTCOME)] for position, outcome in job.settled
    ]
    return {"job": "publication", **plain}


def job_of(document: Mapping[str, Any]) -> Job:
    """The job that :func:`job_document` wrote."""
    plain = {name: value for name, value in document.items() if name != "job"}
    for name in ("readable", "own", "copies", "objects"):
        if name in plain:
            plain[name] = tuple(plain[name])
    if document["job"] == "feed-again":
        plain["classes"] = tuple(GainedClass(n, copies, tuple(rest)) for n, copies, rest in plain["classes"])
        return FeedAgain(**plain)
    if document["job"] == "settlement":
        change = plain["change"]
        return Settlement(**{**plain, "change": None if change is None else job_of(change)})
    if document["job"] == "change":
        keywords, exact = plain["versions"]
        plain["versions"] = VersionFilter(frozenset(keywords), tuple(exact))
        plain["pairs"] = tuple((one, other, copy) for one, other, copy in plain["pairs"])
        plain["also"] = tuple(job_of(each) for each in plain["also"])
        return Change(**plain)
    plain["offers"] = tuple(Offer(*row) for row in plain["offers"])
    plain["settled"] = tuple((row[0], Outcome(*row[1:])) for row in plain["settled"])
    return Publication(**plain)
