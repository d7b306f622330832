"""What an agency and its accounts may do with an API root and its collections.

What may not be known of is answered with 404 and left out of lists; what may be known of but not
be done is answered with 403 (T-5.2-03, T-5.4-10, T-5.5-10). Administrators and auditors are no
readers by their role: only ``reader`` reads and only ``writer`` writes, within the agency's grants.
"""

from __future__ import annotations

from taxii_hub.model import Access, Account, ApiRoot, Collection
from taxii_hub.policy.decision import Decision, no, yes


def may_know_root(api_root: ApiRoot, agency: str) -> Decision:
    """Members know of an API root, nobody else does."""
    if agency in api_root.members:
        return yes(f"{agency} is a member of /{api_root.path}/")
    return no(f"{agency} is no member of /{api_root.path}/")


def may_know(collection: Collection, api_root: ApiRoot, agency: str) -> Decision:
    """A member knows of the collections that the agency reads or writes."""
    member = may_know_root(api_root, agency)
    if not member:
        return member
    for granted, word in ((collection.read, "reads"), (collection.write, "writes")):
        if agency in granted:
            return yes(f"{agency} {word} {_name(collection)}")
    return no(f"{agency} neither reads nor writes {_name(collection)}")


def may_read(collection: Collection, api_root: ApiRoot, account: Account) -> Decision:
    """Retired collections go on being read."""
    known = may_know(collection, api_root, account.agency)
    if not known:
        return known
    if account.agency not in collection.read:
        return no(f"{account.agency} does not read {_name(collection)}")
    if "reader" not in account.roles:
        return no(f"account {account.id} has no role reader")
    return yes(f"{account.agency} reads {_name(collection)}")


def may_write(collection: Collection, api_root: ApiRoot, account: Account) -> Decision:
    """Writing is adding and deleting; a retired collection is closed to both."""
    known = may_know(collection, api_root, account.agency)
    if not known:
        return known
    if account.agency not in collection.write:
        return no(f"{account.agency} does not write {_name(collection)}")
    if collection.retired:
        return no(f"{_name(collection)} is retired")
    if "writer" not in account.roles:
        return no(f"account {account.id} has no role writer")
    return yes(f"{account.agency} writes {_name(collection)}")


def access(collection: Collection, api_root: ApiRoot, account: Account) -> Access:
    """``can_read`` and ``can_write`` of the collection resource, in one word."""
    reads = bool(may_read(collection, api_root, account))
    writes = bool(may_write(collection, api_root, account))
    if reads:
        return "read-write" if writes else "read"
    return "write" if writes else "none"


def _name(collection: Collection) -> str:
    return f"{collection.api_root}/{collection.alias}"
