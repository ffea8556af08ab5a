"""Pages of the requirements and of the denials that they predict."""

from collections.abc import Sequence

from docs.make.markdown import table
from mappings import codes


def chapters() -> dict[str, str]:
    """File name → text."""
    return {"requirements.md": requirements(), "denials.md": denials()}


def requirements() -> str:
    prediction = codes.requirement_table()
    rows = [
        (
            row.title,
            f"`{row.id}`",
            f"The payer {row.asks}",
            row.fix,
            row.owner,
            "holds the line" if row.blocking else "warns",
            row.scope,
            row.waivable,
            _denial(row.carc, row.rarc),
            row.source or "the policy's",
            prediction.source if row.carc else "",
            prediction.verified if row.carc else "",
        )
        for row in codes.requirements().values()
    ]
    heads = [
        "requirement",
        "id",
        "what a payer asks",
        "what to do",
        "who",
        "unless met",
        "scope",
        "waivable",
        "denial",
        "source",
        "source of the denial",
        "denial verified",
    ]
    return f"""# What a dose needs

Each is `met`, `missing`, `expired`, `incomplete`, `contradicted`, `not-covered` or
`not-applicable`. What is not met holds the line or
warns (a policy may say otherwise). *Waivable*: a person with the
biller's role may release the line all the same, with a reason.

{table(heads, rows)}
"""


def _denial(carc: str | None, rarc: Sequence[str]) -> str:
    return " + ".join([f"CARC {carc}", *(f"RARC {code}" for code in rarc)]) if carc else ""


def denials() -> str:
    prediction = codes.requirement_table()
    found: dict[str, list[str]] = {}
    for row in codes.requirements().values():
        if row.carc:
            found.setdefault(_denial(row.carc, row.rarc), []).append(row.title)
        for state, other in (*row.denial_by_state.items(), *row.denial_by_cause.items()):
            found.setdefault(_denial(other.carc, other.rarc), []).append(f"{row.title} ({state})")
    rows = [
        (denial, names, prediction.source, prediction.verified)
        for denial, names in sorted(found.items(), key=lambda item: _number(item[0]))
    ]
    return f"""# Denials that are predicted

Read backward: what to look for when such a denial came.

{table(["denial", "when this is not met", "source", "verified"], rows)}
"""


def _number(denial: str) -> tuple[int, str]:
    digits = denial.split()[1]
    return int(digits) if digits.isdigit() else 1000, denial
