"""What the chart must say of the patient: diagnoses, plan, oral iron, notes."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from msgspec import structs

from mappings import codes
from mappings.assessment import Evidence, cite
from mappings.charge.charge import Charge
from mappings.circumstances import labs
from mappings.circumstances.diagnoses import Stated, began_by, having, told
from mappings.circumstances.standing import cite_all
from mappings.dose.ordered import covers
from mappings.policy.choosing import OralIronRule
from mappings.policy.laboratory import LAB_VALUES
from mappings.record import LabResult, Note, OralIron, Order
from mappings.requirements import quoting
from mappings.requirements.result import Result
from mappings.values.us_dates import us_date

_NOT_ASKED = None
# Days after its own day on which a single ordered dose may be given: ours, not verified.
_LATE_DAYS = 30
_RESTATE = (
    "Correct the status of the diagnosis, or give the word a meaning in the site's status words."
)


def _not_counted(charge: Charge, *groups: str) -> Result | None:
    """What is on record of the groups and is no evidence: its status is not understood, or the
    patient told it."""
    if charge.day is None:
        return None
    open_ = having(charge.doubtful, *groups)
    if open_:
        return Result(state="incomplete", says=_doubt(open_), evidence=cite_all(open_))
    said = having(told(charge.record), *groups)
    if said:
        says = (
            f"{said[0].code} is recorded only as a statement by the patient or a relative, which"
            " is not a diagnosis."
        )
        return Result(state="incomplete", says=says, evidence=cite_all(said))
    return None


def _doubt(diagnoses: Sequence[Stated]) -> str:
    """Quotes each status that is not understood."""
    said = dict.fromkeys(f"{diagnosis.code} {diagnosis.by.unread}" for diagnosis in diagnoses)
    dates = all(
        diagnosis.by.unread and diagnosis.by.unread.is_of("Condition.onset")
        for diagnosis in diagnoses
    )
    what = "a date of onset" if dates else "a status"
    return f"Recorded with {what} that is not understood: {', '.join(said)}."


def iron_deficiency_diagnosis(charge: Charge) -> Result | None:
    """D50.-, or D63.1 with a laboratory value in the window that shows iron deficiency."""
    rule = charge.rules.iron_deficiency_diagnosis
    if not charge.applies(rule):
        return _NOT_ASKED
    found = charge.has("iron-deficiency-anemia")
    if found:
        return Result(
            state="met",
            says=f"{found[0].code} is recorded.",
            value=found[0].code,
            evidence=cite_all(found),
            rule=rule,
        )
    of_heart = _in_heart_failure(charge)
    if of_heart:
        return Result(
            state="met",
            says=f"Iron deficiency (E61.1) with heart failure ({of_heart[-1].code}) is recorded.",
            value="E61.1",
            evidence=cite_all(of_heart),
            rule=rule,
        )
    renal = charge.has("anemia-in-ckd")
    if renal:
        return _by_renal_anemia(charge, renal)
    parent = [diagnosis for diagnosis in charge.diagnoses if diagnosis.code == "D50"]
    if parent:
        return Result(
            state="incomplete",
            says=(
                "Iron-deficiency anemia is recorded without its fourth character (D50.0 to D50.9)."
            ),
            evidence=cite_all(parent),
            rule=rule,
        )
    lacking = Result(
        state="missing",
        says=f"No iron-deficiency anemia diagnosis is active on {us_date(charge.day)}.",
    )
    found_otherwise = _not_counted(charge, "iron-deficiency-anemia", "anemia-in-ckd")
    return structs.replace(found_otherwise or lacking, rule=rule)


def _in_heart_failure(charge: Charge) -> list[Stated]:
    """Iron deficiency with heart failure, for a drug that is labeled for it; else none."""
    if charge.family is None or not charge.family.label_heart_failure:
        return []
    deficiency, failure = charge.has("iron-deficiency"), charge.has("heart-failure")
    return [*deficiency, *failure[:1]] if deficiency and failure else []


def _by_renal_anemia(charge: Charge, renal: list[Stated]) -> Result:
    rule = charge.rules.iron_deficiency_diagnosis
    if not _billable(charge, "ckd", "ckd-cause"):
        says = (
            "Anemia in CKD (D63.1) is recorded without a billable code for the kidney disease,"
            " which must be coded first."
        )
        return Result(state="incomplete", says=says, evidence=cite_all(renal), rule=rule)
    shown_by = rule.renal_anemia if rule else None
    if rule is None or shown_by is None:
        says = "Anemia in CKD (D63.1) alone does not show iron deficiency."
        return Result(state="incomplete", says=says, evidence=cite_all(renal), rule=rule)
    rule = structs.replace(rule, source=shown_by.source, verified=shown_by.verified)
    shown = _showing(charge, shown_by.limit)
    if shown:
        proof = tuple(item for result in shown for item in labs.evidence(result, charge.zone))
        name = labs.short(shown[0].analyte)
        says = f"D63.1 with {name} {labs.value(shown[0])} shows iron deficiency."
        return Result(
            state="met", says=says, value="D63.1", evidence=cite_all(renal) + proof, rule=rule
        )
    says = (
        "Anemia in CKD (D63.1) alone does not show iron deficiency, and no laboratory value of the"
        f" {charge.lab_window} days before shows it{_unread_labs(charge)}."
    )
    return Result(state="incomplete", says=says, evidence=cite_all(renal), rule=rule)


def _unread_labs(charge: Charge) -> str:
    """The newest results that can't be read, as an older one decides nothing beside them."""
    states = [charge.lab(analyte, charge.lab_window) for analyte in ("ferritin", "tsat")]
    said = [labs.quoted(state.unread, charge.zone) for state in states if state.unread]
    return f" (not read: {'; '.join(said)})" if said else ""


