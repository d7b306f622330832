"""Names of countries as official lists spell them, to ISO 3166-1 alpha-2 codes. Shared by every mapping.

``countries.tsv`` beside this file: code, then names. The code ``-`` stands for states that are no more
or are not in ISO 3166-1: such a name is known and has no code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType


@cache
def country_codes() -> Mapping[str, str | None]:
    """Folded name → code, None for a state without one."""
    table: dict[str, str | None] = {}
    text = files("taxii_hub.mapping").joinpath("countries.tsv").read_text(encoding="utf-8")
    for row in text.splitlines():
        code, *names = row.split("\t")
        table.update({fold(name): None if code == "-" else code for name in names})
    return MappingProxyType(table)


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """What stays equal between spellings: letters without accents or case, words without articles."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    words = re.sub(r"[^\w\s]", " ", "".join(c for c in plain if not unicodedata.combining(c))).split()
    return " ".join(word for word in words if word not in {"the", "of", "and"})


@cache
def country_names() -> Mapping[str, str]:
    """Code → the name by which a country is listed first."""
    text = files("taxii_hub.mapping").joinpath("countries.tsv").read_text(encoding="utf-8")
    rows = (row.split("\t") for row in text.splitlines())
    return MappingProxyType({code: names[0] for code, *names in rows if code != "-"})
