"""The code tables that hold for one site: the built-in ones, with the site's own rows beside and
over them.

Whoever reads a record, assesses it or writes it hands the tables over with `using`; the rules ask
`mappings.codes` and see these.

Held by tests/unit/test_own_codes.py.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from functools import cache, cached_property, wraps
from typing import Any, TypeVar, TypeVarTuple

import msgspec
from msgspec import Struct

from mappings.codes.claim_forms import ClaimForms
from mappings.codes.clinical import Diagnoses, Labs
from mappings.codes.finished_packages import FinishedPackages
from mappings.codes.requirement import Requirement, RequirementTable
from mappings.codes.rows import DenialCode, Published, UnitsPerDay
from mappings.codes.tables import (
    AdministrationServices,
    BesideIron,
    CodeSystems,
    Family,
    GivingWords,
    LabelDose,
    Modifier,
    NoteTypes,
    PackageTable,
    Payers,
    Payment,
    Products,
    SettingTable,
    StatusTable,
    StatusWords,
    Units,
    WindowTable,
)
from mappings.datafiles.loading import packaged, structure
from mappings.values.remembered import Bounded

T = TypeVar("T")
Asked = TypeVarTuple("Asked")


class CodeTables(Struct, frozen=True, dict=True, kw_only=True):
    """Frozen; a site's are another object. `published`: what the site's own rows were imported
    from."""

    products: Products
    package_table: PackageTable
    labs: Labs
    diagnoses: Diagnoses
    units: Units
    settings: SettingTable
    payers: Payers
    payment: Payment
    administration_services: AdministrationServices
    beside_iron: BesideIron
    dosing: tuple[LabelDose, ...]
    requirement_table: RequirementTable
    systems: CodeSystems
    status_table: StatusTable
    giving: GivingWords
    note_types: NoteTypes
    claim_forms: ClaimForms
    windows: WindowTable
    units_per_day: tuple[UnitsPerDay, ...] = ()
    modifiers: tuple[Modifier, ...] = ()
    denial_codes: tuple[DenialCode, ...] = ()
    published: tuple[Published, ...] = ()

    @cached_property
    def families(self) -> dict[str, Family]:
        return {row.family: row for row in self.products.families}

    @cached_property
    def packages(self) -> FinishedPackages:
        """Finished packages by 11-digit NDC."""
        return FinishedPackages(self.package_table.packages)

    @cached_property
    def statuses(self) -> dict[str, StatusWords]:
        """What statuses mean, by element: `Condition.clinicalStatus`."""
        return {row.element: row for row in self.status_table.elements}

    @cached_property
    def billing_codes(self) -> dict[str, tuple[str, Decimal]]:
        """Each HCPCS code of an iron, with its family and mg per unit."""
        return {
            row.code: (family.family, row.mg_per_unit)
            for family in self.products.families
            for row in family.codes
        }

    @cached_property
    def _names(self) -> dict[str, frozenset[str]]:
        found = {}
        for family in self.products.families:
            for row in family.codes:
                before = [one.code for one in family.codes if one.gave_way_to(row)]
                found[row.code] = frozenset({row.code, *before})
        return found

    def names_of(self, code: str | None) -> frozenset[str]:
        """The codes by which rules may mean the drug that is billed with CODE: itself, and those
        whose place it took. A payer's text names the codes of its time."""
        return self._names.get(code, frozenset({code})) if code else frozenset()

    @cached_property
    def digest(self) -> bytes:
        """Of everything in them: what was checked against them holds as long as it is the same."""
        return hashlib.sha256(msgspec.msgpack.encode(self, order="deterministic")).digest()

    @cached_property
    def requirements(self) -> dict[str, Requirement]:
        return self.requirement_table.by_id

    @cached_property
    def remembered(self) -> defaultdict[Callable[..., Any], Bounded[Any, Any]]:
        """What functions made of their arguments by these tables."""
        return defaultdict(Bounded)


def _table(name: str, form: type[T]) -> T:
    where, text = packaged("codes", name)
    return structure(text, where, form, rests_on=b"")


@cache
def built_in() -> CodeTables:
    """The tables that ship in the package, read once."""
    return CodeTables(
        products=_table("products.yaml", Products),
        package_table=_table("packages.yaml", PackageTable),
        labs=_table("labs.yaml", Labs),
        diagnoses=_table("diagnoses.yaml", Diagnoses),
        units=_table("units.yaml", Units),
        settings=_table("settings.yaml", SettingTable),
        payers=_table("payers.yaml", Payers),
        payment=_table("payment.yaml", Payment),
        administration_services=_table("services.yaml", AdministrationServices),
        beside_iron=_table("beside.yaml", BesideIron),
        dosing=_table("dosing.yaml", tuple[LabelDose, ...]),
        requirement_table=_table("requirements.yaml", RequirementTable),
        systems=_table("systems.yaml", CodeSystems),
        status_table=_table("statuses.yaml", StatusTable),
        giving=_table("giving.yaml", GivingWords),
        note_types=_table("notes.yaml", NoteTypes),
        claim_forms=_table("claims.yaml", ClaimForms),
        windows=_table("windows.yaml", WindowTable),
    )


_current: ContextVar[CodeTables | None] = ContextVar("code_tables", default=None)


def in_force() -> CodeTables:
    """Those of the site that is being read, assessed or written for; else the built-in ones."""
    return _current.get() or built_in()


@contextmanager
def using(tables: CodeTables | None) -> Iterator[None]:
    """Within the block these are in force (None: the built-in ones). The block must not yield: a
    generator would leak them."""
    before = _current.set(tables or built_in())
    try:
        yield
    finally:
        _current.reset(before)


def remembered(function: Callable[[*Asked], T]) -> Callable[[*Asked], T]:
    """Remembers what FUNCTION makes of the same hashable arguments by the tables in force, because
    an EHR repeats the same few thousand codes and words. It must ask nothing else."""

    @wraps(function)
    def asked(*arguments: *Asked) -> T:
        known: Bounded[tuple[*Asked], T] = in_force().remembered[function]
        try:
            return known[arguments]
        except KeyError:
            pass
        return known.keep(arguments, function(*arguments))

    return asked
