"""Whether all is well in the end, and what the docs keep of it: figures and a plot."""

import contextlib
from collections import Counter
from typing import Any

import psycopg

from benchmarks.soaking.morning import Morning


def settled(morning: Morning) -> bool:
    with contextlib.suppress(psycopg.Error):
        jobs = morning.rows(
            "select count(*) from procrastinate_jobs where status in ('todo', 'doing')"
            " and args ? 'patient'"
        )[0][0]
        owed = morning.rows("select count(*) from write_backs where state <> 'confirmed'")[0][0]
        seen = morning.rows("select count(*) from patients where concerns_us")[0][0]
        return bool(jobs == 0 and owed == 0 and seen == len(morning.patients))
    return False


def compared(morning: Morning) -> dict[str, Any]:
    """Gap by gap."""
    in_ehr = Counter(issue["identifier"][0]["value"] for issue in morning.ehr.of("DetectedIssue"))
    query = "select id from gaps where closed_at is null and (document ->> 'writeBack')::boolean"
    owed = {row[0] for row in morning.rows(query)}
    return {
        "patients": len(morning.patients),
        "still at work": int(not settled(morning)),
        "gaps": len(owed),
        "lost": len(owed - set(in_ehr)),
        "doubled": sum(count - 1 for count in in_ehr.values()),
        "of no gap": len(set(in_ehr) - owed),
        "work that needs a person": morning.rows("select count(*) from failures")[0][0],
    }


def growth(samples: list[tuple[float, float, float, int]], column: int) -> tuple[float, float]:
    """Memory in the second and in the last quarter of the run (MB, medians)."""
    seen = [float(sample[column]) for sample in samples if sample[column]]
    quarter = max(1, len(seen) // 4)
    early, late = sorted(seen[quarter : 2 * quarter]), sorted(seen[-quarter:])
    return early[len(early) // 2], late[len(late) // 2]


def told(morning: Morning) -> dict[str, Any]:
    serve, hands = growth(morning.samples, 1), growth(morning.samples, 2)
    return {
        "settled after": f"{morning.now:.0f} s",
        "notifications taken": morning.told[204],
        "refused, and told again": sum(morning.told.values()) - morning.told[204],
        "requests to the EHR": len(morning.ehr.requests),
        "memory of serve, second and last quarter": f"{serve[0]:.0f} and {serve[1]:.0f} MB",
        "memory of the worker (begun anew twice)": f"{hands[0]:.0f} and {hands[1]:.0f} MB",
    }


def plot(morning: Morning) -> str:
    """Jobs not done and memory over time, as SVG."""
    wide, high = 900, 320
    end = morning.samples[-1][0]
    columns = {"#c2410c": 3, "#1d4ed8": 1, "#0f766e": 2}
    names = {"#c2410c": "jobs", "#1d4ed8": "serve, MB", "#0f766e": "worker, MB"}
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high + 60}"'
        ' font-family="sans-serif" font-size="11">'
        f'<rect width="{wide}" height="{high + 60}" fill="white"/>'
    )
    parts = [head]
    last = 0.0
    for at, says in morning.notes:
        x = 40 + at / end * (wide - 60)
        parts.append(f'<line x1="{x:.0f}" x2="{x:.0f}" y1="10" y2="{high}" stroke="#ddd"/>')
        last = x = max(x, last + 12)  # no label on another
        parts.append(
            f'<text x="{x + 3:.0f}" y="14" transform="rotate(90 {x + 3:.0f} 14)" fill="#777">'
            f"{says}</text>"
        )
    for number, (color, column) in enumerate(columns.items()):
        most = max(float(sample[column]) for sample in morning.samples) or 1
        points = " ".join(
            f"{40 + seen[0] / end * (wide - 60):.1f},{high - float(seen[column]) / most * 250:.1f}"
            for seen in morning.samples
            if seen[column] >= 0
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>'
        )
        parts.append(
            f'<text x="{40 + number * 220}" y="{high + 40}" fill="{color}">{names[color]}'
            f" (most: {most:.0f})</text>"
        )
    parts.append(f'<text x="40" y="{high + 20}" fill="#333">0 s</text>')
    parts.append(f'<text x="{wide - 60}" y="{high + 20}" fill="#333">{end:.0f} s</text></svg>')
    return "\n".join(parts) + "\n"


def report(morning: Morning, found: dict[str, Any]) -> str:
    rows = [f"| {name} | {value} |" for name, value in found.items()]
    happened = [f"| {at:.0f} s | {says} |" for at, says in morning.notes]
    return "\n".join(["| | |", "|---|---|", *rows, "", "| at | |", "|---|---|", *happened]) + "\n"
