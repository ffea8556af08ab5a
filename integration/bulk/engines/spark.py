"""Tasks of a Spark cluster. The folder of the run, and the source, are where every node sees them
under the same name: pieces go from one step to the next as files, as they do on one machine.

Held by tests/unit/test_bulk_spark.py.
"""

import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from integration.bulk.steps import RunSetting, RunWorker, Task
from integration.errors import ConfigurationError

# Of each process that Spark keeps for its tasks: the run, and what makes its pieces.
_worker: tuple[bytes, RunWorker] | None = None
# What Spark takes for the cluster where nobody said which.
_UNSAID = "local[*]"
# There: this machine, and nothing of it for others to see.
_ALONE = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}


@contextmanager
def pool(setting: RunSetting, workers: int) -> Iterator[Callable[[list[Task]], Iterable[None]]]:
    """On the cluster that `spark-submit` or the environment names, else on WORKERS of this machine;
    ConfigurationError where there is no Spark, or a task fails again and again."""
    context = _context(workers)
    from py4j.protocol import Py4JJavaError

    told = context.broadcast(pickle.dumps(setting))
    try:
        yield lambda tasks: _made(context, tasks, told)
    except Py4JJavaError as problem:
        raise ConfigurationError(
            f"A task of Spark failed: {_why(problem)}. Put that right, and run the same command"
            " again: it goes on where it stopped."
        ) from None
    finally:
        context.stop()


def _made(context: Any, tasks: list[Task], told: Any) -> list[None]:
    if not tasks:
        return []
    made = context.parallelize(tasks, len(tasks)).map(lambda task: _make(told.value, task))
    found: list[None] = made.collect()
    return found


def _make(setting: bytes, task: Task) -> None:
    global _worker  # noqa: PLW0603 (one worker to a process)
    if _worker is None or _worker[0] != setting:
        _worker = setting, RunWorker(pickle.loads(setting))  # noqa: S301 - our own broadcast
    _worker[1].make(task)


def _context(workers: int) -> Any:
    try:
        from pyspark import SparkConf, SparkContext
    except ImportError:
        raise ConfigurationError(
            "--engine spark takes PySpark: install `ferroclaim[spark]`, and Java 17 or newer."
        ) from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        # Before that SparkConf knows nothing of what `spark-submit` and its files say.
        SparkContext._ensure_initialized()
        conf = SparkConf().setIfMissing("spark.app.name", "ferroclaim")
        if conf.get("spark.master", _UNSAID) == _UNSAID:
            conf.setMaster(f"local[{workers}]")
            for name, value in _ALONE.items():
                conf.setIfMissing(name, value)
        context = SparkContext.getOrCreate(conf)
    except Exception as problem:  # noqa: BLE001 - whatever its start script, Java or master says
        says = f"{type(problem).__name__}: {problem}".splitlines()[0]
        raise ConfigurationError(f"Spark can't be started ({says}). It takes Java.") from None
    context.setLogLevel("OFF")
    return context


def _why(problem: Any) -> str:
    """What Python said last, of all that Java says."""
    said = [line for line in str(problem.java_exception).splitlines() if line.strip()]
    own = [line for line in said if "Error: " in line and not line.startswith((" ", "\t"))]
    return (own or said)[-1 if own else 0]
