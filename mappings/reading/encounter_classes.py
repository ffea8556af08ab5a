"""Encounter.class: HL7's tables, vendors' and the site's own, by system; what is in no table by its
plain word, or not at all (R7).

Held by tests/unit/test_reading_people.py.
"""

from collections.abc import Mapping
from functools import lru_cache

from mappings import codes
from mappings.codes.tables import EncounterClasses
from mappings.reading.fhir import elements
from mappings.reading.fhir.statuses import Statement, quoted, statements
from mappings.record import EncounterClass
from mappings.values.remembered import Remembered
from mappings.values.stated import Unread, only
from mappings.values.words import squeezed

_ELEMENT = "Encounter.class"


class ClassReader:
    """Reads classes for one site, whose own rows stand before the tables'; keeps what it read,
    because an EHR repeats the same few classes."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self._own = {key.strip().lower(): kind for key, kind in (own or {}).items()}
        self._known = Remembered(self._meant)

    def read(self, value: object) -> EncounterClass | Unread | None:
        """The class; None where there is none, or the sender does not know it."""
        return self._known[tuple(statements(value))]

    def _meant(self, said: tuple[Statement, ...]) -> EncounterClass | Unread | None:
        known = [(one, kind) for one in said if (kind := self._kind(one))]
        kinds = {kind for _, kind in known}
        unknown = [one for one in said if one not in [other for other, _ in known]]
        strange = any(map(_is_of_hl7, unknown))
        if len(kinds) != 1 or strange or "undecided" in kinds:
            return Unread(_ELEMENT, quoted(said), (*unknown, *said)[0].key) if said else None
        if kinds == {"none"}:
            return None
        by_word = all(self._in_table(one) is None for one, _ in known)
        return EncounterClass(kinds.pop(), known[0][0].says, by_word)

    def _kind(self, said: Statement) -> str | None:
        """None where code and display say two things."""
        coded = self._in_table(said)
        plain = {squeezed(part) for part in (said.code, said.display)}
        worded = {kind for word, kind in codes.settings().plain_words.items() if word in plain}
        found = worded | ({coded} if coded else set())
        return only(found)

    def _in_table(self, said: Statement) -> str | None:
        own = self._own.get(said.key.lower()) or self._own.get((said.display or said.code).lower())
        return own or next(filter(None, (_listed(row, said) for row in _tables_of(said))), None)


def _tables_of(said: Statement) -> list[EncounterClasses]:
    system = _plain_address(said.system)
    return [
        row
        for row in codes.settings().encounter_classes
        if (row.alone and not system) or system in map(_plain_address, row.systems)
    ]


def _listed(table: EncounterClasses, said: Statement) -> str | None:
    code = said.code.lower()
    return table.by_code.get(f"{code}|{said.display.lower()}") or table.by_code.get(code)


def _is_of_hl7(said: Statement) -> bool:
    return any(row.alone for row in _tables_of(said)) and bool(said.system)


@lru_cache(maxsize=4096)
def _plain_address(system: str) -> str:
    address = elements.system(system).strip().lower().rstrip("/ ")
    return address.replace("https://", "http://")
