"""``mapping.yaml`` → :class:`Spec`, strictly: whatever is unknown, missing or contradicts itself is
refused with file, line, key and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from taxii_hub.errors import BadValueError
from taxii_hub.mapping import spec as model
from taxii_hub.mapping.cleaners import CLEANERS, Cleaner, moment
from taxii_hub.mapping.containers import load_detect, load_reader, one_of, wanted
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
from taxii_hub.mapping.minimise import Profile
from taxii_hub.mapping.profiles import load_profiles
from taxii_hub.mapping.readers.options import LibraryReader, Reader
from taxii_hub.settings import shipped_dir
from taxii_hub.stix import ids
from taxii_hub.stix.markings import TLP_2_IDS

_SECTIONS: Final = frozenset(
    {"identity", "detect", "reader", "key", "dates", "lookups", "fields", "objects", "main", "relationships"}
    | {"build", "markings", "minimise", "ignore", "editions", "leave_out", "like", "todo"}
)
_OWN: Final = frozenset({"identity", "detect", "reader"})
MAX_GRACE: Final = 10
_FORMAT: Final = r"[a-z][a-z0-9_]{2,60}"


def load_spec(folder: Path, hooks: Mapping[str, Hook], *, trusted: bool) -> model.Spec:
    """The mapping in ``folder``. Raises MappingError."""
    return _Loader(folder, hooks, trusted).spec()


def model_of(folder: Path) -> Path | None:
    """The folder of the mapping that this one is like, whose hooks it shares. Raises MappingError."""
    top = load(folder / "mapping.yaml").items()
    return _beside(folder, top["like"]) if "like" in top else None


class _Loader:
    def __init__(self, folder: Path, hooks: Mapping[str, Hook], trusted: bool) -> None:
        self._root = load(folder / "mapping.yaml")
        self._top = self._root.items(_SECTIONS)
        if "like" in self._top:
            beside = load(_beside(folder, self._top["like"]) / "mapping.yaml").items(_SECTIONS)
            self._top = {**beside, **self._top}
            for name in sorted(_OWN - self._root.items().keys()):
                self._top["like"].fail(f"{name} must be the mapping's own; add it")
        self._folder, self._hooks, self._trusted = folder, hooks, trusted

    def spec(self) -> model.Spec:
        identity = self._section("identity", {"format", "version", "title", "about", "issuer", "family"})
        fields = self._fields()
        ignore = self._ignore(fields)
        reader = load_reader(self._get("reader"), self._folder)
        self._library = isinstance(reader, LibraryReader)
        if self._library and not self._trusted:
            self._top["reader"].fail("is code, which is not trusted here; see TAXII_HUB_MAPPING_CODE")
        lookups = self._lookups()
        words = Vocabulary(frozenset(fields), frozenset(lookups), reader.kinds, self._hooks)
        objects = self._objects(words)
        edition, from_records, edition_cleaner = self._dates(words)
        return model.Spec(
            format=self._format(identity),
            family=(identity["family"] if "family" in identity else identity["format"]).text(),
            format_version=wanted(identity, "version", self._top["identity"]).text(),
            title=wanted(identity, "title", self._top["identity"]).text(),
            about=identity["about"].text() if "about" in identity else None,
            issuer=_issuer(wanted(identity, "issuer", self._top["identity"])),
            detect=load_detect(self._get("detect"), reader),
            reader=reader,
            key=self._key(words),
            edition_paths=edition,
            edition_from_records=from_records,
            edition_cleaner=edition_cleaner,
            lookups=lookups,
            fields=fields,
            objects=objects,
            main=self._main(objects),
            relationships=self._relationships(words, {item.name for item in objects}),
            build=tuple(words.hook(e) for e in self._top["build"].elements()) if "build" in self._top else (),
            markings=self._markings(words),
            minimise=self._minimise(fields, reader),
            ignore=ignore,
            folder=self._folder,
            trusted=self._trusted,
            editions=self._editions(words),
            leave_out=self._leave_out(words),
        )

    def _key(self, words: Vocabulary) -> tuple[model.KeyPart, ...]:
        parts = self._get("key").elements()
        return tuple(model.KeyPart(_label(part), compile_node(part, words)) for part in parts)

    def _dates(self, words: Vocabulary) -> tuple[tuple[str, ...], bool, Cleaner | None]:
        """The edition's paths, whether they are the records', and what reads it where that is said."""
        entries = self._section("dates", {"edition", "from", "clean"})
        paths = [words.path(at, "") for at in entries["edition"].elements()] if "edition" in entries else []
        records = "from" in entries and one_of(entries["from"], {"records", "header"}) == "records"
        if len(paths) > 1 and not records:
            entries["edition"].fail("several paths go with from: records only")
        clean = CLEANERS[one_of(entries["clean"], frozenset(CLEANERS))] if "clean" in entries else None
        return tuple(paths), records, clean

    def other_list(self) -> model.OtherList:
        """What another mapping needs in order to name this one's records."""
        identity = self._get("identity").items()
        main = self._get("main").elements()[0].text()
        return model.OtherList(
            family=(identity["family"] if "family" in identity else identity["format"]).text(),
            issuer=_issuer(wanted(identity, "issuer", self._top["identity"])),
            markings=self._markings(),
            main=(self._get("objects").items()[main].items()["type"].text(), main),
        )

    def _get(self, name: str) -> Located:
        return wanted(self._top, name, self._root)

    def _section(self, name: str, known: set[str]) -> Entries:
        return self._get(name).items(known)

    def _format(self, identity: Entries) -> str:
        at = wanted(identity, "format", self._top["identity"])
        if at.text() != self._folder.name or re.fullmatch(_FORMAT, at.text()) is None:
            at.fail(f"must be the folder's name ({self._folder.name}): lower case, digits, underscores")
        return at.text()

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

    def _ignore(self, fields: Mapping[str, model.Field]) -> dict[str, str]:
        if "ignore" not in self._top:
            return {}
        if both := sorted(fields.keys() & self._top["ignore"].items().keys()):
            self._top["ignore"].data[both[0]].fail("is listed in fields too; keep one of them")
        return {path: reason.text() for path, reason in self._top["ignore"].items().items()}

    def _objects(self, words: Vocabulary) -> tuple[model.ObjectSpec, ...]:
        if self._library and "objects" not in self._top:
            return ()
        return tuple(_object(name, at, words) for name, at in self._get("objects").items().items())

    def _main(self, objects: tuple[model.ObjectSpec, ...]) -> tuple[str, ...]:
        fit = {
            o.name: o.type
            for o in objects
            if (o.designation is not None or o.source is not None) and not o.each and o.seed == "record"
        }
        names = self._get("main").elements() if objects else []
        for at in names:
            if at.text() not in fit:
                at.fail(
                    "must name an object with a designation (or source) and without each: "
                    "it stands for the record"
                )
        return tuple(at.text() for at in names)

    def _relationships(self, words: Vocabulary, names: set[str]) -> tuple[model.RelationshipSpec, ...]:
        if "relationships" not in self._top:
            return ()
        return tuple(
            _to_other_list(at, words, names, self._folder)
            if isinstance(at.data, dict) and "list" in at.data
            else _relationship(at, words, names, self._top["objects"])
            for at in self._top["relationships"].elements()
        )

    def _markings(self, words: Vocabulary | None = None) -> model.Markings:
        """``words``: none where the mapping is only named by another one."""
        entries = self._section("markings", {"tlp", "statement", "by", "required"})
        tlp = one_of(wanted(entries, "tlp", self._top["markings"]), frozenset(TLP_2_IDS))
        statement = entries["statement"].text() if "statement" in entries else None
        if words is None or "by" not in entries:
            return model.Markings(tlp, statement)
        by = tuple(compile_node(element, words) for element in entries["by"].elements())
        required = entries["required"].data if "required" in entries else False
        if not isinstance(required, bool):
            entries["required"].fail("must be true or false")
        return model.Markings(tlp, statement, by, required)

    def _editions(self, words: Vocabulary) -> model.Editions:
        if "editions" not in self._top:
            return model.Editions()
        entries = self._section("editions", {"whole", "whole_if", "grace", "list", "count"})
        whole = entries["whole"].data if "whole" in entries else True
        grace = entries["grace"].data if "grace" in entries else 1
        if not isinstance(whole, bool):
            entries["whole"].fail("must be true or false")
        if isinstance(grace, bool) or not isinstance(grace, int) or not 0 <= grace <= MAX_GRACE:
            entries["grace"].fail(f"must be a number of editions from 0 to {MAX_GRACE}")
        paths = {name: words.path(entries[name], "") for name in ("list", "count") if name in entries}
        said = (
            [(p, at.text()) for p, at in entries["whole_if"].items(words.fields).items()]
            if "whole_if" in entries
            else []
        )
        if len(said) > 1:
            entries["whole_if"].fail("one path with its text is wanted")
        return model.Editions(whole, grace, whole_if=said[0] if said else None, **paths)

    def _leave_out(self, words: Vocabulary) -> tuple[model.LeaveOut, ...]:
        if "leave_out" not in self._top:
            return ()
        rules = []
        for name, at in self._top["leave_out"].items().items():
            entries = at.items({"when", "reason"})
            wanted(entries, "when", at)
            reason = wanted(entries, "reason", at).text()
            rules.append(model.LeaveOut(name, compile_condition(entries, words), reason))
        return tuple(rules)

    def _minimise(self, fields: Mapping[str, model.Field], reader: Reader) -> dict[str, Profile]:
        if "minimise" not in self._top:
            return {}
        keys = frozenset(_label(part) for part in self._get("key").elements())
        return load_profiles(self._top["minimise"], fields, keys, reader)


