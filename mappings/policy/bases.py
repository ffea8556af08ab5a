"""A policy that is as another one, but for what its own file says: one level, and on each day as
that one is on that day.

Held by tests/unit/test_policy_bases.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any, TypeVar, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from mappings.codes.tables import Dated
from mappings.policy.modifiers import Modifiers
from mappings.policy.policy import Policy
from mappings.policy.rules import (
    USUAL_RENAL_ANEMIA,
    FilingRule,
    IronDeficiencyRule,
    Requirements,
    Rule,
)
from mappings.values.remembered import by_identity

T = TypeVar("T", bound=Struct)
# What every policy says itself, whatever it is as.
OWN = frozenset({
    "id", "version", "title", "payer", "stands_in", "audience", "source", "verified", "effective",
    "cases", "base", "without",
})  # fmt: skip
_NOTHING_ASKED = Requirements()
_PARTS: dict[str, Struct] = {"requirements": _NOTHING_ASKED, "modifiers": Modifiers()}
_NEXT = timedelta(days=1)


class BaseRefused(ValueError):
    """A policy can't be as another one."""

    def __init__(self, path: str, says: str) -> None:
        super().__init__(says)
        self.path = path


def _open(form: type[T], own: frozenset[str] = frozenset(), **parts: type[Struct]) -> type[T]:
    """FORM as a file says it: what may be another's is UNSET where the file is silent."""
    every = structs.fields(form)
    fields: list[Any] = []
    for field in (field for field in every if field.name not in own):
        kind = parts.get(field.name, field.type)
        fields.append(
            (field.name, kind) if field.required else (field.name, kind | UnsetType, UNSET)
        )
    return cast(
        "type[T]",
        msgspec.defstruct(
            f"Written{form.__name__}",
            fields,
            bases=(form,),
            rename={field.name: field.encode_name for field in every},
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=True,
        ),
    )


# A policy as its file says it.
WRITTEN = _open(Policy, OWN, requirements=_open(Requirements), modifiers=_open(Modifiers))


def _said(part: Struct | UnsetType) -> dict[str, Any]:
    """What a part of a file says, by field."""
    if isinstance(part, UnsetType):
        return {}
    return {name: said for name, said in structs.asdict(part).items() if said is not UNSET}


def completed(written: Policy, base: Policy | None = None) -> Policy:
    """The policy that a file means; BASE is the one that it is as."""
    own, taken = _said(written), _lent(base, _is_for(base, written)) if base else _PARTS
    left_out = {field: getattr(_NOTHING_ASKED, field) for field in map(_field, written.without)}
    for name in _PARTS:
        said = _said(own.get(name, UNSET))
        if name == "requirements":
            said = left_out | said
        own[name] = structs.replace(taken[name], **said) if said else taken[name]
    return Policy(**{**taken, **own})


def _field(name: str) -> str:
    """Of a row by its name under requirements."""
    return name.replace("-", "_")


def whole(written: Policy, beside: Iterable[Policy], others: Iterable[Policy]) -> Iterator[Policy]:
    """The policy of a file as each version of its base makes it, on the days of both; of several
    each has a version of its own. BESIDE: the files that are read with it. OTHERS: policies that
    ship, on the days that those leave them; one of its own id is the one that it replaces.
    BaseRefused where it can't be as that one."""
    if written.base is None:
        yield _alone(written)
        return
    bases = list(_bases(written, beside, others))
    if not bases:
        raise BaseRefused("as", _none(written, {policy.id for policy in (*beside, *others)}))
    _refuse(written, bases)
    both = [base for base in bases if base.effective.meets(*_days(written))]
    for base in both:
        found = completed(written, base)
        if len(both) > 1:
            found = _version(found, base)
        yield found


def _version(policy: Policy, base: Policy) -> Policy:
    """The policy on the days of one of several versions of its base."""
    days = _shared(policy, base)
    return structs.replace(
        policy,
        version=f"{policy.version} ({base.id} {base.version})",
        effective=days,
        cases=tuple(
            case for case in policy.cases if case.given.day is None or days.holds(case.given.day)
        ),
    )


@by_identity
def _alone(written: Policy) -> Policy:
    return completed(written)


def _bases(written: Policy, beside: Iterable[Policy], others: Iterable[Policy]) -> Iterator[Policy]:
    """Every version of the policy that this one is as."""
    of_itself = written.base == written.id
    for other in () if of_itself else beside:
        if other.id == written.base and other.base is not None:
            raise BaseRefused(
                "as",
                f"{other.id} is itself as {other.base}: be as that one, and say here what"
                f" {other.id} says beside",
            )
        if other.id == written.base:
            yield _alone(other)
    yield from (other for other in others if other.id == written.base)


