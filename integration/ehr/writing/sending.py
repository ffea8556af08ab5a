"""Write-back to a server: what is owed is planned against what is there, then sent, once.

Held by tests/contract/test_ehr_writeback.py.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

from integration.ehr.client import EhrClient
from integration.ehr.fhir.answers import Answer, Json
from integration.ehr.fhir.references import age
from integration.ehr.writing import issues, transactions
from integration.ehr.writing.answered import is_nameless, located, not_done
from integration.ehr.writing.forms import DETECTED_ISSUE, ChartForm
from integration.ehr.writing.ledger import Entry, Ledger, State
from integration.ehr.writing.transactions import Write
from integration.errors import (
    BadAnswer,
    Conflict,
    EhrError,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    Refused,
    Unreachable,
)
from mappings.values import own_names
from mappings.values.identity import chosen_id
from mappings.writing.detected_issue import gap_of

Result = Literal["created", "updated", "unchanged", "conflict", "unknown", "refused", "worklist"]
ATTEMPTS = 3
# What the ledger keeps of a gap.
STATES: Mapping[Result, State] = {
    "created": "confirmed",
    "updated": "confirmed",
    "unchanged": "confirmed",
    "conflict": "pending",
    "unknown": "sent",
    "refused": "refused",
}
NAMELESS = (
    "the server keeps no identifier of it, so another run of `assess` cannot find it and writes it"
    " again; the service remembers where it is"
)
PERMANENT = (Forbidden, NotFound, Refused)


@dataclass(frozen=True)
class Outcome:
    """What became of one gap. `worklist`: the site takes no write-back, our own list alone shows
    it."""

    gap: str
    result: Result
    location: str | None = None
    version: str | None = None
    message: str = ""


class ServerWriteBack:
    """Write-back in one FORM to a server; threads may share one, as long as a patient is in one of
    them only."""

    def __init__(
        self, client: EhrClient, form: ChartForm, ledger: Ledger, limit: int | None = None
    ) -> None:
        self.client, self._form, self.ledger, self._left = client, form, ledger, limit
        self.form = form.kind
        self._site = client.site.name
        self._devices = client.known_devices

    def put_all(
        self,
        wanted: Sequence[Json],
        existing: Iterable[Json] | None = None,
        *,
        dry_run: bool = False,
    ) -> list[Outcome]:
        owed = {str(gap_of(issue)): issue for issue in wanted}
        entries = self.ledger.entries(self._site, list(owed))
        settled = self._by_ledger(owed, entries)
        known = self._known(
            {gap: issue for gap, issue in owed.items() if gap not in settled}, existing, entries
        )
        settled |= {
            gap: Outcome(gap, "unchanged", entry.location, entry.version)
            for gap, entry in entries.items()
            if self._as_we_left_it(entry, owed[gap], _first(known.get(gap)))
        }
        plans = {
            gap: settled.get(gap) or self._plan(gap, issue, _first(known.get(gap)))
            for gap, issue in owed.items()
        }
        writes = [plan for plan in plans.values() if isinstance(plan, Write)]
        done = {gap: plan for gap, plan in plans.items() if isinstance(plan, Outcome)}
        if dry_run:
            done |= {
                w.gap: Outcome(w.gap, "updated" if w.current else "created", w.location)
                for w in writes
            }
        else:
            self._retract(chain.from_iterable(several[1:] for several in known.values()))
            done |= {outcome.gap: outcome for outcome in self._send(writes)} if writes else {}
        return [done[gap] for gap in owed]

    # What is there

    def _by_ledger(self, owed: dict[str, Json], entries: Mapping[str, Entry]) -> dict[str, Outcome]:
        """A form that cannot be compared with its issue counts as unchanged when the last write
        said the same."""
        if self._form is DETECTED_ISSUE:
            return {}
        return {
            gap: Outcome(gap, "unchanged", entry.location, entry.version)
            for gap, entry in entries.items()
            if entry.state == "confirmed" and entry.digest == issues.digest(owed[gap])
        }

    def _known(
        self,
        owed: dict[str, Json],
        existing: Iterable[Json] | None,
        entries: Mapping[str, Entry],
    ) -> dict[str, list[Json]]:
        """By gap, what the server has. A write that was sent without an answer is settled here, by
        searching."""
        if existing is None or self._form is not DETECTED_ISSUE:
            known = self._looked_up(owed)
        else:
            known = self._by_gap(owed, existing)
            once_more = {
                gap: issue
                for gap, issue in owed.items()
                if gap not in known
                and (self._must_search or (gap in entries and entries[gap].state == "sent"))
            }
            known |= self._looked_up(once_more)
        return known | self._where_it_was(
            {gap: entry for gap, entry in entries.items() if gap in owed and gap not in known}
        )

    def _where_it_was(self, entries: Mapping[str, Entry]) -> dict[str, list[Json]]:
        """What a search did not find and the ledger knows the place of: there are servers that keep
        no identifier of ours, and servers whose searches lag."""
        if self._form.once_per_state:  # what stands there is another state's message
            return {}
        found = {gap: self._at(entry.location) for gap, entry in entries.items() if entry.location}
        return {gap: [resource] for gap, resource in found.items() if resource}

    def _at(self, location: str) -> Json | None:
        kind, _, identity = location.partition("/")
        if kind != self.form:
            return None
        try:
            return self.client.read(kind, identity, fresh=True)
        except (NotFound, Forbidden, Refused, BadAnswer):
            return None  # somebody took it away

    def _as_we_left_it(self, entry: Entry, issue: Json, current: Json | None) -> bool:
        """Whether we wrote the same before, and nobody wrote since: servers leave out or add to
        what they are sent, and the same once more would change nothing."""
        return bool(
            current
            and entry.state == "confirmed"
            and entry.digest == issues.digest(issue)
            and entry.location == f"{self.form}/{current.get('id')}"
            and entry.version
            and entry.version == issues.version(current)
        )

    @property
    def _must_search(self) -> bool:
        """No server-side guard against a second create: then search right before it."""
        return not (self._own_ids or self._conditional)

    @cached_property
    def _own_ids(self) -> bool:
        return self.client.capability.own_ids(self.form)

    @cached_property
    def _conditional(self) -> bool:
        return self.client.capability.conditional_create(self.form)

    def _looked_up(self, owed: dict[str, Json]) -> dict[str, list[Json]]:
        if not owed:
            return {}
        capability, form = self.client.capability, self._form
        patient = str(next(iter(owed.values()))["patient"]["reference"]).removeprefix("Patient/")
        params = {form.patient_param: form.patient(patient)}
        if capability.takes(form.kind, "identifier"):
            params["identifier"] = ",".join(
                f"{own_names.GAP}|{form.key(issue)}" for issue in owed.values()
            )
        elif not capability.searches_by(form.kind, form.patient_param):
            return self._by_location(owed)
        return self._by_gap(owed, self.client.search(form.kind, params, fresh=True))

    def _by_location(self, owed: dict[str, Json]) -> dict[str, list[Json]]:
        """Where nothing can be searched for, the ledger alone knows where it is."""
        entries = self.ledger.entries(self._site, list(owed)).values()
        found = [self._at(entry.location) for entry in entries if entry.location]
        return self._by_gap(owed, filter(None, found))

    def _by_gap(self, owed: dict[str, Json], found: Iterable[Json]) -> dict[str, list[Json]]:
        """Ours of each gap, the one that counts first: more than one is a lost race (Q23)."""
        gaps = {self._form.key(issue): gap for gap, issue in owed.items()}
        by_gap: dict[str, list[Json]] = defaultdict(list)
        for resource in found:
            if (gap := gaps.get(str(gap_of(resource)))) is not None:
                by_gap[gap].append(resource)
        for several in by_gap.values():
            several.sort(
                key=lambda r: (
                    r.get("status") == "entered-in-error",
                    not r.get("mitigation"),
                    age(r),
                )
            )
        return dict(by_gap)

    def _retract(self, surplus: Iterable[Json]) -> None:
        """Calls the second of two our error; a DetectedIssue is never deleted."""
        for resource in surplus if self._form is DETECTED_ISSUE else ():
            if resource.get("status") != "entered-in-error":
                body = {**resource, "status": "entered-in-error"}
                try:
                    self._write(Write("", body, body, resource))
                except EhrError:
                    pass  # the next assessment finds it again

    # What to do about it

    def _plan(
        self, gap: str, issue: Json, current: Json | None, base: Json | None = None
    ) -> Write | Outcome:
        """BASE: what the issue was decided from, where that is not what is there now."""
        if current is None:
            if self._never_written(gap, issue):
                return Outcome(gap, "unchanged", message="settled before it was ever written")
            body = self._form.render(issue)
            return Write(
                gap,
                issue,
                (
                    {**body, "id": chosen_id(self._form.key(issue))}
                    if self._own_ids
                    else _without_id(body)
                ),
            )
        body = self._form.merged(base or current, current, issue)
        if self._form.once_per_state or issues.same(current, body):
            return Outcome(
                gap, "unchanged", f"{self.form}/{current['id']}", issues.version(current)
            )
        if not self.client.capability.updates(self.form):
            return Outcome(gap, "refused", message=f"this server lets nobody update a {self.form}")
        return Write(gap, issue, body, current)

    def _never_written(self, gap: str, issue: Json) -> bool:
        """Nothing to withdraw, nor, where each state is a message of its own, to call settled."""
        if issue["status"] not in (
            issues.CLOSED if self._form.once_per_state else issues.WITHDRAWN
        ):
            return False
        entry = self.ledger.entries(self._site, [gap]).get(gap)
        return entry is None or entry.location is None

    # Sending

    def _send(self, writes: list[Write]) -> list[Outcome]:
        allowed = writes if self._left is None else writes[: self._left]
        over = [
            Outcome(w.gap, "refused", message="not written: the limit of this run is reached")
            for w in writes[len(allowed) :]
        ]
        if self._left is not None:
            self._left -= len(allowed)
        self._record(allowed, "sent")
        try:
            outcomes = (
                self._together(allowed)
                if self.client.capability.transaction
                else self._singly(allowed)
            )
        except Unreachable:
            self._record(allowed, "pending")
            raise
        self.ledger.answered(
            self._site, {w.gap: _entry(w, o) for w, o in zip(allowed, outcomes, strict=True)}
        )
        return outcomes + over

    def _record(self, writes: list[Write], state: Literal["pending", "sent"]) -> None:
        entries = {w.gap: Entry(state, w.digest, w.location, None) for w in writes}
        self.ledger.record(self._site, entries)

    def _together(self, writes: list[Write]) -> list[Outcome]:
        """All or none, with who did it. A refused transaction may not say which entry (Q24): then
        without what is only beside, then one by one."""
        for bare in (True,) if self.client.sends_bare else (False, True):
            try:
                answers = transactions.send(self.client, writes, self._devices, bare=bare)
            except (OutcomeUnknown, BadAnswer) as error:
                return [Outcome(write.gap, "unknown", message=error.problem) for write in writes]
            except Conflict:
                break
            except PERMANENT:
                continue
            self.client.sends_bare = bare
            return [
                self._outcome(write, answer) for write, answer in zip(writes, answers, strict=True)
            ]
        return self._singly(writes)

    def _singly(self, writes: list[Write]) -> list[Outcome]:
        outcomes = [self._single(write) for write in writes]
        written = [
            outcome.location for outcome in outcomes if outcome.result in ("created", "updated")
        ]
        transactions.say_who(self.client, [location for location in written if location])
        return outcomes

    def _single(self, write: Write) -> Outcome:
        """One write; a conflict is read again and merged, a few times."""
        for _ in range(ATTEMPTS):
            try:
                return self._outcome(write, self._write(write))
            except OutcomeUnknown as error:
                return Outcome(write.gap, "unknown", message=error.problem)
            except Conflict:
                plan = self._after_conflict(write)
                if isinstance(plan, Outcome):
                    return plan
                write = plan
            except (BadAnswer, *PERMANENT) as error:
                return Outcome(write.gap, "refused", message=error.problem)
        return Outcome(
            write.gap,
            "conflict",
            write.location,
            message="others keep writing it; it is assessed again",
        )

    def _after_conflict(self, write: Write) -> Write | Outcome:
        current = _first(self._looked_up({write.gap: write.issue}).get(write.gap))
        return self._plan(write.gap, write.issue, current, base=write.current)

    def _write(self, write: Write) -> Answer:
        headers = {}
        write = transactions.alone(write, self._devices)
        if write.current and (version := issues.version(write.current)):
            headers["If-Match"] = f'W/"{version}"'
        elif write.method == "POST" and self._conditional:
            headers["If-None-Exist"] = transactions.if_none_exist(write)
        return self.client.transport.write(write.method, write.path, write.body, headers)

    def _outcome(self, write: Write, answer: Answer) -> Outcome:
        if answer.status == 202:
            return Outcome(write.gap, "unknown", message="accepted, and not yet done")
        if error := not_done(self._site, write, answer):
            failed: Result = "unknown" if isinstance(error, Unreachable) else "refused"
            return Outcome(write.gap, failed, message=error.problem)
        location, version = located(answer, write)
        if write.current:
            result: Result = "unchanged" if version == issues.version(write.current) else "updated"
        else:
            was_there: Result = "unchanged" if write.method == "POST" else "updated"
            result = "created" if answer.status == 201 else was_there
        lost = is_nameless(answer, write)
        return Outcome(write.gap, result, location, version, NAMELESS if lost else "")


def _first(several: list[Json] | None) -> Json | None:
    return several[0] if several else None


def _entry(write: Write, outcome: Outcome) -> Entry:
    return Entry(STATES[outcome.result], write.digest, outcome.location, outcome.version)


def _without_id(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if key != "id"}
