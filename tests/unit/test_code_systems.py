"""Code systems by the names that EHRs, converters and laboratories give them."""

import pytest

from mappings import codes
from mappings.reading.fhir import elements

NAMES = [(system.system, name) for system in codes.systems().systems for name in system.names]


def spellings(name: str) -> list[str]:
    """NAME as other systems write it."""
    found = [name, name.upper(), f"{name}|2026", f" {name} "]
    if name.startswith("http"):
        address = name.partition("://")[2]
        found += [f"http://{address}", f"https://{address}", f"{name}/"]
        found.append(f"https://{address.removeprefix('www.')}")
    return [*found, name.removeprefix("urn:oid:")]


@pytest.mark.parametrize(("system", "name"), NAMES)
def test_every_spelling_of_a_name(system: str, name: str) -> None:
    assert {elements.system(said) for said in spellings(name)} == {system}


@pytest.mark.parametrize("oid", ["1", "96", "90", "8", "88", "69", "12", "285"])
def test_oids_of_the_systems_that_the_rules_know(oid: str) -> None:
    assert elements.system(f"urn:oid:2.16.840.1.113883.6.{oid}") in {
        system.system for system in codes.systems().systems
    }


def test_editions_of_snomed_are_snomed() -> None:
    edition = "http://snomed.info/sct/731000124108/version/20260301"
    assert elements.system(edition) == elements.SNOMED


@pytest.mark.parametrize(
    "uri",
    [
        "http://loinc.org/foo",
        "http://hl7.org/fhir/sid/icd-11",
        "http://www.icd10data.com/icd10pcs",
        "http://example.org/http://loinc.org",
        "urn:oid:2.16.840.1.113883.6.10",
        "http://snomed.info/sctx",
        "",
    ],
)
def test_another_system_stays_as_it_is_written(uri: str) -> None:
    assert elements.system(uri) == uri


@pytest.mark.parametrize("uri", [None, 1, {}, ["http://loinc.org"]])
def test_what_is_no_text_is_no_system(uri: object) -> None:
    assert elements.system(uri) == ""


def test_no_name_stands_for_two_systems() -> None:
    known = codes.systems()
    assert [name for system, name in NAMES if known.known(name) != system] == []


def test_no_code_of_a_diagnosis_or_treatment_has_two_rows() -> None:
    table = codes.diagnoses()
    assert len(table.dialysis_codes) == len(table.dialysis_treatment)
    assert len(table.pregnancy_codes) == len(table.pregnancy)
