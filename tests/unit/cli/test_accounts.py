"""``taxii-hub accounts`` on a real MongoDB, beside a hub that publishes and notes requests."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from taxii_hub.bootstrap import open_hub
from taxii_hub.catalog.documents import to_document, with_digest
from taxii_hub.cli import main
from taxii_hub.model import Agency, ApiRoot, Catalog, Collection, Membership, Policy
from taxii_hub.policy.reading import origin_only
from taxii_hub.settings import Settings
from taxii_hub.store.account_records import RequestFacts
from taxii_hub.store.base import Offer, Publication

DESIGNATIONS = "3c9f2f1e-6c0d-4a52-9a55-2f1c3b6f7a01"
WANTED = "5d1f7a7e-4f5b-4e0c-8f43-64a1d2b7c902"


def collection(identity: str, alias: str, root: str, members: set[str]) -> Collection:
    return Collection(
        id=identity,
        alias=alias,
        title=alias.title(),
        api_root=root,
        description=None,
        read=frozenset(members),
        write=frozenset(members),
        media_types=("application/stix+json;version=2.1",),
        validation="report",
        default_marking="TLP:GREEN",
        accepts=(),
    )


def api_root(path: str, members: set[str], *collections: Collection) -> ApiRoot:
    return ApiRoot(path, path.upper(), None, None, frozenset(members), 1_000_000, collections)


CATALOG = with_digest(
    Catalog(
        api_roots=(
            api_root("un", {"gb", "fr"}, collection(DESIGNATIONS, "designations", "un", {"gb", "fr"})),
            api_root("eyes", {"gb"}, collection(WANTED, "wanted", "eyes", {"gb"})),
        ),
        agencies=(Agency("gb", "Heron Office", "GB"), Agency("fr", "Bureau Martinet", "FR")),
    )
)


@pytest.fixture
def cli(mongodb_uri, mongodb_database, tmp_path, monkeypatch):
    """Runs ``taxii-hub accounts …``; answers the exit code, standard output and standard error."""
    monkeypatch.setenv("TAXII_HUB_MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("TAXII_HUB_MONGODB_DATABASE", mongodb_database)
    monkeypatch.setenv("TAXII_HUB_SECRETS_DIR", str(tmp_path / "secrets"))
    monkeypatch.setenv("TAXII_HUB_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: str):
        result = CliRunner().invoke(main, ["accounts", *arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


def in_hub(body):
    async def with_hub():
        async with open_hub(Settings.from_environment()) as hub:
            return await body(hub)

    return asyncio.run(with_hub())


@pytest.fixture
def hub(cli):
    """The catalogue above is in force."""

    async def apply(hub):
        await hub.catalogs.apply(to_document(CATALOG), "test")

    in_hub(apply)
    return cli


def ok(result) -> str:
    code, out, err = result
    assert (code, err) == (0, "")
    return out


def key_in(text: str) -> str:
    (key,) = re.findall(r"thub_[a-z2-7]{10}_[a-z2-7]{52}_[a-z2-7]{7}", text)
    return key


def test_without_a_catalogue_it_says_what_to_do(cli):
    code, out, err = cli("add", "gb-siem", "--agency", "gb", "--role", "reader")
    assert (code, out) == (1, "")
    assert "collections apply" in err
    assert "There are no accounts yet" in ok(cli("list"))


def test_the_life_of_an_account(hub):
    added = ok(
        hub("add", "gb-siem", "--agency", "gb", "--role", "reader", "--expires", "90", "--title", "SIEM")
    )
    first = key_in(added)
    assert added.startswith("Added account gb-siem of agency gb (roles: reader).")
    assert "shown this once" in added
    assert re.search(r"It expires 20\d\d-", added)

    async def login(hub):
        return hub.accounts.authenticate(f"Bearer {first}", None, "192.0.2.1", hub.accounts._clock())

    assert in_hub(login).id == "gb-siem"

    second = key_in(ok(hub("rotate", "gb-siem", "--overlap", "2")))
    assert second != first
    code, _, err = hub("rotate", "gb-siem")
    assert code == 1
    assert "two live keys" in err

    listed = json.loads(ok(hub("list", "--json")))
    assert [(key["live"], bool(key["expires_at"])) for key in listed[0]["keys"]] == [(True, True)] * 2
    assert listed[0]["name"] == "gb-siem"
    assert first.split("_")[2] not in json.dumps(listed)
    assert "mac" not in json.dumps(listed)
    assert re.search(r"gb-siem +gb +reader +standard +2 live keys", ok(hub("list")))

    revoked = ok(hub("revoke", "gb-siem", "--key", first.split("_")[1]))
    assert revoked.startswith("Revoked key ")
    assert "1 live key)" in revoked
    assert "elastic" in ok(hub("set", "gb-siem", "--client-profile", "elastic"))
    assert "(1 live key)" in ok(hub("revoke", "gb-siem"))
    shown = json.loads(ok(hub("show", "gb-siem", "--json")))
    assert shown["client_profile"] == "elastic"
    assert shown["revoked_at"]
    assert [key["live"] for key in shown["keys"]] == [False, False]
    assert re.search(r"gb-siem .* revoked", ok(hub("list")))
    with pytest.raises(Exception, match="not valid"):
        in_hub(login)


def test_a_dry_run_changes_nothing_and_makes_no_key(hub):
    add = ("add", "gb-siem", "--agency", "gb", "--role", "reader")
    said = ok(hub(*add, "--dry-run"))
    assert said.startswith("Dry run: account gb-siem")
    assert "thub_" not in said
    assert json.loads(ok(hub("list", "--json"))) == []
    ok(hub(*add))
    before = ok(hub("list", "--json"))
    for command in (
        ("rotate", "gb-siem"),
        ("revoke", "gb-siem"),
        ("set", "gb-siem", "--client-profile", "elastic"),
    ):
        said = ok(hub(*command, "--dry-run"))
        assert said.startswith("Dry run: ")
        assert "thub_" not in said
    assert json.loads(ok(hub("list", "--json"))) == json.loads(before)


def test_add_prints_json_for_scripts(hub):
    told = json.loads(
        ok(hub("add", "fr-tip", "--agency", "fr", "--role", "reader", "--role", "writer", "--json"))
    )
    assert told["key"].split("_")[1] == told["key_id"]
    assert (told["account"], told["expires_at"]) == ("fr-tip", None)


def test_refusals_have_exit_code_1_and_wrong_usage_2(hub):
    assert hub("show", "nobody")[0] == 1
    assert hub("add", "x", "--agency", "nowhere", "--role", "reader")[0] == 1
    assert hub("add", "x", "--agency", "gb", "--role", "king")[0] == 2
    assert hub("add", "x", "--agency", "gb")[0] == 2


def test_the_exit_codes_stand_in_the_help(cli):
    for command in ("add", "list", "show", "rotate", "revoke", "set"):
        assert "Exit codes: 0 done; 1 refused" in ok(cli(command, "--help"))


async def publication(hub, policies: list[Policy]) -> Publication:
    number = next(c.number for r in hub.catalog.api_roots for c in r.collections if c.id == DESIGNATIONS)
    classes = await hub.feed.intern(number, frozenset(policies))

    def offer(position: int, policy: int) -> Offer:
        name = f"indicator--00000000-0000-4000-8000-{position:012d}"
        return Offer(
            position, name, "indicator", 1_000_000, "1970-01-01T00:00:01Z", b"%016d" % position, b"{}", policy
        )

    return Publication(
        id="11111111-1111-4111-8111-111111111111",
        collection=number,
        collection_id=DESIGNATIONS,
        api_root="un",
        agency="gb",
        account="gb-desk",
        epoch=hub.catalog.version,
        requested_at=1_000_000,
        readable=(),
        offers=tuple(offer(position, classes[policy]) for position, policy in enumerate(policies)),
    )


async def _busy_day(hub) -> None:
    """gb publishes three objects, one of them RED; fr's SIEM was refused once and then polled."""
    red, green = origin_only("gb"), Policy("gb")
    status = await hub.feed.commit(await publication(hub, [green, green, red]))
    assert status.stored == 3
    now = int(hub.accounts._clock() * 1_000_000)
    poll = RequestFacts(
        at=now - 1_000_000,
        method="GET",
        kind="objects",
        status=200,
        collection=DESIGNATIONS,
        accept="application/taxii+json;version=2.1",
        user_agent="siem/1.0",
        sent=now - (3 * 3600 + 600) * 1_000_000,
    )
    hub.consumers.note(
        "fr-siem",
        RequestFacts(
            at=now - 600_000_000,
            method="GET",
            kind="objects",
            status=406,
            collection=DESIGNATIONS,
            accept="application/vnd.oasis.taxii+json\x1b[2J",
        ),
    )
    hub.consumers.note("fr-siem", poll)
    hub.consumers.note("fr-siem", RequestFacts(at=now, method="GET", kind="discovery", status=200))


