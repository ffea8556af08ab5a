"""`prior-auth`: what a payer wants before it authorizes an iron, from the chart.

Held by tests/contract/test_prior_auth.py.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from integration.commands.assessing import Patients, Source
from integration.commands.formats import as_json, as_line, put
from integration.commands.options import (
    AsOf,
    CodeDir,
    Config,
    DecisionFiles,
    PolicyDir,
    SiteName,
    Zone,
)
from integration.errors import ConfigurationError

if TYPE_CHECKING:
    from integration.authorizing.charts import AuthorizationCharts
    from integration.authorizing.planned import Asking
    from integration.commands.inputs import Terms

Form = Literal["table", "json", "html", "fhir"]


def mount(app: typer.Typer) -> None:
    app.command("prior-auth")(prior_auth)


def prior_auth(
    source: Source,
    patient: Patients = None,
    order: Annotated[
        list[str] | None,
        typer.Option(
            "--order",
            metavar="ID",
            help="This MedicationRequest, whatever its payer asks (repeatable); default every open"
            " order, and every dose given, that waits for an authorization.",
        ),
    ] = None,
    place: Annotated[
        str | None,
        typer.Option(
            "--place", metavar="CODE", help="Where the doses will be given: a CMS place of service."
        ),
    ] = None,
    doses: Annotated[
        int | None,
        typer.Option("--doses", min=1, max=1000, help="How many, where the order does not say."),
    ] = None,
    form: Annotated[
        Form,
        typer.Option(
            "--format",
            help="table; html: a sheet each to print or fax; fhir: Da Vinci PAS Bundles, one a"
            " line; json.",
        ),
    ] = "table",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write there instead of to standard output.")
    ] = None,
    policy_dir: PolicyDir = None,
    code_dir: CodeDir = None,
    decisions: DecisionFiles = None,
    as_of: AsOf = None,
    time_zone: Zone = None,
    site: SiteName = None,
    config: Config = None,
) -> None:
    """What a payer wants before it authorizes an iron: the request with everything that the chart
    says for it, and what it still lacks."""
    from integration.assessing.sources import is_server
    from integration.authorizing.charts import from_files
    from integration.authorizing.planned import Asking
    from integration.commands.inputs import terms

    given = terms(policy_dir, code_dir, decisions, as_of, time_zone, site, config)
    asking = Asking(given.at, frozenset(map(_order, order or ())), _known_place(place), doses)
    if is_server(source):
        found = _of_server(source, patient, given, asking)
    elif patient:
        raise ConfigurationError("--patient goes with a FHIR base URL as SOURCE.")
    else:
        found = from_files(source, given.deciding, given.policies, asking)
    _tell_unknown(found)
    _written(found, form, out)
    raise typer.Exit(1 if found.problems or (form == "fhir" and _lacks(found)) else 0)


def _of_server(
    source: str, patients: list[str] | None, given: "Terms", asking: "Asking"
) -> "AuthorizationCharts":
    from integration.authorizing.charts import from_server
    from integration.ehr.client import EhrClient
    from integration.ehr.fhir.references import patient_id

    if not patients:
        raise ConfigurationError("Name the patients with --patient ID.")
    with EhrClient(given.server(source)) as client:
        wanted = map(patient_id, patients)
        return from_server(client, wanted, given.policies, asking, given.decisions)


def _order(named: str) -> str:
    return f"MedicationRequest/{named.removeprefix('MedicationRequest/')}"


def _known_place(place: str | None) -> str | None:
    from mappings import codes

    known = codes.settings().by_code
    if place is not None and place not in known:
        raise ConfigurationError(
            f"--place {place!r} is no place of service that is known here: {', '.join(known)}."
        )
    return place


def _tell_unknown(found: "AuthorizationCharts") -> None:
    """Orders that were named and that the charts do not have, then what could not be read."""
    for missing in found.missing:
        _say(f"{missing} is no order of an intravenous iron in the source")
    if found.missing and not found.requests:
        raise ConfigurationError("None of the orders that were named is there.")
    for problem in found.problems:
        _say(f"unreadable: {problem.resource}: {problem.problem}")


def _lacks(found: "AuthorizationCharts") -> bool:
    """Names what no Bundle was made of."""
    lacking = [request for request in found.requests if request.lacking]
    for request in lacking:
        about = request.course.order.source.resource if request.course.order else request.code
        _say(f"{about}: no Bundle was made; it lacks {'; '.join(request.lacking)}")
    return bool(lacking)


def _written(found: "AuthorizationCharts", form: Form, out: Path | None) -> None:
    if form == "table" and out is None:
        from integration.terminal import authorizations
        from integration.terminal.signs import console

        authorizations.show(found, console())
        return
    put(_formatted(found, form), out)


def _formatted(found: "AuthorizationCharts", form: Form) -> bytes:
    if form == "html":
        from integration.authorizing.page import page

        return page(found).encode()
    if form == "table":
        from integration.terminal import authorizations, signs

        return signs.as_text(lambda console: authorizations.show(found, console)).encode()
    if form == "fhir":
        return b"".join(as_line(bundle) + b"\n" for bundle in found.bundles())
    from mappings.authorizing.document import document

    return as_json(document(found.requests, found.covered, found.problems, found.asking.as_of))


def _say(text: str) -> None:
    typer.echo(f"ferroclaim: {text}", err=True)
