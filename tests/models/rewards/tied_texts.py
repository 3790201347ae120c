"""Short texts of a table model under a reward that ties, and all of them listed."""

from __future__ import annotations

from steersman.inference import Enumerate, infer
from steersman.models import Quantile, Reward, TableLM
from steersman.ppl import program, sample

LM = TableLM.random(3, seed=5)


def score(text: str) -> float:
    """With ties: the number of a's, at most two."""
    return min(2.0, text.count("a"))


REWARD = Reward(lambda items: [score(text) for (text,) in items], name="count")


@program
async def writing() -> str:
    return str(await sample(LM.text("", max_tokens=3), "text"))


BASE = infer(writing(), Enumerate()).probabilities()
EXACT = Quantile([score(v) for v in BASE], list(BASE.values()))
