"""The way of a file through the engine."""

from __future__ import annotations

from taxii_hub.mapping.convert import ConvertOptions, convert
from taxii_hub.mapping.detect import detect
from taxii_hub.mapping.registry import load_registry
from taxii_hub.settings import Settings

SETTINGS = Settings()
SAMPLE = SETTINGS.mappings_dir / "un_sc_consolidated_xml" / "samples" / "persons.xml"


def test_a_un_file_becomes_a_closed_set_of_objects() -> None:
    registry = load_registry(SETTINGS.mappings_dir)
    mapping = detect(registry, SAMPLE, SAMPLE.name)
    made = convert(mapping, SAMPLE, ConvertOptions(SETTINGS.id_namespace))
    objects = list(made.objects())
    assert (made.mapping, made.records, made.failed_records) == ("un_sc_consolidated_xml", 3, 0)
    assert {o["name"] for o in objects if o["type"] == "threat-actor"} == {
        "SAMIR AL-INVENTED IBN SAMPLE",
        "IDRIS EXAMPLE",
        "SAMPLE BRIGADE",
    }
    assert objects[-1]["type"] == "report"
