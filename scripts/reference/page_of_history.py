"""Rebuilds a page's data.js of github-action-benchmark from a history as comma-separated values.

    python3 scripts/reference/page_of_history.py HISTORY.csv >data.js

The columns are suite, benchmark, unit, date_ms and value, as `bench-runner evaluate` reads them. The values are the history's;
commits are not in it, so that their ids are made of suite and time. Nothing of the output is committed: tests make a page of
their own from integers.
"""

import csv
import hashlib
import json
import sys

entries = {}
with open(sys.argv[1], encoding="utf-8", newline="") as history:
    for row in csv.DictReader(history):
        date = int(row["date_ms"])
        entry = entries.setdefault(row["suite"], {}).setdefault(date, [])
        entry.append({"name": row["benchmark"], "value": float(row["value"]), "unit": row["unit"]})


def commit(suite, date):
    made = hashlib.sha1(f"{suite} {date}".encode()).hexdigest()
    person = {"name": "unknown", "username": "unknown"}
    return {"author": person, "committer": person, "id": made, "message": "", "timestamp": "", "url": ""}


page = {
    "lastUpdate": max(date for dates in entries.values() for date in dates),
    "repoUrl": "",
    "entries": {
        suite: [
            {"commit": commit(suite, date), "date": date, "tool": "customSmallerIsBetter", "benches": benches}
            for date, benches in sorted(dates.items())
        ]
        for suite, dates in entries.items()
    },
}
sys.stdout.write("window.BENCHMARK_DATA = " + json.dumps(page, indent=2))