def _issuer(at: Located) -> model.Issuer:
    entries = at.items({"name", "identity_class", "since", "description"})
    since = wanted(entries, "since", at)
    try:
        stamp = moment(since.text()).data
    except BadValueError as error:
        since.fail(str(error))
    return model.Issuer(
        name=wanted(entries, "name", at).text(),
        identity_class=wanted(entries, "identity_class", at).text(),
        since=stamp,
        description=entries["description"].text() if "description" in entries else None,
    )


def _field(path: str, at: Located) -> model.Field:
    entries = {"clean": at} if isinstance(at.data, str) else at.items({"clean", "note", "nothing"})
    cleaner = one_of(wanted(entries, "clean", at), frozenset(CLEANERS))
    note = entries["note"].text() if "note" in entries else None
    nothing = entries["nothing"].items() if "nothing" in entries else {}
    why = {text: reason.text() for text, reason in nothing.items()}
    return model.Field(path, cleaner, CLEANERS[cleaner], note, why)


def _object(name: str, at: Located, words: Vocabulary) -> model.ObjectSpec:
    entries = at.items({"type", "each", "when", "unless", "id", "set", "designation", "source"})
    object_type = one_of(wanted(entries, "type", at), frozenset(ids.TYPES))
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
            (compile_condition(entries, words, base), compile_set(wanted(entries, "set", at), words, base))
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
        source=compile_set(entries["source"], words) if "source" in entries else None,
    )


