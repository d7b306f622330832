"""Times in queries."""

from __future__ import annotations

from taxii_hub.errors import BadParameterError
from taxii_hub.stix import timestamps


def moment(parameter: str, text: str | None) -> int | None:
    """Microseconds; None where the parameter is left out. Raises BadParameterError."""
    if text is None:
        return None
    try:
        return timestamps.parse_lenient(text)
    except ValueError:
        raise BadParameterError(parameter, "a timestamp such as 2026-11-22T10:00:00Z is wanted") from None
