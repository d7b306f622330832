"""Japanese lists: dates with 年月日, names in kana and kanji beside Latin ones, lists in a cell. Shared by the hooks of
mappings."""

# The lists' own signs are full-width, and must be read as such.
# ruff: noqa: RUF001

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Final

from taxii_hub.mapping import names
from taxii_hub.mapping.countries import country_codes, fold
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

NOT_KNOWN: Final = frozenset({"不明", "なし", "-"})
"""Words for: not known, none."""
_JA: Final = r"\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uff66-\uff9f"
_LETTER: Final = re.compile(r"[(（][a-zａ-ｚ][)）]\s*")
_BETWEEN: Final = re.compile(r"\s*[;；\n]\s*")
_WRAPPED: Final = re.compile(
    r"[(（]\s*([afn])\.?k\.?a\.?\s*[:：.]?\s*(.*?)\s*[)）]?\s*$", re.DOTALL | re.IGNORECASE
)
_LABEL: Final = re.compile(r"^[(（](別称|別名|旧称|旧名)(?:[、,:：・][^)）]*)?[)）]\s*")
_TWO: Final = re.compile(rf"([{_JA}][{_JA}\s・＝=ー]*?)\s*[(（]?\s*([A-Z][^{_JA}（）]*?)\s*[)）]?")
_ERA: Final = r"([0-9]{4})年?(?:(?<=年)([0-9]{1,2})月(?:([0-9]{1,2})日)?)?"
_ONE: Final = re.compile(rf"(?:おおよそ|およそ|約)?{_ERA}\s*(頃|ごろ)?\s*(?:生まれ|生)?")
_RANGE: Final = re.compile(
    rf"{_ERA}\s*(頃|ごろ)?\s*(?:から|-|~|〜|－)\s*{_ERA}\s*(頃|ごろ)?\s*(?:まで)?\s*(?:の間)?(頃)?"
)
_ISO: Final = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")


def one_width(text: str) -> str:
    """Digits and signs in one width."""
    return unicodedata.normalize("NFKC", text)


def script(value: Value) -> Value | None:
    """ISO 15924: Kana for katakana alone, Jpan for what also has kanji or hiragana, else by the letters."""
    plain = one_width(str(value.data))
    letters = [unicodedata.name(c, "").split(" ")[0].split("-")[0] for c in plain if c.isalpha()]
    if not {"KATAKANA", "HIRAGANA"} & set(letters):
        return names.script(value.part(plain))
    return value.derive("Jpan" if {"CJK", "HIRAGANA"} & set(letters) else "Kana")


def language(value: Value) -> Value | None:
    """Only kana is Japanese for sure."""
    return value.derive("ja") if re.search(r"[\u3040-\u30ff]", str(value.data)) else None


def pieces(value: Value) -> list[Value]:
    """What stands behind letters (``(a)…(b)…``), semicolons or on lines of its own."""
    texts = [text for part in _LETTER.split(str(value.data)) for text in _BETWEEN.split(part)]
    return [value.part(text.strip(" ,、。")) for text in texts if text.strip(" ,、。()（）")]


def lettered(value: Value) -> list[Value]:
    """What stands behind letters; lines belong together (Japanese, then English)."""
    texts = [" ".join(text.split()) for text in _LETTER.split(str(value.data))]
    return [value.part(text.strip(" ,、")) for text in texts if text.strip(" ,、")]


def unwrapped(value: Value, kind: str) -> list[tuple[Value, str]]:
    """``… (a.k.a.: …)`` around the Latin spellings is taken off."""
    found = _WRAPPED.search(str(value.data))
    if found is None:
        return [(value, kind)]
    before, inside = str(value.data)[: found.start()], found[2]
    said = "former" if found[1].casefold() == "f" else kind
    return [(value.part(before), kind), (value.part(inside), said)]


def spellings(piece: Value, kind: str) -> list[tuple[Value, str, Value | None]]:
    """One name as the piece says it, or in Japanese and in Latin letters; a label says its kind."""
    text = str(piece.data)
    label = _LABEL.match(text)
    if label is not None:
        kind = "former" if label[1].startswith("旧") else "alias"
        text = text[label.end() :].strip()
    if not text:
        return []
    two = _TWO.fullmatch(text)
    parts = [two[1].strip(), two[2].strip()] if two is not None else [text]
    note = piece.part(label[0].strip()) if label is not None else None
    return [(piece.part(part), kind, note) for part in parts if part and part not in NOT_KNOWN]


def country_code(text: str, table: Mapping[str, str]) -> str | None:
    """Of a country in Japanese (by ``table``) or English; 共和国 and what stands in brackets may follow the name."""
    plain = re.sub(r"\s*\(.*", "", one_width(text), flags=re.DOTALL).strip(" 、,。")
    japanese = re.sub(r"\s*[A-Za-z ]+$", "", plain)
    if not japanese:
        return country_codes().get(fold(plain))
    return table.get(japanese) or table.get(re.sub(r"(共和国|国)$", "", japanese))


def country_of_address(text: str, table: Mapping[str, str]) -> str | None:
    """The country with which an address begins, or ends."""
    plain = one_width(text)
    parts = [part.strip() for part in re.split(r"[、,\n・()]", plain) if part.strip()]
    codes = (country_code(part, table) for part in (plain, *parts[:1], *parts[-1:]))
    return next((code for code in codes if code is not None), None)


def birth_date(view: View, words: Value) -> Tree:
    """A ``birth_date`` of the designation extension, as precise as it is certain, with its words."""
    text = "".join(one_width(str(words.data)).split()).strip("、,。")
    if "ヒジュラ" in text:  # a calendar of its own: never converted
        return {"text": words, "calendar": words.derive("islamic")}
    span = _span(words, text)
    if not span:
        view.warn(words, "has a date that is not certain", "its words are carried; look at the source")
    return {**span, "text": words}


def born(view: View, words: Value) -> Tree:
    """Date and place in one text: the date is what it begins with."""
    found = _ONE.match(one_width(str(words.data)))
    span = _span(words, found[0]) if found is not None else {}
    if not span:
        view.warn(words, "has a date that is not certain", "its words are carried; look at the source")
    return {**span, "text": words}


def _span(words: Value, text: str) -> dict[str, Tree]:
    iso, one, two = _ISO.fullmatch(text), _ONE.fullmatch(text), _RANGE.fullmatch(text)
    if two is not None:
        first, last = written(two[1], two[2], two[3]), written(two[5], two[6], two[7])
        if first is None or last is None or first > last:
            return {}
        about = bool(two[4] or two[8] or two[9])
        return _dated(words, (first, last), "range", about=about)
    found = iso or one
    spelt = written(found[1], found[2], found[3]) if found is not None else None
    if spelt is None:
        return {}
    precision = {4: "year", 7: "month", 10: "day"}[len(spelt)]
    return _dated(
        words, (spelt, spelt), precision, about=one is not None and bool(one[4] or not text[0].isdigit())
    )


def _dated(words: Value, ends: tuple[str, str], precision: str, *, about: bool) -> dict[str, Tree]:
    return {
        "from": words.derive(ends[0]),
        "to": words.derive(ends[1]),
        "precision": words.derive(precision),
        "approximate": words.derive(data=True) if about else None,
    }


def written(year: str, month: str | None, day: str | None) -> str | None:
    """``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; None where there is no such day."""
    known = [year, *(f"{int(part):02}" for part in (month, day) if part is not None)]
    try:
        date.fromisoformat("-".join([*known, "01", "01"][:3]))
    except ValueError:
        return None
    return "-".join(known)
