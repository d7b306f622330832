"""Minimising: what a named profile does to the leaves of a record before anything is made of it.

A rule keeps, coarsens, pseudonymises or drops what stands at a path. What it changes is in the account's
bucket ``minimised``, with what was done; the source's own text goes nowhere else, problems included.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from taxii_hub.errors import BadValueError
from taxii_hub.keyring import Keyring
from taxii_hub.mapping.countries import country_codes, fold
from taxii_hub.mapping.regions import regions

if TYPE_CHECKING:
    from taxii_hub.mapping.record import Leaf
    from taxii_hub.mapping.spec import Field

Action = Literal["keep", "coarsen", "pseudonymise", "drop"]
PseudonymKey = tuple[int, bytes]
"""Number and secret of a key of the kind ``pseudonym``."""

PSEUDONYM_LENGTH: Final = 20
"""Hexadecimal digits: among a million values two share a pseudonym once in two million times."""

_DATE: Final = re.compile(r"(?<![0-9])([12][0-9]{3})(?:-([0-9]{2})(?:-[0-9]{2})?)?(?![0-9])")
_ABOUT: Final = re.compile(r"\s*(circa\b|about\b|approximately\b|c\.)", re.IGNORECASE)
_STAMP: Final = re.compile(r"([12][0-9]{3}-[0-9]{2}-[0-9]{2})T.*Z")


# --- coarsening: text → coarser text, None where there is none ------------------------------------


def _year(text: str) -> str | None:
    return _about(text, {found[1] for found in _DATE.finditer(text)})


def _month(text: str) -> str | None:
    return _about(text, {"-".join(filter(None, found.group(1, 2))) for found in _DATE.finditer(text)})


def _about(text: str, found: set[str]) -> str | None:
    """The only date of a text; one of several (between 1980 and 1984) would say more than the source."""
    if len(found) != 1:
        return None
    return f"{about[1]} {found.pop()}" if (about := _ABOUT.match(text)) else found.pop()


def _day(text: str) -> str | None:
    found = _STAMP.fullmatch(text.strip())
    return None if found is None else f"{found[1]}T00:00:00.000Z"


def _country(text: str) -> str | None:
    """The last part of a place that names a country, as it is spelt."""
    parts = (part.strip() for part in reversed(re.split(r"[,;/()\n]", text)))
    return next((part for part in parts if country_codes().get(fold(part)) is not None), None)


def _region(text: str) -> str | None:
    found = _country(text)
    return None if found is None else regions()[str(country_codes()[fold(found)])]


COARSER: Final[Mapping[str, Callable[[str], str | None]]] = {
    "year": _year,
    "month": _month,
    "day": _day,
    "country": _country,
    "region": _region,
}


# --- pseudonyms: what counts as the same value -----------------------------------------------------


def _line(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _name(text: str) -> str:
    """Without accents, case, points and the order of its parts: lists write `SMITH, John` and `John Smith`."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(c))
    return " ".join(sorted(re.sub(r"[\W_]+", " ", plain).split()))


def _identifier(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).upper()


NORMALISED: Final[Mapping[str, Callable[[str], str]]] = {
    "line": _line,
    "name": _name,
    "identifier": _identifier,
}


def pseudonym_key(secrets: Path) -> PseudonymKey:
    """The key of this deployment, from its folder of secrets. Raises SettingsError."""
    return Keyring.open(secrets, create=False).newest("pseudonym")


def pseudonym(normaliser: str, text: str, key: PseudonymKey) -> str:
    """The same for equal values as long as the key is the same; it tells nothing without the key."""
    number, secret = key
    said = f"taxii-hub pseudonym 1\0{normaliser}\0{NORMALISED[normaliser](text)}"
    digest = hmac.digest(secret, said.encode("utf-8", "surrogatepass"), "sha256").hex()
    return f"pseudonym-{number}-{digest[:PSEUDONYM_LENGTH]}"


