"""What was tried on rows that fall short: written by hand, kept by the names of ``bench.goals``.

Where their time goes is measured (``bench.profile``) and stands beside; rows of one note are told together.
"""

from __future__ import annotations

_PAGE = (
    "MongoDB fetches each object by its index key; that, BSON and the kernel's copying of pages twice (to the hub, to the "
    "client) are most of it. Kept: one batch instead of a cursor; only stamp and bytes fetched; finds on connections past the "
    "rest of the driver; entries in columns instead of tuples; a frozen collector. Tried and left: bytes joined out of the "
    "answer without decoding it (a twentieth), the next batch asked for while one is decoded (nothing). Not done: sealed "
    "chunks of many objects, which rule R4 would make one line for each policy class, and R7 would open again"
)
_POINT = (
    "hub and MongoDB answer in turn, and the client waits for both: what is left is MongoDB's command, two passes through the "
    "kernel, and what every answer is counted, logged and audited with. Kept: finds on connections past the rest of the "
    "driver (a fifth of its CPU), one command a request, head and body in one piece"
)
_POST = (
    "the ceiling parses and keeps nothing. The hub parses, checks each object against its schema and itself, plans, and "
    "commits with majority and journal. Kept: one pass over the text, policies once for each marking, planning while "
    "MongoDB looks for what is known, one lookup for a batch, large requests one after the other. Shares depend on the "
    "client more than on the hub (`bench.driver`)"
)
NOTES: dict[str, str] = {
    **dict.fromkeys(("walk 1000", "walk 1000 gzip", "walk 100", "manifest 1000", "match 1000"), _PAGE),
    **dict.fromkeys(("by id", "versions", "incremental"), _POINT),
    **dict.fromkeys(("post 100 by 1", "post 100 by 8", "post 1000 by 1", "post 1000 by 8"), _POST),
}