def test_show_says_why_a_siem_gets_what_it_gets(hub):
    ok(hub("add", "fr-siem", "--agency", "fr", "--role", "reader", "--title", "SIEM in Lille"))
    in_hub(_busy_day)
    shown = ok(hub("show", "fr-siem"))
    for line in (
        "fr-siem: SIEM in Lille",
        "  agency   fr (Bureau Martinet)",
        "un/designations  " + DESIGNATIONS,
        "  reads it: sees 2 object versions, the newest added 20",
        "  1 object version of gb withheld: fr is not among those it is released to (only gb, which published it)",
        "  Accept: application/taxii+json;version=2.1   client: siem/1.0",
        "  406: its Accept header names no TAXII 2.1 media type: set the client to TAXII 2.1",
        "  Accept: application/vnd.oasis.taxii+json[2J   client: (not told)",
        "3 h behind the newest that it may see",
        "eyes/wanted  " + WANTED,
        "  does not read it: fr is no member of /eyes/",
        "last request outside of collections",
        "  GET discovery, status 200, 0 objects, ",
    ):
        assert line in shown, shown
    assert "last refused: GET objects, status 406" in shown

    told = json.loads(ok(hub("show", "fr-siem", "--json")))
    designations = next(c for c in told["collections"] if c["collection"] == "un/designations")
    assert designations["withheld"] == [
        {
            "origin": "gb",
            "versions": 1,
            "reason": "fr is not among those it is released to (only gb, which published it)",
        }
    ]
    assert designations["requests"] == 2
    assert 11_300 < designations["lag_seconds"] < 11_500
    wanted = next(c for c in told["collections"] if c["collection"] == "eyes/wanted")
    assert (wanted["can_read"], wanted["reason"]) == (False, "fr is no member of /eyes/")


