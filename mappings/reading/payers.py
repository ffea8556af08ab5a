"""Which kind of payer codes and names tell of, and whose policy applies (R10a, R12).

Held by tests/unit/test_coverages.py.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

from msgspec import Struct

from mappings import codes
from mappings.codes.tables import PayerName
from mappings.reading.fhir import elements
from mappings.record import Coding, Concept
from mappings.values import words

# What a certain code of Coverage.type says of itself, whatever the payer's name.
_CERTAIN = frozenset({"drug-only", "dental", "vision", "not-medical", "supplement"})
_PARTS_OF_MEDICARE = frozenset(
    {"medicare-advantage", "supplement", "drug-only", "hospital-only", "hospice"}
)


class Words(Struct, frozen=True, kw_only=True):
    """What a Coverage says in words: of the plan, of the payer, beside codes that tell the kind for
    certain (`of_codes`: they decide no more than a payer's name), and beside those of no system."""

    plan: tuple[str, ...] = ()
    payer: tuple[str, ...] = ()
    of_codes: tuple[str, ...] = ()
    beside_codes: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.plan, *self.payer, *self.of_codes, *self.beside_codes)))


class Told(Struct, frozen=True, kw_only=True):
    """`conflict`: codes and names say different kinds. `pays_second`: it says so of itself."""

    kind: str | None = None
    payer: str | None = None
    conflict: bool = False
    pays_second: bool = False


def told(kind: Concept, said: Words, paid_by_patient: bool = False) -> Told:
    """What type and words tell together; words beside a code without a system tell nothing by
    themselves, and may contradict."""
    payer = (*said.payer, *said.of_codes)
    solid = _told(kind, said.plan, payer, paid_by_patient)
    if solid.kind is None or not said.beside_codes:
        return solid
    whole = _told(kind, (*said.plan, *said.beside_codes), payer, paid_by_patient)
    return solid if whole.kind == solid.kind else Told(payer=solid.payer, conflict=True)


@codes.remembered
def _told(kind: Concept, plan: tuple[str, ...], payer: tuple[str, ...], by_patient: bool) -> Told:
    of_plan = list(chain.from_iterable(map(named, plan)))
    of_payer = list(chain.from_iterable(map(named, payer)))
    every = [*of_plan, *of_payer]
    found, conflict = _kind(
        [_coded(coding) for coding in kind.codings], of_plan, of_payer, by_patient
    )
    if found == "medicare" and not any(map(_is_fee_for_service, kind.codings)):
        found = _medicare_or_not(plan, payer)
    by_name = not any(payer.strong and payer.kind == "commercial" for payer in every)
    if found == "commercial" and by_name and not any(map(is_certain, kind.codings)):
        found = None if any(map(may_be_public, (*plan, *payer))) else found
    return Told(
        kind=found,
        payer=next((payer.payer for payer in every if payer.payer), None),
        conflict=conflict,
        pays_second=any(payer.pays_second for payer in every),
    )


def _is_fee_for_service(coding: Coding) -> bool:
    return coding.system == elements.SOPT and coding.code.startswith("12")


def _medicare_or_not(plan: tuple[str, ...], payer: tuple[str, ...]) -> str | None:
    """Of Medicare by its name or a code for all of it: original Medicare; Medicare Advantage by its
    words; None where a name may be an insurer's ("Clover Health Medicare", "Devoted Health")."""
    texts, table = (*plan, *payer), codes.payers()
    if any(words.first_of(text, table.managed) for text in texts):
        return "medicare-advantage"
    may_be = any(map(may_be_an_insurers, texts)) or any(map(_is_strange, payer))
    return None if may_be else "medicare"


def _is_strange(payer: str) -> bool:
    """Whether a payer's name is in no row, and has words that are none of original Medicare's."""
    return not named(payer) and bool(_others(payer))


def may_be_an_insurers(text: str) -> bool:
    """Whether words stand beside "Medicare" that are none of original Medicare's names."""
    taken = [payer.name for payer in named(text) if payer.kind == "medicare"]
    others = _others(text, chain.from_iterable(name.split() for name in taken))
    return bool(taken) and not all(map(str.isdigit, others))


def may_be_another(text: str) -> bool:
    """Whether words leave open whose plan it is."""
    return may_be_an_insurers(text) or may_be_public(text)


def may_be_public(text: str) -> bool:
    """Whether words stand beside an insurer's name by which it may be a plan of Medicare or
    Medicaid."""
    own = [payer.name for payer in named(text)]
    said = words.apart(text, (*own, *codes.payers().public_plans))
    return not set(own).issuperset(said)


