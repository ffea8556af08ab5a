"""`keys`: the keys that identify us to an EHR, their rotation, and the JWKS to publish.

Held by tests/unit/test_keys.py.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from integration.errors import ConfigurationError
from integration.terminal.listing import Listing

group = typer.Typer(
    cls=Listing,
    help="Keys for SMART Backend Services, and the JWKS to publish.",
    no_args_is_help=True,
)
KeyFile = Annotated[Path, typer.Argument(help="The key file, as in auth.key_file of a site.")]


def mount(app: typer.Typer) -> None:
    app.add_typer(group, name="keys")


@group.command()
def new(
    file: KeyFile,
    algorithm: Annotated[
        Literal["ES384", "RS384"],
        typer.Option("--algorithm", help="What the EHR supports; both are SMART's."),
    ] = "ES384",
) -> None:
    """Make a key; in a file that has some, the new one signs and the old stay published until they
    are retired."""
    from integration.ehr.transport.keys import Keyring

    ring = Keyring.load(file) if file.exists() else Keyring(())
    ring = ring.with_new(algorithm)
    ring.save(file)
    typer.echo(f"{ring.signing().kid}", nl=True)
    typer.echo(
        f"Key written to {file}. Publish the JWKS (`ferroclaim keys jwks {file}`, or"
        " /.well-known/jwks.json of the service).",
        err=True,
    )


# A kid is a thumbprint, and may begin with a hyphen.
@group.command(context_settings={"ignore_unknown_options": True})
def retire(
    file: KeyFile, key_id: Annotated[str, typer.Argument(help="The kid of the key.")]
) -> None:
    """Take a key out, once no EHR can hold an assertion that it signed."""
    from integration.ehr.transport.keys import Keyring

    Keyring.load(file).without(key_id).save(file)


@group.command("list")
def list_keys(file: KeyFile) -> None:
    """The keys of a file, newest (the signing one) first."""
    from integration.ehr.transport.keys import Keyring

    for key in Keyring.load(file).jwks()["keys"]:
        typer.echo(f"{key['kid']} {key['alg']}")


@group.command()
def jwks(files: Annotated[list[Path], typer.Argument(help="Key files.")]) -> None:
    """The public keys as a JWKS document."""
    import json

    from integration.ehr.transport.keys import Keyring, jwks_of

    if not files:
        raise ConfigurationError("Name a key file.")
    typer.echo(json.dumps(jwks_of([Keyring.load(file) for file in files]), indent=2))
