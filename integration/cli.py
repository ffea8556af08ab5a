"""The command line, `ferroclaim`."""

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def main() -> None:
    """Turn intravenous-iron administrations into claim lines, and say what documentation is missing."""


if __name__ == "__main__":
    app()
