"""A requirement as a row: all that is known of it, but for the function that decides it.

Held by tests/unit/test_requirements_table.py.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Literal

from msgspec import Struct, field

from mappings.codes.tables import DenialCodes
from mappings.values.identity import stable_id
from mappings.values.words import within

Owner = Literal["clinician", "billing"]
Group = Literal["safety", "product", "place", "laboratory", "documentation", "authorization"]
Known = Literal["product", "day"]


class OrderableTest(Struct, frozen=True, forbid_unknown_fields=True):
    """A laboratory test that can be ordered. `of`: the analytes that tell it, any list of them;
    `panels` (LOINC) and `panel_names` hold it."""

    loinc: str
    name: str
    of: tuple[tuple[str, ...], ...]
    panels: tuple[str, ...] = ()
    panel_names: tuple[str, ...] = ()


class Requirement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of R10. `asks` follows the payer's name, where the policy's rule has no words of its
    own. `owner` settles it.

    When it is asked: `asked` of every dose, by a rule of the policy, or with a setting of it; once
    what it `needs` is known of the dose; `of_giving` also where the drug itself is not billed;
    `of_duplicates` once for all copies of a dose. `blocking`: an open one holds the line, unless
    the policy says otherwise. `write_back: false`: the biller's own, never written to the EHR.

    `has_limit`: a value is held against one. `has_end`: what meets it ends on a day. `cited`: what
    meets it is evidence of the line. `attached`: payers ask to see it with a claim (X12 PWK).

    `rests_on`: the types of resources that most of its evidence is; a gap says which of them were
    not to be had. `group`: the CDS card that tells of it before the dose is given, once all of them
    could be read, and of `rests_on_where`, by its state. `test`: what can be ordered for it;
    `form`: what a clinician can record on the page. A denial is foretold by what was found
    (`denial_by_cause`), else by the state, else it is the row's.
    """

    id: str
    title: str
    asks: str
    fix: str
    owner: Owner
    scope: Literal["patient", "administration"]
    waivable: bool
    asked: Literal["by-rule", "always", "with-discard-modifiers", "with-consolidated-billing"] = (
        "by-rule"
    )
    needs: tuple[Known, ...] = ("product", "day")
    of_giving: bool = False
    of_duplicates: bool = False
    blocking: bool = True
    severity: Literal["low", "moderate", "high"] = "low"
    write_back: bool = True
    has_limit: bool = False
    has_end: bool = False
    cited: bool = False
    attached: bool = False
    group: Group | None = None
    rests_on: tuple[str, ...] = ()
    rests_on_where: dict[str, tuple[str, ...]] = field(default_factory=dict)
    test: OrderableTest | None = None
    form: Literal["discard", "oral-iron"] | None = None
    carc: str | None = None
    rarc: tuple[str, ...] = ()
    denial_by_state: dict[str, DenialCodes] = field(default_factory=dict)
    denial_by_cause: dict[str, DenialCodes] = field(default_factory=dict)
    source: str | None = None

    @property
    def named(self) -> str:
        """Its title in the middle of a sentence: `transferrin saturation`, `NDC of the product
        used`."""
        return within(self.title)

    @property
    def denials(self) -> tuple[DenialCodes, ...]:
        """All that may be foretold."""
        own = (DenialCodes(carc=self.carc, rarc=self.rarc),) if self.carc else ()
        return (*own, *self.denial_by_state.values(), *self.denial_by_cause.values())

    def known_by(self, state: str) -> frozenset[str]:
        """What must be read before a finding of STATE is told."""
        return frozenset((*self.rests_on, *self.rests_on_where.get(state, ())))

    def gap_id(self, patient: str, administrations: Iterable[str]) -> str:
        """Of its gap: one of the patient, or one of these administrations (R13)."""
        of = () if self.scope == "patient" else administrations
        return stable_id("gap", patient, self.id, *of)


class RequirementTable(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """`source` and `verified` are those of the predicted denials. `resources`: what people call a
    type of resource."""

    source: str
    verified: bool
    resources: dict[str, str]
    requirements: tuple[Requirement, ...]

    @cached_property
    def by_id(self) -> dict[str, Requirement]:
        return {row.id: row for row in self.requirements}

    @cached_property
    def cited(self) -> frozenset[str]:
        """What is evidence of the line, where it is met."""
        return frozenset(row.id for row in self.requirements if row.cited)

    @cached_property
    def of_giving(self) -> tuple[Requirement, ...]:
        """What giving the drug asks where the drug itself is not billed."""
        return tuple(row for row in self.requirements if row.of_giving)

    @cached_property
    def answerable(self) -> dict[frozenset[str], tuple[Requirement, ...]]:
        """What can be said of a dose, by what is known of it."""
        return {
            known: tuple(row for row in self.requirements if known >= set(row.needs))
            for known in map(frozenset[str], ((), ("product",), ("day",), ("product", "day")))
        }
