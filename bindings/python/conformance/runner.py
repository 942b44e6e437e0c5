"""The Python column of the conformance suite: reads vectors, calls the typed API, prints what it answers.

usage: runner.py PATH...     files or folders; one JSON line per test on standard output

It judges nothing, and hands no JSON through: every input is read into the values that the API takes, every answer is
printed from the values that it returns.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from functions import call
from read import Json, Unknown
from transcript import steps

import coordinator

DRIVEN = {"transcript": steps, "coordinator": coordinator.steps}


def answer(kind: str, test: Json, group: Json | None) -> Json:
    try:
        if kind in DRIVEN:
            result = {"steps": DRIVEN[kind](test, group)}
        else:
            result = call(kind, test["input"], group)
        return {"id": test["id"], "result": result}
    except (Unknown, KeyError) as problem:
        return {"id": test["id"], "skipped": f"{type(problem).__name__}: {problem}"}


def files(paths: list[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        yield from sorted(path.rglob("*.json")) if path.is_dir() else [path]


def main() -> None:
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    for path in files(sys.argv[1:]):
        file = json.loads(path.read_text(encoding="utf-8"))
        for group in file["groups"]:
            for test in group["tests"]:
                print(json.dumps(answer(file["kind"], test, group.get("config")), ensure_ascii=False))


if __name__ == "__main__":
    main()
