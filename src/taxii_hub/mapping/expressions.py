"""What a table may say about a property: a path, or one named function with its arguments.

There is no expression language: every node is a path, a list, or a mapping with one of the keys below.

    PATH                          the first value at the path
    {const: X}                    X itself
    {all: PATH}                   every value at the path (or paths)
    {join: [PATH…], with: ", "}   the values that are there, one text
    {first: [NODE…]}              the first that gives something
    {lookup: NAME, of: PATH}      the lookup's word for the value
    {kind: {ELEMENT: NODE…}}      by the record's element
    {each: PATH, set: {…}}        one object for each group (paths inside are relative to it)
    {each: PATH, call: NAME}      … made by a function of hooks.py
    {call: NAME}                  whatever the function of hooks.py makes of the record
    {set: {…}}                    an object

``each`` and ``set`` take ``when`` or ``unless``: ``{lookup: NAME, of: PATH, is: WORD}`` (for one of the values at
the path; without ``is``: the lookup knows a word), ``{present: PATH}`` or ``{call: NAME}`` (the function
gives True).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from taxii_hub.mapping.located_yaml import Located
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import COUNTRIES, View

Tree = Any
"""Nested dicts and lists of Values and constants; None, empty lists and dicts say nothing."""
Node = Callable[[View], Tree]
Hook = Callable[[View], Tree]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What names a table may use; it is checked when the mapping is loaded."""

    fields: frozenset[str]
    lookups: frozenset[str]
    kinds: frozenset[str]
    hooks: Mapping[str, Hook]

    def path(self, at: Located, base: str) -> str:
        """The path at ``at``, which must be listed in ``fields`` (or be a group of listed ones)."""
        path = at.text()
        full = base if path == "." else f"{base}/{path}".lstrip("/")
        if full not in self.fields and not any(name.startswith(full + "/") for name in self.fields):
            at.fail(f"{full!r} is not listed in fields; list it there or correct the path")
        return path

    def lookup(self, at: Located) -> str:
        if at.text() not in self.lookups | {COUNTRIES}:
            at.fail(f"there is no lookup {at.text()!r}; add it to lookups")
        return at.text()

    def hook(self, at: Located) -> Hook:
        if at.text() not in self.hooks:
            at.fail(f"hooks.py has no function {at.text()!r} (or its code is not trusted here)")
        return self.hooks[at.text()]


def compile_node(at: Located, words: Vocabulary, base: str = "") -> Node:
    """The function of one table entry. Raises MappingError with file, line and key."""
    if isinstance(at.data, str):
        path = words.path(at, base)
        return lambda view: view.get(path)
    if isinstance(at.data, list):
        nodes = [compile_node(element, words, base) for element in at.data]
        return lambda view: [node(view) for node in nodes]
    entries = at.items(_ARGUMENTS)
    functions = [
        key for key in entries if key in _FUNCTIONS and not (key in {"set", "call"} and "each" in entries)
    ]
    if len(functions) != 1:
        at.fail(f"exactly one of {', '.join(sorted(_FUNCTIONS))} is wanted")
    compiler, allowed = _FUNCTIONS[functions[0]]
    for key in entries.keys() - allowed:
        entries[key].fail(f"does not go with {functions[0]}")
    return compiler(at, entries, words, base)


def compile_set(at: Located, words: Vocabulary, base: str = "") -> Node:
    """An object: property name → node."""
    nodes = {name: compile_node(entry, words, base) for name, entry in at.items().items()}
    return lambda view: {name: node(view) for name, node in nodes.items()}


Entries = dict[str, Located]


def _const(at: Located, entries: Entries, words: Vocabulary, base: str) -> Node:
    value = entries["const"].plain()
    return lambda _: value


def _paths(at: Located, words: Vocabulary, base: str) -> tuple[str, ...]:
    return tuple(words.path(element, base) for element in at.elements())


def _all(at: Located, entries: Entries, words: Vocabulary, base: str) -> Node:
    paths = _paths(entries["all"], words, base)
    return lambda view: [value for path in paths for value in view.all(path)]


def _join(at: Located, entries: Entries, words: Vocabulary, base: str) -> Node:
    paths = _paths(entries["join"], words, base)
    separator = entries["with"].plain() if "with" in entries else " "
    return lambda view: Value.joined(filter(None, map(view.get, paths)), separator)


def _first(at: Located, entries: Entries, words: Vocabulary, base: str) -> Node:
    nodes = [compile_node(element, words, base) for element in entries["first"].elements()]
    return lambda view: next((tree for node in nodes if (tree := node(view)) not in (None, [], {})), None)


def _lookup(at: Located, entries: Entries, words: Vocabulary, base: str) -> Node:
    name, path = words.lookup(entries["lookup"]), words.path(_wanted(at, entries, "of"), base)
    return lambda view: view.lookup(name, view.get(path))


