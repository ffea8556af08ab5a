"""`doctor`: what will and won't work at a site, by its own word.

Held by tests/contract/test_operating.py.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from integration.commands.options import Config
from integration.errors import ConfigurationError, FerroclaimError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from integration.configuration.settings import Settings
    from integration.configuration.site import Site
    from integration.ehr.doctor import DoctorFinding, DoctorReport
    from mappings.assessment import Question


def mount(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    site: Annotated[
        str | None,
        typer.Argument(
            help="A site of the configuration, or a FHIR base URL; default: every site."
        ),
    ] = None,
    patient: Annotated[
        str | None, typer.Option("--patient", help="Read this patient, too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
    config: Config = None,
) -> None:
    """Check the configuration against the EHR's own /metadata and SMART configuration."""
    import msgspec

    from integration.ehr.doctor import examine

    settings = _settings(site, config)
    reports = [
        examine(chosen, patient).also(_beside(chosen, settings))
        for chosen in _sites(site, settings)
    ]
    if as_json:
        typer.echo(
            msgspec.json.format(
                msgspec.json.encode([report.as_dict() for report in reports])
            ).decode()
        )
    else:
        for report in reports:
            _show(report)
    raise typer.Exit(0 if all(report.works for report in reports) else 1)


def _beside(site: "Site", settings: "Settings | None") -> "Iterator[DoctorFinding]":
    """What no EHR says: whether the site's own policies, its key and its CDS clients' can be used,
    and the classes and words that no assessment kept of it understands."""
    from integration.claims.basis import basis_of
    from integration.ehr.transport.keys import Keyring
    from integration.operating import logs
    from integration.smart.server import fetched_keys

    if settings is None:
        return
    logs.configure(settings.log, b"")
    yield from _twins(site, settings)
    judged: list[DoctorFinding] = []
    yield from _tried(
        "The site's policies can't be used",
        lambda: judged.extend((*_payers_without_policy(site), *_unmeant(site))),
    )
    yield from judged
    if key_file := site.app and site.app.key_file:
        yield from _tried("Nobody can open the app from a chart", lambda: Keyring.load(key_file))
    if site.claims.prices:
        yield from _tried(
            "No claim file can be written", lambda: basis_of(site, (), datetime.now(UTC))
        )
    for client in site.cds:
        yield from _tried(
            f"No CDS call of {client.issuer} can be trusted",
            partial(fetched_keys, site, client.jwks_url),
        )
    if settings.database_url:
        questions: list[Question] = []
        yield from _tried(
            "The database cannot be asked", lambda: questions.extend(_questions(site, settings))
        )
        yield from map(_of_question, questions)


def _twins(site: "Site", settings: "Settings") -> "Iterator[DoctorFinding]":
    """Sites that read the same charts: the ledger and the claims of each know nothing of the
    other's."""
    from integration.ehr.doctor import DoctorFinding

    for other in settings.sites.values():
        is_same = (other.base_url, other.search_params) == (site.base_url, site.search_params)
        if is_same and other.name != site.name:
            yield DoctorFinding(
                "problem",
                f"Site {other.name} has the same charts",
                "Every dose would be billed, and every gap written, once for each of the two.",
                "Keep one of them, or tell them apart by search_params",
            )


def _payers_without_policy(site: "Site") -> "Iterator[DoctorFinding]":
    """Payers by a key that no policy of their kind is for: the default of the kind judges them."""
    from integration.assessing.clients import policies_for
    from integration.configuration.mistakes import meant
    from integration.ehr.doctor import DoctorFinding

    audiences = [policy.audience for policy in policies_for(site).policies]
    for name, alias in site.payer_aliases.items():
        keys = {key for one in audiences if alias.kind in one.kinds for key in one.payers}
        if alias.payer and alias.payer not in keys:
            yield DoctorFinding(
                "note",
                f'No policy is for the payer "{alias.payer}"',
                f'The default of {alias.kind} judges the lines of "{name}" in payer_aliases.',
                f"Write a policy for it, or another key: {meant(alias.payer, sorted(keys))}",
            )


def _unmeant(site: "Site") -> "Iterator[DoctorFinding]":
    """Keys of its tables, and policies of its own, that nothing in a chart can be about."""
    from integration.assessing.clients import policies_for
    from integration.configuration.unmeant import unmeant
    from integration.ehr.doctor import DoctorFinding
    from mappings import codes

    policies = policies_for(site)
    with codes.using(site.facts().codes):
        every = list(unmeant(site, policies))
    for found in every:
        yield DoctorFinding("note", f'"{found.where}" is about nothing', found.why, found.fix)


def _tried(what: str, do: Callable[[], object]) -> "Iterator[DoctorFinding]":
    """A problem where it can't be done."""
    from integration.ehr.doctor import DoctorFinding

    try:
        do()
    except FerroclaimError as problem:
        yield DoctorFinding("problem", what, str(problem))


def _questions(site: "Site", settings: "Settings") -> "list[Question]":
    from integration.serving.process import opened
    from integration.store import assessments

    with opened(settings) as store, store.transaction() as db:
        return list(assessments.questions(db, site.name))


def _of_question(question: "Question") -> "DoctorFinding":
    from integration.ehr.doctor import DoctorFinding
    from integration.wording.words import plural

    return DoctorFinding(
        "note",
        f'{question.element} "{question.says}" is in no table',
        f"{plural(question.doses, 'dose')} on record wait for it.",
        f'Give it a meaning once, in the site\'s {question.table}, under "{question.value}"',
    )


def _is_address(name: str | None) -> bool:
    """Raises where an address lacks its beginning."""
    from integration.configuration import section

    return name is not None and section.is_address(name)


def _settings(name: str | None, config: Path | None) -> "Settings | None":
    """None for an address alone."""
    from integration.configuration import settings

    return None if _is_address(name) else settings.load(config)


def _sites(name: str | None, settings: "Settings | None") -> "list[Site]":
    from integration.configuration.site import Site

    if settings is None:
        return [Site.adhoc(name or "")]
    if not (name or settings.sites):
        raise ConfigurationError(
            "No site is configured: name a FHIR base URL, or write a ferroclaim.toml with"
            " `ferroclaim init`."
        )
    return settings.chosen([name] if name else None)


def _show(report: "DoctorReport") -> None:
    from rich.table import Table
    from rich.text import Text

    from integration.terminal.signs import console, sign

    out = console(markup=False)  # "Check [auth]"
    works = "works" if report.works else "does NOT work yet"
    out.print(
        Text.assemble(
            (f"\nSite {report.site}", "bold"),
            f" ({report.software or 'software unknown'}, profile {report.profile}): {works}",
        )
    )
    table = Table(show_header=False, box=None, pad_edge=False)
    arrow = sign("arrow", out)
    for finding in sorted(report.findings, key=lambda finding: finding.level != "problem"):
        table.add_row(
            sign(finding.level, out),
            finding.what,
            "\n".join(filter(None, (finding.why, finding.fix and f"{arrow} {finding.fix}"))),
        )
    out.print(table)
