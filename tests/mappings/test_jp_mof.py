"""What the samples of Japan's list are about."""

# The list's own signs are full-width.
# ruff: noqa: RUF001

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taxii_hub.mapping.constants import DESIGNATION
from taxii_hub.mapping.golden import converted
from taxii_hub.mapping.readers.sheets import _fitting
from taxii_hub.mapping.registry import load_registry
from taxii_hub.mapping.workbook import Cell, workbook
from taxii_hub.settings import Settings
from tests.mappings.test_hub_report import parts
from tests.support.jp_mof_workbooks import FOLDER, TALIBAN, samples

SPEC = load_registry(Settings().mappings_dir).get("jp_mof_xlsx")
SHEETS = {
    "1.ミロシェビッチ前ユーゴ大統領関係者": "ミロシェビッチ前ユーゴスラビア大統領及び関係者",
    "4.テロリスト等 (2)": "テロリスト等（米国等）",
    "5.イラク前政権関係者等（Ⅰ）": "イラク前政権の高官又はその関係者等（個人）",
    "6.イラク前政権関係者等 (Ⅱ)": "イラク前政権の機関等（団体・決議1483号23(a)）",
    "7.イラク前政権関係者等 (Ⅲ)": "イラク前政権の機関等（団体・決議1483号23(b)）",
    "10.コンゴ民主共和国 (団体)": "コンゴ民主共和国（団体）",
    "12.スーダン": "スーダン",
    "13.北朝鮮(決議1695号)": "北朝鮮（決議1695号）",
    "15.北朝鮮(決議1718号等；個人)": "北朝鮮（決議1718号等・個人）",
    "17.北朝鮮(協調；個人)": "北朝鮮（国際協調・個人）",
    "19.イラン（個人）": "イラン（個人）",
    "20.イラン (団体)": "イラン（団体）",
    "22.リビア(Ⅰ)": "リビア（決議2009号主文15）",
    "23.リビア (Ⅱ)": "リビア（その他）",
    "26.クリミア等（個人）": "クリミア等（個人）",
    "27.クリミア等 (団体)": "クリミア等（団体）",
    "28.ロシア連邦(団体(特定銀行を除く))": "ロシア連邦（団体）",
    "29.ロシア連邦(個人)": "ロシア連邦（個人）",
    "30.ロシア連邦(特定銀行） ": "ロシア連邦（特定銀行）",
    "31.ベラルーシ(個人)": "ベラルーシ（個人）",
    "32.ベラルーシ(団体(特定銀行を除く))": "ベラルーシ（団体）",
    "33.ベラルーシ(特定銀行)": "ベラルーシ（特定銀行）",
    "34.ロシア及びベラルーシ以外（団体(特定銀行を除く)）": "ロシア及びベラルーシ以外（団体）",
    "35.ロシア及びベラルーシ以外（個人）": "ロシア及びベラルーシ以外（個人）",
    "36.ロシア及びベラルーシ以外（特定銀行)": "ロシア及びベラルーシ以外（特定銀行）",
    "37.中央アフリカ共和国（個人）": "中央アフリカ（個人）",
    "38.中央アフリカ共和国（団体）": "中央アフリカ（団体）",
    "39.イエメン共和国": "イエメン",
    "40.南スーダン": "南スーダン",
    "41.マリ共和国": "マリ",
    "43.イスラエル": "暴力的行為に関与するイスラエルの入植者",
    "44.ハイチ共和国（団体）": "ハイチ（団体）",
}


@pytest.mark.parametrize("name", samples())
def test_workbooks_are_those_that_the_script_writes(name: str) -> None:
    assert parts((FOLDER / name).read_bytes()) == parts(samples()[name])


@pytest.mark.parametrize(("sheet", "regime"), SHEETS.items())
def test_a_sheet_is_known_by_its_words_whatever_its_number(sheet: str, regime: str) -> None:
    found = _fitting("9" + sheet, SPEC.reader)  # type: ignore[arg-type]
    assert found is not None
    assert (found.outside, found.kind) == (None, regime)


def designations(path: Path) -> dict[str, dict[str, Any]]:
    return {
        item["name"]: item["extensions"][DESIGNATION]
        for item in converted(SPEC, path).objects()
        if DESIGNATION in item.get("extensions", {})
    }