def _others(text: str, known: Iterable[str] = ()) -> list[str]:
    """The words of a text that are neither known nor of original Medicare's names."""
    own = {*codes.payers().beside_medicare, *known}
    return [word for word in words.plain(text).split() if word not in own]


def _kind(
    coded: list[tuple[str, bool] | None],
    of_plan: list[PayerName],
    of_payer: list[PayerName],
    by_patient: bool,
) -> tuple[str | None, bool]:
    """The kind of payer, and whether codes and names contradict each other."""
    said = [one for one in coded if one]
    hints = {kind for kind, certain in said if not certain}
    certain = _most_special({kind for kind, sure in said if sure} | _strong(of_plan, of_payer))
    if certain == {"medicare"} and "managed-care" in hints:
        return "medicare-advantage", False
    private = any(not payer.strong for payer in (*of_plan, *of_payer))
    # "Aetna Medicare" may be Medicare Advantage, a supplement or a drug plan: a person's decision,
    # not ours.
    if len(certain) > 1 or (certain == {"medicare"} and private):
        return None, True
    kinds = certain or _probable(of_plan, of_payer, hints) or ({"self-pay"} if by_patient else ())
    return (next(iter(kinds)), False) if len(kinds) == 1 else (None, bool(kinds))


def _strong(of_plan: list[PayerName], of_payer: list[PayerName]) -> set[str]:
    """The plan's words decide over the payer's, but for a payer that is not medical at all.
    "Medicare" alone is no plan's word: desks write it for all of Medicare's."""
    plan = {payer.kind for payer in of_plan if payer.strong and payer.kind}
    payer = {payer.kind for payer in of_payer if payer.strong and payer.kind}
    not_medical = set(codes.payers().beside_medical)
    return plan | (payer & not_medical) if plan - {"medicare"} else plan | payer


def _probable(of_plan: list[PayerName], of_payer: list[PayerName], hints: set[str]) -> set[str]:
    """By an insurer's usual kind, else by what the type hints at."""
    insurers = {payer.kind for payer in (*of_plan, *of_payer) if not payer.strong and payer.kind}
    managed = {"commercial"} if "managed-care" in hints else set()
    return insurers or hints - {"managed-care", "public"} or managed


def _most_special(kinds: set[str]) -> set[str]:
    """Drop what another kind makes more precise: Medicare Advantage, a supplement or a drug plan
    are Medicare by name as well."""
    if kinds & _PARTS_OF_MEDICARE:
        kinds = kinds - {"medicare"}
    if "supplement" in kinds:
        kinds = kinds - {"commercial"}
    several = len(kinds) > 1 and kinds <= set(codes.payers().beside_medical)
    return {"not-medical"} if several else kinds


def _coded(coding: Coding) -> tuple[str, bool] | None:
    """The kind that a code says, and whether for certain; a code without a system says nothing."""
    table = codes.payers()
    if coding.system == elements.SOPT:
        rows = [row for row in table.sopt if coding.code.startswith(row.prefix)]
        return (max(rows, key=lambda row: len(row.prefix)).kind, True) if rows else None
    if coding.system == elements.SELF_PAY:
        return "self-pay", True
    if coding.system != elements.ACT_CODE:
        return None
    kind = table.act_code.get(coding.code.upper())
    return (kind, kind in _CERTAIN) if kind else None


def is_certain(coding: Coding) -> bool:
    """Whether a code tells the kind for certain."""
    coded = _coded(coding)
    return coded is not None and coded[1]


@codes.remembered
def unknown_code(kind: Concept) -> str | None:
    """A code of a system of payers that is in no table, where nothing else of the type tells what
    it is. SOPT's 7 and 9 are known, and say of no kind."""
    read = any(_coded(coding) for coding in kind.codings)
    if read or any(map(named, kind.words)):
        return None
    ours = (elements.SOPT, elements.ACT_CODE)
    found = (coding.code for coding in kind.codings if coding.system in ours and coding.code)
    return next((code for code in found if not code.startswith(("7", "9"))), None)


@lru_cache(maxsize=4096)
def named(text: str) -> tuple[PayerName, ...]:
    """The names in a text ("Medicare" is none in "Medicare Advantage"); a plan that is medical
    among other things is medical."""
    table, said = codes.payers(), words.plain(text)
    rows = {row.name: row for row in table.names if not row.alone or words.plain(row.name) == said}
    found = [rows[name] for name in words.apart(text, rows)]
    taken = [payer.name for payer in found]
    medical = any(
        words.contains(text, word) and not any(words.contains(name, word) for name in taken)
        for word in table.medical
    )
    return tuple(payer for payer in found if not (medical and payer.kind in table.beside_medical))
