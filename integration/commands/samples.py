"""`samples`: the sample patients, into a sandbox.

Held by tests/contract/test_init.py.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from integration.commands.options import Config
from integration.errors import ConfigurationError
from integration.terminal.listing import Listing

if TYPE_CHECKING:
    from integration.configuration.site import Site

app = typer.Typer(cls=Listing, no_args_is_help=True, help="The sample patients of the demo.")


@app.callback()
def _group() -> None:
    """So that `load` is named."""


def mount(parent: typer.Typer) -> None:
    parent.add_typer(app, name="samples")


@app.command()
def load(
    server: Annotated[
        str, typer.Argument(help="A site of the configuration, or the FHIR base URL of a sandbox.")
    ],
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox", help="It is a sandbox, though it is neither here nor said so."),
    ] = False,
    config: Config = None,
) -> None:
    """Put the sample patients into a sandbox, a transaction each; once more changes nothing."""
    from integration import samples
    from integration.ehr.client import EhrClient
    from integration.terminal.calling import as_called

    site = _site(server, config)
    _refuse_a_hospital(site, said=sandbox)
    with EhrClient(site) as client:
        for name, bundle in samples.bundles().items():
            client.transport.write("POST", "", _updating(bundle), what=f"loading {name}")
            typer.echo(f"{name}\t{len(bundle['entry'])} resources")
    typer.echo(f"Next: {as_called()} assess {site.base_url} --patient carla", err=True)


def _site(server: str, config: Any) -> "Site":
    from integration.configuration import settings
    from integration.configuration.section import is_address
    from integration.configuration.site import Site

    if is_address(server):
        return Site.adhoc(server)
    return settings.load(config).site(server)


def _refuse_a_hospital(site: "Site", *, said: bool) -> None:
    from urllib.parse import urlsplit

    from integration.configuration.section import is_loopback

    if not (said or site.test_patients or is_loopback(urlsplit(site.base_url).hostname)):
        raise ConfigurationError(
            f"{site.base_url} may be a hospital's: invented patients go into a sandbox only. Say"
            " --sandbox if it is one, or set test_patients = true at its site."
        )


def _updating(bundle: dict[str, Any]) -> dict[str, Any]:
    """Each entry as an update under its own id, whatever the file says."""
    entries = []
    for entry in bundle["entry"]:
        resource = entry["resource"]
        request = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
        entries.append({"resource": resource, "request": request})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}
