"""The code tables: products, packages, laboratory analytes, diagnoses, units, settings, payers,
payment, administration services, dosing, requirements.

A table is read once.
"""

from functools import cache
from typing import TypeVar

from mappings.codes.clinical import Diagnoses, Labs
from mappings.codes.tables import (
    AdministrationServices,
    Family,
    Giving,
    LabelDose,
    Package,
    Packages,
    Payers,
    Payment,
    Products,
    Requirement,
    RequirementTable,
    Settings,
    Units,
)
from mappings.datafiles.loading import packaged, structure

T = TypeVar("T")


def _table(name: str, form: type[T]) -> T:
    where, text = packaged("codes", name)
    return structure(text, where, form)


@cache
def products() -> Products:
    return _table("products.yaml", Products)


@cache
def families() -> dict[str, Family]:
    return {row.family: row for row in products().families}


@cache
def package_table() -> Packages:
    return _table("packages.yaml", Packages)


@cache
def packages() -> dict[str, Package]:
    """Finished packages by 11-digit NDC."""
    return {row.ndc: row for row in package_table().packages}


@cache
def labs() -> Labs:
    return _table("labs.yaml", Labs)


@cache
def diagnoses() -> Diagnoses:
    return _table("diagnoses.yaml", Diagnoses)


@cache
def units() -> Units:
    return _table("units.yaml", Units)


@cache
def giving() -> Giving:
    return _table("giving.yaml", Giving)


@cache
def settings() -> Settings:
    return _table("settings.yaml", Settings)


@cache
def payers() -> Payers:
    return _table("payers.yaml", Payers)


@cache
def payment() -> Payment:
    return _table("payment.yaml", Payment)


@cache
def administration_services() -> AdministrationServices:
    return _table("services.yaml", AdministrationServices)


@cache
def dosing() -> tuple[LabelDose, ...]:
    return _table("dosing.yaml", tuple[LabelDose, ...])


@cache
def requirement_table() -> RequirementTable:
    return _table("requirements.yaml", RequirementTable)


@cache
def requirements() -> dict[str, Requirement]:
    return {row.id: row for row in requirement_table().requirements}
