"""A run from its source to its files; one that was stopped goes on.

Held by tests/unit/test_bulk.py.
"""

import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from integration.bulk import columnar, engine, output
from integration.bulk.engine import Pool, Tell
from integration.bulk.engines import local
from integration.bulk.output import Summary
from integration.bulk.steps import RunSetting
from integration.bulk.summing.remittances import read_answers
from integration.bulk.surveying import sources, storage
from integration.bulk.work import Plan, Work, remove
from integration.errors import ConfigurationError
from mappings.policy.choosing import PolicySet
from mappings.record import Problem
from mappings.site import Site


class RunOutcome(Struct, frozen=True):
    """`resumed`: a stopped run went on."""

    summary: Summary
    resumed: bool


def bulk(
    source: str,
    out: Path,
    site_at: Callable[[datetime], Site],
    policies: PolicySet,
    moment: Callable[[], datetime] | datetime,
    workers: int = 0,
    charts: bool = False,
    range_bytes: int = sources.RANGE_BYTES,
    tell: Tell = lambda _step, _done, _all: None,
    known: Iterable[Problem] = (),
    remittances: Path | None = None,
    pool: Pool = local.pool,
    parquet: bool = False,
) -> RunOutcome:
    """Assesses every patient of SOURCE and writes to OUT. SITE_AT: the site with what was decided
    by then. MOMENT: as of when; where it is what tells the time, a run that was stopped keeps its
    own. WORKERS: 0 for one a processor. KNOWN: what SOURCE lacks, to be named with what can't be
    read. REMITTANCES: 835s to stand beside. PARQUET: the lines in that form, too."""
    if parquet:
        columnar.check()
    before = sources.stamps_of(source)
    found = sources.source(source, range_bytes)
    answers, unread = read_answers(remittances) if remittances else ({}, [])
    found = structs.replace(found, problems=[*found.problems, *known, *unread])
    _ready(out, source)
    for unfinished in output.unfinished(out):
        remove(unfinished)
    work = Work.within(out)
    stopped = work.left_over()
    as_of = moment if isinstance(moment, datetime) else _kept(stopped) or moment()
    site = site_at(as_of)
    rules = engine.digest(
        msgspec.json.encode(
            (policies.policies, site, answers), order="deterministic", enc_hook=list
        )
    )
    plan = Plan(
        sys.byteorder,
        storage.resolved(source),
        found.stamps,
        range_bytes,
        rules,
        as_of.isoformat(),
    )
    setting = RunSetting(work.folder, found, site, policies, as_of, answers=answers)
    with engine.explained():
        resumed = work.begin(plan)
        who = engine.run(setting, workers or local.processors(), tell, pool)
        if sources.stamps_of(source) != before:
            raise ConfigurationError(
                f"{source} was changed while it was read. Run the same command again when it is"
                " whole."
            )
        summary = output.write(setting, who, out, charts)
        if parquet:
            columnar.write(out / output.LINES, out / output.PARQUET)
        from integration.bulk.reporting import page  # templates, which only the end needs

        page.write(summary, policies, out / output.REPORT)
    work.remove()
    return RunOutcome(summary, resumed)


def _kept(stopped: Plan | None) -> datetime | None:
    return datetime.fromisoformat(stopped.as_of) if stopped else None


def _ready(out: Path, source: str) -> None:
    """A folder for the output, that is not read as a part of the source."""
    if not storage.is_address(source) and out.resolve().is_relative_to(Path(source).resolve()):
        raise ConfigurationError(
            f"--out {out} lies within the source, and would be read with it: name another folder."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ConfigurationError(f"Cannot write to {out}: {problem.strerror}.") from None
