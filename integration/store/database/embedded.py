"""The embedded PostgreSQL: its data in a folder, reached by a Unix socket of this machine only.

Held by tests/contract/test_embedded.py.
"""

import atexit
import fcntl
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil

from integration.errors import ConfigurationError
from integration.store.database import binaries

ORPHANS_SECONDS = 10.0
LONGEST_SOCKET = 90  # bytes of a folder's name: an address of a Unix socket has 107
# Its log grows only with what goes wrong, and repeats no row: a DETAIL may name a patient.
LOGGING = ("-c", "log_checkpoints=off", "-c", "log_error_verbosity=terse")
_one_at_a_time = threading.RLock()  # a file's lock does not hold off other threads
_uses: dict[Path, int] = {}  # by folder the open file whose lock says that this process uses it
_children: dict[Path, subprocess.Popen[bytes]] = {}


class Embedded:
    """One per folder and process; several processes of this machine share the server, the last to
    leave stops it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()

    def start(self) -> str:
        """The address of the running server, which is started where it is not (after a crash,
        too)."""
        if "\n" in str(self.folder):
            raise ConfigurationError("data_dir has a line break in its name: choose another.")
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                self._use()
                if not self.is_running:
                    self._start()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            raise ConfigurationError(
                f"The embedded PostgreSQL in {self.folder} does not start:"
                f" {binaries.meaning(str(error))}."
            ) from None
        return self._address()

    def revive(self) -> None:
        """Starts it where it is not running."""
        if not self.is_running:
            self.start()

    def stop(self) -> None:
        """Stops it for everybody."""
        with self._alone():
            self._stop()

    def leave(self) -> None:
        """This process needs it no more; the last one stops it."""
        with _one_at_a_time:
            if (use := _uses.pop(self.folder, None)) is None:
                return
            os.close(use)
        with self._alone(), self._opened("users") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._stop()

    @property
    def is_running(self) -> bool:
        if child := _children.get(self.folder):
            child.poll()  # one that died is no more a process
        pid = self._first_pid()
        return pid is not None and _serves(pid, self.folder)

    # Who is at it: beside the folder, so that nobody else's file is ever in the way

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process or thread starts or stops this server meanwhile."""
        with _one_at_a_time, self._opened("lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _use(self) -> None:
        if self.folder not in _uses:
            use = os.open(self._beside("users"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(use, fcntl.LOCK_SH)
            _uses[self.folder] = use

    @contextmanager
    def _opened(self, kind: str) -> Iterator[int]:
        file = os.open(self._beside(kind), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield file
        finally:
            os.close(file)

    def _beside(self, kind: str) -> Path:
        return self.folder.parent / f".{self.folder.name}.{kind}"

    # Starting and stopping

    def _start(self) -> None:
        self._forget_the_dead()
        if earlier := _children.pop(self.folder, None):
            _end(earlier)  # nothing, unless somebody took its folder away
        binaries.let_in(self.folder)
        if not (self.folder / "PG_VERSION").exists():
            self._make()
        log = self.folder / "log"
        begins = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            child = subprocess.Popen(  # noqa: S603 (a program of the package, no shell)
                binaries.command(
                    "postgres",
                    *("-D", str(self.folder), "-h", "", "-k", _listed(self._socket())),
                    *LOGGING,
                ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # Ctrl-C is for us alone
                cwd="/",
                env={**os.environ, "LC_ALL": "C"},
                **binaries.apart(),
            )
        _children[self.folder] = child
        until = time.monotonic() + binaries.SECONDS
        # What a killed server left says `ready` as well.
        while self._first_pid() != child.pid or self._status() != "ready":
            if child.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_bytes()[begins:].decode(errors="replace"))
            time.sleep(0.02)

    def _make(self) -> None:
        """Whole, or not at all: it gets its name at the end."""
        with tempfile.TemporaryDirectory(
            dir=self.folder.parent, prefix=f".{self.folder.name}.", ignore_cleanup_errors=True
        ) as made:
            new = Path(made) / "data"
            new.mkdir(mode=0o700)
            binaries.own(new)
            binaries.let_in(new)
            # The same order and case everywhere, whatever the machine's locales are.
            locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
            trust = ("--auth=trust", "--encoding=utf8", "-U", "postgres")
            binaries.run("initdb", *trust, *locale, "-D", str(new))
            if self.folder.exists():
                self.folder.rmdir()
            new.rename(self.folder)

    def _stop(self) -> None:
        child, pid = _children.pop(self.folder, None), self._first_pid()
        if pid is None and child is not None:
            pid = child.pid  # somebody took its folder away
        if pid is not None and _is_postgres(pid):
            server = psutil.Process(pid)
            server.send_signal(signal.SIGINT)  # ends everybody's connections, and itself in order
            try:
                server.wait(binaries.SECONDS)
            except psutil.TimeoutExpired:
                server.kill()
        if child is not None:
            child.wait()

    def _socket(self) -> Path:
        """Beside the data, unless their folder's name is no address of a socket."""
        name = str(self.folder)
        if len(os.fsencode(name)) <= LONGEST_SOCKET and "," not in name:
            return self.folder
        short = Path(tempfile.mkdtemp(prefix="ferroclaim-"))
        binaries.own(short)
        return short

    def _address(self) -> str:
        socket = self._pid_file()[4]
        return f"postgresql://postgres:@/postgres?host={quote(socket)}"

    def _status(self) -> str:
        lines = self._pid_file()
        return lines[7] if len(lines) > 7 else ""

    def _pid_file(self) -> list[str]:
        try:
            text = (self.folder / "postmaster.pid").read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [line.strip() for line in text.split("\n")]

    def _first_pid(self) -> int | None:
        lines = self._pid_file()
        return int(lines[0]) if lines and lines[0].isdigit() else None

    def _forget_the_dead(self) -> None:
        """After a kill, a power cut or in a new container: pids that mean nothing now, or another
        process.

        PostgreSQL looks itself whether the pid of its lock files lives, but takes any process for
        its own.
        """
        pid = self._first_pid()
        if pid is not None and psutil.pid_exists(pid) and not _serves(pid, self.folder):
            self._outlive_orphans()
            for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                (self.folder / name).unlink(missing_ok=True)

    def _outlive_orphans(self) -> None:
        """Backends of a killed server end by themselves; a second server beside them would spoil
        the data."""
        until = time.monotonic() + ORPHANS_SECONDS
        while any(_works_in(process, self.folder) for process in psutil.process_iter(["name"])):
            if time.monotonic() > until:
                raise RuntimeError("FATAL: processes of an earlier server are still at work")
            time.sleep(0.05)


def _end(server: "subprocess.Popen[bytes]") -> None:
    """A signal may be lost on a process that has just begun: then there is nothing to keep."""
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(ORPHANS_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _listed(folder: Path) -> str:
    """As an element of a list of PostgreSQL's settings."""
    return '"' + str(folder).replace('"', '""') + '"'


def _serves(pid: int, folder: Path) -> bool:
    """Whether that process is a PostgreSQL, and none of another folder."""
    try:
        return _is_postgres(pid) and Path(psutil.Process(pid).cwd()) == folder
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False


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


@atexit.register
def _leave_all() -> None:
    """Whatever is wrong then, nobody is there to be told."""
    for folder in list(_uses):
        try:
            Embedded(folder).leave()
        except (OSError, psutil.Error, ConfigurationError):
            continue
