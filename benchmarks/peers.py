"""What else reads an export: programs that find who was given an iron and count what is theirs, the
join that a bulk run begins with. None of them assesses anybody.

Each is run as `python -c PROGRAM FOLDER`, prints its count, and waits for all that it started.
"""

from typing import NamedTuple

ORJSON = """
import sys
from pathlib import Path
import orjson
folder = Path(sys.argv[1])

def rows(path):
    with path.open("rb") as stream:
        for line in stream:
            yield orjson.loads(line)

def whose(row):
    found = row.get("subject") or row.get("patient") or row.get("beneficiary") or {}
    return found.get("reference")

ours = {
    whose(row)
    for row in rows(folder / "MedicationAdministration.ndjson")
    if row["medicationCodeableConcept"]["text"] == "Venofer"
}
print(sum(whose(row) in ours for path in folder.iterdir() for row in rows(path)))
"""
DUCKDB = """
import sys
import duckdb
whose = "STRUCT(reference VARCHAR)"
drug = "medicationCodeableConcept: 'STRUCT(text VARCHAR)'"
print(duckdb.sql(f'''
WITH ours AS (
    SELECT DISTINCT subject.reference AS patient
    FROM read_ndjson('{sys.argv[1]}/MedicationAdministration.ndjson',
                     columns={{subject: '{whose}', {drug}}})
    WHERE medicationCodeableConcept.text = 'Venofer')
SELECT count(*)
FROM read_ndjson('{sys.argv[1]}/*.ndjson',
                 columns={{subject: '{whose}', patient: '{whose}', beneficiary: '{whose}'}}) AS one
JOIN ours
ON ours.patient = coalesce(one.subject.reference, one.patient.reference, one.beneficiary.reference)
''').fetchall()[0][0])
"""
POLARS = """
import sys
from pathlib import Path
import polars as pl
folder = Path(sys.argv[1])
whose = pl.Struct({"reference": pl.String})
forms = {"AllergyIntolerance": "patient", "Immunization": "patient", "Coverage": "beneficiary"}

def scan(kind, **more):
    name = forms.get(kind, "subject")
    found = pl.scan_ndjson(folder / f"{kind}.ndjson", schema={name: whose, **more})
    return found.with_columns(patient=pl.col(name).struct.field("reference"))

concept = pl.Struct({"text": pl.String})
given = scan("MedicationAdministration", medicationCodeableConcept=concept)
iron = pl.col("medicationCodeableConcept").struct.field("text") == "Venofer"
ours = given.filter(iron).select("patient").unique().collect().lazy()
kinds = {path.stem for path in folder.iterdir()} - {"Patient", "Location"}
print(sum(
    scan(kind).join(ours, on="patient", how="semi").select(pl.len()).collect().item()
    for kind in sorted(kinds)
))
"""
SPARK = """
import sys
from pyspark.sql import SparkSession, functions as f
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.sql.shuffle.partitions", "2")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("OFF")
whose = "STRUCT<reference: STRING>"
given = spark.read.schema(f"subject {whose}, medicationCodeableConcept STRUCT<text: STRING>").json(
    f"{sys.argv[1]}/MedicationAdministration.ndjson"
)
ours = (
    given.where("medicationCodeableConcept.text = 'Venofer'")
    .select(f.col("subject.reference").alias("owner"))
    .distinct()
)
every = spark.read.schema(f"subject {whose}, patient {whose}, beneficiary {whose}").json(
    f"{sys.argv[1]}/*.ndjson"
)
owner = f.coalesce("subject.reference", "patient.reference", "beneficiary.reference")
print(every.select(owner.alias("owner")).join(f.broadcast(ours), "owner").count())
java = spark.sparkContext._gateway.proc
spark.stop()
java.stdin.close()
java.wait()
"""
# Of one line in SHARE: all of them would take minutes.
SHARE = 20
FHIR_RESOURCES = f"""
import sys
from itertools import islice
from pathlib import Path
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError
count = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    model = get_fhir_model_class(path.stem)
    with path.open("rb") as stream:
        for line in islice(stream, 0, None, {SHARE}):
            try:
                model.model_validate_json(line)
            except ValidationError:
                pass
            count += 1
print(count)
"""


class Peer(NamedTuple):
    """`times`: how often its cost is that of a part; `counts`: it does the whole join."""

    name: str
    program: str
    times: int = 1
    counts: bool = True


PEERS = (
    Peer("orjson and the join", ORJSON),
    Peer("DuckDB SQL", DUCKDB),
    Peer("Polars", POLARS),
    Peer("Spark SQL, local", SPARK),
    Peer("fhir.resources", FHIR_RESOURCES, SHARE, counts=False),
)
