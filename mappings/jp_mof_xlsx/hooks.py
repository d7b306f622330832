"""Japan's list: cells that say things in two languages, or several with letters before them, are taken apart; dates
are read where they are certain, with the words beside them; nothing is translated."""

# The list's own signs are full-width, and must be read as such.
# ruff: noqa: RUF001

from __future__ import annotations

import re
from typing import NamedTuple

from taxii_hub.errors import RecordError
from taxii_hub.mapping import japanese as ja
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.names import once
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_ORIGINAL = re.compile(r"\s*[(（]\s*original script\s*[:：]\s*(.+?)\s*[)）]\s*", re.DOTALL | re.IGNORECASE)
_DAY = re.compile(r"([0-9]{4})\.([0-9]{1,2})(?:\.([0-9]{1,2}))?\s*(改訂|削除)?")
_NAMED = re.compile(r"([0-9]+)\s*[.．]?\s*に(?:指定した|掲載)")
_MARKED = re.compile(r"([*#]?)([0-9]+)\s*(?:[(（]\s*[*#]\s*([0-9]+)\s*[)）])?")
_IDENTIFIER = re.compile(r"[A-Z0-9][A-Z0-9/ -]{3,29}")
_PERSONAL = ("生年月日", "生年月日・出生地", "出生地", "国籍", "称号", "役職")
_ALIASES = (
    ("別名", "alias", None),
    ("別称・旧称", "alias", None),
    ("旧称", "former", None),
    ("確定可能な別名", "alias", "strong"),
    ("確定に十分でない別名", "alias", "weak"),
)
_ELSEWHERE = {
    "テロリスト等（G7協調）": "タリバーン関係者等",
    "テロリスト等（米国等）": "タリバーン関係者等",
    "北朝鮮（決議1695号）": "北朝鮮（決議1718号等・団体）",
    "北朝鮮（国際協調・団体）": "北朝鮮（決議1718号等・団体）",
    "北朝鮮（国際協調・個人）": "北朝鮮（決議1718号等・個人）",
}
"""In whose numbers a regime's sheet names the same party."""


def _get(view: View, column: str) -> Value | None:
    return view.get(f"row/{column}")


def _said(view: View, *columns: str) -> list[Value]:
    """What the cells say; those that say ``not known`` say nothing."""
    found = [value for column in columns for value in view.all(f"row/{column}")]
    return [value for value in found if str(value.data) not in ja.NOT_KNOWN]


# --- which record it is --------------------------------------------------------------------------


def _number(view: View) -> tuple[Value, re.Match[str]]:
    value = _get(view, "告示番号")
    found = None if value is None else _MARKED.fullmatch(ja.one_width(str(value.data)).strip())
    if value is None or found is None:
        raise RecordError("has no number in 告示番号", "without it, it has no id; add it")
    return value, found


def key(view: View) -> Tree:
    """The regime and the number without marks."""
    value, found = _number(view)
    return value.derive(f"{view.kind}|{found[2]}")


def reference(view: View) -> Tree:
    """As a person would say it."""
    value, found = _number(view)
    return value.derive(f"{view.kind} {found[2]}")


def same(view: View) -> Tree:
    """The number of the same party in another sheet."""
    value, found = _number(view)
    other = _ELSEWHERE.get(view.kind)
    return value.derive(f"{other}|{found[3]}") if found[3] is not None and other is not None else None


def related(view: View) -> Tree:
    """Other parties of the same sheet that the text names."""
    _, own = _number(view)
    found: dict[str, Value] = {}
    for value in _said(view, "その他の情報"):
        for number in _NAMED.findall(ja.one_width(str(value.data))):
            if number != own[2]:
                found.setdefault(number, value.derive(f"{view.kind}|{number}"))
    return list(found.values())


def deleted(view: View) -> bool:
    """Whether the row says that the party was taken off, and nothing of the party."""
    days = _get(view, "告示日付")
    named = _get(view, "日本語表記") or _get(view, "英語表記")
    return named is None and days is not None and "削除" in str(days.data)


def programmes(view: View) -> Tree:
    """The regime: the sheet."""
    return [Value(view.kind, frozenset())]


