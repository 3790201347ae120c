"""The training record kept beside the weights (``training.json``), from which the card is written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "training.json"


@dataclass(frozen=True)
class Stage:
    """One run of the script; a model that went on from another has several."""

    command: str
    """The command line, with CORPUS, START and OUT for the folders; or words, if there is none."""
    tokens: int
    """Training tokens of this run."""
    seconds: float
    """Wall-clock seconds of this run."""
    steps: int
    device: str = ""
    loss: float = float("nan")
    """Smoothed training loss at the end, nats a token."""


def total_tokens(stages: Sequence[Stage]) -> int:
    """Tokens seen in all stages together."""
    return sum(stage.tokens for stage in stages)


def write_record(stages: Sequence[Stage], folder: Path) -> None:
    """Write ``training.json``."""
    text = json.dumps({"stages": [asdict(stage) for stage in stages]}, indent=2)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def read_record(folder: Path) -> list[Stage]:
    """Read ``training.json``; no stages when the folder has none."""
    path = folder / NAME
    if not path.is_file():
        return []
    return [Stage(**stage) for stage in json.loads(path.read_text(encoding="utf-8"))["stages"]]
