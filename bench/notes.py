"""Why a row of the table falls short: written by hand from profiles, kept by the names of ``bench.goals``."""

from __future__ import annotations

NOTES: dict[str, str] = {}