# --- rules and profiles ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done at one path. ``by``: the coarsening or the normaliser. ``split``: what stands between
    several values of one text. ``kinds``: the records that it is for (none: all)."""

    action: Action
    reason: str
    by: str = ""
    split: str | None = None
    kinds: frozenset[str] = frozenset()

    @property
    def words(self) -> str:
        """What was done, for the account."""
        done = {"coarsen": f"coarsened to {self.by}", "drop": "dropped", "keep": "kept"}
        return done.get(self.action, f"pseudonymised as {self.by}")

    @property
    def told(self) -> str:
        """The rule for a reader of the README."""
        only = f"of {', '.join(sorted(self.kinds))} " if self.kinds else ""
        return (
            f"({self.reason})"
            if self.action == "drop" and not only
            else f"{only}{self.words} ({self.reason})"
        )

    def apply(self, text: str, key: PseudonymKey | None) -> str | None:
        """The text that takes its place; None where nothing does."""
        if self.action in {"keep", "drop"}:
            return text if self.action == "keep" else None
        parts = text.split(self.split) if self.split else [text]
        made = [changed for part in parts if part.strip() and (changed := self._changed(part.strip(), key))]
        between = f"{self.split} " if self.split else ""
        return between.join(dict.fromkeys(made)) or None

    def _changed(self, text: str, key: PseudonymKey | None) -> str | None:
        if self.action == "coarsen":
            return COARSER[self.by](text)
        if key is None:
            raise AssertionError("convert asks for the key first")
        return pseudonym(self.by, text, key)


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules of one name, by path."""

    name: str
    rules: Mapping[str, Rule]

    @property
    def dropped(self) -> tuple[str, ...]:
        """The paths that are taken out of every record."""
        return tuple(p for p, rule in self.rules.items() if rule.action == "drop" and not rule.kinds)

    @property
    def needs_key(self) -> bool:
        """Whether it pseudonymises."""
        return any(rule.action == "pseudonymise" for rule in self.rules.values())


@dataclass(frozen=True, slots=True)
class Minimised:
    """What became of one leaf: ``text`` None where it is gone."""

    path: str
    rule: Rule
    text: str | None

    @property
    def words(self) -> str:
        """What was done; a leaf that has nothing coarser is dropped."""
        return self.rule.words if self.text is not None else "dropped"


@dataclass(slots=True)
class Minimiser:
    """A profile at work in one conversion; ``counts`` leaves by path and what was done."""

    profile: Profile
    key: PseudonymKey | None
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def changes(self, kind: str, leaves: Iterable[Leaf], fields: Mapping[str, Field]) -> dict[int, Minimised]:
        """What the profile changes in a record, by the position of the leaf."""
        found = {}
        for position, leaf in enumerate(leaves):
            rule = self.profile.rules.get(leaf.pattern)
            if rule is None or rule.action == "keep" or (rule.kinds and kind not in rule.kinds):
                continue
            text = _cleaned(fields[leaf.pattern], leaf.value)
            made = rule.apply(text, self.key) if text else None
            if made is None or made != text:
                found[position] = Minimised(leaf.pattern, rule, made)
        return found

    def seed(self, changes: Iterable[Minimised]) -> tuple[str, ...]:
        """What tells the record's objects from those without the changes; with another key they must not be
        known again by their ids."""
        actions = {change.rule.action for change in changes}
        profile = (f"minimised:{self.profile.name}",) if actions else ()
        number = self.key[0] if self.key is not None and "pseudonymise" in actions else None
        return profile if number is None else (*profile, f"pseudonym key:{number}")

    def count(self, change: Minimised) -> str:
        """Count it; returns what the account says of it."""
        self.counts[change.path, change.words] += 1
        return f"profile: {change.words}: {change.rule.reason}"

    def told(self) -> dict[str, Any]:
        """For the account: what was done where, and how often."""
        rows = sorted(self.counts.items())
        return {"minimised": [{"path": p, "action": done, "leaves": count} for (p, done), count in rows]}


def _cleaned(field: Field, text: str) -> str | None:
    """As the field reads it: a rule works on dates that are written in one way only. What cannot be read
    is no text that a rule could take for harmless."""
    try:
        data = field.clean(text).data
    except BadValueError:
        return None
    return str(data) if data else None
