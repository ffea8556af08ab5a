"""*Write claims*: the selected released lines leave in files; and the files that left.

Held by tests/contract/test_claims_sent.py.
"""

import re
from collections.abc import Iterator, Sequence
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
from integration.web.worklist.acting import RefusedLines, Results, name
from integration.wording import words
from integration.wording.amounts import money
from mappings.writing.preparing.prepare import LeftOut

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_NAME = re.compile(r"[a-z0-9_-]+_\d{9}_(837[PI]|claims|charges)\.(x12|json|csv|xlsx)")


_TESTS = ", as a test, which no payer pays"


def folder_of(settings: Settings, site: str) -> Path:
    """Where the worklist writes the files of a site."""
    return settings.site(site).claims.folder or settings.data_dir / "claims"


def write(here: PageContext, session: Session, rows: Sequence[Row]) -> Results:
    """Writes claims of these lines, site by site: what was done, of whom not and why, and the names
    of the files."""
    reports = []
    refused: list[RefusedLines] = []
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
            refused.append(RefusedLines(str(problem).rstrip(".")))
    refused += _left_out(list(chain.from_iterable(report.refused for report in reports)), rows)
    problems = chain.from_iterable(report.problems for report in reports)
    refused += [RefusedLines(text.rstrip(".")) for text in problems]
    files = [part.name for report in reports for part in report.parts]
    return Results(_done(reports), tuple(refused), tuple(files))


def _left_out(found: Sequence[LeftOut], rows: Sequence[Row]) -> Iterator[RefusedLines]:
    """By reason, with the lines as a person knows them."""
    known = {row.line_id: name(row) for row in rows}
    whose: dict[str, list[str]] = {}
    for left_out in found:
        named = [known[line.id] for line in left_out.lines if line.id in known]
        whose.setdefault("; ".join(left_out.reasons), []).extend(named or [left_out.patient])
    for why, who in whose.items():
        yield RefusedLines(why, tuple(who))


def _done(reports: Sequence[Report]) -> str:
    count = sum(report.claims for report in reports)
    if not count:
        return "No claim was written."
    total = money(sum((report.total for report in reports), start=0 * reports[0].total))
    tests = all(not part.production for report in reports for part in report.parts)
    return f"{words.plural(count, 'claim')} written, {total}{_TESTS if tests else ''}."


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
