"""Claims of the database's released lines: each patient read anew, what changed since the release
left out, and everything that left remembered with it.

Held by tests/contract/test_claims_sent.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from integration.assessing.clients import Clients
from integration.assessing.keeping import keep
from integration.assessing.patient import Checked, check_pull
from integration.claims import Format
from integration.claims.basis import basis_of
from integration.claims.forms import Writing
from integration.claims.output import FilePart, Output, folder_of, place_whole
from integration.claims.people import with_people
from integration.claims.released import Released
from integration.claims.sent import Corrections, StoredBefore
from integration.claims.writing import Leaving, Report, write
from integration.configuration.settings import Settings
from integration.ehr.reading.patient import read_patient
from integration.errors import ConfigurationError, FerroclaimError
from integration.store import Db, Hold, Store, claims, decisions, patients, worklist
from integration.store.claims import NewClaim, NewFile
from integration.store.patients import Patient
from integration.store.worklist import Pair
from mappings.writing.preparing.prepare import Basis, LeftOut

CAUSE = "claims"


@dataclass(frozen=True)
class WriteOrder:
    """Who writes what: of a site, in which form, where; `only`: these lines; `now` for tests."""

    site: str
    folder: Path
    by: str
    role: str | None = None
    form: Format = "x12"
    test: bool = False
    only: Mapping[str, Released] | None = None
    corrections: Corrections = field(default_factory=Corrections)
    now: datetime | None = None


def write_released(settings: Settings, store: Store, order: WriteOrder) -> Report:
    """Writes, remembers and places the files of a site's released lines. One at a time per site."""
    now = order.now or datetime.now(UTC)
    with store.transaction() as db:
        decided = [kept.decision for kept in decisions.every(db, order.site)]
    basis = basis_of(settings.site(order.site), decided, now)
    folder = folder_of(order.folder)
    with store.holding(f"claims:{order.site}") as hold:
        if not hold.ours:
            raise ConfigurationError(
                f"Claims of site {order.site} are being written already. Try again when that is"
                " done."
            )
        _place_what_was_not(store, order.site, folder)
        return _written(settings, store, order, basis, folder, hold)


def _written(
    settings: Settings, store: Store, order: WriteOrder, basis: Basis, folder: Path, hold: Hold
) -> Report:
    now = (order.now or datetime.now(UTC)).astimezone(basis.site.zone or UTC)
    with hold.singly() as counting:
        how = Writing(
            folder, basis.site, order.site, order.form, now, claims.numbers(counting), order.test
        )
        output = Output(how)
        try:
            run = _Run(settings, store, order)
            before = StoredBefore(counting, order.site, run.known)
            report = write(
                run.leaving(),
                basis,
                output,
                before,
                order.corrections,
            )
            report.ask(run.missed())
            with store.transaction() as db:
                ids = [run.remember(db, part, report) for part in report.parts]
            _place(store, ids, output, report)
            return report
        except OSError as problem:
            raise ConfigurationError(
                f"Cannot write to {folder}: {problem.strerror}. Nothing was sent."
            ) from None
        finally:
            output.drop()


def _place(store: Store, ids: Sequence[int], output: Output, report: Report) -> None:
    """What is remembered counts as sent, and stands in its folder now, or after the next run."""
    try:
        output.place(report.parts)
    except OSError as problem:
        raise _not_placed(output.how.folder, problem) from None
    with store.transaction() as db:
        claims.placed(db, ids)


def _not_placed(folder: Path, problem: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"Cannot write to {folder}: {problem.strerror}. Claims were sent whose files are kept; the"
        " next run puts them there."
    )


def _place_what_was_not(store: Store, site: str, folder: Path) -> None:
    """Files that were remembered when the process ended stand in no folder yet."""
    with store.transaction() as db:
        for kept in claims.not_placed(db, site):
            try:
                with suppress(FileExistsError):
                    place_whole(kept.content, folder / kept.name)
            except OSError as problem:
                raise _not_placed(folder, problem) from None
            claims.placed(db, [kept.id])


