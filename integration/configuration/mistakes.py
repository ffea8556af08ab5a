"""Mistakes of a configuration as a person can mend them: the line, the key, what to write, and what
was meant. Values are never told: one may be a secret.

Held by tests/unit/test_configuring.py.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from integration.configuration.section import SAID
from integration.configuration.table import TomlTable
from integration.configuration.template import NAME, NAMED
from mappings.writing.preparing.identifiers import TAXONOMY

Path = tuple[str, ...]
# A part of a key: bare, or quoted.
_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_HEADER = re.compile(rf"^\s*\[\[?\s*({_PART}(?:\s*\.\s*{_PART})*)\s*\]\]?")
_KEY = re.compile(rf"^\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")
_WANTED = {
    "bool": "write true or false",
    "int": "write a whole number",
    "float": "write a number",
    "decimal": "write a number",
    "string": "write a text in quotes",
    "list": "write a list in [ ]",
    "dict": "write a table, such as [section] with its keys",
    "model": "write a table, such as [section] with its keys",
    "path": "write a path in quotes",
    "date": 'write a day as "2026-01-31"',
}
# What a text has to look like, by its pattern.
FORMS = {
    NAME: NAMED,
    f"^$|{NAME}": NAMED,
    r"^[A-Z]{2}$": "write two capital letters",
    r"^\d{2}$": "write two digits",
    r"^\d{9}$": "write nine digits",
    r"^\d{10}$": "write ten digits",
    r"^\d{5}(\d{4})?$": "write five or nine digits",
    TAXONOMY: "write a taxonomy code such as 282N00000X, without an O for a 0",
    SAID: "write a name; it is empty",
    r"^[0-9A-Za-z]{2,15}$": "write 2 to 15 letters and digits",
    r"^[0-9A-Za-z]([0-9A-Za-z .&_-]{0,13}[0-9A-Za-z])$": (
        "write 2 to 15 letters, digits and . & _ -, a letter or digit at both ends"
    ),
}


def mistakes(error: ValidationError, model: type[BaseModel], text: str, where: str) -> list[str]:
    """`ferroclaim.toml, line 7, sites.general.time_zon: there is no such key; did you mean
    time_zone?`. TEXT is the file's; what does not stand in it came from the environment."""
    lines = lines_of(text)
    said = []
    for problem in error.errors(include_url=False, include_input=False):
        loc = tuple(str(part) for part in problem["loc"])
        if unknown := _unknown_site(loc, lines):
            said.append(f"{_variable(loc[:2])}__…: {unknown}")
            continue
        what = _what(dict(problem), model, loc)
        said.append(f"{_place(loc, lines, where)}{'.'.join(loc) or 'the whole'}: {what}")
    return list(dict.fromkeys(said))


def together(said: Sequence[str]) -> str:
    """Several mistakes as one sentence."""
    whole = "; ".join(said)
    return whole if whole.endswith("?") else f"{whole}."


def lines_of(text: str) -> dict[Path, int]:
    """The line on which each key and table of a TOML file begins; of a table without a line of its
    own, that of the first within it."""
    found: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            for length in range(1, len(table) + 1):
                found.setdefault(table[:length], number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _place(loc: Path, lines: Mapping[Path, int], where: str) -> str:
    """Of the key, else of the innermost table around it that the file has."""
    for length in range(len(loc), 0, -1):
        if loc[:length] in lines:
            return f"{where}, line {lines[loc[:length]]}, "
    return f"{_variable(loc)}, " if loc else f"{where}, "


def _variable(loc: Path) -> str:
    return f"FERROCLAIM_{'__'.join(loc)}".upper().replace("-", "_")


def _unknown_site(loc: Path, lines: Mapping[Path, int]) -> str | None:
    """What is wrong where variables name a site that the file does not have, and it has others."""
    there = sorted({key[1] for key in lines if key[:1] == ("sites",) and len(key) > 1})
    if loc[:1] != ("sites",) or len(loc) < 2 or not there or loc[1] in there:
        return None
    return f"there is no site {loc[1]} in the file; {meant(loc[1], there)}"


def _what(problem: dict[str, Any], model: type[BaseModel], loc: Path) -> str:
    kind = str(problem["type"])
    if kind == "extra_forbidden":
        return f"there is no such key; {meant(loc[-1], _keys(model, loc[:-1]))}"
    if kind == "missing":
        secret = _annotation(model, loc) is SecretStr
        return f"it is missing; {f'set {_variable(loc)}' if secret else 'write it here'}"
    if kind == "string_pattern_mismatch":
        return FORMS[str((problem.get("ctx") or {}).get("pattern"))]
    if kind == "literal_error":
        expected = str((problem.get("ctx") or {}).get("expected", ""))
        return f"write one of {expected.replace(' or ', ', ')}"
    of_type = kind.endswith(("_type", "_parsing", "_parsing_size"))
    wanted = next(
        (text for name, text in _WANTED.items() if of_type and kind.startswith(name)), None
    )
    own = str(problem["msg"]).removeprefix("Value error, ")
    if own.endswith("needs client_secret"):
        own = f"{own}: set {_variable((*loc, 'client_secret'))}"
    if kind == "value_error" or wanted is None:
        return own
    return wanted


def meant(written: str, known: Sequence[str]) -> str:
    """`did you mean time_zone?`, else what there is."""
    close = get_close_matches(written, known, 1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"


def _annotation(model: type[BaseModel], loc: Path) -> Any:
    field = getattr(_section(model, loc[:-1]), "model_fields", {}).get(loc[-1])
    return field and field.annotation


def _keys(model: type[BaseModel], loc: Path) -> list[str]:
    """The keys of the section at LOC."""
    section = _section(model, loc)
    return list(section.model_fields) if section else []


def _section(model: type[BaseModel], loc: Path) -> Any:
    section: Any = model
    for part in loc:
        if isinstance(section, type) and issubclass(section, BaseModel):
            field = section.model_fields.get(part)
            section = next(_models(field.annotation, *field.metadata), None) if field else section
    return section


def _models(*annotations: Any) -> Iterator[type[BaseModel]]:
    """The sections in an annotation: of `dict[str, Site]` and `Web | None` alike."""
    for annotation in annotations:
        if isinstance(annotation, TomlTable) and annotation.model:
            yield annotation.model
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        yield from _models(*get_args(annotation))
