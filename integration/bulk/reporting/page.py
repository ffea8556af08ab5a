"""The report as one HTML file, which needs nothing beside it: figures and sums, and no patient.

Held by tests/unit/test_bulk.py.
"""

from pathlib import Path

from integration.bulk.output import Summary
from integration.bulk.reporting.plots import figures
from integration.bulk.work import written
from integration.wording import words
from integration.wording.templates import templates_of
from mappings.policy.choosing import PolicySet

_LABELS, _BARS, _ROW = 285, 320, 26
_pages = templates_of("integration.bulk.reporting")


def html(summary: Summary, policies: PolicySet) -> str:
    return _pages.get_template("report.html").render(
        summary=summary,
        figures=figures(summary, policies),
        as_of=words.day(summary.as_of[:10]),
        labels=_LABELS,
        bars=_BARS,
        row=_ROW,
        width=_LABELS + _BARS + 260,
    )


def write(summary: Summary, policies: PolicySet, path: Path) -> None:
    with written(path) as unfinished:
        unfinished.write_text(html(summary, policies), encoding="utf-8")
