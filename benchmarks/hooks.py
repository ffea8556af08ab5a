"""Notifications kept and answered per second, and the processor time of one, beside bare inserts of
the same bytes that are as durable.

    python benchmarks/hooks.py

The senders are raw sockets in one loop, so that the client costs little; its share is printed.
Rates of a shared machine mean little by themselves; processor time and ratios within one run do.
"""

import selectors
import socket
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
import psycopg

from benchmarks.service import SECRET, configured_as_text, counted, process, seconds, settings
from integration.configuration.settings import Settings
from integration.store import Store
from tests import notifications as sent

NOTIFICATIONS, SENDERS, PATIENTS = 8000, 16, 50
HOOK = "/hooks/bench/lab"


@dataclass
class Sender:
    """One connection, and what it has still to send."""

    connection: socket.socket
    bodies: list[bytes]
    host: str
    begun: float = 0.0
    answer: bytes = b""
    waits: list[float] = field(default_factory=list)

    def send(self) -> None:
        body = self.bodies.pop()
        head = (
            f"POST {HOOK} HTTP/1.1\r\nHost: {self.host}\r\nX-Ferroclaim-Secret: {SECRET}\r\n"
            f"Content-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.begun, self.answer = time.perf_counter(), b""
        self.connection.sendall(head.encode() + body)

    def receive(self) -> bool:
        """Whether the answer is whole; a 204 has no body."""
        self.answer += self.connection.recv(4096)
        if not self.answer.endswith(b"\r\n\r\n"):
            return False
        assert self.answer.startswith(b"HTTP/1.1 204"), self.answer
        self.waits.append(1000 * (time.perf_counter() - self.begun))
        return True


def told(url: str, bodies: list[bytes]) -> list[float]:
    """Every body sent once, over SENDERS connections; how long each waited for its answer (ms)."""
    where = urlsplit(url)
    address = (where.hostname, where.port)
    senders = [
        Sender(socket.create_connection(address), bodies[number::SENDERS], where.netloc)
        for number in range(SENDERS)
    ]
    with selectors.DefaultSelector() as ready:
        for sender in senders:
            ready.register(sender.connection, selectors.EVENT_READ, sender)
            sender.send()
        while ready.get_map():
            for key, _ in ready.select():
                if key.data.receive():
                    if key.data.bodies:
                        key.data.send()
                    else:
                        ready.unregister(key.fileobj)
    for sender in senders:
        sender.connection.close()
    return [wait for sender in senders for wait in sender.waits]


def hooks(folder: Path) -> None:
    with process("ehr", "20") as ehr:
        assert ehr.stdout
        base = ehr.stdout.readline().decode().strip()
        configured = settings(folder, base, port=0)
        with Store.open(configured, connections=SENDERS) as store:
            for inside in ("without", "with"):
                served(configured, store, inside)
            for senders in (1, SENDERS):
                rate, spent = inserted(store, senders)
                print(
                    f"bare inserts of the same bytes, a commit each, {senders} connection(s):"
                    f" {rate:,.0f}/s, {spent:.2f} ms of PostgreSQL"
                )
            assert store.embedded
            store.embedded.stop()


def served(configured: Settings, store: Store, inside: str) -> None:
    """INSIDE: `with` or `without` a worker in the process."""
    assert store.embedded
    postgres = psutil.Process(store.embedded._first_pid())
    bodies = encoded(inside)
    before = counted(store, "select count(*) from notifications")
    with process("serve", configured_as_text(configured), inside, script="hooks") as server:
        assert server.stdout
        url = server.stdout.readline().decode().strip()
        told(url, encoded(f"{inside}-warm")[:400])
        ours = psutil.Process(server.pid)
        begun = time.perf_counter(), seconds(ours), seconds(postgres, whole=True)
        client = time.process_time()
        waits = told(url, bodies)
        client = 1000 * (time.process_time() - client) / NOTIFICATIONS
        took = time.perf_counter() - begun[0]
        service, database = seconds(ours) - begun[1], seconds(postgres, whole=True) - begun[2]
    kept = counted(store, "select count(*) from notifications") - before
    assert kept == NOTIFICATIONS + 400
    slowest = statistics.quantiles(waits, n=100)
    print(
        f"notifications kept and answered, {SENDERS} senders, {inside} a worker inside:"
        f" {NOTIFICATIONS / took:,.0f}/s; of each {1000 * service / NOTIFICATIONS:.2f} ms in the"
        f" service, {1000 * database / NOTIFICATIONS:.2f} ms in PostgreSQL, {client:.2f} ms in the"
        f" client; p50 {slowest[49]:.0f} ms, p99 {slowest[98]:.0f} ms"
    )


def encoded(prefix: str) -> list[bytes]:
    return [
        sent.encoded(sent.administration(f"{prefix}{n}", f"p{n % PATIENTS}", "1"))
        for n in range(NOTIFICATIONS)
    ]


def inserted(store: Store, connections: int) -> tuple[float, float]:
    """Inserts a second, each of a body and durable before the next of its connection; and the
    processor time of PostgreSQL for one (ms)."""
    assert store.embedded
    postgres = psutil.Process(store.embedded._first_pid())
    bodies = [body.decode() for body in encoded("bare")[:2000]]
    with psycopg.connect(store.url, autocommit=True) as db:
        db.execute("create table if not exists bare (id bigserial, body text)")

    def insert(share: int) -> None:
        with psycopg.connect(store.url, autocommit=True) as db:
            for body in bodies[share::connections]:
                db.execute("insert into bare (body) values (%s)", [body])

    begun = time.perf_counter(), seconds(postgres, whole=True)
    with ThreadPoolExecutor(connections) as hands:
        list(hands.map(insert, range(connections)))
    took = time.perf_counter() - begun[0]
    spent = seconds(postgres, whole=True) - begun[1]
    return len(bodies) / took, 1000 * spent / len(bodies)


def serve(text: str, inside: str) -> None:
    """The service as it is run, on any free port, whose address it prints."""
    from contextlib import closing

    from integration.serving import tasks
    from integration.serving.app import create_app
    from integration.serving.listening import WebServer, address_of, bound
    from integration.serving.process import opened
    from integration.serving.worker import Worker

    configured = Settings.model_validate_json(text)
    with (
        closing(bound("127.0.0.1", 0)) as taken,
        opened(configured, connections=16) as store,
    ):
        worker = Worker(tasks.engine(configured, store), periodic=False)
        if inside == "with":
            worker.start()
        app = create_app(configured, store)
        WebServer(app, configured.service, lambda: print(address_of(taken), flush=True)).run(
            [taken]
        )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", text, inside]:
            serve(text, inside)
        case _:
            with tempfile.TemporaryDirectory(
                prefix="ferroclaim-", ignore_cleanup_errors=True
            ) as name:
                hooks(Path(name))
