"""What goes into a conversion and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from taxii_hub.mapping.minimise import Minimiser
from taxii_hub.mapping.spool import Spool
from taxii_hub.model import Problem


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: see ConvertOptions."""

    name: str
    namespace: UUID
    converter: str
    profile: Minimiser | None
    edition: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """See Conversion."""

    edition: str
    data: Spool
    problems: tuple[Problem, ...]
    account: dict[str, Any]
    records: int
    failed_records: int
    made: Mapping[str, tuple[str, ...]]
    failed: tuple[str | None, ...]
    source_list: str
    whole: bool