def _label(at: Located) -> str:
    """What a part of the key is called: its path, or what its function takes."""
    if isinstance(at.data, str):
        return at.text()
    if "const" in (entries := at.items()):
        return ""
    ((function, given), *_) = entries.items()
    names = [name for part in given.elements() if (name := _label(part))]
    return (" or " if function == "first" else " ").join(names)


def _relationship(
    at: Located, words: Vocabulary, names: set[str], objects: Located
) -> model.RelationshipSpec:
    entries = at.items({"from", "type", "to", "keys", "set"})
    source = one_of(wanted(entries, "from", at), frozenset(names))
    target = one_of(wanted(entries, "to", at), frozenset(names))
    each = objects.items()[target].items().get("each")
    bases = each.texts() if each is not None and "keys" not in entries else ("",)
    nodes = [compile_set(entries["set"], words, base) for base in bases] if "set" in entries else []
    return model.RelationshipSpec(
        source=source,
        type=wanted(entries, "type", at).text(),
        target=target,
        keys=compile_node(entries["keys"], words) if "keys" in entries else None,
        properties=nodes[-1] if nodes else _nothing,
    )


def _to_other_list(at: Located, words: Vocabulary, names: set[str], folder: Path) -> model.RelationshipSpec:
    entries = at.items({"from", "type", "list", "keys", "set"})
    beside = _beside(folder, entries["list"])
    return model.RelationshipSpec(
        source=one_of(wanted(entries, "from", at), frozenset(names)),
        type=wanted(entries, "type", at).text(),
        target="",
        keys=compile_node(wanted(entries, "keys", at), words),
        properties=compile_set(entries["set"], words) if "set" in entries else _nothing,
        other=_Loader(beside, {}, False).other_list(),
    )


def _beside(folder: Path, at: Located) -> Path:
    """The folder of the mapping that ``at`` names: beside this one, or among those that travel with the
    hub."""
    if re.fullmatch(_FORMAT, at.text()) is None:
        at.fail("the name of a mapping is wanted")
    places = [place / at.text() for place in (folder.parent, shipped_dir("mappings"))]
    found = [place for place in places if (place / "mapping.yaml").is_file()]
    if not found:
        at.fail(f"there is no mapping {at.text()!r}; correct the name")
    return found[0]


def _nothing(_: object) -> dict[str, Any]:
    return {}
