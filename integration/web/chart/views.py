"""What the clinician's page shows, part by part; `chart` fills it, the template sets it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from integration.configuration.site import Site
from integration.web.chart import timeline
from integration.web.chart.timeline import Timeline
from mappings import codes
from mappings.assessment import Step
from mappings.codes.requirement import Owner
from mappings.values.moment import Span


@dataclass(frozen=True)
class Banner:
    """Who the patient is; always on top."""

    name: str
    born: str
    sex: str
    record_number: str | None


@dataclass(frozen=True)
class Proof:
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
    """A dose that a card is about. `gap` is what a form for this dose names."""

    gap: str
    administration: str
    says: str
    finding: str


@dataclass(frozen=True)
class Card:
    requirement: str
    state: str
    title: str
    gaps: tuple[str, ...]
    finding: str
    asks: str
    source: str | None
    verified: bool
    policy: str | None
    found: tuple[Proof, ...]
    fix: str
    doses: tuple[Affected, ...]
    frees: int
    money: Decimal
    blocking: bool
    waivable: bool
    owner: Owner
    safety: bool
    denial: str | None
    waived: str | None

    @property
    def orderable(self) -> bool:
        """A result outside the payer's limit does not get better by ordering another."""
        test = codes.requirements()[self.requirement].test
        return test is not None and self.state != "not-covered"

    @property
    def form(self) -> str | None:
        """What a clinician can record here."""
        return codes.requirements()[self.requirement].form


@dataclass(frozen=True)
class LineView:
    text: str
    status: str
    value: Decimal | None
    chips: tuple[str, ...]
    steps: tuple[Step, ...]
    proofs: tuple[Proof, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class DoseView:
    administration: str
    on: Span | None
    drug: str
    dose: str
    status: str
    state: str
    payer: str
    lines: tuple[LineView, ...]
    waits_for: tuple[str, ...]
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
    rows: tuple[tuple[timeline.Row, str | None], ...]
    doses: tuple[DoseView, ...]
    policies: tuple[tuple[str, str], ...]
    unreadable: tuple[str, ...]
    unread: tuple[str, ...]
    assessed: str
    today: date
