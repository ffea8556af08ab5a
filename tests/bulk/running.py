"""A bulk run and an assessment of the same files, to be compared patient by patient."""

from datetime import datetime
from itertools import chain
from pathlib import Path

import msgspec

from integration.assessing.files import collect
from integration.assessing.sources import from_collection
from integration.bulk import engine
from integration.bulk.output import assessed_in
from integration.bulk.steps import Part, RunSetting
from integration.bulk.surveying.sources import source
from integration.bulk.work import Plan, Work
from integration.errors import ConfigurationError
from mappings.assessment import Assessment
from mappings.document import of_patient
from mappings.policy import choosing
from mappings.policy.choosing import PolicySet
from mappings.record import Problem
from mappings.site import Site
from tests import builders

Documents = dict[str, bytes]
# So small that the patients of a test are in several parts.
PART_BYTES = 1000


def in_bulk(
    folder: Path,
    out: Path,
    site: Site | None = None,
    policies: PolicySet | None = None,
    as_of: datetime = builders.AS_OF,
    range_bytes: int = 4000,
) -> Documents:
    """Patient → assessment, as JSON."""
    work = Work.within(out)
    found = source(str(folder), range_bytes)
    work.begin(Plan("", str(folder), found.stamps, range_bytes, "", ""))
    setting = RunSetting(
        work.folder, found, site or Site(), policies or choosing.built_in(), as_of, PART_BYTES
    )
    engine.run(setting, workers=1)
    pieces = map(assessed_in, work.folder.glob("assess/*.assessed"))
    return {
        assessed.patient: stream.read(assessed.document).rstrip()
        for assessed, stream in chain.from_iterable(pieces)
    }


def at_once(
    folder: Path,
    site: Site | None = None,
    policies: PolicySet | None = None,
    as_of: datetime = builders.AS_OF,
) -> Documents:
    """The same, by `assess`."""
    found = _document(folder, site, policies, as_of)
    documents = [of_patient(patient, trace=False) for patient in (found.patients if found else ())]
    return {row.patient: msgspec.json.encode(row) for row in documents}


def _document(
    folder: Path, site: Site | None, policies: PolicySet | None, as_of: datetime
) -> Assessment | None:
    """None where nothing of the folder can be read."""
    try:
        collection = collect(str(folder))
    except ConfigurationError:
        return None
    asked = site or Site(), policies or choosing.built_in(), as_of
    return from_collection(collection, *asked).document


def unclear_drugs(folder: Path) -> set[Problem]:
    """What `assess` says of administrations that may be an iron, for all it knows."""
    found = _document(folder, None, None, builders.AS_OF)
    rows = found.unreadable if found else ()
    says = ("leads nowhere", "names no drug")
    return {
        Problem(unreadable.resource, unreadable.problem)
        for unreadable in rows
        if any(text in unreadable.problem for text in says)
    }


def problems_in_bulk(out: Path) -> set[Problem]:
    """What the parts of a run that stands in OUT could not read."""
    paths = Work.within(out).folder.glob("assess/*.part")
    parts = (msgspec.msgpack.decode(path.read_bytes(), type=Part) for path in paths)
    return {problem for part in parts for problem in part.problems}
