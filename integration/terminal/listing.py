"""How the help of a group lists its commands.

Held by tests/contract/test_codes_command.py.
"""

from typing import Any

from typer.core import TyperGroup


class Listing(TyperGroup):
    """Says the first sentence of each command whole, where Typer would cut it off."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        known = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        says = [(name, found.get_short_help_str(1000)) for name, found in known.items() if found]
        with formatter.section("Commands"):
            formatter.write_dl(says)
