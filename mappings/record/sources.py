"""Where a fact was read, who decided it, what could not be read; codes and words as they stand.

Held by tests/unit/test_reading_administrations.py.
"""

from msgspec import Struct


class Source(Struct, frozen=True, gc=False, order=True):
    """The resource (Type/id) and version that a fact was read from."""

    resource: str
    version: str | None = None


class Decided(Struct, frozen=True, gc=False, order=True):
    """What a person decided, and who and when, as evidence."""

    source: Source
    says: str


class Problem(Struct, frozen=True, gc=False, order=True):
    """A resource that could not be read, and why. No patient data beyond the reference."""

    resource: str
    problem: str


class Coding(Struct, frozen=True, gc=False):
    system: str
    code: str
    display: str = ""


class Concept(Struct, frozen=True, gc=False):
    codings: tuple[Coding, ...] = ()
    text: str = ""

    @property
    def words(self) -> list[str]:
        """Its text and the displays of its codings, as far as it has any."""
        return [said for said in (self.text, *(one.display for one in self.codings)) if said]

    @property
    def statements(self) -> list[str]:
        """Its words, then its codes."""
        return [*self.words, *(one.code for one in self.codings if one.code)]
