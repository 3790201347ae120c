"""JSON Schemas with instances, read token by token through `json_schema`: what is accepted, refused and how fast.

    python -m benchmarks.json_schemas [FOLDER] [--tokenizer FOLDER] [--list]

FOLDER holds one JSON file for each schema: ``{"schema": ..., "tests": [{"data": ..., "valid": true}, ...]}`` (our own
schemas, if it is left out). Every instance is written compactly, the valid ones with spaces too, encoded by the
tokenizer (of the embedded model, or of a Hugging Face folder) and read: a text is accepted if each token is in the mask
before it and the last state is accepting. The table has

- the schemas for which all instances are told apart rightly, and those refused, with the reasons;
- valid instances that are rejected (a cost: other orders of properties, other spellings) and invalid ones that are
  accepted, of which there must be none: the exit status is 1 if there is one;
- the time of building, and of a mask that nobody has asked for yet, the advance to it included.

With --list every refusal and every wrong verdict is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from steersman.models.load import EMBEDDED
from steersman.models.tokenizer import HuggingFaceTokenizer
from steersman.ppl.constraints.errors import ConstraintError
from steersman.ppl.constraints.json_schema import JsonSchema, json_schema
from steersman.ppl.constraints.masks import has
from steersman.ppl.constraints.vocabulary import Vocabulary

SCHEMAS = Path(__file__).parent / "schemas"


@dataclass
class Report:
    """Verdicts on a folder. Texts are kept with the name of their schema; times are in seconds."""

    passed: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    valid_rejected: list[tuple[str, str]] = field(default_factory=list)
    invalid_accepted: list[tuple[str, str]] = field(default_factory=list)
    texts: Counter[bool] = field(default_factory=Counter)
    builds: list[float] = field(default_factory=list)
    masks: list[float] = field(default_factory=list)


def written(data: Any, valid: bool) -> Iterator[str]:
    """An instance as text: compactly, and if it is valid with spaces too."""
    yield json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    if valid:
        yield json.dumps(data, ensure_ascii=False)


def accepts(constraint: JsonSchema, vocabulary: Vocabulary, text: str, times: list[float]) -> bool:
    """Whether the masks let a text through to an accepting state; the seconds of each mask are added to `times`."""
    state = constraint.start(vocabulary)
    for token in vocabulary.encode(text):
        start = time.perf_counter()
        mask = state.mask()
        times.append(time.perf_counter() - start)
        assert mask is not None
        if not has(mask, token):
            return False
        state = state.advance(token)
    return state.accepting


def run(folder: Path, vocabulary: Vocabulary) -> Report:
    """Read every schema of a folder with its instances."""
    report = Report()
    for path in sorted(folder.glob("*.json")):
        name = path.stem
        try:
            content = json.loads(path.read_text())
            schema, tests = content["schema"], content.get("tests", [])
        except (ValueError, KeyError, TypeError) as error:
            report.unreadable[name] = repr(error)
            continue
        wrong = len(report.valid_rejected) + len(report.invalid_accepted)
        try:
            start = time.perf_counter()
            constraint = json_schema(schema)
            constraint.start(vocabulary)
            report.builds.append(time.perf_counter() - start)
            for test in tests:
                for text in written(test["data"], test["valid"]):
                    report.texts[test["valid"]] += 1
                    if accepts(constraint, vocabulary, text, report.masks) != test["valid"]:
                        (report.valid_rejected if test["valid"] else report.invalid_accepted).append((name, text))
        except ConstraintError as error:
            report.refused[name] = str(error)
        else:
            if len(report.valid_rejected) + len(report.invalid_accepted) == wrong:
                report.passed.append(name)
    return report


def reason(message: str) -> str:
    """A refusal without its place and values, to be counted."""
    line = message.split("\n")[0].split(": ", 1)[-1]
    return line if len(line) <= 90 else line[:87] + "..."


def show(report: Report, console: Console, everything: bool) -> None:
    summary = Table("what", "number", title="JSON Schemas")
    total = len(report.builds) + len(report.refused)
    rows: list[tuple[str, object]] = [
        ("schemas", total),
        ("  all instances told apart", len(report.passed)),
        ("  refused, with a reason", len(report.refused)),
        ("files that are not in the format", len(report.unreadable)),
        ("texts of valid instances", report.texts[True]),
        ("  rejected", len(report.valid_rejected)),
        ("texts of invalid instances", report.texts[False]),
        ("  accepted (must be 0)", len(report.invalid_accepted)),
    ]
    for name, times, unit, scale in (("build", report.builds, "ms", 1e3), ("mask", report.masks, "µs", 1e6)):
        for q in (50, 99) if times else ():
            rows.append((f"{name} p{q}, {unit}", f"{np.percentile(times, q) * scale:.1f}"))
    for label, number in rows:
        summary.add_row(label, str(number))
    console.print(summary)
    reasons = Table("refused because", "schemas")
    for why, count in Counter(map(reason, report.refused.values())).most_common():
        reasons.add_row(escape(why), str(count))
    if report.refused:
        console.print(reasons)
    wrong = [("invalid accepted", *found) for found in report.invalid_accepted]
    if everything:
        wrong += [("valid rejected", *found) for found in report.valid_rejected]
        wrong += [("refused", *found) for found in report.refused.items()]
        wrong += [("unreadable", *found) for found in report.unreadable.items()]
    for verdict, name, text in wrong:
        console.print(f"{verdict}: {name}: {text}", markup=False, highlight=False, soft_wrap=True)


def tokenizer_of(folder: Path) -> Vocabulary:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    return Vocabulary(HuggingFaceTokenizer(tokenizer, len(tokenizer)))


def main() -> int:
    parser = argparse.ArgumentParser(description="JSON Schemas with instances, through json_schema.")
    parser.add_argument("folder", nargs="?", type=Path, default=SCHEMAS)
    parser.add_argument("--tokenizer", type=Path, default=EMBEDDED, help="a Hugging Face folder")
    parser.add_argument("--list", action="store_true", help="print every refusal and every wrong verdict")
    args = parser.parse_args()
    report = run(args.folder, tokenizer_of(args.tokenizer))
    show(report, Console(), args.list)
    return 1 if report.invalid_accepted else 0


if __name__ == "__main__":
    sys.exit(main())
