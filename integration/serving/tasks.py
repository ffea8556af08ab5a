"""What the queue knows how to do, and when it does it by itself.

Held by tests/contract/test_workflow.py.
"""

from collections.abc import Callable, Mapping
from typing import Any

from procrastinate import App, JobContext

from integration.configuration.settings import Settings
from integration.store import Store, retention
from integration.triggers import resolving, subscribing, sweeping
from integration.work import owing, workflow
from integration.work.engine import Engine, Handler, Job
from integration.work.queue import ASSESS, Queue


def _forget(engine: Engine, _: Job) -> None:
    with engine.store.transaction() as db:
        retention.forget_the_old(db, engine.settings.retention)


HANDLERS: Mapping[str, Handler] = {
    ASSESS: workflow.assess,
    owing.WRITE_BACK: workflow.assess,  # a refused one, tried again by a person
    resolving.TASK: resolving.resolve,
    resolving.EVENTS: resolving.fetch_events,
    sweeping.TASK: sweeping.sweep,
    sweeping.ALL: sweeping.sweep_all,
    sweeping.REFRESH: sweeping.refresh,
    subscribing.TASK: subscribing.watch,
    subscribing.ALL: subscribing.watch_all,
    "retention": _forget,
}


def engine(settings: Settings, store: Store) -> Engine:
    """One that knows every task."""
    return Engine(settings, store, Queue(settings.service), HANDLERS)


def schedule(settings: Settings) -> dict[str, str]:
    """By task, when it is done by itself (cron)."""
    return {
        sweeping.ALL: f"*/{settings.sweep.minutes} * * * *",
        sweeping.REFRESH: "7 * * * *",
        subscribing.ALL: "*/5 * * * *",
        "retention": "43 3 * * *",
    }


def register(app: App, runner: Engine, *, periodic: bool = True) -> None:
    """Gives APP a task for each handler, all of them run by RUNNER; PERIODIC: some by themselves,
    too."""
    for name in runner.handlers:
        app.task(name=name, pass_context=True)(_task(name, runner))
    for name, cron in schedule(runner.settings).items() if periodic else ():
        app.periodic(cron=cron, periodic_id=name, lock=name, queueing_lock=name)(app.tasks[name])


def _task(name: str, runner: Engine) -> Callable[..., None]:
    def run(context: JobContext, **arguments: Any) -> None:
        runner.run(Job.of(name, context.job.lock or name, arguments))

    return run
