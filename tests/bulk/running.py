"""A bulk run and an assessment of the same files, to be compared patient by patient."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from integration.assessing.files import collect
from integration.assessing.sources import from_collection
from integration.bulk import engine
from integration.bulk.steps import Assessed, Setting
from integration.bulk.surveying.sources import source
from integration.bulk.work import Plan, Work
from integration.errors import ConfigurationError
from mappings.policy import choosing
from mappings.policy.choosing import PolicySet
from mappings.site import Site
from tests import builders

Documents = dict[str, bytes]


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
    setting = Setting(work.folder, found, site or Site(), policies or choosing.built_in(), as_of)
    engine.run(setting, workers=1)
    return {row.patient: bytes(row.document) for row in _assessed(work.folder)}


def _assessed(folder: Path) -> Iterator[Assessed]:
    for path in folder.glob("assess/*.ndjson"):
        for line in path.read_bytes().splitlines():
            yield msgspec.json.decode(line, type=Assessed)


def at_once(
    folder: Path,
    site: Site | None = None,
    policies: PolicySet | None = None,
    as_of: datetime = builders.AS_OF,
) -> Documents:
    """The same, by `assess`."""
    try:
        collection = collect(str(folder))
    except ConfigurationError:
        return {}
    found = from_collection(
        collection, site or Site(), policies or choosing.built_in(), as_of
    ).document
    return {row.patient: msgspec.json.encode(row) for row in found.patients}
