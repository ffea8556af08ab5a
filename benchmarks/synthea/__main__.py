"""Makes a Synthea population with intravenous iron, as NDJSON by type.

Run: `python -m benchmarks.synthea FOLDER --patients 100` (Java and Maven; some 60 MB are downloaded
the first time). The same seed makes the same people.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.synthea.mending import mend

HERE = Path(__file__).parent
DAY = "20261123"
JAVA = ("-Xmx2g", "-XX:+UseSerialGC", "-Duser.timezone=UTC")
# Of a hospital's system: not what a payer has.
SETTINGS = {
    "exporter.fhir.bulk_data": "true",
    "exporter.fhir.use_us_core_ig": "true",
    "exporter.hospital.fhir.export": "true",
    "exporter.practitioner.fhir.export": "false",
}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--patients", type=int, default=100, help="alive; the dead come beside them")
    asked.add_argument("--years", type=int, default=3, help="of history; active problems stay")
    asked.add_argument("--seed", type=int, default=4242)
    given = asked.parse_args()
    with TemporaryDirectory() as made:
        generate(Path(made), given.patients, given.years, given.seed)
        found = mend(Path(made) / "fhir", given.folder)
    print(found._asdict(), file=sys.stderr)


def generate(folder: Path, patients: int, years: int, seed: int) -> None:
    """Synthea's own files, into FOLDER/fhir."""
    java = shutil.which("java")
    if java is None or shutil.which("mvn") is None:
        sys.exit("Java 17 and Maven are needed: apt-get install openjdk-17-jdk-headless maven")
    settings = {"exporter.baseDirectory": folder, "exporter.years_of_history": years, **SETTINGS}
    command = [java, *JAVA, "-cp", classpath(folder), "App", "-d", str(HERE)]
    command += ["-s", str(seed), "-cs", str(seed), "-r", DAY, "-e", DAY, "-p", str(patients)]
    command += [f"--{name}={value}" for name, value in settings.items()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def classpath(folder: Path) -> str:
    file = folder / "classpath"
    command = ["mvn", "--quiet", "--batch-mode", "--file", str(HERE / "pom.xml")]
    command += ["dependency:build-classpath", f"-Dmdep.outputFile={file}"]
    subprocess.run(command, check=True)
    return file.read_text("utf-8").strip()


if __name__ == "__main__":
    main()
