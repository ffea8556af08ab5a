"""The commands of `ferroclaim`, one file for each group. A start loads the file of its command
alone; what `ferroclaim --help` lists stands here."""

from typing import NamedTuple


class Listed(NamedTuple):
    """The file of a command, and the first words of its help."""

    file: str
    says: str


COMMANDS = {
    "demo": Listed(
        "demo",
        "Assess the sample records that come with the package: no configuration, no network.",
    ),
    "assess": Listed("assessing", "Claim lines and gaps of a source."),
    "explain": Listed(
        "assessing",
        "The whole chain of one line: evidence, arithmetic, rules, sources, predicted denials.",
    ),
    "bulk": Listed(
        "bulk",
        "A whole population in bounded memory. What was stopped goes on: run the same again.",
    ),
    "init": Listed(
        "init",
        "Write a commented ferroclaim.toml, for a kind of EHR or from what a server says of"
        "\nitself.",
    ),
    "samples": Listed("samples", "The sample patients of the demo."),
    "serve": Listed("service", "Run the service: hooks, pages, CDS, and a worker inside."),
    "worker": Listed(
        "service",
        "Assess what is queued, beside `serve` or on another machine with the same database.",
    ),
    "subscribe": Listed(
        "subscribe",
        "Have EHRs tell us of changes. May be run again at any time: it makes what is missing"
        " and\nleaves the rest.",
    ),
    "sweep": Listed(
        "sweep",
        "Search the sites for changes, and queue their patients; the service's workers assess"
        " them.",
    ),
    "doctor": Listed(
        "doctor",
        "Check the configuration against the EHR's own /metadata and SMART configuration.",
    ),
    "policy": Listed(
        "policy", "What payers ask for: look, check, test, and see what a change would move."
    ),
    "codes": Listed(
        "codes",
        "Codes, prices and packages: what is in force, how old, and how to bring it up to date.",
    ),
    "claims": Listed(
        "claims", "Claim files of released lines, what comes back of them, and checks of any 837."
    ),
    "prior-auth": Listed(
        "prior_auth",
        "What a payer wants before it authorizes an iron: the request with everything that the"
        " chart\nsays for it, and what it still lacks.",
    ),
    "decisions": Listed(
        "decisions",
        "What people decided: who is primary, payers' answers, authorizations, a site's words.",
    ),
    "patient": Listed("patient", "One patient: delete what is kept, on request."),
    "failed": Listed("failed", "Work that was given up: list it, try it again, or close it."),
    "keys": Listed("keys", "Keys for SMART Backend Services, and the JWKS to publish."),
}
