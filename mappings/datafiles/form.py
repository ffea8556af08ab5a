"""What a file says, held against the form that it should have: every mistake with its line.

Held by tests/unit/test_decisions.py.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec
import yaml
from msgspec import Meta, Struct, UnsetType, structs

from mappings.datafiles.checking import Check

T = TypeVar("T")
# Line, and what is wrong there.
Mistake = tuple[int, str]


class NoValue(NamedTuple):
    """What stands in the place of a value that can't be read."""

    line: int
    said: str


class _Part(NamedTuple):
    """A part of the file: its node, the line of its key, its value, and where it stands."""

    node: yaml.Node
    line: int
    value: Any
    path: str


def held(
    node: yaml.Node, value: Any, form: type[T], check: Check | None
) -> tuple[T | None, list[Mistake]]:
    """The value in its form, or all that speaks against it."""
    if check is None:
        try:
            return msgspec.convert(value, form), []
        except msgspec.ValidationError:
            pass
    mistakes = list(
        _mistakes(_Part(node, node.start_mark.line + 1, value, "$"), form, check or _nothing)
    )
    return (None if mistakes else msgspec.convert(value, form)), mistakes


def _nothing(_: Any, __: tuple[Meta, ...]) -> tuple[()]:
    return ()


def _mistakes(part: _Part, form: Any, check: Check) -> Iterator[Mistake]:
    """Those of the parts; where each has its form, those of the whole."""
    if isinstance(part.value, NoValue):
        yield part.value
        return
    plain, metas = _peeled(form)
    inner = list(_inside(part, plain, check))
    said = None if inner else _refusal(part, form, plain, metas)
    if said:
        yield part.line, f"{said} at {part.path}" if part.path != "$" else said
    elif not inner and part.value is not None:
        found = check(msgspec.convert(part.value, form), metas)
        yield from ((line_below(part.node, part.line, path), problem) for path, problem in found)
    yield from inner


def _peeled(form: Any) -> tuple[Any, tuple[Meta, ...]]:
    """A type without `| None` and what stands for silence, without what is said of it; and that."""
    metas: tuple[Meta, ...] = ()
    while True:
        inner = [option for option in get_args(form) if option not in (NoneType, UnsetType)]
        if get_origin(form) is Annotated:
            form, metas = form.__origin__, (*metas, *form.__metadata__)
        elif get_origin(form) in (Union, UnionType) and len(inner) == 1:
            form = inner[0]
        else:
            return form, metas


def _inside(part: _Part, form: Any, check: Check) -> Iterator[Mistake]:
    if isinstance(form, type) and issubclass(form, Struct) and isinstance(part.value, dict):
        yield from _fields(part, form, check)
    elif get_origin(form) is tuple and isinstance(part.value, list):
        for number, (node, value) in enumerate(zip(part.node.value, part.value, strict=True)):
            inner = _Part(node, node.start_mark.line + 1, value, f"{part.path}[{number}]")
            yield from _mistakes(inner, get_args(form)[0], check)
    elif get_origin(form) is dict and isinstance(part.value, dict):
        for key, below in _members(part).items():
            yield from _mistakes(below._replace(value=key), get_args(form)[0], check)
            yield from _mistakes(below, get_args(form)[1], check)


def _fields(part: _Part, form: type[Struct], check: Check) -> Iterator[Mistake]:
    fields = _fields_of(form)
    members = _members(part)
    place = f" at {part.path}" if part.path != "$" else ""
    for name in (name for name in members if name not in fields):
        near = get_close_matches(name, fields, 1)
        known = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(fields))}"
        yield members[name].line, f"unknown field `{name}`{place} ({known})"
    for name, field in fields.items():
        if name in members and members[name].value is None and _is_section(field.type):
            yield (
                members[name].line,
                (
                    f"nothing follows `{name}`{place}: write {{}} if that is all, or leave the"
                    " name out"
                ),
            )
        elif name in members:
            yield from _mistakes(members[name], field.type, check)
        elif field.required:
            yield part.line, f"the field `{name}` is missing{place}"


def _is_section(form: Any) -> bool:
    plain, _ = _peeled(form)
    return isinstance(plain, type) and issubclass(plain, Struct)


