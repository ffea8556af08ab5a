"""What the clinician's page shows, part by part; `chart` fills it, the template sets it.

Held by tests/unit/test_chart_sentence.py.
"""

from dataclasses import dataclass
from datetime import date

from integration.configuration.site import Site
from integration.web.chart import timeline
from integration.web.chart.timeline import Timeline
from integration.wording.amounts import Sum
from mappings import codes
from mappings.assessment import Step
from mappings.codes.requirement import Owner
from mappings.requirements.misreadable import QuotedWords
from mappings.values.moment import Span


@dataclass(frozen=True)
class Banner:
    """Who the patient is; always on top."""

    name: str
    born: str | None
    sex: str
    record_number: str | None


@dataclass(frozen=True)
class ProofView:
    """Something found, with a way into the chart where the site has one."""

    says: str
    resource: str
    link: str | None


def link_into_chart(site: Site, patient: str, resource: str) -> str | None:
    """Where the EHR shows a resource, by the site's pattern; None where it has none."""
    pattern = site.app.chart_link if site.app else None
    if pattern is None or resource.count("/") != 1:
        return None
    kind, identity = resource.split("/")
    return (
        pattern.replace("{type}", kind)
        .replace("{id}", identity)
        .replace("{patient}", patient.removeprefix("Patient/"))
    )


@dataclass(frozen=True)
class Affected:
    """A dose that a card is about, what was found for it, and what is to be done. `alike`: what was
    found, with `each dose` for its day."""

    administration: str
    says: str
    findings: tuple[str, ...]
    alike: tuple[str, ...]
    fixes: tuple[str, ...]

    @property
    def finding(self) -> str:
        return " ".join(self.findings)


@dataclass(frozen=True)
class Card:
    """`requirements`: one, or those of which a rule wants one or the other. What stands on it holds
    for each of its `doses`; `finding` is what was found for every one of them, and else its
    `alike` is false: then each dose says its own. `gaps` is what its forms name. `ordered`: that a
    test was ordered here, and when. `words`: of the record, that it rests on.
    """

    requirements: tuple[str, ...]
    gaps: tuple[str, ...]
    finding: str
    alike: bool
    asks: str
    of_payer: bool
    source: str | None
    verified: bool
    policy: str | None
    found: tuple[ProofView, ...]
    fix: str | None
    doses: tuple[Affected, ...]
    worth: Sum
    blocking: bool
    waivable: bool
    orderable: tuple[str, ...]
    ordered: str | None
    owner: Owner
    safety: bool
    denial: str | None
    waived: str | None
    words: tuple[QuotedWords, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.requirements[0]}-{self.gaps[0][:8]}"

    @property
    def frees(self) -> int:
        return len(self.doses)

    @property
    def buttons(self) -> tuple[str, ...]:
        """What can be done about it on the page: a form of the requirement, `misread`,
        `order`, `waive`."""
        if self.waived is not None or self.owner != "clinician":
            return ()
        own = [codes.requirements()[name] for name in self.requirements]
        found: list[str] = [requirement.form for requirement in own if requirement.form]
        if self.words:
            found.append("misread")
        if self.orderable:
            found.append("order")
        if self.waivable and (self.blocking or self.safety):
            found.append("waive")
        return tuple(found)

    @property
    def settled_here(self) -> bool:
        """An order helps the next dose, not those already given."""
        return bool(set(self.buttons) - {"order"})

    def about(self, requirement: str | None) -> bool:
        return requirement in self.requirements


@dataclass(frozen=True)
class LineView:
    text: str
    status: str
    worth: str
    steps: tuple[Step, ...]
    proofs: tuple[ProofView, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class DoseView:
    """`why`: what it waits for, or why it is not billed."""

    administration: str
    on: Span | None
    drug: str
    dose: str
    status: str
    state: str
    payer: str
    lines: tuple[LineView, ...]
    why: tuple[str, ...]
    link: str | None


@dataclass(frozen=True)
class Sentence:
    """The sentence on top, part by part: `safety` first, then what can be billed, with what is
    `stressed` in it."""

    safety: str
    before: str
    stressed: str
    after: str

    def __str__(self) -> str:
        return f"{self.safety} {self.before}{self.stressed}{self.after}".strip()


@dataclass(frozen=True)
class ChartPage:
    banner: Banner
    sentence: Sentence
    safety: tuple[Card, ...]
    cards: tuple[Card, ...]
    elsewhere: tuple[Card, ...]
    warnings: tuple[Card, ...]
    waived: tuple[Card, ...]
    plot: Timeline | None
    narrow_plot: Timeline | None
    rows: tuple[tuple[timeline.PlotRow, str | None], ...]
    doses: tuple[DoseView, ...]
    policies: tuple[tuple[str, str], ...]
    unreadable: tuple[str, ...]
    unread: tuple[str, ...]
    assessed: str
    today: date
