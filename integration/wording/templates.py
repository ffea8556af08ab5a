"""Pages from templates: how every page of ours is made.

Held by tests/contract/test_launch.py.
"""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

# Marks that turn around how the letters behind them are shown (Unicode TR9: embeddings, overrides,
# isolates): a name with one could show another name, or another birth date.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def templates_of(package: str) -> Environment:
    """The templates of a package; what they do not know is an error, and text stays text."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_as_it_stands,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _as_it_stands(value: Any) -> Any:
    """Letters in their order."""
    turns = isinstance(value, str) and not value.isascii()
    return value.translate(_TURNING) if turns else value