def is_terrorist(view: View) -> bool:
    """Whether the regime is about terrorism."""
    return view.lookup("regimes", Value(view.kind, frozenset())) is not None


# --- names ---------------------------------------------------------------------------------------


def _english(view: View) -> tuple[Value | None, list[Value]]:
    """The name, and what stands behind ``original script:``."""
    value = _get(view, "英語表記")
    if value is None:
        return None, []
    text = str(value.data)
    plain = " ".join(_ORIGINAL.sub(" ", text).split())
    originals = [value.part(" ".join(name.split())) for name in _ORIGINAL.findall(text)]
    return (value.part(plain) if plain else None), originals


def name(view: View) -> Tree:
    """In Latin letters; in Japanese where there are none."""
    english, originals = _english(view)
    found = english or _get(view, "日本語表記") or next(iter(originals), None)
    if found is None:
        raise RecordError("has no name", "a row without one says 削除 in 告示日付; add what is missing")
    return found


def _named(value: Value, kind: str) -> dict[str, Tree]:
    return {"full": value, "kind": kind, "script": ja.script(value), "language": ja.language(value)}


def names(view: View) -> Tree:
    """The main one, its Japanese spelling, the one in the original script, then the others."""
    english, originals = _english(view)
    japanese = _get(view, "日本語表記")
    found: list[Tree] = []
    if english is not None:
        found.append(_named(english, "primary"))
    if japanese is not None:
        found.append(_named(japanese, "variation" if english is not None else "primary"))
    found += [_named(value, "original-script") for value in originals]
    others = [
        {**_named(other.full, other.kind), "strength": other.strength, "note": other.note}
        for other in _others(view)
    ]
    return [*found, *others]


class _Other(NamedTuple):
    full: Value
    kind: str
    note: Value | None
    strength: str | None


def _others(view: View) -> list[_Other]:
    """Other names."""
    found: list[_Other] = []
    for column, kind, strength in _ALIASES:
        for value in _said(view, column):
            for text, said in ja.unwrapped(value, kind):
                for piece in ja.pieces(text):
                    found += [_Other(*spelt, strength=strength) for spelt in ja.spellings(piece, said)]
    return found


def aliases(view: View) -> Tree:
    """Other names that identify."""
    english, originals = _english(view)
    japanese = [_get(view, "日本語表記")] if english is not None else []
    strong = [other.full for other in _others(view) if other.strength != "weak"]
    return once([*filter(None, japanese), *originals, *strong])


# --- the person ----------------------------------------------------------------------------------


def identity_class(view: View) -> Tree:
    """A person where the sheet says so, or any of the cells about persons is filled, be it with 不明."""
    unknown = [v for c in _PERSONAL for v in view.all(f"row/{c}") if str(v.data) in ja.NOT_KNOWN]
    filled = unknown or [value for column in _PERSONAL for value in view.all(f"row/{column}")][:1]
    if "個人" in view.kind or filled:
        leaves = frozenset().union(*(value.leaves for value in filled))
        return Value("individual", leaves, derived=True)
    return "organization"


def is_person(view: View) -> bool:
    """Whether it is a natural person."""
    return bool(plain(identity_class(view)) == "individual")


def _parts(view: View, column: str) -> list[Value]:
    return once(piece for value in _said(view, column) for piece in ja.lettered(value))


def roles(view: View) -> Tree:
    """Positions, each once."""
    return _parts(view, "役職")


def titles(view: View) -> Tree:
    """Titles, each once."""
    return _parts(view, "称号")


def birth_dates(view: View) -> Tree:
    """Each date as precise as it is certain, always with the list's own words."""
    words = [
        value.part(text)
        for value in _said(view, "生年月日")
        for piece in ja.pieces(value)
        for text in re.split(r"\s*(?:又は|または|もしくは|、)\s*", str(piece.data))
        if text.strip(" 、,")
    ]
    both = _said(view, "生年月日・出生地")
    return [*(ja.birth_date(view, value) for value in once(words)), *(ja.born(view, value) for value in both)]


def birth_places(view: View) -> Tree:
    """Each place in the list's words."""
    return [{"text": piece, "country_code": _country(view, piece)} for piece in _parts(view, "出生地")]


# --- countries, documents, notification -----------------------------------------------------------


