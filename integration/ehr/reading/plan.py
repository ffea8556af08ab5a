"""Which searches read one patient at one server: the profile's, as far as the CapabilityStatement
allows.

Held by tests/contract/test_ehr_reading.py.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from integration.configuration.site import Site
from integration.ehr.capability import Capability
from integration.ehr.fhir.query import Query
from integration.ehr.profile import Search, profile
from integration.ehr.writing.forms import ChartForm, form_for
from integration.errors import ConfigurationError
from mappings.codes import labs
from mappings.values import own_names, systems

REPEATED = ("_include", "_include:iterate", "_revinclude")
CONTROLS = ("_count", "_elements", "_summary", "_sort", "_total")


def queries(capability: Capability, patient_id: str, site: Site) -> list[Query]:
    """Every search for one patient, in the profile's order, each once."""
    codes = ",".join(
        [f"{systems.LOINC}|{code}" for code in loinc_codes()]
        + sorted(c for c in site.lab_aliases if "|" in c)
    )
    filling = {"{patient}": patient_id, "{codes}": codes}
    size = site.limits.page_size or capability.profile.page_size
    count: tuple[tuple[str, str], ...] = (("_count", str(size)),) if size else ()
    if capability.profile.offset_paging:
        count += (("_sort", "_id"), ("_total", "accurate"))
    own = tuple(site.search_params.items())
    found = [
        Query(kind, (*_params(capability, kind, search, filling), *own, *count))
        for kind, searches in capability.profile.searches.items()
        if kind in capability.searched
        for search in searches
    ]
    return list(dict.fromkeys([*found, *_own(capability, patient_id, site)]))


def _own(capability: Capability, patient_id: str, site: Site) -> list[Query]:
    """What we wrote ourselves, where that is not a DetectedIssue."""
    form = own_form(capability, site)
    if (
        form is None
        or form.kind in capability.profile.searches
        or not capability.searches_by(form.kind, form.patient_param)
    ):
        return []
    params = {form.patient_param: form.patient(patient_id)}
    if capability.takes(form.kind, "identifier"):
        params["identifier"] = f"{own_names.GAP}|"
    return [Query(form.kind, (*params.items(), *site.search_params.items()))]


def own_form(capability: Capability, site: Site) -> ChartForm | None:
    """The form of our write-backs; a configuration that asks for an impossible one must not keep us
    from reading."""
    try:
        return form_for(capability, site.write_back)
    except ConfigurationError:
        return None


def not_offered(capability: Capability) -> frozenset[str]:
    return frozenset(profile("generic").searches) - capability.searched


def loinc_codes() -> list[str]:
    """The codes of every analyte that a rule asks about."""
    return list(chain.from_iterable(analyte.loinc for analyte in labs().analytes))


def _params(
    capability: Capability,
    kind: str,
    search: Search,
    filling: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    for name, value in search.items():
        texts = [value] if isinstance(value, str) else value
        if name in REPEATED:
            yield from ((name, text) for text in texts if capability.includes(kind, text))
        elif name in CONTROLS or capability.takes(kind, name):
            yield name, _filled(",".join(texts), filling)
        elif name == "patient" and capability.takes(kind, "subject"):
            yield "subject", f"Patient/{filling['{patient}']}"
        elif name == "patient":  # never without: the answer would be everybody's
            yield name, _filled(",".join(texts), filling)


def _filled(text: str, filling: Mapping[str, str]) -> str:
    for mark, value in filling.items():
        text = text.replace(mark, value)
    return text
