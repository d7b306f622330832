"""Editions of a list on a real MongoDB: what changed is published, and nothing else."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from taxii_hub.errors import ReportError, UnavailableError
from taxii_hub.exchange import edition_claim, edition_members
from taxii_hub.exchange import ingest as journey
from taxii_hub.exchange.access import visibility_of
from taxii_hub.exchange.edition_feed import Known, content_digest, differences
from taxii_hub.exchange.edition_names import Names
from taxii_hub.exchange.edition_plan import plan_edition, window
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.ingest import Ingest, ingest
from taxii_hub.exchange.poll import poll
from taxii_hub.mapping.convert import Conversion
from taxii_hub.mapping.registry import Registry, load_registry
from taxii_hub.mapping.spec import Editions
from taxii_hub.model import EditionChanges, ObjectQuery, Receipt, VersionFilter
from taxii_hub.settings import Settings
from taxii_hub.stix import timestamps
from taxii_hub.store.base import EditionRecord, Lineage
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import opened_hub, place

Person = tuple[str, str, str]
"""Reference, name, and what else the record holds (XML)."""

ADDRESS = "<INDIVIDUAL_ADDRESS><CITY>{}</CITY><COUNTRY>Jordan</COUNTRY></INDIVIDUAL_ADDRESS>"
ANNA: Person = ("QDi.801", "ANNA INVENTED", ADDRESS.format("Zarqa"))
BORIS: Person = ("QDi.802", "BORIS INVENTED", "<COMMENTS1>Works for QDi.801.</COMMENTS1>")
CLARA: Person = ("QDi.803", "CLARA INVENTED", "")
DAVID: Person = ("QDi.804", "DAVID INVENTED", "")


def listed(folder: Path, day: str, *people: Person) -> Path:
    """A list of invented persons, of the edition of that day."""
    records = "".join(
        f"<INDIVIDUAL><DATAID>{ref[-3:]}</DATAID><FIRST_NAME>{name}</FIRST_NAME><UN_LIST_TYPE>Al-Qaida</UN_LIST_TYPE>"
        f"<REFERENCE_NUMBER>{ref}</REFERENCE_NUMBER>{more}</INDIVIDUAL>"
        for ref, name, more in people
    )
    path = folder / f"{day}.xml"
    path.write_text(
        f'<CONSOLIDATED_LIST dateGenerated="{day}T00:00:00Z"><INDIVIDUALS>{records}</INDIVIDUALS></CONSOLIDATED_LIST>'
    )
    return path


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(Settings().mappings_dir)


async def take(hub: Hub, registry: Registry, path: Path, **options: Any) -> Receipt:
    receipt = await ingest(hub, registry, Ingest(path, "test/strict", agency="gb-owl", **options))
    assert receipt.status is not None
    assert [o for o in receipt.status.outcomes if not o.ok] == []
    return receipt


def changes(receipt: Receipt) -> EditionChanges:
    assert receipt.changes is not None
    return receipt.changes


class Reader:
    """A polling client: goes on from where it was, page by page."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._after = self._mark = b""

    async def news(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        following: str | None = None
        where = place(self._hub, "us-elk", "strict")
        while True:
            query = b"limit=7" + self._after + (b"" if following is None else b"&next=" + following.encode())
            answer = await poll(self._hub, where, parse_query(query, "objects"), "objects")
            found += [orjson.loads(entry.data) for entry in answer.page.entries]
            if answer.page.entries:
                self._mark = b"&added_after=" + timestamps.format(answer.page.entries[-1].stamp).encode()
            following = answer.next
            if following is None:
                self._after = self._mark
                return found


def references(objects: list[dict[str, Any]]) -> dict[str, str]:
    """Of the identities that stand for records: reference → id."""
    return {
        o["external_references"][0]["external_id"]: o["id"]
        for o in objects
        if o["type"] == "identity" and "external_references" in o
    }


async def test_the_next_edition_gives_exactly_what_changed(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    anna = (ANNA[0], "ANNA RENAMED", ANNA[2])
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        reader = Reader(hub)
        first = await take(hub, registry, listed(tmp_path, "2026-01-01", ANNA, BORIS, CLARA))
        before = {o["id"]: o for o in await reader.news()}
        assert changes(first).added == ("QDi.801", "QDi.802", "QDi.803")
        second = await take(hub, registry, listed(tmp_path, "2026-02-01", anna, BORIS, DAVID), details=True)
        told = changes(second)
        assert (told.added, told.vanished, told.previous) == (
            ("QDi.804",),
            ("QDi.803",),
            "2026-01-01T00:00:00.000Z",
        )
        assert [c.record for c in told.changed] == ["QDi.801"]
        assert "identity.name" in told.changed[0].fields
        news = await reader.news()
        assert len(news) == told.new + told.versions + told.revoked == second.status.stored
        versions = [o for o in news if o["id"] in before and not o.get("revoked")]
        assert {o["type"] for o in versions} == {"identity", "threat-actor"}
        assert {(o["created"], o["modified"]) for o in versions} == {
            ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")
        }
        revoked = [o for o in news if o.get("revoked")]
        assert sorted(o["type"] for o in revoked) == ["identity", "relationship", "threat-actor"]
        for each in revoked:
            same = {k: v for k, v in each.items() if k not in {"modified", "revoked"}}
            assert same == {k: v for k, v in before[each["id"]].items() if k != "modified"}
            assert each["modified"] == "2026-02-01T00:00:00.000Z"
        again = await take(hub, registry, tmp_path / "2026-02-01.xml")
        assert await reader.news() == []
        assert (changes(again).added, changes(again).changed, changes(again).vanished) == ((), (), ())
        assert again.status is not None
        assert again.status.stored == 0


def with_grace(registry: Registry, grace: int, *, whole: bool = True) -> Registry:
    spec = replace(registry.get("un_sc_consolidated_xml"), editions=Editions(whole, grace))
    return Registry(registry.folder, {spec.format: spec})


async def every_version(hub: Hub) -> dict[tuple[str, str], dict[str, Any]]:
    """Everything that is stored, by id and version."""
    there = place(hub, "gb-owl", "strict")
    visibility = await visibility_of(hub, there.account, there.collection)
    query = ObjectQuery(versions=VersionFilter(frozenset({"all"})))
    page = await hub.feed.page(visibility, query, "objects", 10_000)
    assert not page.more
    return {(entry.id, entry.version): orjson.loads(entry.data) for entry in page.entries}


async def listed_now(hub: Hub) -> dict[str, dict[str, Any]]:
    """The records that stand: reference → identity, by the last versions."""
    there = place(hub, "gb-owl", "strict")
    visibility = await visibility_of(hub, there.account, there.collection)
    page = await hub.feed.page(visibility, ObjectQuery(types=("identity",)), "objects", 10_000)
    found = [orjson.loads(entry.data) for entry in page.entries]
    standing = [o for o in found if "external_references" in o and not o.get("revoked")]
    assert len({o["external_references"][0]["external_id"] for o in standing}) == len(standing)
    return {o["external_references"][0]["external_id"]: o for o in standing}


async def test_a_diff_and_a_dry_run_store_nothing_and_foresee_what_happens(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await take(hub, registry, listed(tmp_path, "2026-01-01", ANNA, BORIS, CLARA))
        before = await every_version(hub)
        path = listed(tmp_path, "2026-02-01", (ANNA[0], "NEW NAME", ""), CLARA, DAVID)
        foreseen = await take(hub, registry, path, dry_run=True, details=True)
        assert await every_version(hub) == before
        done = await take(hub, registry, path, details=True)
        assert changes(foreseen) == changes(done)
        assert foreseen.status is not None
        assert done.status is not None
        assert foreseen.status.stored == done.status.stored
        (anna,) = changes(done).changed
        assert set(anna.fields) == {"identity.name", "identity.names", "threat-actor.name", "-relationship"}


async def test_grace_waits_and_what_comes_back_in_time_was_never_gone(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    patient = with_grace(registry, 1)
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await take(hub, patient, listed(tmp_path, "2026-01-01", ANNA, CLARA, DAVID))
        second = changes(await take(hub, patient, listed(tmp_path, "2026-02-01", ANNA)))
        assert (second.missing, second.vanished, second.revoked) == (("QDi.803", "QDi.804"), (), 0)
        third = changes(await take(hub, patient, listed(tmp_path, "2026-03-01", ANNA, DAVID)))
        assert (third.returned, third.vanished, third.new, third.versions) == (
            ("QDi.804",),
            ("QDi.803",),
            1,
            0,
        ), "the edition's report alone is new"
        assert sorted(await listed_now(hub)) == ["QDi.801", "QDi.804"]
        fourth = changes(await take(hub, patient, listed(tmp_path, "2026-04-01", ANNA, DAVID)))
        assert (fourth.missing, fourth.vanished, fourth.new) == ((), (), 1), "the report alone is new"


async def test_what_comes_back_after_it_was_revoked_is_a_new_object(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    """S-3.6-01: revoked is final."""
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        reader = Reader(hub)
        await take(hub, registry, listed(tmp_path, "2026-01-01", ANNA, BORIS))
        old = references(await reader.news())
        await take(hub, registry, listed(tmp_path, "2026-02-01", BORIS))
        gone = await reader.news()
        assert not any(
            o.get("revoked")
            for o in gone
            if o["type"] == "relationship" and o["source_ref"] == old["QDi.802"]
        )
        back = changes(await take(hub, registry, listed(tmp_path, "2026-03-01", ANNA, BORIS)))
        assert (back.returned, back.added) == (("QDi.801",), ())
        news = await reader.news()
        new = references(news)
        assert set(new) == {"QDi.801"}
        assert new["QDi.801"] != old["QDi.801"]
        (works,) = [o for o in news if o.get("relationship_type") == "related-to" and not o.get("revoked")]
        assert (works["source_ref"], works["target_ref"]) == (old["QDi.802"], new["QDi.801"])
        assert {o["created"] for o in news if not o.get("revoked")} == {"2026-03-01T00:00:00.000Z"}
        assert changes(await take(hub, registry, tmp_path / "2026-03-01.xml")).new == 0
        await take(hub, registry, listed(tmp_path, "2026-04-01", BORIS))
        third = await take(hub, registry, listed(tmp_path, "2026-05-01", ANNA, BORIS))
        assert changes(third).returned == ("QDi.801",)
        assert (await listed_now(hub))["QDi.801"]["id"] not in {old["QDi.801"], new["QDi.801"]}
        _sound(await every_version(hub))


def _sound(stored: Mapping[tuple[str, str], dict[str, Any]]) -> None:
    """One ``created`` for each id, nothing after a revocation, every reference leads somewhere."""
    ids = {i for i, _ in stored}
    versions: dict[str, list[dict[str, Any]]] = {}
    for (object_id, _), value in sorted(stored.items()):
        versions.setdefault(object_id, []).append(value)
    for history in versions.values():
        assert len({o.get("created") for o in history}) == 1
        assert all(o["created"] <= o["modified"] for o in history if "modified" in o)
        assert not any(o.get("revoked") for o in history[:-1])
        for value in history:
            refs = [value[k] for k in value if k.endswith("_ref")] + value.get("object_refs", [])
            assert set(refs) <= ids


async def test_an_older_edition_is_refused_naming_both_dates(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        old = listed(tmp_path, "2026-01-01", ANNA, CLARA)
        await take(hub, registry, old)
        await take(hub, registry, listed(tmp_path, "2026-03-01", ANNA))
        between = listed(tmp_path, "2026-02-01", ANNA, BORIS)
        before = await every_version(hub)
        with pytest.raises(ReportError, match=r"2026-02-01.*2026-03-01.*--backfill"):
            await take(hub, registry, between)
        again = await take(hub, registry, old)
        assert changes(again).added == ()
        assert await every_version(hub) == before
        elsewhere = await take(hub, registry, between, source_list="another list")
        assert changes(elsewhere).previous is None


async def test_backfill_adds_history_and_brings_nothing_back(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await take(hub, registry, listed(tmp_path, "2026-01-01", ANNA))
        await take(hub, registry, listed(tmp_path, "2026-03-01", (ANNA[0], "THIRD NAME", ANNA[2]), DAVID))
        standing = await listed_now(hub)
        path = listed(tmp_path, "2026-02-01", (ANNA[0], "SECOND NAME", ANNA[2]), CLARA, DAVID)
        told = changes(await take(hub, registry, path, backfill=True))
        assert told.skipped == 3, "DAVID was created later: no version can be before that"
        assert await listed_now(hub) == standing
        stored = await every_version(hub)
        names = [o["name"] for _, o in sorted(stored.items()) if o["id"] == standing["QDi.801"]["id"]]
        assert names == ["ANNA INVENTED", "SECOND NAME", "THIRD NAME"]
        clara = [o for o in stored.values() if o.get("name") == "CLARA INVENTED" and o["type"] == "identity"]
        assert [(o["modified"][:10], o.get("revoked", False)) for o in clara] == [
            ("2026-02-01", False),
            ("2026-03-01", True),
        ]
        again = changes(await take(hub, registry, path, backfill=True))
        assert (again.new, again.versions, again.revoked) == (0, 0, 0)
        assert await every_version(hub) == stored
        _sound(stored)


async def test_a_record_that_cannot_be_read_has_not_vanished(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await take(hub, registry, listed(tmp_path, "2026-01-01", ANNA, CLARA))
        nameless = listed(tmp_path, "2026-02-01", ANNA, ("", "CLARA INVENTED", ""))
        told = changes(await take(hub, registry, nameless))
        assert (told.held, told.vanished) == (("QDi.803",), ())
        told = changes(await take(hub, registry, listed(tmp_path, "2026-03-01", ANNA)))
        assert told.vanished == ("QDi.803",)


async def test_a_corrected_file_of_the_same_edition_makes_later_versions(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await take(hub, registry, listed(tmp_path, "2026-01-01", ANNA, CLARA))
        told = changes(
            await take(hub, registry, listed(tmp_path, "2026-01-01", (ANNA[0], "MENDED", ANNA[2])))
        )
        assert ([c.record for c in told.changed], told.vanished) == (["QDi.801"], ("QDi.803",))
        stored = await every_version(hub)
        mended = [o for o in stored.values() if o.get("name") == "MENDED"]
        assert {o["modified"] for o in mended} == {"2026-01-01T00:00:00.001Z"}
        _sound(stored)


async def test_files_that_add_up_never_vanish_and_are_never_too_old(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    reports = with_grace(registry, 0, whole=False)
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await take(hub, reports, listed(tmp_path, "2026-03-01", ANNA))
        await take(hub, reports, listed(tmp_path, "2026-02-01", CLARA))
        await take(hub, reports, listed(tmp_path, "2026-04-01", (ANNA[0], "LATER", ANNA[2])))
        standing = await listed_now(hub)
        assert {o["name"] for o in standing.values()} == {"LATER", "CLARA INVENTED"}
        again = changes(await take(hub, reports, tmp_path / "2026-03-01.xml"))
        assert (again.new, again.versions, again.revoked) == (0, 0, 0)
        moved = await take(hub, reports, listed(tmp_path, "2026-05-01", (ANNA[0], "LATER", "")), details=True)
        assert [(c.record, c.fields) for c in changes(moved).changed] == [("QDi.801", ("-relationship",))]
        assert changes(await take(hub, reports, tmp_path / "2026-05-01.xml")).changed == ()
        _sound(await every_version(hub))


async def test_one_ingest_of_a_list_at_a_time(
    mongodb_uri: str,
    mongodb_database: str,
    tmp_path: Path,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        path = listed(tmp_path, "2026-01-01", ANNA, CLARA)
        receipts = await asyncio.gather(*(take(hub, registry, path) for _ in range(3)))
        assert sorted(r.status.stored > 0 for r in receipts if r.status) == [False, False, True]
        lineage = (await hub.editions.editions(_lineage(hub)))[0].lineage
        assert await hub.editions.claim(lineage, "somebody else", 60) is None
        monkeypatch.setattr(edition_claim, "CLAIM", 0.4)
        with pytest.raises(UnavailableError, match="somebody else"):
            await take(hub, registry, path)


def _lineage(hub: Hub) -> Any:
    return Lineage(place(hub, "gb-owl", "strict").collection.number, "gb-owl", "un_sc_consolidated_xml")


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from taxii_hub.exchange import edition_claim, edition_members, ingest as journey
from taxii_hub.mapping.registry import load_registry
from taxii_hub.settings import Settings
from tests.support.inprocess import opened_hub

uri, database, data, path, batches = sys.argv[1:]
edition_claim.CLAIM, edition_members.BATCH_OBJECTS = 0.5, 2
left, publish = int(batches), journey.publish_members

async def publish_members(*arguments):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return await publish(*arguments)

journey.publish_members = publish_members

async def main():
    async with opened_hub(uri, database, Path(data)) as hub:
        registry = load_registry(Settings().mappings_dir)
        await journey.ingest(hub, registry, journey.Ingest(Path(path), "test/strict", agency="gb-owl"))

asyncio.run(main())
"""


async def test_an_ingest_that_was_killed_is_finished_by_running_it_again(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    """Kill -9 in the middle: the end state is that of an ingest which was never interrupted."""
    first = listed(tmp_path, "2026-01-01", ANNA, BORIS, CLARA)
    second = listed(tmp_path, "2026-02-01", (ANNA[0], "RENAMED", ""), BORIS, DAVID)
    async with opened_hub(mongodb_uri, f"{mongodb_database}_b") as hub:
        await take(hub, registry, first)
        await take(hub, registry, second)
        wanted = await every_version(hub)
    data = tmp_path / "data"
    data.mkdir()
    for path, batches in ((first, 3), (second, 3)):
        command = [sys.executable, "-c", KILLED, mongodb_uri, mongodb_database, data, path, str(batches)]
        done = subprocess.run(command, cwd=Path(__file__).parents[3], timeout=60, check=False)  # noqa: ASYNC221
        assert done.returncode == -signal.SIGKILL
        async with opened_hub(mongodb_uri, mongodb_database, data) as hub:
            interrupted = await every_version(hub)
            assert 0 < len(interrupted) < len(wanted)
            await take(hub, registry, path)
            repaired = await every_version(hub)
            assert interrupted.keys() < repaired.keys()
    assert repaired == wanted


class CutError(Exception):
    """Stands for whatever ends an ingest."""


async def test_any_run_of_editions_and_interruptions(
    mongodb_uri: str,
    mongodb_database: str,
    tmp_path: Path,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Random editions, some interrupted and then repeated or overtaken: what stands is what the newest say."""
    monkeypatch.setattr(edition_members, "BATCH_OBJECTS", 3)
    left = [10_000]
    publish = journey.publish_members

    async def publish_members(*arguments: Any) -> Any:
        if left[0] == 0:
            raise CutError
        left[0] -= 1
        return await publish(*arguments)

    monkeypatch.setattr(journey, "publish_members", publish_members)
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        for seed in range(8):
            chance = random.Random(seed)
            grace = seed % 3
            patient = with_grace(registry, grace)
            people = [f"{seed}-{n}" for n in range(4)]
            absent = dict.fromkeys(people, grace + 1)
            names: dict[str, str] = {}
            for month in range(1, 8):
                here = {key: f"NAME {chance.randrange(2)}" for key in people if chance.random() < 0.6}
                records = [(key, name, ADDRESS.format("Aden")) for key, name in here.items()]
                path = listed(tmp_path, f"20{10 + seed}-{month:02}-01", *records)
                absent = {key: 0 if key in here else absent[key] + 1 for key in people}
                left[0] = chance.choice([0, 1, 2, 10_000])
                try:
                    await take(hub, patient, path, source_list=str(seed))
                except CutError:
                    left[0] = 10_000
                    if chance.random() < 0.5 and month < 7:
                        # Overtaken by the next edition: of what it alone holds nobody knows if it was published.
                        names = {key: name for key, name in names.items() if key not in here}
                        continue
                    await take(hub, patient, path, source_list=str(seed))
                left[0] = 10_000
                names.update(here)
                standing = {k: o["name"] for k, o in (await listed_now(hub)).items() if k in people}
                wanted = {key: name for key, name in names.items() if absent[key] <= grace}
                assert wanted.items() <= standing.items(), (seed, month)
                assert not [key for key in standing if absent[key] > grace], (seed, month)
                again = changes(await take(hub, patient, path, source_list=str(seed)))
                assert (again.new, again.versions, again.revoked) == (0, 0, 0)
        _sound(await every_version(hub))


def _conversion(*values: dict[str, Any]) -> Conversion:
    return Conversion(
        mapping="x",
        edition="2026-02-01T00:00:00.000Z",
        sha256="",
        data=tuple(map(orjson.dumps, values)),
        problems=(),
        account={},
        records=0,
        failed_records=0,
        namespace=Settings().id_namespace,
        made={},
        failed=(),
        source_list="",
    )


def _note(text: str, created: str, modified: str) -> dict[str, Any]:
    made = {"type": "note", "id": "note--1", "created": created, "modified": modified, "content": text}
    return {**made, "object_refs": ["identity--1"]}


@pytest.mark.parametrize(
    ("text", "modified", "steps"),
    [
        ("old", "2026-01-01T00:00:00.000Z", []),
        ("old", "2026-02-01T00:00:00.000Z", []),
        ("new", "2025-12-01T00:00:00.000Z", []),
        ("new", "2026-02-01T00:00:00.000Z", [("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")]),
    ],
)
def test_what_carries_its_own_version_needs_a_later_one_and_other_content(
    text: str, modified: str, steps: list[tuple[str, str]]
) -> None:
    stored = _note("old", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z")
    at = timestamps.parse(stored["modified"])
    known = {"note--1": Known(at, stored["created"], revoked=False, digest=content_digest(stored))}
    offered = _conversion(_note(text, modified, modified))
    plan = plan_edition(offered, Names(offered.namespace, known=known), (), 0)
    assert [(step.created, step.modified) for step in plan.steps] == steps
    assert plan.unchanged == 1 - len(steps)


def test_names_go_into_every_reference_and_nowhere_else() -> None:
    names = Names(Settings().id_namespace, {"identity--1": "identity--2"})
    value = {
        "id": "note--1",
        "content": "identity--1",
        "object_refs": ["identity--1", "identity--3"],
        "labels": ["identity--1"],
        "extensions": {
            "x": {"part_ref": "identity--1", "text": "identity--1", "rows": [{"a_ref": "identity--1"}]}
        },
    }
    assert names.applied(value) == {
        "id": "note--1",
        "content": "identity--1",
        "object_refs": ["identity--2", "identity--3"],
        "labels": ["identity--1"],
        "extensions": {
            "x": {"part_ref": "identity--2", "text": "identity--1", "rows": [{"a_ref": "identity--2"}]}
        },
    }


def test_differences_name_the_properties() -> None:
    before = {"created": 1, "name": "a", "x": {"y": [1], "z": 1}, "gone": 1}
    after = {"created": 2, "name": "a", "x": {"y": [2], "z": 1}, "new": {"deep": 1}}
    assert differences(before, after) == ["gone", "new", "x.y"]


@pytest.mark.parametrize(("grace", "expected"), [(0, [5, 4]), (1, [5, 4, 3, 2]), (2, [5, 4, 3, 2, 1])])
def test_the_window_goes_back_to_a_complete_edition_beyond_the_grace(grace: int, expected: list[int]) -> None:
    """5 and 3 were interrupted."""
    lineage = Lineage(1, "a", "x")
    records = [
        EditionRecord(lineage, f"report--{n}", n, "", "", "", n, None if n in {5, 3} else n)
        for n in range(5, 0, -1)
    ]
    assert [record.edition for record in window(records, 6, grace)] == expected
