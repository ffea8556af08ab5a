"""A bulk run by Spark on this machine writes the same bytes as one without: needs the `spark` extra
and Java, as `make test-spark` has them."""

import builtins
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import population
from integration.bulk.engines import spark
from integration.bulk.steps import RunSetting
from integration.bulk.surveying.sources import source as files
from integration.errors import ConfigurationError
from mappings.policy import choosing
from mappings.site import Site
from tests import builders
from tests.bulk.dirt import damaged
from tests.unit.test_bulk import written


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("population")
    population.write(folder, patients=12, iron=0.3)
    (folder / "broken.ndjson").write_bytes(damaged(random.Random(1)))
    return folder


ROOT = Path(__file__).parents[2]
AS_OF = ("--as-of", "2026-11-23")
# For this machine alone.
LOCAL = (
    "--conf=spark.ui.enabled=false",
    "--conf=spark.driver.bindAddress=127.0.0.1",
    "--conf=spark.driver.host=127.0.0.1",
)


def run(*words: str | Path) -> int:
    return subprocess.run([*map(str, words)], capture_output=True, check=False).returncode


@pytest.fixture
def spark_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Spark as it is installed, but for the folder in which its workers work."""
    found = pytest.importorskip("pyspark", reason="needs PySpark: `make test-spark`")
    if not shutil.which("java"):
        pytest.skip("needs Java: `make test-spark`")
    home = tmp_path / "home"
    home.mkdir()
    for part in Path(found.__file__).parent.iterdir():
        (home / part.name).symlink_to(part)
    monkeypatch.setenv("SPARK_HOME", str(home))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    return home


@pytest.mark.slow
@pytest.mark.parametrize(
    ("master", "executors"),
    [("local[2]", 0), pytest.param("local-cluster[2,1,1024]", 2, id="a master and two workers")],
)
def test_a_job_of_spark_writes_the_same_bytes(
    source: Path, tmp_path: Path, spark_home: Path, master: str, executors: int
) -> None:
    one, other = tmp_path / "local", tmp_path / "spark"
    submit, job = Path(sys.executable).with_name("spark-submit"), ROOT / "docker/spark/bulk.py"
    told = (f"--master={master}", *LOCAL)
    assert run(sys.executable, "-m", "ferroclaim", "bulk", source, "--out", one, *AS_OF) == 1
    assert run(submit, *told, job, source, "--out", other, *AS_OF) == 1
    assert written(other) == written(one)
    assert len(list(spark_home.glob("work/app-*/*"))) == executors


@pytest.mark.slow
@pytest.mark.usefixtures("spark_home")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_task_that_fails_is_said(source: Path, tmp_path: Path) -> None:
    setting = RunSetting(tmp_path, files(str(source)), Site(), choosing.built_in(), builders.AS_OF)
    with (
        pytest.raises(ConfigurationError, match=r"failed: IndexError: .* run the same command"),
        spark.pool(setting, 2) as do,
    ):
        list(do([("survey", (999,))]))


def test_without_pyspark_the_fix_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    own = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "pyspark":
            raise ImportError(name)
        return own(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"install `ferroclaim\[spark\]`"):
        spark._context(1)
