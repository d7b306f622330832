"""The hub's own report template, filled: the sample that its mapping is tested with."""

from __future__ import annotations

import codecs

from taxii_hub.settings import shipped_dir


def filled(container: str) -> bytes:
    """The file; ``container`` is ``csv`` or ``xlsx``."""
    data = (
        shipped_dir("mappings") / f"hub_report_{container}" / "samples" / f"template.{container}"
    ).read_bytes()
    # Without the mark a spreadsheet takes UTF-8 for the local code page, and spoils every foreign name.
    return data if container != "csv" else codecs.BOM_UTF8 + data.removeprefix(codecs.BOM_UTF8)
