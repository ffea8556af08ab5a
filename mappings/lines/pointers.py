"""R9: which of a line's diagnoses its claim points to.

Held by tests/scenarios/diagnoses.yaml.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain

from mappings import codes
from mappings.assessment import Finding
from mappings.circumstances.diagnoses import Stated

_ALWAYS = "iron-deficiency-anemia"


@cache
def _most() -> int:
    """That a claim line takes; no site has other limits of its own."""
    return codes.built_in().claim_forms.limits.pointers


def pointers(
    sequence: Sequence[str], stated: Iterable[Stated], findings: Iterable[Finding]
) -> tuple[str, ...]:
    """Of a line's codes those that met requirements rest on, the iron deficiency among them, then
    the others; in the line's sequence."""
    most = _most()
    if len(sequence) <= most:
        return tuple(sequence)
    met = [finding.evidence for finding in findings if finding.state == "met"]
    rested_on = {item.resource for item in chain.from_iterable(met)}
    wanted = {diagnosis.code for diagnosis in stated if diagnosis.by.source.resource in rested_on}
    always = codes.diagnoses().group(_ALWAYS)
    ranked = sorted(sequence, key=lambda code: (code not in always, code not in wanted))
    chosen = set(ranked[:most])
    return tuple(code for code in sequence if code in chosen)
