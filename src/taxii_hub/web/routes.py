"""Which path is answered by which function: the TAXII resources, health and metrics.

What is in no row of the table here is for the hub's own API, or for nobody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from taxii_hub.web import (
    api_roots,
    collections,
    discovery,
    health,
    manifest,
    objects,
    scrape,
    status,
    versions,
)
from taxii_hub.web import (
    object as one_object,
)
from taxii_hub.web.answers import Answer
from taxii_hub.web.visit import Visit

Endpoint = Callable[[Visit], Awaitable[Answer]]

_COLLECTION = "/{api_root}/collections/{collection}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One path and the function for each of its methods; who asks by HEAD is answered as by GET.

    ``kind`` is the word under which a consumer's requests are kept; None where no consumer asks.
    """

    path: str
    kind: str | None
    endpoints: Mapping[str, Endpoint]
    words: tuple[tuple[int, str], ...] = field(init=False)
    variables: tuple[tuple[int, str], ...] = field(init=False)

    def __post_init__(self) -> None:
        parts = list(enumerate(self.path.split("/")))
        object.__setattr__(self, "words", tuple((i, p) for i, p in parts if p and p[0] != "{"))
        object.__setattr__(self, "variables", tuple((i, p[1:-1]) for i, p in parts if p[:1] == "{"))

    @property
    def allowed(self) -> str:
        """The methods, as the header Allow names them."""
        heads = {"HEAD"} if "GET" in self.endpoints else set()
        return ", ".join(sorted(heads.union(self.endpoints)))


# Among paths of as many parts in the order they are looked up: who polls asks for objects all day.
RESOURCES = (
    Resource(f"{_COLLECTION}/objects", "objects", {"GET": objects.get, "POST": objects.post}),
    Resource(f"{_COLLECTION}/manifest", "manifest", {"GET": manifest.get}),
    Resource(
        f"{_COLLECTION}/objects/{{object_id}}",
        "object",
        {"GET": one_object.get, "DELETE": one_object.delete},
    ),
    Resource(f"{_COLLECTION}/objects/{{object_id}}/versions", "versions", {"GET": versions.get}),
    Resource(_COLLECTION, "collection", {"GET": collections.get}),
    Resource("/{api_root}/collections", "collections", {"GET": collections.get_all}),
    Resource("/{api_root}/status/{status_id}", "status", {"GET": status.get}),
    Resource("/taxii2", "discovery", {"GET": discovery.get}),
    Resource("/health/live", None, {"GET": health.live}),
    Resource("/health/ready", None, {"GET": health.ready}),
    Resource("/metrics", None, {"GET": scrape.get}),
    Resource("/{api_root}", "api-root", {"GET": api_roots.get}),
)


def _by_length() -> Mapping[int, tuple[Resource, ...]]:
    lengths = {resource.path.count("/") + 1 for resource in RESOURCES}
    return {n: tuple(r for r in RESOURCES if r.path.count("/") + 1 == n) for n in lengths}


_BY_LENGTH = _by_length()


def resource_at(path: str) -> tuple[Resource, dict[str, str]] | None:
    """The resource at a path without final slash, and what the path names; None where there is none here."""
    parts = path.split("/")
    for resource in _BY_LENGTH.get(len(parts), ()):
        for place, word in resource.words:
            if parts[place] != word:
                break
        else:
            names = {name: parts[place] for place, name in resource.variables}
            return (resource, names) if not parts[0] and all(names.values()) else None
    return None
