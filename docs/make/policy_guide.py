"""The tables inside docs/policies.md, from the structures that policy files are read by."""

import re
from collections.abc import Iterable
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct, structs

from docs.make.markdown import table
from mappings import codes
from mappings.policy import conditions
from mappings.policy.cases import CaseFacts
from mappings.policy.laboratory import LAB_VALUES
from mappings.policy.measures import MEASURES
from mappings.policy.modifiers import DiscountModifier, Modifiers
from mappings.policy.policy import For, Policy
from mappings.policy.rules import PersonNote, Requirements, Rule

GUIDE = Path(__file__).parents[1] / "policies.md"
_COMMON = frozenset(Rule.__struct_fields__)


def filled(text: str) -> str:
    """The guide with its tables made anew."""
    made = parts()
    return re.sub(
        r"<!-- made: (\w+) -->\n.*?<!-- end -->",
        lambda found: f"<!-- made: {found[1]} -->\n{made[found[1]]}\n<!-- end -->",
        text,
        flags=re.DOTALL,
    )


def parts() -> dict[str, str]:
    """Table name → Markdown."""
    return {
        "requirements": _requirements(),
        "common": _fields(Rule),
        "policy": _fields(
            Policy, without=("requirements", "modifiers", "notes", "cases", "audience")
        ),
        "audience": _fields(For),
        "modifiers": _fields(Modifiers),
        "dated": _fields(DiscountModifier),
        "notes": _fields(PersonNote),
        "facts": _fields(CaseFacts),
        "conditions": table(["name", "is"], _names()),
    }


def _requirements() -> str:
    hints = get_type_hints(Requirements)
    rows = []
    for field in structs.fields(Requirements):
        form = next(row for row in _classes(hints[field.name]))
        options = [row for row in structs.fields(form) if row.name not in _COMMON]
        said = (
            " ".join((form.__doc__ or "").split())
            if form is not Rule
            else "Asked, with nothing to set."
        )
        rows.append(
            (f"`{field.encode_name}`", ", ".join(f"`{row.encode_name}`" for row in options), said)
        )
    return table(["under `requirements`", "may say", "which means"], rows)


def _classes(hint: Any) -> Iterable[type[Struct]]:
    if isinstance(hint, type) and issubclass(hint, Struct):
        yield hint
    for part in get_args(hint):
        yield from _classes(part)


def _fields(form: type[Struct], without: tuple[str, ...] = ()) -> str:
    hints = get_type_hints(form, include_extras=True)
    rows = [
        (f"`{row.encode_name}`", _meaning(hints[row.name]), _default(row))
        for row in structs.fields(form)
        if row.name not in without
    ]
    return table(["name", "is", "without it"], rows)


def _meaning(hint: Any) -> str:
    """The type, and what the structure says of the field."""
    said = [meta.description for meta in getattr(hint, "__metadata__", ()) if meta.description]
    kind = _kind(hint.__origin__ if said else hint)
    return f"{kind}: {said[0]}" if said else kind


def _kind(hint: Any) -> str:
    """A type in words."""
    origin, inner = get_origin(hint), [part for part in get_args(hint) if part is not type(None)]
    if origin is Annotated:
        return _kind(hint.__origin__)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin in (Union, UnionType):
        return " or ".join(map(_kind, inner))
    if origin is tuple:
        return f"a list of {_kind(inner[0])}"
    if origin is dict:
        return f"{_kind(inner[0])}, each with {_kind(inner[1])}"
    if isinstance(hint, type) and issubclass(hint, Struct):
        return ", ".join(f"`{row.encode_name}`" for row in structs.fields(hint))
    words = {
        "str": "text",
        "int": "a whole number",
        "Decimal": "a number",
        "bool": "true or false",
        "date": "a date",
    }
    return words[hint.__name__]


def _default(row: structs.FieldInfo) -> str:
    if row.required:
        return "must be there"
    if row.default is NODEFAULT or row.default in (None, ()) or isinstance(row.default, Struct):
        return ""
    return f"`{str(row.default).lower() if isinstance(row.default, bool) else row.default}`"


def _names() -> list[tuple[str, str]]:
    labs = [
        (f"`{name}`", f"the newest usable result within the window, in {row.unit}")
        for name, row in LAB_VALUES.items()
    ]
    named = {
        name: f"a diagnosis of the day begins with {', '.join(row.prefixes)}"
        for name, row in codes.diagnoses().named_by_payers.items()
    }
    known = _FLAGS | named
    measures = [(f"`{name}`", row.is_) for name, row in MEASURES.items()]
    return [*labs, *measures, *((f"`{name}`", known[name]) for name in sorted(conditions.FLAGS))]


_FLAGS = {
    "aki": "acute kidney injury (N17.-) is active on the day",
    "child": "under 18 on the day; unknown without a birth date",
    "ckd": "a chronic kidney disease (N18.-, or I12, I13, E08 to E13.22) is active on the day",
    "dialysis": "Z99.2, a dialysis treatment within 90 days before, or the dialysis facility",
    "esa": "an erythropoiesis-stimulating agent was given or ordered in the 90 days before",
    "esrd": "N18.6 and dialysis",
    "female": "by the patient's administrative gender; unknown for any but female and male",
    "hemodialysis": "the recorded treatments are hemodialysis",
    "male": "as `female`",
    "pregnant": (
        "a pregnancy status of the last 280 days says so; without one, a diagnosis of the visit or"
        " of these days (O09, O99.01, Z33.1, Z34, Z3A)"
    ),
}


def write() -> None:
    """The guide's tables in its file."""
    GUIDE.write_text(filled(GUIDE.read_text("utf-8")), "utf-8")