def _days(policy: Policy) -> tuple[date | None, date | None]:
    return policy.effective.start, policy.effective.end


def _shared(written: Policy, base: Policy) -> Dated:
    """The days of both."""
    (start, end), (begins, ends) = _days(written), _days(base)
    first, last = max(start or date.min, begins or date.min), min(end or date.max, ends or date.max)
    return structs.replace(
        written.effective,
        start=None if first == date.min else first,
        end=None if last == date.max else last,
    )


def _none(written: Policy, known: Iterable[str]) -> str:
    if written.base == written.id:
        return f"no built-in policy is {written.id}, and a policy can't be as itself"
    near = get_close_matches(written.base or "", known, 1)
    means = f"did you mean {near[0]}?" if near else "`ferroclaim policy list` names the built-in"
    unknown = "neither a built-in policy nor a file that is read with this one is"
    return f"{unknown} {written.base} ({means})"


def _refuse(written: Policy, bases: Sequence[Policy]) -> None:
    """Where a policy can't be as these versions of another one."""
    start, end = _days(written)
    day = start or date.min
    for base in sorted(bases, key=lambda base: base.effective.start or date.min):
        begins, ends = _days(base)
        if (begins or date.min) > day:
            break
        if ends is None or ends >= (end or date.max):
            return _refuse_without(written, bases)
        day = max(day, ends + _NEXT)
    since = f"on {day}" if day > date.min else "from the first day on"
    raise BaseRefused(
        "effective",
        f"there is no {written.base} {since}, which it is as: give it `effective` dates on which"
        " there is one",
    )


def _refuse_without(written: Policy, bases: Sequence[Policy]) -> None:
    said = _said(written.requirements)
    for name in written.without:
        field = _field(name)
        if field in said:
            problem = f"{name} is asked under requirements: take it out of one of them"
            raise BaseRefused("without", problem)
        usual = getattr(_NOTHING_ASKED, field)
        if all(getattr(base.requirements, field) == usual for base in bases):
            raise BaseRefused("without", f"{written.base} does not ask {name}: take it out")


def _is_for(base: Policy, written: Policy) -> bool:
    """Whether the policy is for payers that the base is for: what a text of these says is said of
    them, too. One that stands in is for those without a policy of their own."""
    theirs, ours = base.audience, written.audience
    named = set(ours.payers)
    return (
        base.stands_in <= written.stands_in
        and set(ours.kinds) <= set(theirs.kinds)
        and (not theirs.payers or (bool(named) and named <= set(theirs.payers)))
    )


@by_identity
def _lent(base: Policy, same_payer: bool) -> dict[str, Any]:
    """What another policy takes from this one, by field."""
    taken = {name: getattr(base, name) for name in Policy.__struct_fields__ if name not in OWN}
    taken["notes"] = tuple(_row(note, base, same_payer) for note in base.notes)
    return taken | {
        name: _rows(taken[name], usual, base, same_payer) for name, usual in _PARTS.items()
    }


def _rows(part: Struct, usual: Struct, base: Policy, same_payer: bool) -> Struct:
    """Each row with its own authority; what the base says nothing about stays as it is."""
    found: dict[str, Any] = {}
    for name in part.__struct_fields__:
        said = getattr(part, name)
        if said == getattr(usual, name):
            continue
        if isinstance(said, tuple):
            found[name] = tuple(_row(row, base, same_payer) for row in said)
        elif isinstance(said, Rule):
            found[name] = _row(said, base, same_payer)
    return structs.replace(part, **found)


def _row(row: Any, base: Policy, same_payer: bool) -> Any:
    """A row of the base, with its source; of another payer, whose it is, and nothing that this
    payer has said."""
    source = row.source or base.source
    if same_payer:
        return structs.replace(row, source=source, verified=base.verifies(row))
    others: dict[str, Any] = {"source": f"as {base.title}: {source}", "verified": False}
    if isinstance(row, FilingRule):
        others["confirmed"] = False
    if isinstance(row, IronDeficiencyRule) and row.renal_anemia not in (None, USUAL_RENAL_ANEMIA):
        others["renal_anemia"] = _row(row.renal_anemia, base, same_payer)
    return structs.replace(row, **others)