def test_names_are_told_by_script_language_and_strength() -> None:
    found = designations(FOLDER / "persons.xlsx")["HASSAN QUILLFEATHER"]["names"]
    assert [(n["full"], n["kind"], n["script"], n.get("language"), n.get("strength")) for n in found] == [
        ("HASSAN QUILLFEATHER", "primary", "Latn", None, None),
        ("ハッサン・クイルフェザー", "variation", "Kana", "ja", None),
        ("حسن كويلفيذر", "original-script", "Arab", None, None),
        ("ハサン・クイル", "alias", "Kana", "ja", None),
        ("ＨＱ", "alias", "Latn", None, None),
        ("Hasan Quill", "alias", "Latn", None, None),
        ("Haj Quill", "alias", "Latn", None, None),
        ("キール", "alias", "Kana", "ja", "weak"),
        ("Keel", "alias", "Latn", None, "weak"),
    ]
    mixed = designations(FOLDER / "persons.xlsx")["WREN POND SOCIETY"]["names"]
    assert [n["script"] for n in mixed[:2]] == ["Latn", "Jpan"]


def test_a_weak_alias_is_none_of_the_threat_actor() -> None:
    made = list(converted(SPEC, FOLDER / "persons.xlsx").objects())
    aliases = [o.get("aliases", []) for o in made if o["type"] == "threat-actor"]
    assert not {"キール", "Keel"} & {name for names in aliases for name in names}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (2, ("1967-04-29", "1967-04-29", "day", None)),
        (3, ("1966", "1966", "year", True)),
        (4, ("1964", "1964", "year", True)),
        (5, ("1990-05", "1990-05", "month", None)),
        (6, ("1963", "1965", "range", None)),
        (7, ("1979", "1982", "range", True)),
        (9, ("1966-02-02", "1966-02-02", "day", None)),
        (12, (None, None, None, None)),
    ],
)
def test_japanese_dates_are_read_as_precise_as_they_are(number: int, expected: tuple[Any, ...]) -> None:
    born = designations(FOLDER / "spellings.xlsx")[f"Linnet {number}"]["birth_dates"][0]
    assert tuple(born.get(key) for key in ("from", "to", "precision", "approximate")) == expected
    assert born["text"]


def test_who_is_taken_off_is_left_out_and_the_party_that_names_him_leads_to_nothing_else() -> None:
    made = converted(SPEC, FOLDER / "persons.xlsx")
    assert made.account["left_out"] == {"deleted": 2}
    assert not any("|3" in key and ids for key, ids in made.made.items() if key.startswith("タリバーン"))


def test_the_same_party_in_two_sheets_is_a_relationship() -> None:
    made = list(converted(SPEC, FOLDER / "persons.xlsx").objects())
    ids = {
        o["id"]: o["extensions"][DESIGNATION]["reference"]
        for o in made
        if o.get("identity_class") and DESIGNATION in o.get("extensions", {})
    }
    said = {
        (ids.get(o["source_ref"]), ids.get(o["target_ref"]))
        for o in made
        if o.get("relationship_type") == "related-to"
    }
    assert ("テロリスト等（G7協調） 7", "タリバーン関係者等 2") in said
    assert ("タリバーン関係者等 2", "タリバーン関係者等 4") in said


def test_rows_without_a_number_go_on_with_the_row_above() -> None:
    made = converted(SPEC, FOLDER / "organisations.xlsx")
    (named,) = [o for o in made.objects() if o.get("name") == "AL-IKE" and o["type"] == "identity"]
    assert named["description"].splitlines() == [
        "アル・イケは、2008年に結成された。",
        "また、2009年の記事によれば、池を占拠した。",
        "（続く）",
    ]


def test_the_edition_is_the_latest_notification_of_the_workbook(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [
        ["告示日付", "告示番号", "日本語表記", "英語表記"],
        ["2001.9.22\n2026.3.5改訂", 1, "レン", "Wren"],
        ["2026.2.28削除", 2, None, None],
    ]
    path = tmp_path / "list.xlsx"
    path.write_bytes(workbook({TALIBAN: rows}))
    assert converted(SPEC, path).edition == "2026-03-05T00:00:00.000Z"
