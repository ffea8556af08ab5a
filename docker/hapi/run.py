#!/usr/bin/env python3
"""Builds the HAPI FHIR sandbox where needed, and becomes it: the process started here is the
server's."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
TARGET = HERE / "target"
# The compiler's second stage and the parallel collector cost 7 seconds and 300 MB at the start.
JAVA_OPTIONS = (
    "-Xmx1g",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Duser.timezone=UTC",
    "-Dfile.encoding=UTF-8",
)


class ToolMissing(Exception):
    """Java or Maven is not installed."""


def main() -> int | str:
    options = parse_options()
    try:
        java, classpath = find_tool("java"), build()
    except ToolMissing as problem:
        print(problem, file=sys.stderr)
        return os.EX_UNAVAILABLE
    except subprocess.CalledProcessError as problem:
        return f"Maven could not build the HAPI FHIR sandbox:\n{problem.stdout[-4000:]}"
    if options.build_only:
        return 0
    return become(java, classpath, java_properties(options))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 for any free one (default: 8080)")
    parser.add_argument(
        "--database", default="", help="keep the data in this file (default: in memory)"
    )
    parser.add_argument(
        "--interval",
        type=int,
        default=5000,
        metavar="MS",
        help="how often changes are told to subscribers (default: 5000)",
    )
    parser.add_argument(
        "--exit-with-stdin", action="store_true", help="exit when standard input closes"
    )
    parser.add_argument("--build-only", action="store_true")
    return parser.parse_args()


def java_properties(options: argparse.Namespace) -> list[str]:
    values = {
        "host": options.host,
        "port": options.port,
        "database": Path(options.database).resolve() if options.database else "",
        "interval": options.interval,
        "stdin": str(options.exit_with_stdin).lower(),
    }
    return [f"-Dsandbox.{name}={value}" for name, value in values.items()]


def become(java: str, classpath: str, properties: list[str]) -> NoReturn:
    os.environ["CLASSPATH"] = f"{TARGET / 'classes'}{os.pathsep}{classpath}"
    os.execv(java, [java, *JAVA_OPTIONS, *properties, "ferroclaim.HapiSandbox"])  # noqa: S606 (no shell wanted)


def find_tool(name: str) -> str:
    home = os.environ.get("JAVA_HOME")
    found = (
        shutil.which(name, path=f"{home}/bin") if home and name == "java" else shutil.which(name)
    )
    if not found:
        raise ToolMissing(
            f"The HAPI FHIR sandbox needs Java 17 and Maven, and there is no '{name}' here. "
            "On Debian: apt-get install openjdk-17-jdk-headless maven"
        )
    return found


def build() -> str:
    """The class path of the built server; Maven runs only if a source changed or a jar is gone."""
    TARGET.mkdir(exist_ok=True)
    with (TARGET / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_built():
            maven = find_tool("mvn")
            print(
                "Building the HAPI FHIR sandbox (the first time, Maven downloads about 300 MB) ...",
                file=sys.stderr,
            )
            command = [maven, "--quiet", "--batch-mode", "--file", str(HERE / "pom.xml"), "compile"]
            subprocess.run(
                command,
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            (TARGET / "built-from").write_text(fingerprint())
        return (TARGET / "classpath").read_text()


def is_built() -> bool:
    try:
        jars = (TARGET / "classpath").read_text().split(os.pathsep)
        return (TARGET / "built-from").read_text() == fingerprint() and all(
            Path(jar).exists() for jar in jars
        )
    except FileNotFoundError:
        return False


def fingerprint() -> str:
    sources = [
        HERE / "pom.xml",
        *sorted(path for path in (HERE / "src").rglob("*") if path.is_file()),
    ]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