def _showing(charge: Charge, limit: str) -> list[LabResult]:
    """The results that make a condition hold; none where it does not."""
    verdict = charge.judged(limit, charge.lab_window)
    names = (
        [name for name, state in verdict.states.items() if state == "met"] if verdict.holds else []
    )
    found = (charge.lab(LAB_VALUES[name].analyte, charge.lab_window).result for name in names)
    return [result for result in found if result]


def ckd_diagnosis(charge: Charge) -> Result | None:
    """N18.- with its stage, for the drugs whose label population is CKD.

    For any drug and payer: an ESRD with a transplant is contradicted, and a stage that no claim
    takes incomplete (R8, R9).
    """
    rule = charge.rules.ckd_diagnosis
    if charge.kidney.esrd_diagnosis and charge.kidney.transplanted:
        found = charge.has("esrd", "kidney-transplant")
        return Result(
            state="contradicted",
            says="End-stage renal disease (N18.6) and a kidney transplant (Z94.0) are both active.",
            evidence=cite_all(found),
            rule=rule,
            blocking=True,
        )
    if charge.kidney.doubts:
        return Result(
            state="incomplete",
            says=_doubt(charge.kidney.doubts),
            evidence=cite_all(charge.kidney.doubts),
            fix=_RESTATE,
            rule=rule,
            blocking=True,
        )
    unproven = _kidney_and_dialysis(charge)
    if unproven:
        return structs.replace(unproven, rule=rule, blocking=True)
    staged = _billable(charge, "ckd", "ckd-parent")
    partial = charge.has("ckd-parent", "ckd-cause", "dialysis", "ckd")
    if (
        not staged
        and any(diagnosis.code == "N18.3" for diagnosis in partial)
        and not _is_aki_in_facility(charge)
    ):
        says = "CKD stage 3 is recorded without its substage: stage 3 needs N18.30/.31/.32."
        return Result(
            state="incomplete", says=says, evidence=cite_all(partial), rule=rule, blocking=True
        )
    renal = charge.has("anemia-in-ckd")
    behind = _billable(charge, "ckd", "ckd-parent", "ckd-cause")
    if renal and not behind and not _is_aki_in_facility(charge):
        says = (
            "D63.1 (anemia in CKD) goes on a claim only after its kidney disease (code first),"
            " and no billable code for that (N18.-) is active."
        )
        other = _not_counted(charge, "ckd", "ckd-parent", "ckd-cause")
        cited = (*(other.evidence if other else ()), *cite_all(renal))
        says = f"{other.says} {says}" if other else says
        return Result(state="incomplete", says=says, evidence=cited, rule=rule, blocking=True)
    if not _asks_ckd(charge, charge.applies(rule)):
        return _NOT_ASKED
    if staged:
        return Result(
            state="met",
            says=f"{staged[0].code} is recorded.",
            value=staged[0].code,
            evidence=cite_all(staged),
            rule=rule,
        )
    if partial:
        says = f"{partial[0].code} points to kidney disease, but no CKD stage (N18.-) is recorded."
        return Result(state="incomplete", says=says, evidence=cite_all(partial), rule=rule)
    lacking = Result(
        state="missing",
        says=f"No chronic kidney disease (N18.-) is active on {us_date(charge.day)}.",
    )
    found_otherwise = _not_counted(charge, "ckd", "ckd-parent", "ckd-cause", "dialysis")
    return structs.replace(found_otherwise or lacking, rule=rule)


