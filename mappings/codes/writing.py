"""A site's rows as the YAML that `own` reads: a row a line, in the form of the built-in tables.

Held by tests/unit/test_published_files.py.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import yaml

from mappings.codes.rows import OwnRows


class _Dumper(yaml.SafeDumper):
    """Decimals as they are."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - as PyYAML calls it
        return True


def _decimal(dumper: yaml.SafeDumper, number: Decimal) -> yaml.ScalarNode:
    written = f"{number:f}"
    return dumper.represent_scalar(
        "tag:yaml.org,2002:float" if "." in written else "tag:yaml.org,2002:int", written
    )


_Dumper.add_representer(Decimal, _decimal)


def written(rows: OwnRows, heading: str) -> str:
    """`heading`: a comment for who opens the file."""
    built: dict[str, Any] = msgspec.to_builtins(rows, builtin_types=(date, Decimal))
    text = [f"# {heading}\n"]
    for name, table in built.items():
        if isinstance(table, dict):
            text.append(f"{name}: {_one(table)}")
        elif table:
            text.append(f"{name}:\n")
            text += [f"  - {_one(row)}" for row in table]
    return "".join(text)


def _one(row: dict[str, Any]) -> str:
    kept = {name: value for name, value in row.items() if value is not None}
    return yaml.dump(
        kept,
        Dumper=_Dumper,
        default_flow_style=True,
        width=10**6,
        sort_keys=False,
        allow_unicode=True,
    )
