"""One entity has one id in every shape of OFAC's list, and says the same of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taxii_hub.mapping.constants import DESIGNATION
from taxii_hub.mapping.convert import ConvertOptions, convert
from taxii_hub.mapping.registry import Registry, load_registry
from taxii_hub.settings import Settings

from .conftest import NAMESPACE

ENHANCED = """<sanctionsData><publicationInfo><dataAsOf>2026-03-05T00:00:00</dataAsOf></publicationInfo><entities>
<entity id="960001"><generalInfo><entityType>Individual</entityType><title>Colonel</title></generalInfo>
<sanctionsPrograms><sanctionsProgram>SDGT</sanctionsProgram></sanctionsPrograms>
<names><name><isPrimary>true</isPrimary><translations><translation><isPrimary>true</isPrimary>
<formattedFullName>SAME, Sally</formattedFullName></translation></translations></name></names>
<features><feature><type>Birthdate</type><value>circa 1960</value><valueDate>
<fromDateBegin>1960-01-01</fromDateBegin><fromDateEnd>1960-01-01</fromDateEnd>
<toDateBegin>1960-12-31</toDateBegin><toDateEnd>1960-12-31</toDateEnd>
<isApproximate>true</isApproximate><isDateRange>false</isDateRange></valueDate><isPrimary>true</isPrimary></feature>
<feature><type>Website</type><value>www.same.example</value></feature></features>
<identityDocuments><identityDocument><type>Passport</type><documentNumber>X1</documentNumber>
<issuingCountry>Jordan</issuingCountry></identityDocument></identityDocuments></entity>
</entities></sanctionsData>"""
SDN = """<sdnList xmlns="http://tempuri.org/sdnList.xsd"><publshInformation><Publish_Date>03/05/2026</Publish_Date>
<Record_Count>1</Record_Count></publshInformation><sdnEntry><uid>960001</uid><firstName>Sally</firstName>
<lastName>SAME</lastName><title>Colonel</title><sdnType>Individual</sdnType>
<programList><program>SDGT</program></programList>
<idList><id><idType>Passport</idType><idNumber>X1</idNumber><idCountry>Jordan</idCountry></id>
<id><idType>Website</idType><idNumber>www.same.example</idNumber></id></idList>
<dateOfBirthList><dateOfBirthItem><dateOfBirth>circa 1960</dateOfBirth><mainEntry>true</mainEntry>
</dateOfBirthItem></dateOfBirthList></sdnEntry></sdnList>"""
QUARTET = (
    '960001,"SAME, Sally","individual","SDGT","Colonel",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    '"DOB circa 1960; Passport X1 (Jordan); Website www.same.example."\r\n'
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(Settings().mappings_dir)


def converted(registry: Registry, folder: Path, shape: str) -> dict[str, dict[str, Any]]:
    name, text = {
        "us_ofac_enhanced_xml": ("enhanced.xml", ENHANCED),
        "us_ofac_sdn_xml": ("sdn.xml", SDN),
        "us_ofac_sdn_csv": ("sdn.csv", QUARTET),
    }[shape]
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    edition = "2026-03-05" if shape.endswith("csv") else None
    made = convert(registry.get(shape), path, ConvertOptions(NAMESPACE, edition=edition))
    assert made.problems == ()
    return {item["type"]: item for item in made.objects() if item.get("name") == "SAME, Sally"}


def test_the_three_shapes_agree(registry: Registry, tmp_path: Path) -> None:
    shapes = ("us_ofac_enhanced_xml", "us_ofac_sdn_xml", "us_ofac_sdn_csv")
    made = [converted(registry, tmp_path, shape) for shape in shapes]
    for object_type in ("identity", "threat-actor"):
        assert len({each[object_type]["id"] for each in made}) == 1
    for each in made:
        identity = each["identity"]
        said = identity["extensions"][DESIGNATION]
        assert (identity["roles"], identity["contact_information"]) == (
            ["Colonel"],
            "Website: www.same.example",
        )
        assert (identity["identity_class"], said["programmes"]) == ("individual", ["SDGT"])
        assert said["birth_dates"] == [
            {
                "from": "1960",
                "to": "1960",
                "precision": "year",
                "approximate": True,
                "text": "circa 1960",
                "primary": True,
            }
        ]
        (document,) = said["documents"]
        assert {key: document[key] for key in ("type", "number", "issuing_country_code")} == {
            "type": "passport",
            "number": "X1",
            "issuing_country_code": "JO",
        }
