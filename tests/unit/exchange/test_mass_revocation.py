"""A file that holds a part of the list must not take the rest of the list away by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxii_hub.errors import ReportError
from taxii_hub.exchange.edition_plan import Before, EditionPlan, Loss, Revocation, loss_of
from taxii_hub.exchange.ingest import Ingest, ingest
from taxii_hub.mapping.registry import load_registry
from taxii_hub.model import EditionChanges
from taxii_hub.settings import Settings
from taxii_hub.store.base import EditionRecord, Lineage
from tests.support.inprocess import opened_hub

REGISTRY = load_registry(Settings().mappings_dir)


def before(*keys: str) -> Before:
    record = EditionRecord(Lineage(1, "a", "x"), "report--1", 1, "", "", "", 1, 1)
    return Before(record, {key: (f"identity--{key}",) for key in keys})


def revoking(*keys: str, staying: tuple[str, ...] = (), missing: tuple[str, ...] = ()) -> EditionPlan:
    plan = EditionPlan(revocations=[Revocation(f"identity--{key}", key, 2) for key in keys])
    plan.members = {key: (f"identity--{key}",) for key in staying}
    plan.missing = list(missing)
    return plan


@pytest.mark.parametrize(
    ("lost", "standing", "massive"),
    [
        (20, 20, False),
        (21, 105, False),
        (21, 104, True),
        (200, 1000, False),
        (201, 1000, True),
        (0, 0, False),
    ],
)
def test_much_is_more_than_a_fifth_and_more_than_twenty(lost: int, standing: int, massive: bool) -> None:
    assert Loss(lost, standing).massive is massive


def test_a_record_that_only_lost_a_relationship_still_stands() -> None:
    assert loss_of(revoking("a", staying=("a", "b")), [before("a", "b")]) == Loss(0, 2)


def test_a_record_that_a_rule_leaves_out_now_is_lost() -> None:
    plan = revoking("a", staying=("b",))
    plan.members["a"] = ()
    assert loss_of(plan, [before("a", "b")]) == Loss(1, 2)


def test_new_records_do_not_hide_how_many_are_lost() -> None:
    assert loss_of(revoking("a", staying=("b", "new")), [before("a", "b")]) == Loss(1, 2)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(max_size=3), st.sampled_from(["stays", "missing", "lost"])))
def test_what_stood_is_what_stays_is_missing_or_is_lost(fates: dict[str, str]) -> None:
    def of(fate: str) -> tuple[str, ...]:
        return tuple(key for key, said in fates.items() if said == fate)

    plan = revoking(*of("lost"), staying=of("stays"), missing=of("missing"))
    # The edition before was itself a partial one: what it misses is in the one before that.
    assert loss_of(plan, [before(*of("stays")), before(*fates)]) == Loss(len(of("lost")), len(fates))


def listed(folder: Path, day: str, numbers: range) -> Path:
    records = "".join(
        f"<INDIVIDUAL><FIRST_NAME>INVENTED {n}</FIRST_NAME><UN_LIST_TYPE>Al-Qaida</UN_LIST_TYPE>"
        f"<REFERENCE_NUMBER>QDi.{n}</REFERENCE_NUMBER></INDIVIDUAL>"
        for n in numbers
    )
    path = folder / f"{day}.xml"
    path.write_text(
        f'<CONSOLIDATED_LIST dateGenerated="{day}T00:00:00Z"><INDIVIDUALS>{records}</INDIVIDUALS></CONSOLIDATED_LIST>'
    )
    return path


async def test_a_partial_file_is_refused_shown_by_diff_and_taken_where_it_is_meant(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:

        async def take(path: Path, **options: bool) -> EditionChanges:
            receipt = await ingest(
                hub,
                REGISTRY,
                Ingest(path, "test/strict", agency="gb-owl", **options),  # type: ignore[arg-type]
            )
            assert receipt.changes is not None
            return receipt.changes

        await take(listed(tmp_path, "2026-01-01", range(800, 845)))
        few = await take(listed(tmp_path, "2026-02-01", range(800, 825)))
        assert (few.lost, few.standing, few.mass_revocation) == (20, 45, False)
        part = listed(tmp_path, "2026-04-01", range(824, 826))
        shown = await take(part, dry_run=True)
        assert (shown.lost, shown.standing, shown.mass_revocation) == (24, 25, True)
        with pytest.raises(ReportError, match=r"24 of the 25 .*--allow-mass-revocation"):
            await take(part)
        again = await take(listed(tmp_path, "2026-03-01", range(800, 825)))
        assert (again.added, again.revoked) == ((), 0)
        assert (await take(part, allow_mass_revocation=True)).lost == 24
        assert (await take(part)).revoked == 0
