"""Writing gaps back into the chart: the port, and which of its forms a site gets.

Held by tests/contract/test_ehr_writeback.py.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from integration.ehr.client import EhrClient
from integration.ehr.fhir.answers import Json
from integration.ehr.writing.forms import form_for
from integration.ehr.writing.ledger import Ledger, MemoryLedger
from integration.ehr.writing.sending import Outcome, ServerWriteBack
from mappings.writing.detected_issue import gap_of

__all__ = ["Outcome", "ServerWriteBack", "Worklist", "WriteBack", "form_for", "write_back_for"]


class WriteBack(Protocol):
    form: str

    def put_all(
        self,
        wanted: Sequence[Json],
        existing: Iterable[Json] | None = None,
        *,
        dry_run: bool = False,
    ) -> list[Outcome]:
        """One patient's DetectedIssues, in one request where the server allows.

        EXISTING: ours as just read (`PatientPull.issues`); None: they are looked up. Raises
        `Unreachable` where nothing was written and trying later helps; everything else is an
        outcome.
        """


class Worklist:
    """Where the EHR takes nothing: our own worklist is the only place."""

    form = "worklist"

    def put_all(
        self,
        wanted: Sequence[Json],
        existing: Iterable[Json] | None = None,  # noqa: ARG002 (the protocol's)
        *,
        dry_run: bool = False,  # noqa: ARG002 (the protocol's)
    ) -> list[Outcome]:
        return [Outcome(str(gap_of(issue)), "worklist") for issue in wanted]


def write_back_for(
    client: EhrClient, ledger: Ledger | None = None, *, limit: int | None = None
) -> WriteBack:
    """The write-back of a site. LIMIT: how many resources this object may write in its life."""
    form = form_for(client.capability, client.site.write_back)
    if form is None:
        return Worklist()
    return ServerWriteBack(client, form, ledger or MemoryLedger(), limit)
