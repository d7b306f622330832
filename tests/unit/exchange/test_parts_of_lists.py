"""A file that says that it is a part of its list takes nothing off; a list whose rows say who is taken off does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.ingest import Ingest, ingest
from taxii_hub.mapping.registry import Registry, load_registry
from taxii_hub.mapping.workbook import workbook
from taxii_hub.model import EditionChanges
from taxii_hub.settings import Settings
from tests.support.inprocess import opened_hub

Take = Callable[[Path], Awaitable[EditionChanges]]
TARGET = (
    '<target ssid="{}"><individual><identity main="true"><name name-type="primary-name"><name-part order="1">'
    "<value>Invented {}</value></name-part></name></identity></individual>{}</target>"
)
GONE = '<modification modification-type="de-listed" effective-date="2026-02-01"/>'


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(Settings().mappings_dir)


def taking(hub: Hub, registry: Registry) -> Take:
    async def take(path: Path) -> EditionChanges:
        receipt = await ingest(hub, registry, Ingest(path, "test/strict", agency="gb-owl"))
        assert receipt.status is not None
        assert [outcome for outcome in receipt.status.outcomes if not outcome.ok] == []
        assert receipt.changes is not None
        return receipt.changes

    return take


def swiss(folder: Path, day: str, kind: str, *targets: tuple[str, str]) -> Path:
    path = folder / f"{day}.xml"
    body = "".join(TARGET.format(number, number, more) for number, more in targets)
    path.write_text(f'<swiss-sanctions-list list-type="{kind}" date="{day}">{body}</swiss-sanctions-list>')
    return path


async def test_an_amendment_revokes_nothing_and_a_de_listing_does(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        take = taking(hub, registry)
        whole = swiss(tmp_path, "2026-01-01", "whole-list", ("1", ""), ("2", ""), ("3", ""))
        assert (await take(whole)).added == ("1", "2", "3")
        part = await take(swiss(tmp_path, "2026-01-02", "amendment", ("4", "")))
        other = await take(swiss(tmp_path, "2026-01-03", "amendment", ("1", "")))
        assert (part.added, part.revoked, other.revoked, other.missing) == (("4",), 0, 0, ())
        later = await take(swiss(tmp_path, "2026-02-01", "whole-list", ("1", ""), ("2", GONE), ("4", "")))
        assert (later.missing, later.revoked, later.lost) == (("3",), 1, 1)


async def test_a_row_that_keeps_only_its_number_is_revoked(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    header = ["告示日付", "告示番号", "日本語表記", "英語表記"]
    path = tmp_path / "list.xlsx"
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        take = taking(hub, registry)
        path.write_bytes(
            workbook(
                {"12.スーダン": [header, ["2026.1.1", 1, "レン", "Wren"], ["2026.1.1", 2, "鷺", "Heron"]]}
            )
        )
        assert len((await take(path)).added) == 2
        path.write_bytes(
            workbook(
                {"12.スーダン": [header, ["2026.1.1", 1, "レン", "Wren"], ["2026.2.1削除", 2, None, None]]}
            )
        )
        assert ((gone := await take(path)).revoked, gone.lost, gone.unchanged > 0) == (1, 1, True)