def _code(view: View, text: str) -> str | None:
    return ja.country_code(text, view.reading.spec.lookups["countries_ja"])


def _country(view: View, piece: Value) -> Value | None:
    code = ja.country_of_address(str(piece.data), view.reading.spec.lookups["countries_ja"])
    return piece.derive(code) if code is not None else None


def nationalities(view: View) -> Tree:
    """Each one, with its code where it is a country."""
    found = once(
        value.part(text.strip(" 、,。"))
        for value in _said(view, "国籍")
        for piece in ja.pieces(value)
        for text in str(piece.data).split("、")
        if text.strip(" 、,。") and text.strip(" 、,。") not in ja.NOT_KNOWN
    )
    return [_nationality(view, piece) for piece in found]


def _nationality(view: View, piece: Value) -> Tree:
    code = _code(view, str(piece.data))
    if code is None:
        view.warn(
            piece,
            "is no country that is known",
            "add it to lookup 'countries_ja' of the mapping",
            "unknown-value",
        )
    return {"text": piece, "code": piece.derive(code) if code is not None else None, "status": "nationality"}


def addresses(view: View) -> Tree:
    """Those without a country that is known: no location can be made of them."""
    return [{"text": piece} for piece in _parts(view, "住所") if _country(view, piece) is None]


def places(view: View, emitter: Emitter) -> None:
    """Locations of addresses and nationalities."""
    for piece in _parts(view, "住所"):
        if (code := _country(view, piece)) is not None:
            made = emitter.add_shared("location", {"name": piece, "country": code})
            emitter.relate(emitter.main, "located-at", made)
    for value in _said(view, "国籍"):
        for piece in ja.pieces(value):
            if (nation := _code(view, str(piece.data))) is not None:
                spelt = piece.derive(nation)
                made = emitter.add_shared("location", {"name": spelt, "country": spelt})
                emitter.relate(emitter.main, "national-of", made)


def documents(view: View) -> Tree:
    """A number where the text is nothing else, the text otherwise."""
    found: list[Tree] = []
    for column, kind in (("旅券番号", "passport"), ("身分証番号", "national-id")):
        for piece in _parts(view, column):
            bare = _IDENTIFIER.fullmatch(str(piece.data)) is not None
            found.append({"type": kind, "type_text": column, "number" if bare else "detail": piece})
    return found


def contacts(view: View) -> Tree:
    """Telephone and fax numbers."""
    return [
        {"kind": kind, "value": value.part(text.strip(" 、,"))}
        for column, kind in (("電話", "phone"), ("FAX", "fax"))
        for value in _said(view, column)
        for text in re.split(r"[\n、]", str(value.data))
        if text.strip(" 、,")
    ]


def description(view: View) -> Tree:
    """The remarks; a cell that goes on in the rows below is one text."""
    return Value.joined(_said(view, "その他の情報"), "\n")


def reason(view: View) -> Tree:
    """Why it is listed."""
    return Value.joined(_said(view, "指定の根拠"), "\n")


def information(view: View) -> Tree:
    """When the United Nations listed it, and marks at the number, in the list's words."""
    return [{"key": "リスト掲載日", "value": value} for value in _said(view, "リスト掲載日")]


def _days(view: View) -> list[tuple[Value, str, str]]:
    """(cell, day, 改訂 or nothing)."""
    return [
        (value, spelt, found[4] or "")
        for value in view.all("row/告示日付")
        for found in _DAY.finditer(ja.one_width(str(value.data)))
        if (spelt := ja.written(found[1], found[2], found[3])) is not None
    ]


def listed_on(view: View) -> Tree:
    """The first notification."""
    return next((value.derive(day) for value, day, word in _days(view) if not word), None)


def amended_on(view: View) -> Tree:
    """Its revisions."""
    return [value.derive(day) for value, day, word in _days(view) if word == "改訂"]


def notices(view: View) -> Tree:
    """What the cell of the notification says beside days: all of it, where there is any such thing."""
    found = view.all("row/告示日付")
    return [value for value in found if _DAY.sub(_unread, str(value.data)).strip()]


def _unread(day: re.Match[str]) -> str:
    return "" if ja.written(day[1], day[2], day[3]) else day[0]
