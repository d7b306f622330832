"""Invented STIX objects for the cases, by name; every one gets an id of its own."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.contract.template import render

_FILE = Path(__file__).parent / "taxii21" / "_objects.yaml"
_VERSIONED = {"created": "2026-01-10T09:00:00.000Z", "modified": "2026-01-10T09:00:00.000Z"}


class CaseLoader(yaml.SafeLoader):
    """YAML in which a timestamp stays the text it is."""


CaseLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), CaseLoader)


class Objects:
    """The templates of ``_objects.yaml``: ``sdo`` and ``sro`` get times, ``sco`` and ``meta`` do not."""

    def __init__(self) -> None:
        self._templates: dict[str, dict[str, Any]] = {}
        for family, templates in load(_FILE).items():
            for name, properties in templates.items():
                times = _VERSIONED if family == "versioned" else {}
                self._templates[name] = {"type": name, "spec_version": "2.1", **times, **properties}

    @property
    def types(self) -> list[str]:
        return list(self._templates)

    def make(self, wanted: Any, variables: Mapping[str, Any]) -> Any:
        """``wanted``: a template's name, ``{like, version_of, count, set, drop}``, or ``{concatenate}``."""
        if isinstance(wanted, str):
            wanted = {"like": wanted}
        if "concatenate" in wanted:
            return [item for items in render(wanted["concatenate"], variables) for item in items]
        wanted = {**wanted, "like": render(wanted.get("like"), variables)}
        count = wanted.get("count")
        if count is not None:
            return [self._one(wanted, variables) for _ in range(count)]
        return self._one(wanted, variables)

    def _one(self, wanted: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        if unknown := set(wanted) - {"like", "version_of", "count", "set", "drop"}:
            raise ValueError(f"make: unknown {sorted(unknown)}")
        if "version_of" in wanted:
            made = dict(render(wanted["version_of"], variables))
        else:
            template = self._templates[wanted["like"]]
            unique = {"unique": uuid.uuid4().hex, "uuid": str(uuid.uuid4())}
            made = {"id": f"{template['type']}--{uuid.uuid4()}", **render(template, unique)}
        made.update(render(wanted.get("set", {}), variables))
        for name in wanted.get("drop", ()):
            made.pop(name, None)
        return made
