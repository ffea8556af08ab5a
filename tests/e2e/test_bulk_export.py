"""The Bulk Data client against the real HAPI: what is exported of a group, of all patients and of
the system is assessed as the server's own charts are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integration.assessing.servers import from_server
from integration.bulk.export.asking import ExportRequest, usual_types
from integration.bulk.export.export import Export
from integration.bulk.export.fetching import Listening
from integration.bulk.export.job import ExportPlace
from integration.bulk.export.pausing import Pause
from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.fhir.answers import Json
from mappings.document import of_patient
from mappings.policy import choosing
from tests import builders
from tests.bulk.exporting import assessed
from tests.fakes.chart import transaction

Fresh = Callable[[str], str]
PATIENTS = ("a", "b")


def charts() -> dict[str, list[Json]]:
    """One complete, with the drug in a Medication of its own, and one that lacks ferritin."""
    drug = builders.medication(ndc=builders.VENOFER_100)
    given = builders.administration(medicationReference={"reference": f"Medication/{drug['id']}"})
    del given["medicationCodeableConcept"]
    return {
        "a": builders.chart(given, drug),
        "b": builders.chart(builders.administration(dose="150 mg"), without=["ferritin"]),
    }


def _named(fresh: Fresh, patient: str) -> Fresh:
    return lambda name: fresh(f"{patient}-{name}")


@pytest.fixture
def loaded(hapi: str, fresh: Fresh) -> list[str]:
    """Two patients in a group; their ids."""
    with EhrClient(Site.adhoc(hapi)) as client:
        for name, chart in charts().items():
            bundle = transaction(chart, _named(fresh, name))
            client.transport.write("POST", "", bundle)
        patients = [fresh(f"{name}-{builders.PATIENT}") for name in PATIENTS]
        group = {
            "resourceType": "Group",
            "id": fresh("group"),
            "type": "person",
            "actual": True,
            "member": [{"entity": {"reference": f"Patient/{patient}"}} for patient in patients],
        }
        client.transport.write("PUT", f"Group/{fresh('group')}", group)
    return patients


@pytest.mark.parametrize("level", ["group", "patients", "system", "post"])
def test_an_export_is_assessed_as_the_server_is(
    hapi: str, loaded: list[str], fresh: Fresh, tmp_path: Path, level: str
) -> None:
    said: list[str] = []
    with EhrClient(Site.adhoc(hapi)) as client:
        levels = {"patients": "Patient", "system": ""}
        asked = ExportRequest(
            levels.get(level, f"Group/{fresh('group')}"),
            usual_types(client.capability),
            patients=tuple(loaded) if level == "post" else (),
            may_narrow=True,
        )
        listening = Listening(said.append, said.append)
        # HAPI says to wait two minutes, and is done after seconds.
        export = Export(client.transport, ExportPlace(tmp_path), Pause(most=1), listening)
        found = export.fetch(asked)
        expected = from_server(client, loaded, choosing.built_in(), builders.AS_OF).document
    documents = {document["patient"]: document for document in assessed(found, tmp_path)}
    if level in ("group", "post"):
        assert len(documents) == 2
    assert {row.patient: _plain(row) for row in expected.patients} == {
        f"Patient/{patient}": documents[f"Patient/{patient}"] for patient in loaded
    }
    assert [len(row.lines) for row in expected.patients] == [1, 1]
    assert found.problems == ()
    assert any("exported apart" in text for text in said) == (level != "system")


def _plain(document: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(of_patient(document, trace=False)))
