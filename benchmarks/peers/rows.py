"""The rows of the table: which side runs which task, and what a run must have produced to count."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.peers.short_words import PATTERN
from benchmarks.peers.work import Job

OURS = "Steersman"
MODULES = {
    OURS: "in_steersman", "transformers": "in_transformers", "LLaMPPL": "in_llamppl", "genlm-control": "in_genlm"}
NAMES = {
    "bare": "bare decode", "smc": "SMC", "constrained": "constrained SMC", "reward": "reward-guided SMC", "mh": "MH"}
MOVED = 3
"""MH draws a text and then, in four steps, its second half anew: tokens drawn for each token of a text."""


@dataclass(frozen=True)
class Row:
    side: str
    task: str

    @property
    def compared_to(self) -> Row:
        """Ours to bare decode, a peer's to our run of the same task."""
        return Row(OURS, "bare" if self.side == OURS else self.task)


ROWS = [
    *(Row(OURS, task) for task in ("bare", "smc", "constrained", "reward", "mh")),
    Row("transformers", "bare"),
    *(Row(side, task) for side in ("LLaMPPL", "genlm-control") for task in ("smc", "constrained", "reward")),
]


class WrongWork(Exception):
    """A run that did not do what it was asked, so that its time means nothing."""


def expected(job: Job) -> int:
    """Tokens that the job draws from the model."""
    return job.particles * job.tokens * (MOVED if job.task == "mh" else 1)


def check(job: Job, answer: dict[str, Any], prompt: list[int], decode: Callable[[list[int]], str]) -> None:
    """Raises WrongWork unless the run began with this prompt, drew as many tokens as it was asked for, and left texts
    of that length which, under the constraint, meet it."""
    if answer["prompt"] != prompt:
        raise WrongWork(f"it continued the tokens {answer['prompt'][:4]}..., not {prompt[:4]}...")
    if answer["drawn"] != expected(job):
        raise WrongWork(f"it drew {answer['drawn']} tokens, not {expected(job)}")
    if job.task == "constrained" and not answer["texts"]:
        raise WrongWork("it left no text")
    for tokens in answer["texts"] or []:
        if len(tokens) != job.tokens:
            raise WrongWork(f"a text has {len(tokens)} tokens, not {job.tokens}")
        if job.task == "constrained" and not re.fullmatch(PATTERN, decode(tokens)):
            raise WrongWork(f"a text has a long word: {decode(tokens)!r:.60}")
