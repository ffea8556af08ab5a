"""What is made of public sample data stays as it is: patients, facts, lines, what is unreadable, by
kind."""

import pytest

from tests import public


@pytest.mark.parametrize("name", public.sets())
def test_what_is_made_of_it(name: str) -> None:
    meant = "if the change is meant, run `python -m tests.public`, and look at the difference"
    assert public.counts(name) == public.known()[name], meant


def test_every_set_is_counted_and_named() -> None:
    assert list(public.known()) == public.sets()
    readme = (public.FOLDER / "README.md").read_text("utf-8")
    assert [name for name in public.sets() if name not in readme] == []
