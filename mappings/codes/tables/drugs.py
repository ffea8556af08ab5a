"""Drugs: families of IV iron with their codes, their packages, what is no IV iron, label doses.

Held by tests/unit/test_products.py.
"""

import re
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Literal

from msgspec import Struct

from mappings.codes.tables.dated import Dated, Names
from mappings.values import words

# Characters before the name of a drug in which may stand what is given around it.
_NEAR = 400


class BillingCode(Dated, frozen=True, kw_only=True):
    """`mue`: the most units of a day that NCCI's Medically Unlikely Edits let pass (table effective
    2024-07-01); `mue_hospital`: where a hospital's outpatients have another."""

    code: str
    mg_per_unit: Decimal
    mue: int | None = None
    mue_hospital: int | None = None
    use: str | None = None

    def most_units(self, claim: str) -> int | None:
        """Of a day, on a professional claim or an institutional one."""
        of_hospital = claim == "institutional" and self.mue_hospital is not None
        return self.mue_hospital if of_hospital else self.mue

    def gave_way_to(self, other: "BillingCode") -> bool:
        """Whether the other began after it, and means the same."""
        later = (self.start or date.min) < (other.start or date.min)
        return later and (self.use == other.use or other.use is None)


class Presentation(Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[str, ...]
    use: str


class Family(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One HCPCS family of IV iron. `strength_mg_per_ml` is the one strength of its label, where
    there is one. `label_heart_failure`: labeled for iron deficiency in heart failure.

    `unverified`: those of its RxNorm and ATC codes for which no official text was seen. `routes`:
    by which its label has it given. `vague`: its names say that it is one, and not which.
    """

    family: str
    name: str
    names: tuple[str, ...]
    codes: tuple[BillingCode, ...]
    strength_mg_per_ml: Decimal | None = None
    label_population: Literal["ckd"] | None = None
    routes: tuple[str, ...] = ("intravenous", "dialysis-circuit")
    label_heart_failure: bool = False
    vague: bool = False
    retired: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    rxnorm: tuple[str, ...] = ()
    atc: tuple[str, ...] = ()
    presentations: tuple[Presentation, ...] = ()
    source: str = ""
    verified: bool = True


class NotIvIron(Struct, frozen=True, forbid_unknown_fields=True):
    rxnorm: tuple[str, ...]
    source: str
    verified: bool


class OralIronNames(Struct, frozen=True, forbid_unknown_fields=True):
    """`none`: with these words it only contains some iron, or is not taken by mouth. `tolerated`:
    with these an entry of a list of allergies is none; `denied`: where it begins so. `unclear`:
    one that is no more than this does not say which iron. `intolerance`: reasons of a course that
    ended. `refill_days`: so many late at most, a refill goes on with what was before.
    `untaken`: with these a course was none; `taken`: they only look like those."""

    names: tuple[str, ...]
    none: tuple[str, ...]
    tolerated: tuple[str, ...]
    denied: tuple[str, ...]
    unclear: tuple[str, ...]
    intolerance: tuple[str, ...]
    refill_days: int
    untaken: tuple[str, ...]
    taken: tuple[str, ...]
    rxnorm: tuple[str, ...]
    source: str
    verified: bool


class NotGiven(Struct, frozen=True, dict=True, kw_only=True, forbid_unknown_fields=True):
    """What a statusReason or a method says of a dose that was not given: always, or only where no
    dose is recorded or the record is completed (`refusals` also where a text begins with them); and
    of one given `elsewhere`, or `partly`. `of_anything`: phrases that may be of something else.
    `wrong_date`: that it was recorded on one; `after_all`: that what was refused went on;
    `details`: what an error of the charting may be of, beside the dose.

    `denied`, `denied_whole`: questions of a form, of which "no" says that the dose was not given,
    or not all of it. With words `of_a_part` ("the rest was not given") a recorded dose stands.
    `coded`: codes of HL7 v2 table 0322, with the phrase that each stands for.
    """

    phrases: tuple[str, ...]
    phrases_without_dose: tuple[str, ...]
    refusals: tuple[str, ...]
    of_anything: tuple[str, ...]
    wrong_date: tuple[str, ...]
    after_all: tuple[str, ...]
    details: tuple[str, ...]
    elsewhere: tuple[str, ...]
    partly: tuple[str, ...]
    denied: tuple[str, ...]
    denied_whole: tuple[str, ...]
    coded: dict[str, str]
    of_a_part: tuple[str, ...]
    snomed: tuple[str, ...]
    snomed_without_dose: tuple[str, ...]
    source: str
    verified: bool

    @cached_property
    def without_dose(self) -> tuple[str, ...]:
        return (*self.phrases_without_dose, *self.refusals)


class Interrupted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words by which a text says that not all of the dose was given; `phrases` say it alone.

    What is `ended` says it with one of `causes` (but `no_causes`) or `early`, or after `reactions`
    (`no_reactions` only look like one), in a sentence apart where that has nothing but a reaction
    and words `beside_reactions`; a share of `wholes`, or `given`, what is `lost` or
    `withheld` of them, wholes that are `in_part`. `went_on`: with these it does not, but in a
    clause of `other_tasks`.
    """

    phrases: tuple[str, ...]
    ended: tuple[str, ...]
    infusions: tuple[str, ...]
    causes: tuple[str, ...]
    no_causes: tuple[str, ...]
    early: tuple[str, ...]
    wholes: tuple[str, ...]
    given: tuple[str, ...]
    withheld: tuple[str, ...]
    reactions: tuple[str, ...]
    beside_reactions: frozenset[str]
    no_reactions: tuple[str, ...]
    lost: tuple[str, ...]
    in_part: tuple[str, ...]
    asked: tuple[str, ...]
    went_on: tuple[str, ...]
    other_tasks: tuple[str, ...]
    source: str
    verified: bool


class Supplied(Names, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`alone`: of a drug so named, and at the end of a sentence."""

    alone: tuple[str, ...]


class Wasting(Struct, frozen=True, forbid_unknown_fields=True):
    """What notes say of discarded drug; `left`: that there was some, without its amount, and not
    of `supplies`; `lost`: that a vial was opened for nothing."""

    done: tuple[str, ...]
    nouns: tuple[str, ...]
    words: tuple[str, ...]
    left: tuple[str, ...]
    supplies: tuple[str, ...]
    lost: tuple[str, ...]
    source: str
    verified: bool


class Products(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    families: tuple[Family, ...]
    not_iv_iron: NotIvIron
    diluents: Names
    around_iron: Names
    beside_iron: Names
    supplied: Supplied
    wasting: Wasting
    line_draws: Names
    not_given: NotGiven
    interrupted: Interrupted
    oral_iron: OralIronNames

    def is_around(self, before: str) -> bool:
        """Whether what stands BEFORE the name of an iron (plain) says that something else is given,
        around it."""
        near = before[-_NEAR:]
        said = self._around.search(near)
        return said is not None and bool(said.start() or len(near) < len(before))

    @cached_property
    def _around(self) -> re.Pattern[str]:
        words_said, between = (
            "|".join(sorted(some, key=len, reverse=True))
            for some in (self.around_iron.names, self.around_iron.but_not)
        )
        return re.compile(f" (?:{words_said}) (?:(?:{between}) )*$")

    @cached_property
    def drugs_beside_iron(self) -> tuple[str, ...]:
        """Those beside the iron that are no fluid."""
        fluids = {*self.diluents.names, "flush", "blood", "dialysate"}
        return tuple(name for name in self.beside_iron.names if name not in fluids)

    @cached_property
    def name_words(self) -> frozenset[str]:
        """The words of which the names of the families are made."""
        names = chain.from_iterable(family.names for family in self.families)
        return frozenset(chain.from_iterable(words.plain(name).split() for name in names))


class Package(Dated, frozen=True, kw_only=True):
    """A finished package: mg and mL of one container."""

    ndc: str
    family: str
    mg: Decimal
    ml: Decimal
    label: str

    def fits(self, strength: Decimal | None) -> bool:
        """Whether it holds what a label's mg in one mL say, to a hundredth."""
        return strength is None or abs(self.mg / self.ml - strength) <= strength / 100


class NotBillable(Struct, frozen=True, forbid_unknown_fields=True, rename={"what": "is"}):
    product: str
    what: str
    source: str
    verified: bool


class PackageTable(Struct, frozen=True, forbid_unknown_fields=True):
    packages: tuple[Package, ...]
    not_billable: tuple[NotBillable, ...]


class Units(Struct, frozen=True, forbid_unknown_fields=True):
    ucum: dict[str, str]
    texts: dict[str, str]
    per_kg: dict[str, str]
    mg_per: dict[str, Decimal]
    ml_per: dict[str, Decimal]
    minutes_per: dict[str, Decimal]
    source: str
    verified: bool


class LabelDose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Label limits for a population: mg of one dose (or mg per kg), mg of a course and its length
    in days. `below_kg`: for patients known to weigh less; `from_years`: not for younger ones."""

    family: str
    population: Literal["hemodialysis", "peritoneal", "not-on-dialysis", "child", "any"]
    single_mg: Decimal
    single_mg_per_kg: Decimal | None = None
    below_kg: Decimal | None = None
    from_years: int | None = None
    course_mg: Decimal | None = None
    course_days: int | None = None
    source: str
    verified: bool
