"""``collections/*.yaml`` → :class:`~taxii_hub.model.Catalog`; docs/catalogue.md explains every key.

All or nothing: every file is read to its end and every problem is told, with file, line and key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from taxii_hub.catalog import forms
from taxii_hub.catalog.checks import CollectionDraft, RootDraft, check
from taxii_hub.catalog.documents import with_digest
from taxii_hub.catalog.located import Place, Problems, parse, sentence
from taxii_hub.catalog.members import read_agreement, read_groups, read_members
from taxii_hub.catalog.section import PARAGRAPH, Form, Section, Word, entries
from taxii_hub.errors import CatalogError
from taxii_hub.model import Agency, ApiRoot, Catalog, Collection, Granular, Problem, ValidationMode


@dataclass(slots=True)
class _Reading:
    """What one run knows and finds."""

    problems: Problems = field(default_factory=Problems)
    agencies: dict[str, Agency] = field(default_factory=dict)


def load_catalog(folder: Path, known_mappings: frozenset[str] | None = None) -> Catalog:
    """Read a folder strictly; version 0, digest filled, API roots by path, collections by id.

    ``known_mappings`` None: the names under ``accepts`` are not checked. Raises CatalogError whose
    text has one line per problem.
    """
    catalog, problems = read_texts(read_files(folder), known_mappings)
    if catalog is None:
        raise CatalogError("\n".join(sentence(problem) for problem in problems))
    return catalog


def read_files(folder: Path) -> dict[str, bytes]:
    """File name → content of every catalogue file. Raises CatalogError where none can be read."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})
        files = {path.name: path.read_bytes() for path in paths if not path.name.startswith(".")}
    except OSError as error:
        raise CatalogError(
            f"{folder}: cannot be read ({error.strerror}); name a folder of YAML files"
        ) from None
    if not files:
        raise CatalogError(f"{folder}: holds no YAML file; name the folder of {forms.AGENCIES_FILE}")
    return files


def read_texts(
    files: Mapping[str, bytes], known_mappings: frozenset[str] | None = None
) -> tuple[Catalog | None, tuple[Problem, ...]]:
    """The catalogue of these files, or None and everything that is wrong, in order of place."""
    reading = _Reading()
    _read_agencies(files, reading)
    groups = read_groups(files.get(forms.GROUPS_FILE), reading.agencies, reading.problems)
    drafts = []
    roots = sorted(files.keys() - {forms.AGENCIES_FILE, forms.GROUPS_FILE})
    for name in roots:
        draft = _read_root(name, files[name], reading)
        if draft is not None:
            drafts.append(draft)
    check(drafts, reading.agencies, known_mappings, reading.problems)
    if not roots:
        reading.problems.add(Place(forms.AGENCIES_FILE), "no API root stands beside it", "add <path>.yaml")
    if reading.problems.found:
        found = sorted(reading.problems.found, key=lambda problem: (problem.source, problem.line or 0))
        return None, tuple(found)
    agencies = sorted(reading.agencies.values(), key=lambda agency: agency.name)
    catalog = Catalog(tuple(draft.api_root for draft in drafts), tuple(agencies), groups=groups)
    return with_digest(catalog), ()


# --- agencies.yaml -----------------------------------------------------------------------------


def _read_agencies(files: Mapping[str, bytes], reading: _Reading) -> None:
    name = forms.AGENCIES_FILE
    if name not in files:
        reading.problems.add(Place(name), "is missing", "add it: one entry for each member agency")
        return
    root = parse(name, files[name], reading.problems)
    if root is None:
        return
    top = Section(root, Place(name), ("agencies",), reading.problems)
    node = top.node("agencies", "list the member agencies under it")
    if not isinstance(node, yaml.MappingNode):
        if node is not None:
            reading.problems.add(top.at("agencies"), "is no mapping", "write `name:` lines under it")
        return
    identities: dict[str, str] = {}
    for key, place, value in entries(node, top.at("agencies"), reading.problems):
        agency = _read_agency(key, place, value, reading.problems)
        if agency is None:
            continue
        reading.agencies[key] = agency
        if agency.identity and agency.identity in identities:
            what = f"its identity is that of {identities[agency.identity]} already"
            reading.problems.add(place, what, "give each agency its own")
        elif agency.identity:
            identities[agency.identity] = key


def _read_agency(name: str, place: Place, node: yaml.Node, problems: Problems) -> Agency | None:
    if not forms.NAME.fits(name) or name == forms.MEMBERS:
        problems.add(place, f"{name!r} cannot name an agency", f"use {forms.NAME.hint}; not `members`")
    if not isinstance(node, yaml.MappingNode):
        problems.add(place, "is no mapping", f"write {', '.join(forms.AGENCY_KEYS)} under it")
        return None
    section = Section(node, place, forms.AGENCY_KEYS, problems)
    return Agency(
        name=name,
        title=section.text("title"),
        country=section.text("country", forms.COUNTRY),
        contact=section.optional_text("contact"),
        identity=section.optional_text("identity", forms.IDENTITY),
    )


# --- one API root ------------------------------------------------------------------------------


