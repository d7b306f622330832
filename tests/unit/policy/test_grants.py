"""Who may know of, read and write what (T-5.2-03, T-5.4-10, T-5.5-10, T-5.7-10..12)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taxii_hub.model import Account, ApiRoot, Collection
from taxii_hub.policy.grants import access, may_know, may_know_root, may_read, may_write

COLLECTION = Collection(
    id="8f1c2f7e-0c55-4b8e-9d0a-111111111111",
    alias="wanted",
    title="Wanted",
    api_root="alpha",
    description=None,
    read=frozenset({"both", "reads", "outside"}),
    write=frozenset({"both", "writes"}),
    media_types=("application/stix+json;version=2.1",),
    validation="strict",
    default_marking="amber",
    accepts=(),
)
ROOT = ApiRoot(
    "alpha", "Alpha", None, None, frozenset({"both", "reads", "writes", "neither"}), 1024, (COLLECTION,)
)
ALL_ROLES = frozenset({"reader", "writer", "liaison", "admin", "auditor"})


def account(agency: str, roles: frozenset[str] = ALL_ROLES) -> Account:
    return Account("a1", agency, roles)


@pytest.mark.parametrize(
    ("agency", "root", "known", "reads", "writes", "reason"),
    [
        ("both", True, True, True, True, "both reads alpha/wanted"),
        ("reads", True, True, True, False, "reads reads alpha/wanted"),
        ("writes", True, True, False, True, "writes writes alpha/wanted"),
        ("neither", True, False, False, False, "neither neither reads nor writes alpha/wanted"),
        ("outside", False, False, False, False, "outside is no member of /alpha/"),
    ],
)
def test_the_table(agency, root, known, reads, writes, reason):
    assert bool(may_know_root(ROOT, agency)) is root
    decision = may_know(COLLECTION, ROOT, agency)
    assert (decision.allowed, decision.reason) == (known, reason)
    assert may_read(COLLECTION, ROOT, account(agency)).allowed is reads
    assert may_write(COLLECTION, ROOT, account(agency)).allowed is writes


@pytest.mark.parametrize(
    ("roles", "word"),
    [
        ({"reader", "writer"}, "read-write"),
        ({"reader"}, "read"),
        ({"writer"}, "write"),
        ({"admin", "auditor", "liaison"}, "none"),
        (set(), "none"),
    ],
)
def test_roles_narrow_the_grants_of_the_agency(roles, word):
    assert access(COLLECTION, ROOT, account("both", frozenset(roles))) == word


def test_every_no_has_its_reason():
    admin = account("both", frozenset({"admin"}))
    assert may_read(COLLECTION, ROOT, admin).reason == "account a1 has no role reader"
    assert may_write(COLLECTION, ROOT, admin).reason == "account a1 has no role writer"
    assert may_read(COLLECTION, ROOT, account("writes")).reason == "writes does not read alpha/wanted"
    assert may_write(COLLECTION, ROOT, account("reads")).reason == "reads does not write alpha/wanted"
    assert may_write(COLLECTION, ROOT, account("both")).reason == "both writes alpha/wanted"


def test_retired_means_read_only():
    retired = replace(COLLECTION, retired=True)
    assert access(retired, ROOT, account("both")) == "read"
    assert may_write(retired, ROOT, account("both")).reason == "alpha/wanted is retired"
    assert may_know(retired, ROOT, "writes")