def test_show_says_when_a_siem_has_everything_or_never_asked(hub):
    ok(hub("add", "fr-siem", "--agency", "fr", "--role", "reader"))

    async def polled(hub):
        at = int(hub.accounts._clock() * 1_000_000)
        hub.consumers.note(
            "fr-siem", RequestFacts(at, "GET", "objects", 200, DESIGNATIONS, sent=at, newest=at, objects=1)
        )

    assert "no request yet" in ok(hub("show", "fr-siem"))
    in_hub(polled)
    assert "it has everything that it may see" in ok(hub("show", "fr-siem"))


def test_show_says_that_an_agency_has_left(hub):
    ok(hub("add", "fr-siem", "--agency", "fr", "--role", "reader"))

    async def leave(hub):
        roots = tuple(
            api_root(r.path, {"gb"}, *(collection(c.id, c.alias, r.path, {"gb"}) for c in r.collections))
            for r in CATALOG.api_roots
        )
        await hub.catalogs.apply(to_document(with_digest(Catalog(roots, CATALOG.agencies[:1]))), "test")

    in_hub(leave)
    shown = ok(hub("show", "fr-siem"))
    assert "fr, which is not in the catalogue in force: this account reaches nothing" in shown
    assert "does not read it: fr is no member of /un/" in shown


def test_an_account_is_given_less(hub):
    narrow = ("--level", "restricted", "--clearance", "SI", "--purpose", "ct", "--default-purpose", "ct")
    code, _, err = hub("add", "gb-siem", "--agency", "gb", "--role", "reader", *narrow)
    assert code == 1
    assert "gb holds no SI, ct in any framework" in err

    async def give(hub):
        held = Membership("gb", 3, frozenset({"SI", "TK"}), frozenset({"ct", "crime"}))
        roots = (replace(CATALOG.api_roots[0], memberships=(held,)), CATALOG.api_roots[1])
        await hub.catalogs.apply(to_document(replace(CATALOG, api_roots=roots)), "test")

    in_hub(give)
    ok(hub("add", "gb-siem", "--agency", "gb", "--role", "reader", *narrow))
    shown = json.loads(ok(hub("show", "gb-siem", "--json")))["narrowing"]
    assert shown.pop("certificates") is None
    assert shown == {"level": "restricted", "clearances": ["SI"], "purposes": ["ct"], "default_purpose": "ct"}
    words = ok(hub("show", "gb-siem"))
    assert "  level    up to restricted\n  cleared  SI\n  purposes ct\n  purpose  ct, where" in words
    said = ok(hub("set", "gb-siem", "--level", "all", "--clearance", "none", "--purpose", "all"))
    walk = "What that opens lies behind its client's cursor: let it walk once from the start.\n"
    assert (
        said == f"Set what gb-siem reads:\n  cleared  none\n  purpose  ct, where a request names none\n{walk}"
    )
    assert "walk" not in ok(hub("set", "gb-siem", "--level", "restricted"))
    ok(hub("set", "gb-siem", "--level", "all"))
    said = ok(hub("set", "gb-siem", "--clearance", "all", "--default-purpose", "none"))
    assert said == f"Set what gb-siem reads:\n  all that its agency may read\n{walk}"
    code, _, err = hub("set", "gb-siem")
    assert code == 2
    assert "nothing would change" in err