def _kidney_and_dialysis(charge: Charge) -> Result | None:
    """R8: N18.6 means chronic dialysis; and dialysis means N18.6 or an acute kidney injury."""
    kidney = charge.kidney
    if kidney.esrd_unproven:
        return Result(
            state="incomplete",
            says=(
                "N18.6 means chronic dialysis, and nothing on record says that the patient is on"
                " dialysis (Z99.2, a treatment within 90 days)."
            ),
            evidence=cite_all(charge.has("esrd")),
            fix="Record Z99.2 if the patient is on dialysis, or N18.5 if not.",
        )
    if not kidney.dialysis_unexplained:
        return None
    stages = charge.has("ckd", "ckd-parent")
    says = "Dialysis is on record, and neither N18.6 nor an acute kidney injury (N17.-)"
    if stages:
        says = f"{says}: {stages[0].code} is recorded, which excludes chronic dialysis"
    return Result(
        state="contradicted" if stages else "incomplete",
        says=f"{says}.",
        evidence=(*kidney.treated, *cite_all(stages)),
        fix="Record N18.6 if the dialysis is chronic, or N17.- if it is acute.",
    )


def _asks_ckd(charge: Charge, asked: bool) -> bool:
    """Only for products labeled for CKD, and not for acute kidney injury in the dialysis facility
    (R10)."""
    labeled = charge.family is not None and charge.family.label_population == "ckd"
    return asked and labeled and not _is_aki_in_facility(charge)


def _is_aki_in_facility(charge: Charge) -> bool:
    return charge.kidney.aki and charge.kidney.in_facility


def _billable(charge: Charge, *groups: str) -> list[Stated]:
    """Those of the groups that a claim of the day takes."""
    return [diagnosis for diagnosis in charge.has(*groups) if diagnosis.billable]


def anemia_ckd_link(charge: Charge) -> Result | None:
    """D63.1, or an anemia due to or evidenced by the CKD, or both as diagnoses of one
    encounter."""
    rule = charge.rules.anemia_ckd_link
    if not _asks_ckd(charge, charge.applies(rule)):
        return _NOT_ASKED
    renal = charge.has("anemia-in-ckd")
    if renal:
        return Result(
            state="met",
            says="D63.1 (anemia in CKD) is recorded.",
            value="D63.1",
            evidence=cite_all(renal),
            rule=rule,
        )
    anemia, ckd = charge.has("anemia"), charge.has("ckd", "ckd-parent", "ckd-cause")
    linked = [
        diagnosis
        for diagnosis in anemia
        if _due_to(diagnosis, ckd) or _same_encounter(charge, diagnosis, ckd)
    ]
    if linked:
        return Result(
            state="met",
            says=f"{linked[0].code} is linked to the kidney disease.",
            value=linked[0].code,
            evidence=cite_all(linked),
            rule=rule,
        )
    lacking = Result(
        state="missing",
        says="Nothing links the anemia to the kidney disease.",
        evidence=cite_all([*anemia, *ckd]),
    )
    return structs.replace(_not_counted(charge, "anemia-in-ckd") or lacking, rule=rule)


