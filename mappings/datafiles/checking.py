"""What a data file's form alone can't forbid.

Held by tests/unit/test_policy_files.py.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from msgspec import Meta

# What is wrong with a value that has its form, by the path below it.
Check = Callable[[Any, tuple[Meta, ...]], Iterable[tuple[str, str]]]


def too_small(value: Any, schema: dict[str, Any]) -> Iterator[str]:
    """What msgspec does not check of a decimal: its least value, as its JSON schema says it."""
    if isinstance(value, Decimal) and ("exclusiveMinimum" in schema and value <= 0):
        yield f"a number above 0 is wanted, not {value}"
    if isinstance(value, Decimal) and ("minimum" in schema and value < 0):
        yield f"a number of at least 0 is wanted, not {value}"
