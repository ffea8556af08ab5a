"""One class name, one meaning."""

import ast

from tests import rooms

# Taken twice, and why.
TWICE = {
    # What the configuration says of a site, and what the rules have of it.
    "Site",
    # A Bundle's, as an EHR answers it and as it is read from a file.
    "Entry", "Page",
    # Rooms apart: lines and resources of a patient; of the configuration and of a claim file; of a
    # status and of a claim; of a notification and of a payer.
    "Group", "Service", "Statement", "Told",
}  # fmt: skip


def test_a_class_name_is_taken_once() -> None:
    trees = {path: ast.parse(path.read_text()) for path in rooms.modules().values()}
    assert rooms.names_taken_twice(trees) == TWICE
