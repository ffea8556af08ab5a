"""docs/scopes.md, from the table that the scopes are asked by."""

from pathlib import Path

from docs.make.markdown import table
from integration.ehr.scopes import FORMS, NEEDS, Context, Need

PAGE = Path(__file__).parents[1] / "scopes.md"


def page() -> str:
    """The whole page."""
    return f"""<!-- Made by `make docs` from integration/ehr/scopes.py: change that. -->

# Scopes

What to register for ferroclaim, and why. Scopes are asked for in their second form where the server
knows it (`permission-v2`), else in the first: `.read` for `rs`, `.write` for what is created or
updated. Of a server that lists scopes only such are asked as it lists. `auth.scopes` and
`app.scopes` replace these lists.

What a token does not give is left out: without `Provenance` or `Device` the gaps are written alone,
and what the chart page may not write goes to the billing office as a note.

## The app: people who open a chart

`launch openid fhirUser online_access` (`launch/patient` where the chart is chosen at the EHR), and

{_rows("user")}

## The service: SMART Backend Services

{_rows("system")}

- *gaps*: with `write_back` as it is by default, one of {_names(FORMS[:-1])} is written, whichever
  the server takes first; a form that `write_back` names is the only one asked for, and with
  `write_back = "worklist"` nothing is.
- *claims*: where a billing provider or a receiver is configured.
- *subscriptions*: unless `subscriptions.form = "none"`.
"""


def _rows(context: Context) -> str:
    when = {"written": "gaps", "claims": "claims", "subscribed": "subscriptions", "always": ""}
    rows = [
        (
            f"`{need.kind}`",
            _scope(context, need, need.read) if context in need.reads else "",
            _scope(context, need, need.written_with(context)),
            when[need.when],
            need.why,
        )
        for need in NEEDS
        if context in need.reads or need.written_with(context)
    ]
    return table(["type", "to read", "to write", "for", "why"], rows)


def _scope(context: Context, need: Need, letters: str) -> str:
    return f"`{context}/{need.kind}.{letters}`" if letters else ""


def _names(kinds: tuple[str, ...]) -> str:
    return f"{', '.join(kinds[:-1])} and {kinds[-1]}"


def write() -> None:
    PAGE.write_text(page(), encoding="utf-8")