def _due_to(anemia: Stated, ckd: list[Stated]) -> bool:
    sources = {diagnosis.by.source.resource for diagnosis in ckd} - {anemia.by.source.resource}
    table = codes.diagnoses()
    groups = table.group("ckd") | table.group("ckd-parent") | table.group("ckd-cause")
    return bool(sources & set(anemia.by.due_to)) or bool(groups & set(anemia.by.due_to_icd10))


def _same_encounter(charge: Charge, anemia: Stated, ckd: list[Stated]) -> bool:
    """Both as diagnoses of one encounter: listed by an Encounter, encounter diagnoses of one, or
    reasons of one order or dose."""
    for diagnosis in ckd:
        pair = {anemia.by.source.resource, diagnosis.by.source.resource}
        if any(pair <= set(encounter.diagnoses) for encounter in charge.record.encounters):
            return True
        categories = {anemia.by.category, diagnosis.by.category}
        if (
            categories == {"encounter"}
            and anemia.by.encounter
            and anemia.by.encounter == diagnosis.by.encounter
        ):
            return True
        if anemia.by.is_reason or diagnosis.by.is_reason:
            if anemia.by.source == diagnosis.by.source:
                return True
        elif anemia.of_encounter and diagnosis.of_encounter:
            return True
    return False


def treatment_plan(charge: Charge) -> Result | None:
    """An order or plan of this drug with dose and frequency that covers the day."""
    rule = charge.rules.treatment_plan
    if not charge.applies(rule):
        return _NOT_ASKED
    ours = [
        order
        for order in charge.record.orders
        if order.counts and charge.family and order.drug.family == charge.family.family
    ]
    covering = [order for order in ours if _covers(order, charge)]
    complete = [order for order in covering if order.dose.problem is None and order.has_timing]
    if complete:
        return Result(
            state="met",
            says="An order with dose and frequency covers the date.",
            evidence=_orders(complete, charge),
            rule=rule,
        )
    if covering:
        without_dose = "a dose" if covering[0].has_timing else "dose and frequency"
        lacking = without_dose if covering[0].dose.problem else "a frequency"
        says = (
            f"The order does not give {lacking} in structured"
            f" fields{' (free text only)' if covering[0].free_text else ''}."
        )
        return Result(
            state="incomplete", says=says, evidence=_orders(covering[:1], charge), rule=rule
        )
    late = _given_late(ours, charge)
    if late and late.end:
        says = (
            f"The order for a single dose was for {late.end.span(charge.zone).shown}; the dose that"
            f" names it was given within {_LATE_DAYS} days after."
        )
        return Result(state="met", says=says, evidence=_orders([late], charge), rule=rule)
    doubtful = [
        order
        for order in charge.record.orders
        if order.unread and charge.family and order.drug.family == charge.family.family
        if _covers(order, charge)
    ]
    if doubtful:
        doubt = doubtful[0].unread
        what = "an element" if doubt and doubt.element.endswith("doNotPerform") else "a status"
        says = f"The order is recorded with {what} that is not understood: {doubt}."
        cited = _orders(doubtful, charge)
        return Result(state="incomplete", says=says, evidence=cited, rule=rule)
    undated = [order for order in ours if order.unread_date]
    if undated:
        says = f"The order has a date that can't be read: {undated[0].unread_date}."
        cited = _orders(undated, charge)
        return Result(state="incomplete", says=says, evidence=cited, rule=rule)
    if any(
        order.end and charge.day and order.end.days(charge.zone)[1] < charge.day for order in ours
    ):
        return Result(
            state="expired",
            says=f"The order ended before {us_date(charge.day)}.",
            evidence=_orders(ours[:1], charge),
            rule=rule,
        )
    return Result(
        state="missing",
        says=f"No order or plan for this iron covers {us_date(charge.day)}.",
        rule=rule,
    )


