"""The training record kept beside the weights (``training.json``), from which the card is written."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "training.json"


@dataclass(frozen=True)
class Record:
    """How a model folder came about."""

    command: str
    """The command line, with CORPUS, START and OUT for the folders."""
    tokens: int
    """Training tokens of this run."""
    seconds: float
    """Wall-clock seconds of this run."""
    device: str
    steps: int
    loss: float
    """Smoothed training loss at the end, nats a token."""
    earlier: str = ""
    """What the run started from, in words; empty for a run from random weights."""
    earlier_tokens: int = 0
    """Tokens that the starting point had already seen."""


def write_record(record: Record, folder: Path) -> None:
    """Write ``training.json``."""
    path = folder / NAME
    path.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")


def read_record(folder: Path) -> Record | None:
    """Read ``training.json``; None when the folder has none."""
    path = folder / NAME
    if not path.is_file():
        return None
    return Record(**json.loads(path.read_text(encoding="utf-8")))
