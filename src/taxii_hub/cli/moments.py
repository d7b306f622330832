"""Days and moments on the command line."""

from __future__ import annotations

import click

from taxii_hub.stix import timestamps


def moment(text: str) -> int:
    """Microseconds of a moment or of a day's beginning, as the type of an option."""
    try:
        return timestamps.parse_lenient(text if "T" in text else f"{text}T00:00:00Z")
    except ValueError as error:
        raise click.BadParameter(f"{error}; or a day like 2026-01-02") from None