@cache
def _fields_of(form: type[Struct]) -> dict[str, structs.FieldInfo]:
    return {field.encode_name: field for field in structs.fields(form)}


def _members(part: _Part) -> dict[str, _Part]:
    return {
        key.value: _Part(
            node, key.start_mark.line + 1, part.value[key.value], f"{part.path}.{key.value}"
        )
        for key, node in part.node.value
        if key.value in part.value
    }


def _refusal(part: _Part, form: Any, plain: Any, metas: tuple[Meta, ...]) -> str | None:
    """Why a value does not have its form, and what to write instead."""
    value = part.value
    if plain in (int, Decimal) and isinstance(value, str):
        if not _is_number(value):
            return f"a number is wanted, without unit, not {value!r}"
        quoted = isinstance(part.node, yaml.ScalarNode) and part.node.style in ("'", '"')
        plainly = f"{Decimal(value):f} instead of {value}"
        return f"write {f'{value} without quotes' if quoted else plainly}"
    if plain is int and isinstance(value, Decimal):
        return f"a whole number is wanted, not {value}"
    if plain is date and isinstance(value, datetime):
        return f"write the date without a time: {value.date()}"
    if plain is date and isinstance(value, str | int | Decimal) and not _is_day(str(value)):
        return f"write the date as {_dated(str(value))}"
    try:
        msgspec.convert(value, form)
    except msgspec.ValidationError as problem:
        if plain is date and isinstance(value, str):
            return f"there is no date {value}: correct the date"
        return _told(str(problem).partition(" - at `")[0], part, plain, metas)
    return None


# What msgspec says, in the words of who writes the file.
_WORDS = (
    (r"Expected `int` <= (\d+)", r"write at most \1"),
    (r"Expected `int` >= (\d+)", r"write at least \1"),
    (r"Expected `(int|decimal)`.*", "a number is wanted"),
    (r"Expected `bool`.*", "write true or false"),
    (r"Expected `str( \| null)?`, .*", "a text is wanted"),
    (r"Expected `object( \| null)?`, .*", "names with values are wanted, such as `name: value`"),
    (r"Expected `array`, .*", "a list is wanted, such as [one, two]"),
    (r"Invalid enum value (.*)", r"\1 is not known"),
)


def _told(said: str, part: _Part, plain: Any, metas: tuple[Meta, ...]) -> str:
    is_text = plain is str or get_origin(plain) is Literal
    if (
        is_text
        and isinstance(part.node, yaml.ScalarNode)
        and not isinstance(part.value, str | None)
    ):
        return f'write "{part.node.value}" in quotes'
    if is_text and isinstance(part.value, str) and not part.value.strip():
        return "a text is wanted here, and it is empty"
    if part.value in ([], {}):
        return "write at least one; none is here"
    if "matching regex" in said:
        return f"{part.value!r} can't stand here: {metas[0].description}"
    for pattern, words in _WORDS:
        said = re.sub(f"^{pattern}$", words, said)
    return (
        f"{said} (known: {', '.join(map(str, get_args(plain)))})"
        if get_origin(plain) is Literal
        else said
    )


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _is_day(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None


def _dated(text: str) -> str:
    """A date of the form month/day/year, or of eight digits, as it should be written; else an
    example."""
    eight = re.fullmatch(r"(\d{4})(\d\d)(\d\d)", text)
    year, month, day = eight.groups() if eight else _of_slashes(text)
    try:
        return str(date(int(year), int(month), int(day)))
    except ValueError:
        return "year-month-day, such as 2027-01-31"


def _of_slashes(text: str) -> tuple[str, str, str]:
    """Year, month, day; a year of two digits is one of this century."""
    month, day, year = [*re.findall(r"\d+", text), "", "", ""][:3]
    return f"20{year}" if len(year) == 2 else year, month, day


def line_below(node: yaml.Node | None, line: int, path: str) -> int:
    """The line of a path such as `requirements.laboratory[0].limit` below a node (or the nearest
    that exists above it)."""
    for part in re.findall(r"[^.\[\]]+", path):
        below = _child(node, part)
        if below is None:
            break
        node, line = below
    return line


def _child(node: yaml.Node | None, part: str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if key.value == part:
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
        item = node.value[int(part)]
        return item, item.start_mark.line + 1
    return None
