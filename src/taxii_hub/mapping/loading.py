"""``mapping.yaml`` → :class:`Spec`, strictly: whatever is unknown, missing or contradicts itself is
refused with file, line, key and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from taxii_hub.errors import BadValueError
from taxii_hub.mapping import spec as model
from taxii_hub.mapping.cleaners import CLEANERS, moment
from taxii_hub.mapping.expressions import (
    Entries,
    Hook,
    Node,
    Vocabulary,
    compile_condition,
    compile_node,
    compile_set,
)
from taxii_hub.mapping.located_yaml import Located, load
from taxii_hub.stix import ids
from taxii_hub.stix.markings import TLP_2_IDS

_SECTIONS: Final = frozenset(
    {"identity", "detect", "reader", "key", "dates", "lookups", "fields", "objects", "main", "relationships"}
    | {"build", "markings", "minimise", "ignore", "editions"}
)
MAX_GRACE: Final = 10
_READERS: Final = frozenset({"xml"})


def load_spec(folder: Path, hooks: Mapping[str, Hook], *, trusted: bool) -> model.Spec:
    """The mapping in ``folder``. Raises MappingError."""
    return _Loader(folder, hooks, trusted).spec()


class _Loader:
    def __init__(self, folder: Path, hooks: Mapping[str, Hook], trusted: bool) -> None:
        self._root = load(folder / "mapping.yaml")
        self._top = self._root.items(_SECTIONS)
        self._folder, self._hooks, self._trusted = folder, hooks, trusted

    def spec(self) -> model.Spec:
        identity = self._section("identity", {"format", "version", "title", "about", "issuer", "family"})
        fields, ignore = self._fields(), self._ignore()
        if both := sorted(fields.keys() & ignore.keys()):
            self._top["ignore"].data[both[0]].fail("is listed in fields too; keep one of them")
        reader = self._section("reader", {"kind", "records"})
        lookups = self._lookups()
        kinds = frozenset(_need(reader, "records", self._top["reader"]).texts())
        words = Vocabulary(frozenset(fields), frozenset(lookups), kinds, self._hooks)
        objects = self._objects(words)
        dates = self._section("dates", {"edition"})
        return model.Spec(
            format=self._format(identity),
            family=(identity["family"] if "family" in identity else identity["format"]).text(),
            format_version=_need(identity, "version", self._top["identity"]).text(),
            title=_need(identity, "title", self._top["identity"]).text(),
            about=identity["about"].text() if "about" in identity else None,
            issuer=_issuer(_need(identity, "issuer", self._top["identity"])),
            detect=self._detect(),
            reader=_one_of(_need(reader, "kind", self._top["reader"]), _READERS),
            kinds=kinds,
            key=tuple(words.path(part, "") for part in self._get("key").elements()),
            edition=words.path(_need(dates, "edition", self._top["dates"]), ""),
            lookups=lookups,
            fields=fields,
            objects=objects,
            main=self._main(objects),
            relationships=self._relationships(words, {item.name for item in objects}),
            build=tuple(words.hook(e) for e in self._top["build"].elements()) if "build" in self._top else (),
            markings=self._markings(),
            minimise=self._minimise(fields),
            ignore=ignore,
            folder=self._folder,
            trusted=self._trusted,
            editions=self._editions(words),
        )

    def _get(self, name: str) -> Located:
        return _need(self._top, name, self._root)

    def _section(self, name: str, known: set[str]) -> Entries:
        return self._get(name).items(known)

    def _format(self, identity: Entries) -> str:
        at = _need(identity, "format", self._top["identity"])
        if at.text() != self._folder.name or re.fullmatch(r"[a-z][a-z0-9_]{2,60}", at.text()) is None:
            at.fail(f"must be the folder's name ({self._folder.name}): lower case, digits, underscores")
        return at.text()

    def _detect(self) -> model.Detect:
        entries = self._section("detect", {"root", "attributes", "any_of"})
        return model.Detect(
            root=_need(entries, "root", self._top["detect"]).text(),
            attributes=frozenset(entries["attributes"].texts()) if "attributes" in entries else frozenset(),
            any_of=frozenset(entries["any_of"].texts()) if "any_of" in entries else frozenset(),
        )

    def _lookups(self) -> dict[str, dict[str, Any]]:
        if "lookups" not in self._top:
            return {}
        tables: dict[str, dict[str, Any]] = {}
        for name, table in self._top["lookups"].items().items():
            tables[name] = {text: entry.plain() for text, entry in table.items().items()}
            if name == "countries" or not tables[name]:
                table.fail("the name is taken (the hub has that table)" if tables[name] else "is empty")
        return tables

    def _fields(self) -> dict[str, model.Field]:
        return {path: _field(path, at) for path, at in self._get("fields").items().items()}

    def _ignore(self) -> dict[str, str]:
        if "ignore" not in self._top:
            return {}
        return {path: reason.text() for path, reason in self._top["ignore"].items().items()}

    def _objects(self, words: Vocabulary) -> tuple[model.ObjectSpec, ...]:
        return tuple(_object(name, at, words) for name, at in self._get("objects").items().items())

    def _main(self, objects: tuple[model.ObjectSpec, ...]) -> str:
        at = self._get("main")
        fit = {o.name for o in objects if o.designation is not None and not o.each and o.seed == "record"}
        if at.text() not in fit:
            at.fail("must name an object with a designation and without each: it stands for the record")
        return at.text()

    def _relationships(self, words: Vocabulary, names: set[str]) -> tuple[model.RelationshipSpec, ...]:
        if "relationships" not in self._top:
            return ()
        return tuple(
            _relationship(at, words, names, self._top["objects"])
            for at in self._top["relationships"].elements()
        )

    def _markings(self) -> model.Markings:
        entries = self._section("markings", {"tlp", "statement"})
        tlp = _one_of(_need(entries, "tlp", self._top["markings"]), frozenset(TLP_2_IDS))
        return model.Markings(tlp, entries["statement"].text() if "statement" in entries else None)

    def _editions(self, words: Vocabulary) -> model.Editions:
        if "editions" not in self._top:
            return model.Editions()
        entries = self._section("editions", {"whole", "grace", "list"})
        whole = entries["whole"].data if "whole" in entries else True
        grace = entries["grace"].data if "grace" in entries else 1
        if not isinstance(whole, bool):
            entries["whole"].fail("must be true or false")
        if isinstance(grace, bool) or not isinstance(grace, int) or not 0 <= grace <= MAX_GRACE:
            entries["grace"].fail(f"must be a number of editions from 0 to {MAX_GRACE}")
        return model.Editions(whole, grace, words.path(entries["list"], "") if "list" in entries else None)

    def _minimise(self, fields: Mapping[str, model.Field]) -> dict[str, model.Minimise]:
        if "minimise" not in self._top:
            return {}
        profiles: dict[str, model.Minimise] = {}
        for name, at in self._top["minimise"].items().items():
            paths = at.items()
            for path, reason in paths.items():
                if path not in fields:
                    reason.fail("is not listed in fields; correct the path")
            profiles[name] = model.Minimise({path: reason.text() for path, reason in paths.items()})
        return profiles


def _need(entries: Entries, key: str, at: Located) -> Located:
    if key not in entries:
        at.fail(f"{key} is missing; docs/mappings.md shows what it says")
    return entries[key]


def _one_of(at: Located, words: frozenset[str]) -> str:
    if at.text() not in words:
        at.fail(f"one of {', '.join(sorted(words))} is wanted")
    return at.text()


def _issuer(at: Located) -> model.Issuer:
    entries = at.items({"name", "identity_class", "since", "description"})
    since = _need(entries, "since", at)
    try:
        stamp = moment(since.text()).data
    except BadValueError as error:
        since.fail(str(error))
    return model.Issuer(
        name=_need(entries, "name", at).text(),
        identity_class=_need(entries, "identity_class", at).text(),
        since=stamp,
        description=entries["description"].text() if "description" in entries else None,
    )


def _field(path: str, at: Located) -> model.Field:
    entries = {"clean": at} if isinstance(at.data, str) else at.items({"clean", "note"})
    cleaner = _one_of(_need(entries, "clean", at), frozenset(CLEANERS))
    note = entries["note"].text() if "note" in entries else None
    return model.Field(path, cleaner, CLEANERS[cleaner], note)


def _object(name: str, at: Located, words: Vocabulary) -> model.ObjectSpec:
    entries = at.items({"type", "each", "when", "unless", "id", "set", "designation"})
    object_type = _one_of(_need(entries, "type", at), frozenset(ids.TYPES))
    each = tuple(words.path(part, "") for part in entries["each"].elements()) if "each" in entries else ()
    content = "id" in entries and entries["id"].data == "content"
    designation = entries.get("designation")
    if designation is not None and object_type != "identity":
        designation.fail("extends identity only")
    parts: tuple[Node, ...] = ()
    checked: list[tuple[Callable[[Any], bool], Node]] = []
    for base in each or ("",):
        if "id" in entries and not content:
            parts = tuple(compile_node(part, words, base) for part in entries["id"].elements())
        checked.append(
            (compile_condition(entries, words, base), compile_set(_need(entries, "set", at), words, base))
        )
    return model.ObjectSpec(
        name=name,
        type=object_type,
        each=each,
        holds=checked[-1][0],
        seed="content" if content else "record",
        parts=parts,
        properties=checked[-1][1],
        designation=compile_set(designation, words) if designation is not None else None,
    )


def _relationship(
    at: Located, words: Vocabulary, names: set[str], objects: Located
) -> model.RelationshipSpec:
    entries = at.items({"from", "type", "to", "keys", "set"})
    source = _one_of(_need(entries, "from", at), frozenset(names))
    target = _one_of(_need(entries, "to", at), frozenset(names))
    each = objects.items()[target].items().get("each")
    bases = each.texts() if each is not None and "keys" not in entries else ("",)
    nodes = [compile_set(entries["set"], words, base) for base in bases] if "set" in entries else []
    return model.RelationshipSpec(
        source=source,
        type=_need(entries, "type", at).text(),
        target=target,
        keys=compile_node(entries["keys"], words) if "keys" in entries else None,
        properties=nodes[-1] if nodes else _nothing,
    )


def _nothing(_: object) -> dict[str, Any]:
    return {}
