"""Claims that left an office, and what is answered of them."""

from integration.claims.answering.files import named
from integration.claims.answering.reading import AnswersReport, read_answers
from integration.claims.sent import line_key
from integration.store import worklist
from integration.store.worklist import Row
from mappings.writing.x12.segments import parsed
from tests.office import Office

HOUSE = {"name": "Clearing House", "id": "CLEAR", "sender_id": "RIVER", "production": True}
ACCEPTED, INVALID = "STC*A2:20:PR*20261205*WQ*1", "STC*A7:164:IL*20261205*U*1"


class Sent:
    """An office whose claims left, and what it reads."""

    def __init__(self, office: Office) -> None:
        self.office = office
        office.release()
        office.write()

    @property
    def number(self) -> str:
        return self.office.rows()[0].sent_number or ""

    def segment(self, name: str, place: int) -> str:
        file = parsed(self.office.files[-1].read_text())
        return next(row[place] for row in file if row[0] == name)

    def reads(self, content: bytes, name: str = "answer", site: str = "general") -> AnswersReport:
        path = self.office.folder / name
        path.write_bytes(content)
        return read_answers(self.office.service.store, [site], named([path]), "ada")

    def claim(self, *rows: str, clp: str = "1*100*80*20*MB*ICN1") -> list[str]:
        return [f"CLP*{self.number}*{clp}", *rows]

    def line(self, discard: bool = False) -> str:
        return next(row.line_id for row in self.rows() if ("JW" in row.line.modifiers) == discard)

    def service(self, code: str, charge: str, paid: str, *rows: str, line: str = "") -> list[str]:
        own = [f"REF*6R*{line_key(line)}"] if line else []
        return [f"SVC*HC:{code}*{charge}*{paid}", "DTM*472*20261101", *rows, *own]

    def rows(self, view: worklist.View = "all") -> list[Row]:
        return self.office.rows(view)

    @property
    def states(self) -> list[str]:
        found = self.office.service.rows("select state from claims order by id")
        return [row[0] for row in found]


def paid(sent: Sent, sign: str = "", clp: str = "1") -> list[str]:
    rows = [
        f"SVC*HC:J1756*{sign}50*{sign}40", "DTM*472*20261101", f"CAS*PR*2*{sign}10",
        f"SVC*HC:J1756:JW*{sign}50*{sign}40", "DTM*472*20261101", f"CAS*PR*2*{sign}10",
    ]  # fmt: skip
    return sent.claim(*rows, clp=f"{clp}*{sign}100*{sign}80*{sign}20*MB*ICN1")


def denied(sent: Sent, clp: str = "4", reason: str = "CO*50") -> list[str]:
    rows = [
        "SVC*HC:J1756*50*0", "DTM*472*20261101", f"CAS*{reason}*50",
        "SVC*HC:J1756:JW*50*0", "DTM*472*20261101", f"CAS*{reason}*50",
    ]  # fmt: skip
    return sent.claim(*rows, clp=f"{clp}*100*0**MB*ICN1")


def said(report: AnswersReport) -> list[tuple[str, str]]:
    return [(one.answer.says, one.answer.why) for one in report.heard]
