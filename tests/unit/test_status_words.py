"""What a vendor means with a status stands in its profile, and a site's own words before it."""

import pytest

from integration.assessing.patient import check_pull
from integration.configuration.site import Site
from integration.configuration.vendors import PROFILES
from integration.ehr.profile import profile
from integration.ehr.reading.patient import PatientPull
from integration.errors import ConfigurationError
from mappings import codes
from mappings import site as facts
from mappings.policy import choosing
from mappings.reading import Reader, read
from mappings.reading.fhir.statuses import StatusReader
from tests import builders
from tests.bending.charts import charts


def shown(own: dict[str, dict[str, str]], vendor: str, status: str) -> list[str]:
    site = Site.adhoc("https://ehr.example/fhir", status_words=own)
    given = builders.administration(status=status, dose="120 mg", discarded="80 mg")
    chart = builders.chart(given)
    words = profile(vendor).status_words
    pull = PatientPull("Patient/p1", chart, [], 0, status_words=words)
    return builders.shown(check_pull(pull, site, choosing.built_in(), builders.AS_OF).assessment)


def test_one_vendor_keeps_canceled_orders_as_stopped() -> None:
    ready = ["J1756 × 120 ready", "J1756 JW × 80 ready"]
    held = ["J1756 × 120 held (dose)", "J1756 JW × 80 held (dose)"]
    assert shown({}, "generic", "stopped") == ready
    assert shown({}, "ottehr", "stopped") == held
    assert (
        shown({"MedicationAdministration.status": {"stopped": "stopped"}}, "ottehr", "stopped")
        == ready
    )


def test_one_vendor_calls_given_in_part_on_hold() -> None:
    assert shown({}, "generic", "on-hold") == []
    assert shown({}, "ottehr", "on-hold") == ["J1756 × 120 ready", "J1756 JW × 80 ready"]


def test_a_reader_is_kept_for_sites_that_read_alike() -> None:
    reader = Reader(facts.Site(time_zone="America/New_York"))
    assert reader.reads_as(facts.Site(time_zone="Europe/Berlin", bill_services=True))
    words = {"MedicationAdministration.status": {"given": "completed"}}
    assert not reader.reads_as(facts.Site(status_words=words))
    assert not reader.reads_as(facts.Site(drug_aliases={"IRON-1": "iron-sucrose"}))


@pytest.mark.parametrize("vendor", PROFILES)
def test_the_words_of_a_profile_are_of_the_table(vendor: str) -> None:
    for element, words in profile(vendor).status_words.items():
        assert set(words.values()) <= codes.statuses()[element].words.keys()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"Condition.status": {"x": "active"}}, "is not an element whose statuses are read"),
        ({"Condition.clinicalStatus": {"x": "gone"}}, "what 'x' stands for is not a status of"),
    ],
)
def test_a_word_without_a_meaning_is_refused(words: dict[str, dict[str, str]], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Site.adhoc("https://ehr.example/fhir", status_words=words)


def test_a_kind_of_class_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="encounter_classes"):
        Site.adhoc("https://ehr.example/fhir", encounter_classes={"urn:x|6": "in"})


def test_every_element_of_the_table_is_read_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """None has words of its own beside the table's, and no row is of an element nobody reads."""
    asked, original = set(), StatusReader.read

    def noting(self: StatusReader, element: str, value: object) -> object:
        asked.add(element)
        return original(self, element, value)

    monkeypatch.setattr(StatusReader, "read", noting)
    tagged = builders.patient(meta={"tag": [{"code": "HTEST"}]})
    for resources, site in charts().values():
        read([*resources, tagged], site)
    assert asked == set(codes.statuses())
