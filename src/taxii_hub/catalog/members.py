"""How agencies stand in a framework: ``members`` and ``agreement`` of an API root, and ``groups.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from taxii_hub.catalog import forms
from taxii_hub.catalog.located import Place, Problems, parse
from taxii_hub.catalog.section import Section, Word, entries
from taxii_hub.model import Agency, Agreement, Group, Joining, Membership


@dataclass(frozen=True, slots=True)
class Members:
    """``purposes`` are those that members and their agreements name, each with its place."""

    words: tuple[Word, ...]
    memberships: tuple[Membership, ...]
    purposes: tuple[Word, ...]


def read_members(root: Section, problems: Problems) -> Members:
    """An entry is the name of an agency, or a mapping that says how it stands."""
    words: list[Word] = []
    memberships: list[Membership] = []
    purposes: list[Word] = []
    for place, node in root.items("members"):
        if isinstance(node, yaml.MappingNode):
            section = Section(node, Place(place.file, place.line, place.key), forms.MEMBER_KEYS, problems)
            membership, named = _membership(section, problems)
            memberships.append(membership)
            purposes += named
            name = membership.agency
        else:
            name = root.item(place, node, forms.NAME)
        if name and name in [word.text for word in words]:
            problems.add(place, f"{name!r} stands there twice", "remove one")
        elif name:
            words.append(Word(name, place))
    if not words:
        problems.add(root.at("members"), "no members", "list the agencies under `members:`")
    # What says nothing beyond the name is the same catalogue as the name alone.
    telling = [each for each in memberships if each.agency and each != Membership(each.agency)]
    ordered = tuple(sorted(telling, key=lambda each: each.agency))
    return Members(tuple(words), ordered, tuple(purposes))


def read_agreement(section: Section | None, problems: Problems) -> Agreement | None:
    """The agreement under a framework or a member; None where there is none."""
    if section is None:
        return None
    since, until = section.day("from"), section.day("until")
    if since is not None and until is not None and until < since:
        problems.add(section.at("until"), "lies before `from`", "correct one of them")
    return Agreement(
        title=section.text("title"),
        reference=section.text("reference"),
        since=since,
        until=until,
        purposes=_texts(section.words("purposes", forms.PURPOSE)),
        review=section.day("review"),
    )


def _membership(section: Section, problems: Problems) -> tuple[Membership, list[Word]]:
    under = section.below("agreement", forms.AGREEMENT_KEYS)
    agreement = read_agreement(under, problems)
    agreed = under.words("purposes", forms.PURPOSE) if under is not None else ()
    own = section.words("purposes", forms.PURPOSE)
    for word in own:
        if agreement is not None and agreement.purposes and word.text not in agreement.purposes:
            what = f"its agreement names no purpose {word.text!r}"
            problems.add(word.place, what, "add it to the agreement, or remove it here")
    membership = Membership(
        agency=section.text("agency", forms.NAME),
        level=forms.LEVELS.index(section.choice("level", forms.LEVELS, forms.LEVELS[0])),
        clearances=_texts(section.words("clearances", forms.CLEARANCE)),
        purposes=_texts(own if "purposes" in section else agreed),
        agreement=agreement,
        joining=_joining(section.choice("joining", forms.JOINING, "from-now")),
    )
    return membership, [*own, *agreed]


def _joining(word: str) -> Joining:
    return "history" if word == "history" else "from-now"


def _texts(words: tuple[Word, ...]) -> frozenset[str]:
    return frozenset(word.text for word in words)


# --- groups.yaml -------------------------------------------------------------------------------


def read_groups(data: bytes | None, agencies: Mapping[str, Agency], problems: Problems) -> tuple[Group, ...]:
    """The groups by name; none where there is no such file."""
    root = None if data is None else parse(forms.GROUPS_FILE, data, problems)
    if root is None:
        return ()
    top = Section(root, Place(forms.GROUPS_FILE), ("groups",), problems)
    node = top.node("groups", "list the groups under it")
    if node is None:
        return ()
    if not isinstance(node, yaml.MappingNode):
        problems.add(top.at("groups"), "is no mapping", "write `NAME:` lines under it")
        return ()
    found = []
    for name, place, value in entries(node, top.at("groups"), problems):
        if not forms.GROUP.fits(name):
            problems.add(place, f"{name!r} cannot name a group", f"use {forms.GROUP.hint}")
        elif not isinstance(value, yaml.MappingNode):
            problems.add(place, "is no mapping", f"write {', '.join(forms.GROUP_KEYS)} under it")
        else:
            section = Section(value, place, forms.GROUP_KEYS, problems)
            found.append(Group(name, section.text("title"), _group_members(section, agencies, problems)))
    return tuple(sorted(found, key=lambda group: group.name))


def _group_members(
    section: Section, agencies: Mapping[str, Agency], problems: Problems
) -> tuple[tuple[str, str | None, str | None], ...]:
    found = []
    for place, node in section.items("members"):
        if isinstance(node, yaml.MappingNode):
            inner = Section(node, place, forms.GROUP_MEMBER_KEYS, problems)
            name = inner.text("name", forms.GROUP_MEMBER)
            since, until = inner.day("from"), inner.day("until")
        else:
            name, since, until = section.item(place, node, forms.GROUP_MEMBER), None, None
        if name.islower() and name not in agencies:
            problems.add(place, f"there is no agency {name!r}", "correct it, or add it to agencies.yaml")
        if name:
            found.append((name, since, until))
    if not found:
        problems.add(section.at("members"), "no members", "list countries or agencies under `members:`")
    return tuple(found)
