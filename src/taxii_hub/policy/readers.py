"""An account in a framework → the reader that the one rule judges. An account narrows, never widens."""

from __future__ import annotations

from taxii_hub.model import Account, ApiRoot, Membership, Reader


def membership_of(api_root: ApiRoot, agency: str) -> Membership:
    """How the agency stands there; one of which nothing is said has no clearance for anything."""
    found = (each for each in api_root.memberships if each.agency == agency)
    return next(found, Membership(agency))


def purposes_of(api_root: ApiRoot, account: Account) -> frozenset[str]:
    """What the account may ask for in this framework."""
    given = membership_of(api_root, account.agency).purposes
    return given if account.purposes is None else given & account.purposes


def reader_of(api_root: ApiRoot, account: Account) -> Reader:
    """Where the request names no purpose, the only one that is left is meant."""
    membership = membership_of(api_root, account.agency)
    purposes = purposes_of(api_root, account)
    named = account.purpose if account.purpose is not None else next(iter(sorted(purposes)), None)
    meant = named if account.purpose is not None or len(purposes) == 1 else None
    return Reader(
        agency=account.agency,
        level=membership.level if account.level is None else min(membership.level, account.level),
        clearances=membership.clearances
        if account.clearances is None
        else membership.clearances & account.clearances,
        purpose=meant if meant in purposes else None,
    )
