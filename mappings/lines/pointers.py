"""R9: which four of a line's diagnoses its claim points to.

Held by tests/scenarios/diagnoses.yaml.
"""

from collections.abc import Iterable, Sequence
from itertools import chain

from mappings import codes
from mappings.assessment import Finding
from mappings.circumstances.diagnoses import Stated

MOST_POINTERS = 4
_ALWAYS = "iron-deficiency-anemia"


def pointers(
    sequence: Sequence[str], stated: Iterable[Stated], findings: Iterable[Finding]
) -> tuple[str, ...]:
    """Of a line's codes those that met requirements rest on, the iron deficiency among them, then
    the others; in the line's sequence."""
    if len(sequence) <= MOST_POINTERS:
        return tuple(sequence)
    met = [finding.evidence for finding in findings if finding.state == "met"]
    rested_on = {item.resource for item in chain.from_iterable(met)}
    wanted = {diagnosis.code for diagnosis in stated if diagnosis.by.source.resource in rested_on}
    always = codes.diagnoses().group(_ALWAYS)
    ranked = sorted(sequence, key=lambda code: (code not in always, code not in wanted))
    chosen = set(ranked[:MOST_POINTERS])
    return tuple(code for code in sequence if code in chosen)
