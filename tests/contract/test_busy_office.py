"""Billers, two who write claims, two who read answers, a worker and charts that change, all at the
same few patients at once: whoever is second is told, and nothing is decided or leaves twice."""

import io
import json
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from integration.claims.answering.files import AnswerFile
from integration.claims.answering.reading import read_answers
from integration.claims.service import WriteOrder, write_released
from integration.errors import ConfigurationError
from integration.serving.worker import Worker
from integration.store import answers, releases, worklist, write_offs
from integration.store.claims import NotWritten
from integration.store.releases import NotReleasable
from integration.store.worklist import Filters
from integration.store.write_offs import WriteOff
from tests import claims
from tests.answers import remittance
from tests.office import PAIR, site
from tests.service import Running

PATIENTS, SECONDS = 4, 8.0
WRONG = (
    """(table worklist except table worklist_now)
        union all (table worklist_now except table worklist)""",
    """select 1 from releases r where withdrawn_at is null and not exists (select 1 from lines l
        where l.patient_id = r.patient_id and l.id = r.line_id)""",
    """select 1 from claim_lines k join releases r on r.id = k.release_id
        join claims c on c.id = k.claim_id where c.state = 'sent' and r.withdrawn_at is not null""",
)
TOLD = (NotReleasable, NotWritten, ConfigurationError)


def charts() -> list[dict[str, Any]]:
    """The same chart of several patients."""
    made: list[dict[str, Any]] = []
    for number in range(PATIENTS):
        chart = claims.chart(PAIR)
        text = json.dumps(chart, default=str)
        for resource in chart:
            key = f'{resource["resourceType"]}/{resource["id"]}"'
            text = text.replace(f'"{key}', f'"{key[:-1]}-{number}"')
        made += [{**one, "id": f"{one['id']}-{number}"} for one in json.loads(text)]
    return made


class Busy:
    """What each of them does, again and again."""

    def __init__(self, service: Running, folder: Path) -> None:
        self.service, self.folder = service, folder
        self.done: dict[str, int] = {}
        self.failed: list[BaseException] = []

    def bill(self, chance: random.Random) -> None:
        with self.service.store.transaction() as db:
            rows = worklist.rows(db, Filters(view="all"), ["general"], [])
        if not rows:
            return
        with self.service.store.transaction() as db:
            pair = releases.to_decide(db, chance.choice(rows).key, ["general"])
            match chance.randrange(6):
                case 0:
                    releases.withdraw(db, pair, "ada", "biller")
                case 1:
                    write_offs.write_off(db, pair, WriteOff("too-late"), "ada", "biller")
                case 2:
                    write_offs.reopen(db, pair, "ada", "biller")
                case _:
                    releases.release(db, pair, "ada", "biller")

    def write(self, _: random.Random) -> None:
        order = WriteOrder(site="general", folder=self.folder / "out", by="ada")
        write_released(self.service.settings, self.service.store, order)

    def read(self, chance: random.Random) -> None:
        said = chance.choice(("1*100*80", "4*100*0", "4*100*0"))
        rows = [[f"CLP*{number}*{said}**MB*I"] for number in self._numbers(chance)]
        on, payment = f"202701{chance.randrange(10, 28)}", f"CHK{chance.randrange(5)}"
        text = remittance(*rows, payment=payment, usage="T", on=on)
        read_answers(
            self.service.store, ["general"], [AnswerFile("a", lambda: io.BytesIO(text))], "ada"
        )

    def reject(self, chance: random.Random) -> None:
        time.sleep(0.2)
        for number in self._numbers(chance)[:1]:
            with self.service.store.transaction() as db:
                answers.reject(db, "general", number, "ada")

    def change(self, chance: random.Random) -> None:
        time.sleep(0.1)
        number = chance.randrange(PATIENTS)
        dose = next(one for one in self.service.fake.of("MedicationAdministration")
                    if one["id"].endswith(f"-{number}"))  # fmt: skip
        status = chance.choice(("completed", "completed", "entered-in-error"))
        self.service.fake.store({**dose, "status": status})
        self.service.assess(f"p1-{number}")

    def _numbers(self, chance: random.Random) -> list[str]:
        found = sorted({row[0] for row in self.service.rows("select number from claims")})
        return chance.sample(found, len(found))

    def again_and_again(self, what: Callable[[random.Random], None], seed: int) -> None:
        chance, until = random.Random(seed), time.monotonic() + SECONDS
        while time.monotonic() < until:
            try:
                what(chance)
                self.done[what.__name__] = self.done.get(what.__name__, 0) + 1
            except TOLD:
                time.sleep(0.02)
            except BaseException as error:  # noqa: BLE001 (told by the test)
                self.failed.append(error)


def test_whatever_all_do_at_once(running: Callable[..., Running], tmp_path: Path) -> None:
    service = running(resources=charts(), site=site(tmp_path))
    for number in range(PATIENTS):
        service.assess(f"p1-{number}")
    service.work()
    busy = Busy(service, tmp_path)
    everybody = [busy.bill] * 3 + [busy.write] * 2 + [busy.read] * 2 + [busy.reject, busy.change]
    threads = [
        threading.Thread(target=partial(busy.again_and_again, what, seed))
        for seed, what in enumerate(everybody)
    ]
    worker = Worker(service.engine, periodic=False, concurrency=3)
    worker.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    worker.stop()
    assert busy.failed == []
    assert {"bill", "read", "change"} <= busy.done.keys()
    for wrong in WRONG:
        assert service.rows(wrong) == []
