"""A clinician's visit to one chart: read with their own token, assessed fresh, and what they do
there written back.

Held by tests/contract/test_chart_page.py.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from integration.assessing.clients import client_for, policies_for
from integration.assessing.keeping import keep
from integration.assessing.patient import Checked, check_pull, owed_issues
from integration.configuration.site import Site
from integration.ehr.reading.patient import PatientPull, read_patient
from integration.ehr.writing.writeback import WriteBack, write_back_for
from integration.errors import Conflict, EhrError, OutcomeUnknown
from integration.operating.turns import turn
from integration.smart.access import UserAuthorization
from integration.smart.sessions import Launch, Session
from integration.store import Db, assessments, audit, decisions, gaps, notes, patients
from integration.store.assessments import Overtaken
from integration.store.ledger import StoredLedger
from integration.store.patients import Patient
from integration.web import entries
from integration.web.gate import PageContext
from integration.work.owing import note, owe
from integration.work.queue import PERSON, patient_key
from mappings import codes
from mappings.assessment import Gap
from mappings.decisions import Decision
from mappings.requirements.misreadable import quoted_words
from mappings.values import own_names
from mappings.writing.detected_issue import Waiver, gap_of

Resource = dict[str, Any]
ORDERED, REFUSED = "ordered", "refused"

_NOT_SAID = "It does not say of itself that an app may write a {kind}."
_NOT_GIVEN = "The access that it gave you does not include writing a {kind}."


@dataclass(frozen=True)
class Seen:
    """What a visit found."""

    patient: Patient
    pull: PatientPull
    checked: Checked
    waivers: Mapping[str, Waiver]
    ordered: Mapping[str, datetime]
    now: datetime

    def gaps(self, named: Collection[str]) -> list[Gap]:
        """The gaps that a form NAMED, as far as they are open still."""
        return [gap for gap in self.checked.assessment.gaps if gap.id in named]


class ChartVisit:
    """Use as a context manager; one request long."""

    def __init__(self, here: PageContext, session: Session, launch: Launch) -> None:
        self.here, self.session, self.launch = here, session, launch
        self.site: Site = here.settings.site(launch.site)
        self.policies = policies_for(self.site)
        auth = UserAuthorization(here.settings, here.sessions, here.directory, launch)
        self.client = client_for(self.site, auth=auth, patient=False)
        self._ending = ExitStack()
        self._ending.callback(self.client.close)

    def __enter__(self) -> "ChartVisit":
        with self._ending as opened:
            opened.enter_context(turn(self.site.name))
            self._ending = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    @property
    def actor(self) -> str:
        return self.session.who.fhir_user or self.session.who.label

    def see(self, action: str | None = "saw") -> Seen:
        """Reads and assesses now.

        What the service reads by itself decides for everybody: a person's rights may hide a result.
        """
        with self.here.store.transaction() as db:
            look = patients.next_look(db)
        now = datetime.now(UTC)
        pull = read_patient(self.client, self.launch.patient, fresh=True, lenient=True)
        with self.here.store.transaction() as db:
            patient = patients.known(db, self.site.name, pull.patient.removeprefix("Patient/"))
            patient = replace(patient, look=look)
            decided = decisions.of_patient(db, patient)
        checked = check_pull(pull, self.site, self.policies, now, decided)
        with self.here.store.transaction() as db:
            if self._decides(db):
                if not pull.unread:
                    self._keep(db, patient, checked, pull, now)
            elif action:
                self.here.queue.assess(db, patient, "person", priority=PERSON)
            if action:
                audit.note(
                    db,
                    self.actor,
                    action,
                    role="clinician",
                    site=self.site.name,
                    patient_id=patient.id,
                )
            waivers = gaps.waivers(db, patient.id)
            ordered = audit.newest_of(db, patient.id, ORDERED, "test")
        return Seen(patient, pull, checked, waivers, ordered, now)

    def _keep(
        self, db: Db, patient: Patient, checked: Checked, pull: PatientPull, now: datetime
    ) -> None:
        """With what the chart is owed; nothing where a later look was kept already."""
        with suppress(Overtaken):
            keep(db, self.site, patient, checked, pull, now, assessments.PAGE)
            owed = owed_issues(checked.assessment, pull, now, gaps.waivers(db, patient.id))
            owe(db, patient, self._port(StoredLedger(self.here.store, patient.id)), owed)

    def _decides(self, db: Db) -> bool:
        """Whether nobody but this page reads the chart: at a site that only people may read, or
        without authorization as far as the service never read it."""
        if self.site.only_people_read or self.site.auth.method != "none":
            return self.site.only_people_read
        kept = assessments.current(db, self.site.name, self.launch.patient)
        return kept is None or kept.cause == assessments.PAGE

    def settle(self, seen: Seen) -> None:
        """Where the service may write nothing by itself, what the chart is owed is written with the
        token of whoever opens it."""
        if self.site.only_people_read:
            self._write_back(seen, seen.waivers)

    # What a clinician may do

    def waive(self, named: Collection[str], reason: str) -> str:
        seen = self.see(None)
        found = [gap for gap in seen.gaps(named) if gap.waivable]
        if not found:
            return "gone"
        with self.here.store.transaction() as db:
            for gap in found:
                gaps.waive(
                    db, seen.patient, gap, reason, self.actor, self.session.who.label, "clinician"
                )
            waivers = gaps.waivers(db, seen.patient.id)
        return "waived" if self._write_back(seen, waivers) else "waived-here"

    def take_back(self, named: Collection[str]) -> str:
        seen = self.see(None)
        ours = {gap.id for gap in seen.gaps(named)} & set(seen.waivers)
        if not ours:
            return "gone"
        with self.here.store.transaction() as db:
            for gap_id in sorted(ours):
                gaps.take_back(db, seen.patient, gap_id, self.actor, "clinician")
            waivers = gaps.waivers(db, seen.patient.id)
        self._write_back(
            seen,
            waivers,
            [
                self._reopened(issue, seen.now)
                for issue in seen.pull.issues
                if gap_of(issue) in ours
            ],
        )
        return "taken-back"

    def discarded(self, administration: str, mg: str) -> str:
        """The discarded amount goes onto the administration, as
        `urn:ferroclaim:discarded-amount`."""
        seen = self.see(None)
        ours: set[str] = set()
        for gap in seen.checked.assessment.gaps:
            if codes.requirements()[gap.requirement].form == "discard":
                ours |= set(gap.administrations)
        found = [
            resource
            for resource in seen.pull.resources
            if f"{resource['resourceType']}/{resource.get('id')}" == administration
        ]
        if administration not in ours or not found:
            return "gone"
        said = f"discarded {mg} mg of {administration}"
        if not self.client.updates("MedicationAdministration"):
            kind = "MedicationAdministration"
            said_so = self.client.capability.updates(kind)
            return self._told(seen, said, kind, _why_not(kind, said_so))
        return self._put(seen, entries.with_discard(found[0], mg), said)

    def misread(self, keys: Collection[str], why: str) -> str:
        """Words of the record are set aside, by a decision that the clinician made."""
        seen, who = self.see(None), self.session.who.label
        found = quoted_words(seen.checked.assessment.requirements)
        marked = [words.misread(self.launch.patient) for words in found if words.key in keys]
        with self.here.store.transaction() as db:
            for part in marked:
                decision = Decision(who=who, when=seen.now.date(), note=why, note_misread=part)
                decisions.record(db, self.site.name, decision, self.actor, "clinician")
            if marked and not self.site.only_people_read:
                self.here.queue.assess(db, seen.patient, "person", priority=PERSON)
        if not marked:
            return "gone"
        self._write_back(self.see(None), seen.waivers)
        return "misread"

    def oral_iron(self, kind: str, drug: str, start: str, end: str, reason: str) -> str:
        """A trial as a MedicationStatement, an intolerance as an AllergyIntolerance."""
        seen = self.see(None)
        author, today = self._author(), seen.now.date()
        if kind == "trial":
            resource = entries.trial(self.launch.patient, drug, start, end, reason, author, today)
        else:
            resource = entries.intolerance(self.launch.patient, drug, reason, author, today)
        period = f" from {start} to {end}" if kind == "trial" else ""
        return self._create(seen, resource, f"oral iron, {kind} of {drug}{period}: {reason}")

    def order(self, named: Collection[str]) -> str:
        """Draft orders of the tests that these gaps lack, each once."""
        seen = self.see(None)
        lacking = {gap.requirement for gap in seen.gaps(named) if gap.state != "not-covered"}
        done = {self._ordered(seen, name) for name in entries.tests() if name in lacking}
        if not done:
            return "gone"
        return ORDERED if done == {"recorded"} else (done - {"recorded"}).pop()

    def _ordered(self, seen: Seen, requirement: str) -> str:
        test = entries.tests()[requirement]
        draft = entries.order(
            test, self.launch.patient, self.launch.encounter, self._author(), seen.now
        )
        said = f"please order {draft['code']['text']}"
        done = self._create(seen, draft, said, {"authoredOn", "encounter"})
        if done == "recorded":
            self._note(seen, ORDERED, draft["resourceType"], test=requirement)
        return done

    def refusal(self) -> str | None:
        """What the EHR answered to the entry that it did not take last."""
        with self.here.store.transaction() as db:
            patient = patients.known(db, self.site.name, self.launch.patient)
            found = audit.of_patient(db, patient.id, limit=20)
        ours = (entry for entry in found if entry.actor == self.actor and entry.action == REFUSED)
        return next((str(entry.detail.get("reason")) for entry in ours), None)

    # Writing

    def _author(self) -> Resource | None:
        who = self.session.who.fhir_user
        return (
            {"reference": who}
            if who and who.startswith(("Practitioner/", "PractitionerRole/"))
            else None
        )

    def _create(
        self, seen: Seen, resource: Resource, said: str, aside: set[str] | None = None
    ) -> str:
        """Creates RESOURCE once, however often the button is pressed that day."""
        kind = resource["resourceType"]
        if not self.client.creates(kind):
            said_so = self.client.capability.creates(kind)
            return self._told(seen, said, kind, _why_not(kind, said_so))
        content = repr(
            sorted((key, str(value)) for key, value in resource.items() if key not in (aside or ()))
        )
        mark = hashlib.sha256(
            f"{self.site.name} {self.launch.patient} {seen.now.date()} {content}".encode()
        ).hexdigest()[:32]
        body = {**resource, "identifier": [{"system": own_names.ENTRY, "value": mark}]}
        headers = (
            {"If-None-Exist": f"identifier={own_names.ENTRY}|{mark}"}
            if self.client.capability.conditional_create(kind)
            else {}
        )
        try:
            self.client.transport.write("POST", kind, body, headers, what=f"recording a {kind}")
        except OutcomeUnknown:
            return "unknown"
        except EhrError as error:
            return self._told(seen, said, kind, error.own_words or error.problem)
        return self._recorded(seen, kind)

    def _put(self, seen: Seen, resource: Resource, said: str) -> str:
        path = f"{resource['resourceType']}/{resource['id']}"
        version = (resource.get("meta") or {}).get("versionId")
        try:
            self.client.transport.write(
                "PUT",
                path,
                resource,
                {"If-Match": f'W/"{version}"'} if version else {},
                what="recording it",
            )
        except OutcomeUnknown:
            return "unknown"
        except Conflict:
            return "changed"
        except EhrError as error:
            return self._told(seen, said, path, error.own_words or error.problem)
        return self._recorded(seen, path)

    def _recorded(self, seen: Seen, resource: str) -> str:
        self._note(seen, "recorded", resource)
        self._write_back(self.see(None), seen.waivers)
        return "recorded"

    def _told(self, seen: Seen, said: str, resource: str, why: str) -> str:
        """Where the EHR takes nothing, the billing office reads it in the worklist, once; it makes
        no line ready."""
        text, by = f"From the chart page: {said}", self.session.who.label
        with self.here.store.transaction() as db:
            kept = notes.of_patient(db, seen.patient.id)
            if not kept or (kept[-1].text, kept[-1].written_by) != (text, by):
                notes.add(db, seen.patient, text, by, "clinician")
        self._note(seen, REFUSED, resource, reason=why)
        return "told"

    def _note(self, seen: Seen, action: str, resource: str, **detail: str) -> None:
        about = {"site": self.site.name, "patient_id": seen.patient.id, "resource": resource}
        with self.here.store.transaction() as db:
            audit.note(db, self.actor, action, role="clinician", **about, **detail)  # type: ignore[arg-type]

    def _reopened(self, held: Resource, now: datetime) -> Resource:
        """An issue whose waiver is taken back is open again, and says so (R13: `amended`)."""
        said = f"Waiver taken back by {self.session.who.label}"
        mitigation: Resource = {
            "action": {
                "coding": [{"system": own_names.MITIGATION, "code": "waiver-withdrawn"}],
                "text": said,
            },
            "date": now.isoformat(timespec="seconds"),
        }
        mitigation |= {"author": author} if (author := self._author()) else {}
        return {
            **held,
            "status": "amended",
            "mitigation": [*held.get("mitigation", ()), mitigation],
        }

    def _write_back(
        self, seen: Seen, waivers: Mapping[str, Waiver], reopened: Sequence[Resource] = ()
    ) -> bool:
        """Brings the DetectedIssues in line, one patient at a time; what another is writing now
        follows later."""
        with self.here.store.holding(patient_key(seen.patient.id)) as hold:
            if not hold.ours or seen.pull.unread:
                return self._later(seen)
            try:
                wanted = {
                    gap_of(issue): issue
                    for issue in owed_issues(seen.checked.assessment, seen.pull, seen.now, waivers)
                }
                wanted |= {gap_of(issue): issue for issue in reopened}
                owed = list(wanted.values())
                ledger = StoredLedger(hold, seen.patient.id)
                outcomes = self._port(ledger).put_all(owed, seen.pull.issues)
            except EhrError:
                return self._later(seen)
            with hold.transaction() as db:
                note(
                    db,
                    seen.patient,
                    ledger.answers,
                    outcomes,
                    owed,
                    self.actor,
                    "clinician",
                )
        if any(outcome.result == "refused" for outcome in outcomes):
            return self._later(seen)  # what this person may not write, the service may
        return all(outcome.result in ("created", "updated", "unchanged") for outcome in outcomes)

    def _port(self, ledger: StoredLedger) -> WriteBack:
        return write_back_for(self.client, ledger, limit=self.site.limits.writes)

    def _later(self, seen: Seen) -> bool:
        """The workflow writes what we could not; where only people may, the next of them does."""
        if self.site.only_people_read:
            return False
        with self.here.store.transaction() as db:
            self.here.queue.assess(db, seen.patient, "person", priority=PERSON)
        return False


def _why_not(kind: str, said_so: bool) -> str:
    """SAID_SO: the EHR itself takes such a resource."""
    return (_NOT_GIVEN if said_so else _NOT_SAID).format(kind=kind)
