"""Kinds of payers and their names.

Held by tests/unit/test_coverages.py.
"""

from msgspec import Struct


class SoptRow(Struct, frozen=True, forbid_unknown_fields=True):
    prefix: str
    kind: str
    source: str
    verified: bool


class PayerName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`alone`: only where it is the whole text. `pays_second`: it says so of itself."""

    name: str
    kind: str | None = None
    payer: str | None = None
    strong: bool = True
    alone: bool = False
    pays_second: bool = False


class Payers(Struct, frozen=True, forbid_unknown_fields=True):
    """`medical`: words of a plan that is medical, whatever kinds of `beside_medical` it is
    besides. `managed`: words of Medicare Advantage, and `beside_medicare`: of original
    Medicare's names, beside "Medicare". `public_plans`: words beside an insurer's name by which
    it may be a plan of Medicare or Medicaid. `in_doubt`: words of a coverage that may not hold.
    `against_approval`, `taken_back`: words of an answer's disposition, and of its notes,
    against the approval that it codes."""

    sopt: tuple[SoptRow, ...]
    act_code: dict[str, str]
    medical: tuple[str, ...]
    beside_medical: tuple[str, ...]
    managed: tuple[str, ...]
    beside_medicare: tuple[str, ...]
    public_plans: tuple[str, ...]
    in_doubt: tuple[str, ...]
    against_approval: tuple[str, ...]
    taken_back: tuple[str, ...]
    names: tuple[PayerName, ...]
    source: str
    verified: bool
