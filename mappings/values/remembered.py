"""What is worked out once of frozen values: of those that live as long as a policy or a table does,
of what charts repeat, and of the values of one patient.

Held by tests/unit/test_remembered.py.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, Self, TypeVar, TypeVarTuple, overload

Given = TypeVarTuple("Given")
K = TypeVar("K")
T = TypeVar("T")

# More than the rows and rules of all policies together.
_MOST = 10_000
# More than the codes, words and quantities of a site.
_MOST_KEYS = 20_000


class Bounded(dict[K, T]):
    """What is known of each key. Of too many keys all are forgotten."""

    def __init__(self, most: int = _MOST_KEYS) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: K, value: T) -> T:
        """Returns VALUE."""
        if len(self) >= self._most:
            self.clear()
        self[key] = value
        return value


class Remembered(Bounded[K, T]):
    """What FUNCTION gives for a key, worked out when it is looked up for the first time. FUNCTION
    must ask nothing else."""

    def __init__(self, function: Callable[[K], T], most: int = _MOST_KEYS) -> None:
        super().__init__(most)
        self._function = function

    def __missing__(self, key: K) -> T:
        return self.keep(key, self._function(key))


def by_identity(function: Callable[[*Given], T]) -> Callable[[*Given], T]:
    """Remembers what FUNCTION gives for the very same objects, by place. They must be frozen, and
    it must ask nothing else; a mere equal of one is worked out anew."""
    known: Bounded[tuple[int, ...], tuple[object, T]] = Bounded(_MOST)

    @wraps(function)
    def remembered(*arguments: *Given) -> T:
        key = tuple(map(id, arguments))
        try:
            return known[key][1]
        except KeyError:
            pass
        # With the arguments, so that no other object gets the identity of one.
        return known.keep(key, (arguments, function(*arguments)))[1]

    return remembered


class kept(Generic[T]):  # noqa: N801 - it reads as `cached_property`, and is one
    """A property that is worked out once. Without the lock that `functools.cached_property` takes
    before Python 3.12, which costs more than most of them: two threads would find the same."""

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, _: type) -> Self: ...
    @overload
    def __get__(self, instance: object, _: type) -> T: ...
    def __get__(self, instance: object | None, _: type) -> Self | T:
        if instance is None:
            return self
        found = instance.__dict__[self._name] = self._function(instance)
        return found


class Once:
    """The same for the frozen values of one patient; it lasts as long as the patient is looked
    at."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[object, Any]] = {}
        self._alike: dict[tuple[object, ...], Any] = {}

    def __call__(self, function: Callable[[*Given], T], *arguments: *Given) -> T:
        """What FUNCTION gives for the very same objects; it must ask nothing else."""
        key = (function, *map(id, arguments))
        if key not in self._known:
            self._known[key] = (arguments, function(*arguments))
        given: T = self._known[key][1]
        return given

    def alike(self, function: Callable[[*Given], T], *arguments: *Given) -> T:
        """What FUNCTION gives for equal values; these must be small."""
        key = (function, *arguments)
        if key not in self._alike:
            self._alike[key] = function(*arguments)
        given: T = self._alike[key]
        return given