def _orders(orders: Iterable[Order], charge: Charge) -> tuple[Evidence, ...]:
    return tuple(cite(order.source, quoting.order(order, charge.zone)) for order in orders)


def _given_late(orders: Iterable[Order], charge: Charge) -> Order | None:
    """A complete order for one dose that the administration names, and that was given soon after
    its own day (R10)."""
    if charge.day is None:
        return None
    latest = timedelta(days=_LATE_DAYS)
    for order in orders:
        whole = order.once and order.dose.problem is None and order.end is not None
        if whole and order.source.resource in charge.administration.orders and order.end:
            last = order.end.days(charge.zone)[1]
            if last < charge.day <= last + latest:
                return order
    return None


def _covers(order: Order, charge: Charge) -> bool:
    named = charge.administration.orders
    return charge.day is not None and covers(order, named, charge.day, charge.zone)


def oral_iron_history(charge: Charge) -> Result | None:
    """Intolerance, contraindication, or a trial as long as the policy asks."""
    rule = charge.rules.oral_iron_history
    if (
        rule is None
        or not charge.applies(rule)
        or (charge.kidney.on_dialysis and not rule.in_dialysis)
    ):
        return _NOT_ASKED
    if rule.unless and charge.judged(rule.unless, charge.lab_window).holds:
        return Result(
            state="not-applicable",
            says="The laboratory values make an oral trial unnecessary under this policy.",
            rule=rule,
        )
    known = [
        course
        for course in charge.record.oral_iron
        if course.intolerance and (course.start is None or _begun(course, charge))
    ]
    intolerant = [course for course in known if not course.unread]
    if intolerant:
        return Result(
            state="met",
            says="An intolerance to oral iron is recorded.",
            evidence=tuple(cite(course.source, course.says) for course in intolerant),
            rule=rule,
        )
    against = _against_oral_iron(charge)
    if against:
        return Result(
            state="met",
            says=f"{against[0].code} makes oral iron unsuitable.",
            value=against[0].code,
            evidence=cite_all(against),
            rule=rule,
        )
    found = _trial(charge, rule)
    return found if found.state == "met" else _doubtful_history(charge, known) or found


def _doubtful_history(charge: Charge, intolerant: list[OralIron]) -> Result | None:
    """What would be enough, or may be, and has a status that is not understood."""
    courses = [course for course in intolerant if course.unread]
    courses += [
        course for course in charge.record.oral_iron if course.unread and _begun(course, charge)
    ]
    if courses:
        says = (
            f"Recorded with a status that is not understood: {courses[0].says} {courses[0].unread}."
        )
        cited = tuple(cite(course.source, course.says) for course in dict.fromkeys(courses))
        rule = charge.rules.oral_iron_history
        return Result(state="incomplete", says=says, evidence=cited, rule=rule)
    if charge.day is None:
        return None
    table = codes.diagnoses()
    open_ = [
        diagnosis
        for diagnosis in charge.doubtful
        if table.contraindicates_oral_iron(diagnosis.code)
    ]
    rule = charge.rules.oral_iron_history
    return (
        Result(state="incomplete", says=_doubt(open_), evidence=cite_all(open_), rule=rule)
        if open_
        else None
    )


def _against_oral_iron(charge: Charge) -> list[Stated]:
    """Contraindications of the day, and adverse effects of iron that were recorded once: these are
    not undone by getting well."""
    table = codes.diagnoses()
    now = [
        diagnosis
        for diagnosis in charge.diagnoses
        if table.contraindicates_oral_iron(diagnosis.code)
    ]
    return now or [
        Stated(code, diagnosis, of_encounter=False)
        for diagnosis in charge.record.diagnoses
        if charge.day and began_by(diagnosis, charge.day, charge.zone)
        for code in diagnosis.icd10
        if table.contraindicates_oral_iron(code, once=True)
    ]


