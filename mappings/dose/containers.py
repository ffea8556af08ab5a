"""R5, R12: what is recorded of one administration's containers, and of drug discarded.

Held by tests/unit/test_waste.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain

from msgspec.structs import replace

from mappings import codes
from mappings.assessment import Evidence, cite
from mappings.codes.tables import Package
from mappings.dose.product import package, whole
from mappings.dose.strength import mg_of
from mappings.dose.waste import Given, Ndc, sizes
from mappings.record import Administration, Container, Discard, Dispense, Drug
from mappings.values.numbers import plain
from mappings.values.remembered import Once
from mappings.values.stated import Unread, only

_ZERO = Decimal(0)


def given(
    administration: Administration,
    mg: Decimal,
    dispenses: Sequence[Dispense],
    handed: tuple[Container, ...],
    once: Once,
) -> Given:
    """An administration with what is documented of its containers. Where that is nothing, the vials
    `handed` out for it count."""
    drug = administration.drug
    dispensed = tuple(chain.from_iterable([dispense.drug.ndcs for dispense in dispenses]))
    named = tuple([container.ndc for container in administration.containers])
    vial, ndc = once.alike(_vial, drug.ndcs, drug.family, dispensed, named)
    counted = documented(administration) or handed
    alone = Given(
        references=(administration.source.resource,),
        mg=mg,
        drawn_mg=max(mg, drug.bag_mg or _ZERO),
        ndc=ndc,
        vial_mg=vial.mg if vial else None,
        problem=administration.containers_problem,
        family=drug.family,
    )
    if not (counted or dispenses or administration.containers or administration.discards):
        return alone
    left = _left(alone, counted)
    amounts = [(discard, _mg(discard, drug, left)) for discard in administration.discards]
    against = next(
        (_unread(discard) for discard, _ in amounts if discard.amount.contradicted), None
    )
    unread = next((_unread(discard) for discard, mg in amounts if mg is None), None)
    discarded, disagreement = (None, against) if unread else _agreed(amounts)
    evidence = [_evidence(discard) for discard, _ in amounts]
    evidence += [
        cite(container.source, _opened_says(container)) for container in counted if container.source
    ]
    opened = tuple(
        container if _of_family([container.ndc], drug.family) else replace(container, ndc=ndc)
        for container in counted
    )
    return replace(
        alone,
        opened=opened,
        discarded=discarded,
        unread=unread,
        problem=alone.problem or _family_problem(administration) or disagreement,
        evidence=tuple(dict.fromkeys(evidence)),
        notes=(
            *_differences(administration, opened, dispensed_vials(dispenses, drug.family)),
            *(_marked(discard) for discard, mg in amounts if discard.amount.problem and mg),
        ),
    )


def _left(alone: Given, counted: Iterable[Container]) -> Decimal:
    """What the containers leave of a dose: those that are known, else the fewest of its vial."""
    held = sum((item.count * (item.mg or _ZERO) for item in counted), _ZERO)
    if not (held or alone.vial_mg):
        return _ZERO
    return (held or whole(alone.drawn_mg, alone.vial_mg or _ZERO)) - alone.mg


def _mg(discard: Discard, drug: Drug, left: Decimal) -> Decimal | None:
    """What was discarded, in mg; words that may be an instruction count where just that is left."""
    known = mg_of(discard.amount, drug)
    if known is not None or discard.perhaps is None or left <= 0:
        return known
    return left if mg_of(discard.perhaps, drug) == left else None


def _marked(discard: Discard) -> str:
    return (
        f'The discard was read from the words "{discard.amount.says}", because it is exactly what'
        " the containers leave."
    )


def _vial(
    ndcs: tuple[str, ...], family: str | None, dispensed: tuple[str, ...], named: tuple[Ndc, ...]
) -> tuple[Package | None, Ndc]:
    """The one package that the drug's NDCs, else those dispensed, say; and the one NDC of all that
    are recorded."""
    vial = package(_of_family(ndcs, family) or dispensed, family)
    known = set(_of_family([*named, *ndcs, *dispensed], family))
    return vial, vial.ndc if vial else only(known)


def documented(administration: Administration) -> tuple[Container, ...]:
    """The containers recorded as opened; none where the content of one is not known."""
    opened = administration.containers
    return opened if all(container.mg for container in opened) else ()


def dispensed_vials(dispenses: Iterable[Dispense], family: str | None) -> tuple[Container, ...]:
    """The vials of a product that were handed out."""
    handed = chain.from_iterable(dispense.containers for dispense in dispenses)
    return tuple(container for container in handed if _of_family([container.ndc], family))


def _of_family(ndcs: Iterable[Ndc], family: str | None) -> list[str]:
    """Those that are finished packages of the family."""
    packages = codes.packages()
    return [ndc for ndc in ndcs if ndc and ndc in packages and packages[ndc].family == family]


def _differences(
    administration: Administration, opened: Sequence[Container], handed: Sequence[Container]
) -> Iterator[str]:
    """Where the record names containers or an NDC that did not count."""
    own = documented(administration)
    if own and handed and sizes(own) != sizes(handed):
        yield "Containers documented and containers dispensed differ; the documented ones are used."
    named, counted = (
        _of_family(administration.drug.ndcs, administration.drug.family),
        sorted({container.ndc for container in opened if container.ndc}),
    )
    if named and counted and not set(named) & set(counted):
        yield (
            f"The record names NDC {named[0]}, but the containers that count are of NDC"
            f" {', '.join(counted)}."
        )


def _family_problem(administration: Administration) -> str | None:
    packages = codes.packages()
    known = [
        packages[container.ndc]
        for container in administration.containers
        if container.ndc and container.ndc in packages
    ]
    return (
        "the containers documented are of another product"
        if any(package.family != administration.drug.family for package in known)
        else None
    )


def _evidence(discard: Discard) -> Evidence:
    says = discard.amount.says
    noted = str(Unread("note", says)) if discard.from_note else f"discarded {says}"
    return cite(discard.source, noted)


def _opened_says(container: Container) -> str:
    return f"{container.count} × {plain(container.mg or _ZERO)} mg opened"


def _unread(discard: Discard) -> str:
    """Why a documented discard says no mg."""
    amount = discard.amount
    unknown = f"as {amount.says}, and nothing says how many mg of iron that is"
    return f"the discarded amount is recorded {amount.problem or unknown}"


def _agreed(amounts: list[tuple[Discard, Decimal | None]]) -> tuple[Decimal | None, str | None]:
    """The one amount that every field and phrase says, or why there is none."""
    if not amounts:
        return None, None
    values = {mg for _, mg in amounts}
    if len(values) > 1:
        said = " and ".join(sorted(discard.amount.says for discard, _ in amounts))
        return None, f"the record says different discarded amounts ({said})"
    value = values.pop()
    return (
        (value, None)
        if value is not None and value >= 0
        else (None, "the discarded amount is negative")
    )
