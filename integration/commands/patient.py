"""`patient`: what is kept of one patient, and its deletion on request.

Held by tests/contract/test_deleting.py.
"""

from typing import Annotated

import typer

from integration.commands.options import Config
from integration.errors import ConfigurationError
from integration.terminal.listing import Listing

app = typer.Typer(
    cls=Listing, no_args_is_help=True, help="One patient: delete what is kept, on request."
)


def mount(parent: typer.Typer) -> None:
    parent.add_typer(app, name="patient")


@app.callback()
def _several() -> None:
    """One patient: delete what is kept, on request."""


@app.command()
def delete(
    site: Annotated[str, typer.Argument(help="The site, as the configuration names or named it.")],
    patient: Annotated[str, typer.Argument(help="The FHIR id of the patient there.")],
    reason: Annotated[
        str, typer.Option(help="On whose request, and why; the audit table keeps it.")
    ] = "",
    even_claims: Annotated[
        bool, typer.Option("--even-claims", help="Claims that left and count, too.")
    ] = False,
    config: Config = None,
) -> None:
    """Delete everything that is kept of a patient. The chart in the EHR, and what was written
    there, are the EHR's."""
    from integration.commands.inputs import refuse_unknown_site, settings_with_store, who
    from integration.serving.process import opened
    from integration.store import erasing, patients
    from integration.wording.words import plural
    from integration.work.queue import patient_key

    if not reason.strip():
        raise ConfigurationError("Say on whose request, and why, with --reason.")
    settings = settings_with_store(config)
    with opened(settings) as store:
        with store.transaction() as db:  # the site may have left the configuration
            known = patients.find(db, site, patient.removeprefix("Patient/"))
            refuse_unknown_site(db, settings, site)
        if known is None:
            raise ConfigurationError(f"Nothing is kept of that patient at site {site}.")
        with store.holding(patient_key(known.id)) as hold:
            if not hold.ours:
                raise ConfigurationError(
                    "The patient is being assessed now. Try again in a minute."
                )
            with store.transaction() as db:
                sent = erasing.counting_claims(db, known)
                if sent and not even_claims:
                    raise ConfigurationError(
                        f"{plural(sent, 'claim')} of this patient left, and what is kept of it"
                        " may be asked for by a payer. --even-claims deletes it all the same."
                    )
                done = erasing.erase(db, known, who(), reason.strip())
    typer.echo(f"{plural(done.rows, 'record')} deleted.")
    for file in done.kept_files:
        typer.echo(f"{file} holds others' claims, too, and stays as it was sent.")
