"""Everything of one patient, under all the ids that were merged.

Held by tests/contract/test_ehr_authorization.py.
"""

from dataclasses import replace
from itertools import chain

from integration.ehr.client import EhrClient
from integration.ehr.fhir import references
from integration.ehr.fhir.answers import Json
from integration.ehr.fhir.references import patient_id
from integration.ehr.reading.chart import ChartReading
from integration.ehr.reading.pull import PatientPull, Problem
from integration.errors import BadAnswer, Forbidden, NotFound, Refused
from mappings.reading.bundles import merging

__all__ = ["PatientPull", "read_patient"]

MOST_MERGED = 20


def read_patient(
    client: EhrClient,
    patient: str,
    *,
    fresh: bool = False,
    lenient: bool = False,
) -> PatientPull:
    """All that the rules need of one patient. LENIENT leaves out what the server fails at, which is
    named then as any part that was not read. Of a merged patient, what stands under the other ids,
    too: `patient` is the surviving one."""
    own = ChartReading(client, patient, fresh, lenient).pull()

    def key(reference: object) -> str | None:
        return references.local(reference, client.site.addresses)

    people = {own.patient: own.person} if own.person else {}
    problems = _others(client, people, key, fresh)
    together = merging.merges(people, key).together(own.patient)
    found = merging.reached(together[0], people, key)
    if len(people) == 1 or own.patient not in found:
        # From the surviving patient nobody would find this one: each stays by itself, and says so.
        return replace(own, problems=own.problems + problems)
    pulls = [
        own if one == own.patient else ChartReading(client, patient_id(one), fresh, lenient).pull()
        for one in together
        if one in found
    ]
    apart = [person for one, person in people.items() if one not in together]
    return _joined(pulls, apart, problems)


def _others(
    client: EhrClient, people: dict[str, Json], key: merging.Key, fresh: bool
) -> list[Problem]:
    """Adds the patients of whom those there say that they were merged; whom the server does not
    give is not there."""
    problems: list[Problem] = []
    open_ = list(people)
    tried = set(people)
    while open_ and len(tried) < MOST_MERGED:
        person = people[open_.pop()]
        for other in merging.linked(person, key):
            if other in tried or not other.startswith("Patient/"):
                continue
            tried.add(other)
            try:
                people[other] = client.read("Patient", patient_id(other), fresh=fresh)
                open_.append(other)
            except NotFound:
                pass  # the reader of the chart names who is linked and not there
            except (Forbidden, Refused, BadAnswer) as error:
                problems.append({"resource": other, "problem": error.problem})
    return problems


def _joined(pulls: list[PatientPull], apart: list[Json], problems: list[Problem]) -> PatientPull:
    """One pull of several, the surviving patient's first; APART: who was linked and not joined."""
    first = pulls[0]
    resources: dict[str, list[Json]] = {}
    for pull in pulls:
        for resource in pull.resources:
            key = f"{resource['resourceType']}/{resource.get('id')}"
            versions = resources.setdefault(key, [])
            versions += [] if resource in versions else [resource]
    found = [*chain.from_iterable(resources.values()), *apart]
    return replace(
        first,
        merged=tuple(pull.patient for pull in pulls[1:]),
        resources=sorted(found, key=lambda resource: resource is not first.person),
        problems=[*chain.from_iterable(pull.problems for pull in pulls), *problems],
        requests=sum(pull.requests for pull in pulls),
        unread=frozenset().union(*(pull.unread for pull in pulls)),
        odd=next((pull.odd for pull in pulls if pull.odd), None),
        in_other_form=tuple(chain.from_iterable(pull.in_other_form for pull in pulls)),
    )