def _kind(at: Located, entries: Entries, words: Vocabulary, base: str) -> Node:
    nodes = {
        kind: compile_node(entry, words, base) for kind, entry in entries["kind"].items(words.kinds).items()
    }
    if missing := sorted(words.kinds - nodes.keys()):
        entries["kind"].fail(f"says nothing about {', '.join(missing)}")
    return lambda view: nodes[view.kind](view)


def _each(at: Located, entries: Entries, words: Vocabulary, base: str) -> Node:
    paths = _paths(entries["each"], words, base)
    if ("set" in entries) == ("call" in entries):
        at.fail("each wants either set or call")
    inner = [f"{base}/{path}".lstrip("/") for path in paths]
    holds = compile_condition(entries, words, inner[0])
    if "call" in entries:
        make: Node = words.hook(entries["call"])
    else:
        make = [compile_set(entries["set"], words, path) for path in inner].pop()
    return lambda view: [make(group) for group in view.groups(*paths) if holds(group)]


def _call(at: Located, entries: Entries, words: Vocabulary, base: str) -> Node:
    return words.hook(entries["call"])


def _set(at: Located, entries: Entries, words: Vocabulary, base: str) -> Node:
    make = compile_set(entries["set"], words, base)
    if entries.keys() == {"set"}:
        return make
    holds = compile_condition(entries, words, base)
    return lambda view: make(view) if holds(view) else None


def compile_condition(entries: Entries, words: Vocabulary, base: str = "") -> Callable[[View], bool]:
    """``when`` and ``unless`` among the entries; true where neither stands."""
    tests = [(key, _test(entries[key], words, base)) for key in ("when", "unless") if key in entries]
    return lambda view: all(test(view) is (key == "when") for key, test in tests)


def _test(at: Located, words: Vocabulary, base: str) -> Callable[[View], bool]:
    entries = at.items({"lookup", "of", "is", "present", "call"})
    if "call" in entries:
        function = words.hook(entries["call"])
        return lambda view: function(view) is True
    if "present" in entries:
        present = words.path(entries["present"], base)
        return lambda view: view.get(present) is not None
    name, path = words.lookup(_wanted(at, entries, "lookup")), words.path(_wanted(at, entries, "of"), base)
    wanted = entries["is"].plain() if "is" in entries else None

    def test(view: View) -> bool:
        found = [word for value in view.all(path) if (word := view.lookup(name, value)) is not None]
        return any(wanted is None or word.data == wanted for word in found)

    return test


def _wanted(at: Located, entries: Entries, key: str) -> Located:
    if key not in entries:
        at.fail(f"{key} is missing")
    return entries[key]


_Compiler = Callable[[Located, Entries, Vocabulary, str], Node]
_FUNCTIONS: dict[str, tuple[_Compiler, frozenset[str]]] = {
    "const": (_const, frozenset({"const"})),
    "all": (_all, frozenset({"all"})),
    "join": (_join, frozenset({"join", "with"})),
    "first": (_first, frozenset({"first"})),
    "lookup": (_lookup, frozenset({"lookup", "of"})),
    "kind": (_kind, frozenset({"kind"})),
    "each": (_each, frozenset({"each", "set", "call", "when", "unless"})),
    "call": (_call, frozenset({"call"})),
    "set": (_set, frozenset({"set", "when", "unless"})),
}
_ARGUMENTS = frozenset().union(*(allowed for _, allowed in _FUNCTIONS.values()))


def walk(tree: Tree, path: str = "") -> list[tuple[str, Value]]:
    """Every Value of a tree with the property path at which it stands."""
    found: list[tuple[str, Value]] = []
    _walk(tree, path, found)
    return found


def _walk(tree: Tree, path: str, found: list[tuple[str, Value]]) -> None:
    if isinstance(tree, Value):
        found.append((path, tree))
    elif isinstance(tree, dict):
        for key, inner in tree.items():
            if inner is not None:
                _walk(inner, f"{path}.{key}" if path else key, found)
    elif isinstance(tree, list):
        for inner in tree:
            if inner is not None:
                _walk(inner, path, found)


def plain(tree: Tree) -> Any:
    """The tree without provenance and without what says nothing."""
    if isinstance(tree, Value):
        return tree.data
    if isinstance(tree, dict):
        made = {}
        for key, inner in tree.items():
            if inner is None:
                continue
            # Most are leaves, and this is the hottest line of what gathers rows: a call less for each.
            value = inner.data if isinstance(inner, Value) else plain(inner)
            if value not in NOTHING:
                made[key] = value
        return made
    if isinstance(tree, list):
        return [value for value in map(plain, tree) if value not in NOTHING]
    return tree


NOTHING: Final[tuple[Any, ...]] = (None, [], {}, "")
"""What says nothing; 0 and False say something."""