class _Run:
    """The patients of one run."""

    def __init__(self, settings: Settings, store: Store, order: WriteOrder) -> None:
        self.settings, self.store, self.order = settings, store, order
        self.known: dict[str, int] = {}
        self._releases: dict[str, dict[str, int]] = {}
        self._seen: set[str] = set()

    def leaving(self) -> Iterator[Leaving]:
        """Each patient with released lines, read when it is their turn."""
        clients = Clients(self.settings)
        try:
            with self.store.transaction() as db:
                ids = worklist.patients_released(db, self.order.site)
            for number in ids:
                with self.store.transaction() as db:
                    patient = patients.by_id(db, number)
                if patient is not None and self._waiting(self._released(number)):
                    yield self._leaving(clients, patient)
        finally:
            clients.close()

    def _released(self, patient_id: int) -> list[Pair]:
        with self.store.transaction() as db:
            return worklist.released_of(db, patient_id)

    def _waiting(self, released: list[Pair]) -> list[Pair]:
        """The pairs that have not left, of the lines that were named, if any were."""
        only = self.order.only
        waiting = [pair for pair in released if not _left(pair) or pair[0].changed]
        if only is not None:
            waiting = [pair for pair in waiting if any(row.line_id in only for row in pair)]
        self._seen |= {row.line_id for row in chain.from_iterable(waiting)}
        return waiting

    def missed(self) -> list[str]:
        """The named lines that do not wait to be sent, a sentence each."""
        return [
            f"Line {line} does not wait to be sent: it is not released, or it left already."
            for line in self.order.only or ()
            if line not in self._seen
        ]

    def _leaving(self, clients: Clients, patient: Patient) -> Leaving:
        reference = f"Patient/{patient.fhir_id}"
        self.known[reference] = patient.id
        try:
            checked = self._read(clients, patient)
        except FerroclaimError as problem:
            waiting = chain.from_iterable(self._waiting(self._released(patient.id)))
            lines = tuple(row.leaving for row in waiting)
            return Leaving(reference, (), None, [LeftOut(reference, lines, (_why(problem),))])
        released = self._released(patient.id)
        pairs = self._waiting(released)
        refused = [
            LeftOut(reference, tuple(row.leaving for row in pair), (_CHANGED,))
            for pair in pairs
            if pair[0].changed
        ]
        leaving = list(chain.from_iterable(pair for pair in pairs if not pair[0].changed))
        self._releases[reference] = {row.line_id: row.release for row in leaving if row.release}
        sent = [
            row.line for row in chain.from_iterable(released) if row.sent_state in claims.STANDING
        ]
        return Leaving(reference, [row.leaving for row in leaving], checked.record, refused, sent)

    def _read(self, clients: Clients, patient: Patient) -> Checked:
        """The chart as it is now, kept as any look at it is: what changed is known at once."""
        client, policies = clients.of(patient.site)
        as_of = self.order.now or datetime.now(UTC)
        pull = read_patient(client, patient.fhir_id, fresh=True)
        if pull.unread:
            raise ConfigurationError("a part of it could not be read")
        with self.store.transaction() as db:
            decided = decisions.of_patient(db, patient)
        checked = check_pull(with_people(client, pull), client.site, policies, as_of, decided)
        with self.store.transaction() as db:
            keep(db, client.site, patient, checked, pull, as_of, CAUSE)
        return checked

    def remember(self, db: Db, part: FilePart, report: Report) -> int:
        order = self.order
        file = NewFile(
            site=order.site,
            name=part.name,
            format=part.form,
            kind=part.kind,
            receiver=part.receiver.id if part.receiver else None,
            control=part.control,
            production=part.production,
            trial=order.test,
            content=part.path.read_bytes(),
        )
        return claims.record(db, file, self._claims(db, part, report), order.by, order.role)

    def _claims(self, db: Db, part: FilePart, report: Report) -> Iterator[NewClaim]:
        for claim in part.claims:
            earlier = report.about.get(claim.number)
            patient = self.known.get(claim.patient)
            sent = claims.by_number(db, self.order.site, earlier.number) if earlier else None
            patient = patient or (sent.patient_id if sent else None)
            if patient is None:
                continue
            own = self._releases.get(claim.patient, {})
            yield NewClaim(
                number=claim.number,
                draft_id=claim.draft_id,
                patient_id=patient,
                frequency=claim.frequency,
                original=claim.original,
                about=sent.id if sent else None,
                total=claim.total,
                lines=claim.lines,
                releases={line: own[line] for line in claim.lines if line in own},
            )


_CHANGED = (
    "the chart says something else about it since it was released: review it, and release it again"
)


def _left(pair: Pair) -> bool:
    return any(row.sent_number for row in pair)


def _why(problem: FerroclaimError) -> str:
    text = str(problem).rstrip(".")
    return f"the chart could not be read now ({text})"
