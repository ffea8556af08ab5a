"""A folder of charts assessed as a population is, with all results in memory: those of the patients
with an intravenous iron.

Held by tests/unit/test_bulk_folder.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from integration.assessing.sources import AssessedCharts
from integration.bulk import charts, engine
from integration.bulk.charts import Assessor
from integration.bulk.engine import AllFacts, Tell
from integration.bulk.engines import local
from integration.bulk.output import problems_of_survey
from integration.bulk.sifting import Wanted
from integration.bulk.steps import RunSetting, beside_of, files_of
from integration.bulk.surveying.sources import RANGE_BYTES, source
from integration.bulk.work import Work
from integration.errors import ConfigurationError
from integration.wording import people
from mappings.assess import document
from mappings.assessment import PatientAssessment
from mappings.policy.choosing import PolicySet
from mappings.reading import Collection
from mappings.record import PatientRecord, Problem
from mappings.site import Site

# From so many bytes on several processes are worth their start.
_MANY = 4 * RANGE_BYTES


def assessed(
    folder: str,
    facts: Site,
    policies: PolicySet,
    as_of: datetime,
    tell: Tell = lambda _step, _done, _all: None,
    range_bytes: int = RANGE_BYTES,
) -> AssessedCharts:
    """Every patient of FOLDER; ConfigurationError where there is nothing to read."""
    found = source(folder, range_bytes)
    workers = local.processors() if found.bytes > _MANY else 1
    with TemporaryDirectory(prefix="ferroclaim-") as place, _explained(folder):
        setting = RunSetting(Path(place), found, facts, policies, as_of)
        return _Results(setting, engine.gather(setting, workers, tell)).charts()


@contextmanager
def _explained(folder: str) -> Iterator[None]:
    """Its work is gone with it: whoever has as much as that has a command that goes on."""
    try:
        with engine.explained():
            yield
    except ConfigurationError as problem:
        text = str(problem).partition(", and run the same command again")[0]
        raise ConfigurationError(
            f"{text}, or use `ferroclaim bulk {folder} --out DIR`: it goes on where it stopped."
        ) from None


class _Results:
    """Of the parts of a folder, one after the other."""

    def __init__(self, setting: RunSetting, who: Wanted) -> None:
        self._setting, self._who, self._work = setting, who, Work(setting.work)
        self._assessments: list[PatientAssessment] = []
        self._records: dict[str, PatientRecord] = {}
        self._names: dict[str, str] = {}
        self._merged: dict[str, str] = {}
        self._problems: list[Problem] = []

    def charts(self) -> AssessedCharts:
        asked = self._setting
        facts = AllFacts(self._work, len(asked.source.ranges))
        patients = set(chain.from_iterable(of_range.patients for of_range in facts))
        self._problems += [*asked.source.problems, *problems_of_survey(asked, facts)]
        beside = beside_of(self._work)
        assessor = asked.assessor(trace=True)
        for part in range(self._who.parts):
            collection = charts.collection_of(files_of(self._work, part), beside)
            self._take(part, collection, assessor)
        found = document(self._assessments, self._problems, asked.as_of)
        return AssessedCharts(
            found,
            self._records,
            self._names,
            merged=self._merged,
            passed_over=self._who.others(patients),
        )

    def _take(self, part: int, collection: Collection, assessor: Assessor) -> None:
        for found in charts.assessments(collection, part, self._who, assessor):
            if isinstance(found, Problem):
                self._problems.append(found)
                continue
            record, assessment = found
            self._assessments.append(assessment)
            self._records[record.patient] = record
            self._names |= _named(collection.get(record.patient))
        self._merged |= collection.merges.into
        self._problems += charts.problems_of(collection, part, self._who)


def _named(patient: dict[str, object] | None) -> dict[str, str]:
    return people.by_reference([patient])
