"""*Write claims*: the selected released lines leave in files; and the files that left.

Held by tests/contract/test_claims_sent.py.
"""

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InAddress
from fastapi.responses import Response

from integration.claims.released import Released
from integration.claims.service import WriteOrder, write_released
from integration.claims.writing import Report
from integration.configuration.settings import Settings
from integration.errors import FerroclaimError
from integration.smart.sessions import Session
from integration.store import audit, claims
from integration.store.worklist import Row
from integration.web.gate import Biller, OfPages, PageContext
from integration.web.pages import PageRoute, actor, download
from integration.web.problems import ApiProblem
from integration.wording import words
from integration.wording.amounts import money

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_NAME = re.compile(r"[a-z0-9_-]+_\d{9}_(837[PI]|claims|charges)\.(x12|json|csv|xlsx)")


def folder_of(settings: Settings, site: str) -> Path:
    """Where the worklist writes the files of a site."""
    return settings.site(site).claims.folder or settings.data_dir / "claims"


def write(
    here: PageContext, session: Session, rows: Sequence[Row]
) -> tuple[str, list[str], list[str]]:
    """Writes claims of these lines, site by site: what was done, what not and why, and the names of
    the files."""
    reports = []
    refused: list[str] = []
    for site in sorted({row.site for row in rows}):
        order = WriteOrder(
            site=site,
            folder=folder_of(here.settings, site),
            by=actor(session),
            role="biller",
            only={row.line_id: Released(row.line_id) for row in rows if row.site == site},
        )
        try:
            reports.append(write_released(here.settings, here.store, order))
        except FerroclaimError as problem:
            refused.append(str(problem))
    refused += chain.from_iterable(map(_not_written, reports))
    files = [part.name for report in reports for part in report.parts]
    return _done(reports), refused, files


def _not_written(report: Report) -> list[str]:
    return [found.says for found in report.refused] + report.problems


def _done(reports: Sequence[Report]) -> str:
    count = sum(report.claims for report in reports)
    if not count:
        return "No claim was written."
    total = money(sum((report.total for report in reports), start=0 * reports[0].total))
    tests = all(not part.production for report in reports for part in report.parts)
    return f"{words.plural(count, 'claim')} written, {total}{' (tests)' if tests else ''}."


@router.get("/claims/{name}")
def file(
    name: Annotated[str, InAddress(max_length=120)], here: OfPages, session: Biller
) -> Response:
    """A claim file as it left."""
    sites = sorted(here.settings.sites)
    with here.store.transaction() as db:
        kept = claims.content(db, name, sites) if _NAME.fullmatch(name) else None
        if kept is None:
            raise ApiProblem(
                404, "There is no such claim file.", "Open it from a line that was sent."
            )
        audit.note(
            db,
            actor(session),
            "downloaded a claim file",
            role="biller",
            resource=f"ClaimFile/{kept.id}",
            file=kept.name,
        )
    return download(kept.content, kept.name, here, "application/octet-stream")