def _read_root(file: str, data: bytes, reading: _Reading) -> RootDraft | None:
    path = file.rpartition(".")[0]
    _check_path(file, path, reading.problems)
    node = parse(file, data, reading.problems)
    if node is None:
        return None
    section = Section(node, Place(file), forms.ROOT_KEYS, reading.problems)
    members = read_members(section, reading.problems)
    drafts = _read_collections(path, section, members.words, reading.problems)
    root = ApiRoot(
        path=path,
        title=section.text("title"),
        description=section.optional_text("description", PARAGRAPH),
        contact=section.optional_text("contact"),
        members=frozenset(word.text for word in members.words),
        max_content_length=section.number("max_content_length", forms.DEFAULT_LENGTH, forms.LENGTH_BOUNDS),
        collections=tuple(sorted((draft.collection for draft in drafts), key=lambda each: each.id)),
        was=section.optional_text("was", forms.NAME),
        agreement=read_agreement(section.below("agreement", forms.AGREEMENT_KEYS), reading.problems),
        memberships=members.memberships,
    )
    places = {key: section.at(key) for key in ("title", "was")}
    return RootDraft(root, Place(file), places, members.words, members.purposes, tuple(drafts))


def _check_path(file: str, path: str, problems: Problems) -> None:
    if not file.endswith(".yaml"):
        problems.add(Place(file), "does not end in .yaml", "rename it")
    if not forms.NAME.fits(path):
        problems.add(Place(file), "the file's name is the API root's path", f"use {forms.NAME.hint}")
    if path in forms.RESERVED_PATHS:
        problems.add(Place(file), f"/{path}/ is a path of the hub itself", "choose another name")


def _read_collections(
    path: str, root: Section, members: tuple[Word, ...], problems: Problems
) -> list[CollectionDraft]:
    node = root.node("collections", "list them; `taxii-hub collections new` writes one")
    if node is None:
        return []
    at = root.at("collections")
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        problems.add(at, "is no list of collections", "start each with `- id:`; `collections new` writes one")
        return []
    drafts = []
    for index, item in enumerate(node.value):
        place = Place(at.file, item.start_mark.line + 1, f"collections[{index}]")
        if not isinstance(item, yaml.MappingNode):
            problems.add(place, "is no collection", "start it with `- id:`")
            continue
        drafts.append(_read_collection(path, Section(item, place, forms.COLLECTION_KEYS, problems), members))
    return drafts


def _read_collection(path: str, section: Section, members: tuple[Word, ...]) -> CollectionDraft:
    view = "view_of" in section
    granted = {key: _granted(section, key, members, view) for key in ("read", "write")}
    media_types = tuple(word.text for word in section.words("media_types", forms.MEDIA_TYPE))
    accepts = section.words("accepts", Form("the name of a mapping", "[a-z0-9_]+", 100))
    collection = Collection(
        id=section.text("id", forms.UUID4),
        alias=section.text("alias", forms.ALIAS),
        title=section.text("title", forms.TITLE),
        api_root=path,
        description=section.optional_text("description", PARAGRAPH),
        read=frozenset(word.text for word in granted["read"]),
        write=frozenset(word.text for word in granted["write"]),
        media_types=media_types or (forms.STIX_21,),
        validation=_mode(section.choice("validation", forms.VALIDATION, "strict")),
        default_marking=section.choice("default_marking", forms.MARKINGS, "amber"),
        accepts=tuple(word.text for word in accepts),
        minimise=section.optional_text("minimise", forms.PROFILE),
        unmarked="refuse" if section.choice("unmarked", forms.UNMARKED, "accept") == "refuse" else "accept",
        hold=section.choice("hold", forms.HOLD, "never"),
        signatures=section.number("signatures", 1, forms.SIGNATURES),
        release_within_hours=section.number("release_within_hours", forms.DEFAULT_HOURS, forms.HOURS),
        granular=_granular(section.choice("granular", forms.GRANULAR, "withhold")),
        tlp1_twin=section.flag("tlp1_twin"),
        retention_days=section.optional_number("retention_days", forms.DAYS),
        review_days=section.optional_number("review_days", forms.DAYS),
        audit="before-answer"
        if section.choice("audit", forms.AUDIT, "queued") == "before-answer"
        else "queued",
        retired=section.flag("retired"),
        view_of=section.optional_text("view_of", forms.ALIAS),
        types=tuple(word.text for word in section.words("types", forms.STIX_TYPE)),
    )
    places = {key: section.at(key) for key in ("id", "alias", "title", "view_of", "types", "read")}
    places |= {key: section.at(key) for key in forms.NOT_OF_A_VIEW if key in section}
    return CollectionDraft(collection, section.place, places, granted["read"] + granted["write"], accepts)


def _granted(section: Section, key: str, members: tuple[Word, ...], view: bool) -> tuple[Word, ...]:
    """The agencies under ``read`` or ``write``; the word ``members`` stands for all of the API root."""
    if not (view and key == "write"):
        section.node(key, "say who may, or [] for nobody")
    words = section.words(key, forms.NAME)
    if forms.MEMBERS not in [word.text for word in words]:
        return words
    place = section.at(key)
    return tuple(Word(member.text, place) for member in members)


def _mode(word: str) -> ValidationMode:
    match word:
        case "report" | "off":
            return word
        case _:
            return "strict"


def _granular(word: str) -> Granular:
    return "tear-line" if word == "tear-line" else "withhold"
