"""Whether a STIX pattern is well formed (STIX 2.1 section 9), in time linear in its length.

A hand-written reader of the OASIS grammar: the reference implementation (stix2-patterns) reads some
two thousand patterns a second, needs seconds for long ones and recurses without bound. It is the
oracle of the tests instead.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NoReturn

MAX_LENGTH: Final = 1_000_000
MAX_DEPTH: Final = 50

_BLANK: Final = "\\s\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
_BASE64: Final = "[A-Za-z0-9+/]"
_TOKEN: Final = re.compile(
    rf"""
    (?P<skip>[{_BLANK}]+|/\*.*?\*/|//[^\r\n]*)
    |(?P<time>t'[0-9]{{4}}-(?:0[1-9]|1[012])-(?:0[1-9]|[12][0-9]|3[01])
        T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?Z')
    |(?P<bytes>h'(?:[0-9A-Fa-f]{{2}})*'|b'(?:{_BASE64}{{4}})*(?:{_BASE64}{{4}}|{_BASE64}{{3}}=|{_BASE64}{{2}}==)')
    |(?P<string>'(?:[^'\\]|\\['\\])*+')
    |(?P<float>[+-]?[0-9]*\.[0-9]+)
    |(?P<int>[+-]?(?:0|[1-9][0-9]*))
    |(?P<word>[a-zA-Z_][a-zA-Z0-9_-]*)
    |(?P<equal>==?|!=|<>)
    |(?P<order>[<>]=?)
    |(?P<mark>[:.,()\[\]*])
    """,
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS: Final = frozenset(
    [
        "AND",
        "OR",
        "NOT",
        "FOLLOWEDBY",
        "LIKE",
        "MATCHES",
        "ISSUPERSET",
        "ISSUBSET",
        "EXISTS",
        "LAST",
        "IN",
        "START",
        "STOP",
        "SECONDS",
        "true",
        "false",
        "WITHIN",
        "REPEATS",
        "TIMES",
    ]
)
_ORDERABLE: Final = frozenset({"int", "float", "string", "bytes", "time"})
_PRIMITIVE: Final = _ORDERABLE | {"true", "false"}
_TEXT_OPERATORS: Final = frozenset({"LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"})
_QUALIFIERS: Final = frozenset({"START", "WITHIN", "REPEATS"})
_TYPE: Final = re.compile(r"(?=.{3,250}$)-?[a-z0-9]+(?:-[a-z0-9]+)*-?")
_PROPERTY: Final = re.compile(r"[a-z0-9_]{3,250}|id")
_HASH_DIGITS: Final = {
    "MD5": 32,
    "RIPEMD160": 40,
    "SHA1": 40,
    "SHA224": 56,
    "SHA256": 64,
    "SHA384": 96,
    "SHA512": 128,
    "SHA3224": 56,
    "SHA3256": 64,
    "SHA3384": 96,
    "SHA3512": 128,
    "WHIRLPOOL": 128,
}


_ONE_EQUALS: Final = re.compile(r"(\[(?:[^='\[\]\\/]|'[^'\\]{0,100}'){1,80} = )'([^'\\]*)'\]")
"""One comparison, no comments: what stands before the constant, and the constant."""
_SOME_DIGITS: Final = re.compile(r"[0-9a-fA-F]{1,128}")


class _PatternError(Exception):
    """What is wrong, and where."""


def problem_of(pattern: str, version: str = "2.1") -> str | None:
    """What is wrong with a STIX pattern and at which character (from 1); None where nothing is.

    In version 2.0 the times of ``START … STOP …`` may be plain strings.
    """
    if len(pattern) > MAX_LENGTH:
        return f"longer than {MAX_LENGTH:,} characters"
    simple = _ONE_EQUALS.fullmatch(pattern)
    if simple is not None and _equals_is_sound(simple[1], _digits(simple[2])):
        return None
    try:
        _Reader(pattern, version).read()
    except _PatternError as error:
        return str(error)
    return None


def _digits(constant: str) -> int:
    """How many hexadecimal digits a constant is; 0 where it is something else."""
    return len(constant) if _SOME_DIGITS.fullmatch(constant) else 0


# Feeds compare the same few properties again and again. Of a constant that is a plain string, only what
# makes a hash of it is ever looked at.
@lru_cache(maxsize=1024)
def _equals_is_sound(left: str, digits: int) -> bool:
    try:
        _Reader(f"{left}'{'0' * digits or 'x'}']", "2.1").read()
    except _PatternError:
        return False
    return True


class _Reader:
    """Recursive descent; AND, OR and FOLLOWEDBY need no precedence, for nothing is evaluated."""

    def __init__(self, pattern: str, version: str) -> None:
        self._times = frozenset({"time", "string"}) if version == "2.0" else frozenset({"time"})
        self._kinds: list[str] = []
        self._texts: list[str] = []
        self._places: list[int] = []
        self._index = 0
        self._depth = 0
        self._tokenise(pattern)

    def read(self) -> None:
        self._observations()
        if self._kinds[self._index] != "end":
            self._fail("AND, OR, FOLLOWEDBY, a qualifier or the end")

    def _tokenise(self, pattern: str) -> None:
        place, length = 0, len(pattern)
        while place < length:
            match = _TOKEN.match(pattern, place)
            if match is None:
                raise _PatternError(f"character {place + 1}: {pattern[place]!a} begins nothing known")
            kind = str(match.lastgroup)
            if kind != "skip":
                text = match.group()
                if kind == "mark" or (kind == "word" and text in _KEYWORDS):
                    kind = text
                self._kinds.append(kind)
                self._texts.append(text)
                self._places.append(place)
            place = match.end()
        self._kinds.append("end")
        self._texts.append("")
        self._places.append(length)

    def _fail(self, expected: str) -> NoReturn:
        found = ascii(self._texts[self._index][:40]) if self._texts[self._index] else "the end"
        raise _PatternError(f"character {self._places[self._index] + 1}: expected {expected}, found {found}")

    def _take(self, kind: str, expected: str) -> str:
        if self._kinds[self._index] != kind:
            self._fail(expected)
        self._index += 1
        return self._texts[self._index - 1]

    def _accept(self, kind: str) -> bool:
        if self._kinds[self._index] != kind:
            return False
        self._index += 1
        return True

    def _take_any(self, kinds: frozenset[str], expected: str) -> str:
        if self._kinds[self._index] not in kinds:
            self._fail(expected)
        self._index += 1
        return self._texts[self._index - 1]

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _PatternError(
                f"character {self._places[self._index - 1] + 1}: parentheses nested deeper than {MAX_DEPTH} levels"
            )

    # --- observations --------------------------------------------------------------------------

    def _observations(self) -> None:
        self._observation()
        while self._kinds[self._index] in ("AND", "OR", "FOLLOWEDBY"):
            self._index += 1
            self._observation()

    def _observation(self) -> None:
        single = not self._accept("(")
        if single:
            self._take("[", "'[' or '('")
            self._comparisons()
            self._take("]", "AND, OR or ']'")
        else:
            self._enter()
            self._observations()
            self._take(")", "')'")
            self._depth -= 1
        seen: set[str] = set()
        while (kind := self._kinds[self._index]) in _QUALIFIERS:
            if single and kind in seen:
                self._fail(f"no second {kind} for one observation")
            seen.add(kind)
            self._index += 1
            self._qualifier(kind)

    def _qualifier(self, kind: str) -> None:
        if kind == "START":
            self._take_any(self._times, "a timestamp t'…'")
            self._take("STOP", "STOP")
            self._take_any(self._times, "a timestamp t'…'")
        elif self._texts[self._index].startswith("-"):
            self._fail("a positive number")
        elif kind == "WITHIN":
            self._take_any(frozenset({"int", "float"}), "a number of seconds")
            self._take("SECONDS", "SECONDS")
        else:
            self._take("int", "a whole number")
            self._take("TIMES", "TIMES")

    # --- comparisons ---------------------------------------------------------------------------

    def _comparisons(self) -> None:
        self._comparison()
        while self._kinds[self._index] in ("AND", "OR"):
            self._index += 1
            self._comparison()

    def _comparison(self) -> None:
        if self._accept("("):
            self._enter()
            self._comparisons()
            self._take(")", "AND, OR or ')'")
            self._depth -= 1
            return
        if self._accept("NOT"):
            self._take("EXISTS", "EXISTS")
            self._path()
            return
        if self._accept("EXISTS"):
            self._path()
            return
        algorithm = self._path()
        self._accept("NOT")
        self._test(algorithm)

    def _test(self, algorithm: str | None) -> None:
        kind = self._kinds[self._index]
        self._index += 1
        if kind == "equal":
            self._literal(_PRIMITIVE, algorithm)
        elif kind == "order":
            self._literal(_ORDERABLE, None)
        elif kind in _TEXT_OPERATORS:
            self._take("string", "a quoted string")
        elif kind == "IN":
            self._set(algorithm)
        else:
            self._index -= 1
            self._fail("a comparison operator")

    def _set(self, algorithm: str | None) -> None:
        self._take("(", "'('")
        if self._accept(")"):
            return
        self._literal(_PRIMITIVE, algorithm)
        while self._accept(","):
            self._literal(_PRIMITIVE, algorithm)
        self._take(")", "',' or ')'")

    def _literal(self, kinds: frozenset[str], algorithm: str | None) -> None:
        text = self._take_any(kinds, "a constant")
        digits = _HASH_DIGITS.get(algorithm or "")
        if (
            digits
            and self._kinds[self._index - 1] == "string"
            and not re.fullmatch(f"'[0-9a-fA-F]{{{digits}}}'", text)
        ):
            self._index -= 1
            self._fail(f"{digits} hexadecimal digits")

    def _path(self) -> str | None:
        """Reads an object path; the hash algorithm it names, without hyphens, where it names one."""
        object_type = self._take("word", "an object type, '(', NOT or EXISTS")
        if not _TYPE.fullmatch(object_type):
            self._index -= 1
            self._fail("an object type in lower case")
        self._take(":", "':'")
        first = self._step()
        if not _PROPERTY.fullmatch(first):
            self._index -= 1
            self._fail("a property name in lower case, of 3 to 250 characters")
        in_hashes, last = False, first
        while True:
            if self._accept("."):
                in_hashes = in_hashes or last == "hashes"
                last = self._step()
            elif self._accept("["):
                self._take_any(frozenset({"int", "*"}), "an index or '*'")
                self._take("]", "']'")
            else:
                return last.upper().replace("-", "") if in_hashes else None

    def _step(self) -> str:
        if self._kinds[self._index] == "string":
            self._index += 1
            return self._texts[self._index - 1][1:-1]
        if "-" in self._texts[self._index]:
            self._fail("a property name without hyphens, or in quotes")
        return self._take("word", "a property name")
