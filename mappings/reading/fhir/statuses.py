"""What a status says, by its word: as code, Coding, CodeableConcept or text, in whatever case, with
or without a system; older and newer forms as well. The words are data (`codes/statuses.yaml`).

Held by tests/scenarios/statuses.yaml.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mappings import codes
from mappings.reading.fhir import elements
from mappings.values.remembered import Remembered
from mappings.values.stated import Unread
from mappings.values.words import squeezed

# Of a concept or a coding that says nothing: a reason why data are absent stands there.
_SILENT = frozenset({"extension", "id", "userSelected", "version", "system"})
_MOST_SAID = 80
_TEXT = frozenset({str})

# What stands behind an element of the tables, for a site: word or `system|code` → meaning.
Words = Mapping[str, Mapping[str, str]]


# What a coding says, in the order in which it says it.
OneCoding = tuple[tuple[str, str], ...]


class Statement(NamedTuple):
    """One way in which an element says something."""

    system: str
    code: str
    display: str

    @property
    def key(self) -> str:
        """`system|code`, or the words alone."""
        said = self.code or self.display
        return f"{self.system}|{said}" if self.system else said

    @property
    def says(self) -> str:
        """As it is quoted."""
        return f"{self.code} {self.display}".strip() if self.code != self.display else self.code


def statements(value: object) -> Iterator[Statement]:
    """All that an element states, in any of the forms in which systems write it; none where it only
    says why it is absent."""
    if isinstance(value, str):
        if value.strip():
            yield Statement("", value.strip(), "")
    elif isinstance(value, list):
        for item in value:
            yield from statements(item)
    elif isinstance(value, dict):
        yield from _of_object(value)
    elif value is not None:
        yield Statement("", f"{value}", "")


def _of_object(value: Mapping[str, object]) -> Iterator[Statement]:
    if "coding" in value or "text" in value:
        yield from statements(value.get("coding"))
        yield from statements(value.get("text"))
        return
    parts = [value.get(name) for name in ("code", "display")]
    code, display = ("" if part is None else f"{part}".strip() for part in parts)
    if code or display:
        yield Statement(elements.system(value.get("system")), code, display)
    elif not _SILENT.issuperset(value):
        yield Statement("", f"an object with {', '.join(sorted(value))}", "")


def quoted(said: Sequence[Statement]) -> str:
    """What stands there, cut where it is long."""
    text = " / ".join(dict.fromkeys(one.says for one in said))
    return text if len(text) <= _MOST_SAID else f"{text[: _MOST_SAID - 1]}…"


class StatusReader:
    """Reads statuses for one site, whose own rows stand before the tables'; keeps what it read,
    because an EHR repeats the same few words."""

    def __init__(self, own: Words | None = None) -> None:
        self._own = {
            element: {_key(word): meaning for word, meaning in meanings.items()}
            for element, meanings in (own or {}).items()
        }
        self._known = Remembered(self._of_word_or_coding)
        self._stated = Remembered(self._of_statements)

    def read(self, element: str, value: object) -> str | Unread | None:
        """The meaning in the element's table; None where nothing is stated."""
        if value is None:
            return None
        said = value if isinstance(value, str) else one_coding(value)
        if said is None:
            return self._stated[element, tuple(statements(value))]
        return self._known[element, said]

    def _of_word_or_coding(self, key: tuple[str, str | OneCoding]) -> str | Unread | None:
        element, said = key
        value = said if isinstance(said, str) else {"coding": [dict(said)]}
        return self._stated[element, tuple(statements(value))]

    def _of_statements(self, key: tuple[str, tuple[Statement, ...]]) -> str | Unread | None:
        element, said = key
        if not said:
            return None
        table = codes.statuses()[element]
        own = self._own.get(element, {})
        known = [_meaning(one, own) or _meaning(one, table.meanings) for one in said]
        meanings = {meaning for meaning in known if meaning}
        strange = any(
            meaning is None and one.system.rpartition("/")[2].lower() in table.systems
            for one, meaning in zip(said, known, strict=True)
        )
        if len(meanings) == 1 and not strange:
            return meanings.pop()
        return Unread(element, quoted(said), said[0].key)


def one_coding(value: object) -> OneCoding | None:
    """What a concept of one coding says; None of any other. Nearly all concepts are such a one."""
    codings = value.get("coding") if isinstance(value, dict) and len(value) == 1 else None
    coding = codings[0] if isinstance(codings, list) and len(codings) == 1 else None
    if not isinstance(coding, dict) or not _TEXT.issuperset(map(type, coding.values())):
        return None
    return tuple(coding.items())


def _key(word: str) -> str:
    system, bar, code = word.rpartition("|")
    return f"{elements.system(system)}|{code.strip()}" if bar else squeezed(word)


def _meaning(said: Statement, table: Mapping[str, str]) -> str | None:
    """None where code and display say two things."""
    system = said.system.rpartition("/")[2] if said.system.startswith("http") else said.system
    keys = (f"{said.system}|{said.code}", f"{system}|{said.code}", squeezed(said.code))
    by_code = next((table[key] for key in keys if key in table), None)
    by_display = table.get(squeezed(said.display)) if said.display else None
    return None if by_code and by_display and by_code != by_display else by_code or by_display


# Reads by the tables alone.
PLAIN = StatusReader()