def _trial(charge: Charge, rule: OralIronRule) -> Result:
    courses = [
        course
        for course in charge.record.oral_iron
        if not course.intolerance and not course.unread and _begun(course, charge)
    ]
    cited = tuple(cite(course.source, quoting.course(course, charge.zone)) for course in courses)
    if not courses:
        return Result(
            state="missing",
            says="No trial of oral iron, intolerance, or reason against oral iron is recorded.",
            rule=rule,
        )
    longest = longest_run(courses, charge)
    code = charge.code.code if charge.code else ""
    any_length = rule.trial_codes and code not in rule.trial_codes
    if rule.trial_days is None or any_length or longest >= rule.trial_days:
        return Result(
            state="met",
            says=f"Oral iron was taken for {longest} days.",
            value=str(longest),
            unit="days",
            evidence=cited,
            rule=rule,
        )
    says = (
        f"Oral iron is recorded for {longest} days without a break; the payer asks for"
        f" {rule.trial_days}."
    )
    return Result(
        state="incomplete", says=says, value=str(longest), unit="days", evidence=cited, rule=rule
    )


def _begun(course: OralIron, charge: Charge) -> bool:
    return (
        course.start is not None
        and charge.day is not None
        and course.start.days(charge.zone)[0] <= charge.day
    )


def longest_run(courses: Iterable[OralIron], charge: Charge) -> int:
    """Days of the longest continuous run up to the dose; courses that touch or overlap are one
    run."""
    until = charge.day or date.max
    spans = sorted(
        (course.start.last, min(course.end.first if course.end else until, until))
        for course in courses
        if course.start
    )
    longest, begin, end = 0, None, None
    for first, last in spans:
        if begin is None or end is None or first > end + timedelta(days=1):
            begin, end = first, last
        end = max(end, last)
        longest = max(longest, (end - begin).days + 1)
    return longest


def progress_note(charge: Charge) -> Result | None:
    """A final note of the encounter, or one within the policy's window before the dose."""
    rule = charge.rules.progress_note
    if rule is None or not charge.applies(rule) or charge.day is None:
        return _NOT_ASKED
    here = charge.encounter.source.resource if charge.encounter else None
    first = charge.day - timedelta(days=rule.window_days)
    of_encounter = [note for note in charge.record.notes if here and here in note.encounters]
    dated = [
        note
        for note in charge.record.notes
        if note.when and note.when.days(charge.zone)[0] <= charge.day
    ]
    recent = [note for note in dated if note.when and note.when.days(charge.zone)[1] >= first]
    final = [note for note in [*of_encounter, *recent] if note.final]
    if final:
        return Result(
            state="met",
            says=_signed(final),
            evidence=(cite(final[0].source, quoting.note(final[0], charge.zone)),),
            rule=rule,
        )
    if of_encounter or recent:
        note = (of_encounter or recent)[0]
        unread = f"The status of the note is not understood: {note.unread}."
        return Result(
            state="incomplete",
            says=unread if note.unread else "The note is not signed (its status is not final).",
            evidence=(cite(note.source, quoting.note(note, charge.zone)),),
            rule=rule,
        )
    older = [note for note in dated if note.final]
    if older:
        return Result(
            state="expired",
            evidence=tuple(cite(note.source, quoting.note(note, charge.zone)) for note in older),
            says=(
                f"The last note was written more than {rule.window_days} days before"
                f" {us_date(charge.day)}."
            ),
            rule=rule,
        )
    return Result(
        state="missing",
        says=(
            f"No progress note from the encounter or from the {rule.window_days} days before"
            f" {us_date(charge.day)}."
        ),
        rule=rule,
    )


def _signed(notes: list[Note]) -> str:
    """Marked where no note says that it is signed (R10)."""
    if any(note.stated for note in notes):
        return "A final note is on record."
    return "A note is on record; it does not say whether it is signed."
