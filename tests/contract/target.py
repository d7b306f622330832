"""Which server is asked, with which credentials, and which of its collections may be used for what."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

KINDS = ("rw", "ro", "wo", "none")
"""What this account may do: read and write, read only, write only, neither (listed or not)."""


@dataclass(frozen=True)
class Target:
    """A server under test. ``collections`` maps kinds to collection ids; ``tls_url`` and ``tls_ca``
    name the same server over HTTPS, if it can be reached so."""

    url: str
    user: str
    password: str
    api_root: str
    collections: Mapping[str, str] = field(default_factory=dict)
    tls_url: str | None = None
    tls_ca: str | None = None

    @classmethod
    def from_description(cls, url: str, user: str, password: str, description: Mapping[str, Any]) -> Target:
        """``description``: ``{"api_root": "/sandbox/", "collections": {"rw": "<id>", …}, "tls_url": …}``."""
        unknown = set(description["collections"]) - set(KINDS)
        if unknown:
            raise ValueError(f"collections: {sorted(unknown)} are none of {', '.join(KINDS)}")
        return cls(url.rstrip("/"), user, password, **description)

    def over_tls(self, ca: str) -> Target:
        """The same, where ``url`` is HTTPS with a certificate that ``ca`` vouches for."""
        return replace(self, tls_url=self.url, tls_ca=ca)

    @property
    def verify(self) -> bool | ssl.SSLContext:
        """What an HTTP client trusts."""
        return True if self.tls_ca is None else ssl.create_default_context(cafile=self.tls_ca)

    @property
    def root(self) -> str:
        """Path of the API root, without the final slash."""
        return "/" + self.api_root.strip("/")

    def variables(self) -> dict[str, Any]:
        """What every case may name."""
        paths = {kind: f"{self.root}/collections/{id_}" for kind, id_ in self.collections.items()}
        ids = {f"{kind}_id": id_ for kind, id_ in self.collections.items()}
        return {**paths, **ids, "root": self.root}
