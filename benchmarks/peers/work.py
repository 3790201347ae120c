"""What every side is asked and how it answers. Only the standard library: peers run this in their own environment.

A side is a process that reads one job a line from its input, as JSON, and answers each with a line of JSON. The first
line that it writes says that it is ready, or why it cannot run.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass

TASKS = ("bare", "smc", "constrained", "reward", "mh")

EVEN = 0.4
"""SMC: the log weight of every token with an even number, that of `benchmarks.smc`."""

NOVELTY = 0.2
"""Reward-guided SMC: the log weight of every different token of a text. It is the reward of the whole text, and of the
text so far at every step, where it only guides."""


@dataclass(frozen=True)
class Job:
    """Continue the prompt by so many tokens with so many particles (rows, chains)."""

    task: str
    prompt: str
    particles: int
    tokens: int
    seed: int


@dataclass(frozen=True)
class Produced:
    """drawn: tokens drawn from the model, all particles together. texts: the tokens of each particle without the
    prompt, where they are at hand. compiled: programs that were compiled during the run, for a side that compiles."""

    prompt: list[int]
    drawn: int
    texts: list[list[int]] | None = None
    compiled: int = 0


class Side(ABC):
    """What a side offers: its tasks by name, and a way to forget what earlier runs left in its caches."""

    tasks: dict[str, Callable[[Job], Produced]]

    @abstractmethod
    def clear(self) -> None: ...


def of_texts(prompt: list[int], texts: list[list[int]]) -> Produced:
    return Produced(prompt, sum(map(len, texts)), texts)


def serve(prepare: Callable[[str], Side]) -> None:
    """Answer jobs until the input ends. prepare: from the folder of the checkpoint, the first argument."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not get between the answers
    try:
        side = prepare(sys.argv[1])
    except ImportError as error:
        print(json.dumps({"error": f"not installed: {error}"}), file=out)
        return
    except Exception as error:
        print(json.dumps({"error": f"does not load the checkpoint: {type(error).__name__}: {error}"}), file=out)
        raise
    print(json.dumps({"ready": sorted(side.tasks)}), file=out)
    for line in sys.stdin:
        job = Job(**json.loads(line))
        try:
            side.clear()
            random.seed(job.seed)
            start = time.perf_counter()
            produced = side.tasks[job.task](job)
            answer = {"seconds": time.perf_counter() - start, **asdict(produced)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=out)
