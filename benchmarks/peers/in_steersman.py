"""The tasks in Steersman; bare decode, the programs of SMC and MH and the move are those of the other benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from benchmarks.constraints import text
from benchmarks.decode import decode
from benchmarks.mcmc import cut_at, story
from benchmarks.peers.short_words import PATTERN
from benchmarks.peers.work import NOVELTY, Job, Produced, Side, serve
from benchmarks.smc import PROMPT, weighed
from steersman import models
from steersman.inference import MH, SMC, Algorithm, Posterior, infer
from steersman.models import NeuralLM
from steersman.ppl import Batched, Invocation, call, factor, program, regex, sample, twist

STEPS = 4
"""Of a chain of MH; every one draws the second half of its text anew."""


def _novelty(items: list[tuple[tuple[int, ...]]]) -> list[float]:
    return [NOVELTY * len(set(tokens)) for (tokens,) in items]


novelty = Batched(_novelty, reward=True)


@program
async def rewarded(lm: NeuralLM, tokens: int) -> tuple[int, ...]:
    """A text of so many tokens under exp(reward); the reward of the text so far guides."""
    context = lm.context(PROMPT)
    start = len(context.tokens)
    for _ in range(tokens):
        context = context + await sample(lm.next(context), "token")
        reward = await call(novelty, context.tokens[start:])
        await twist(reward)
    await factor(reward)
    return context.tokens[start:]


class Compilations:
    """How many programs XLA has compiled in this process."""

    def __init__(self) -> None:
        self.count = 0
        jax.monitoring.register_event_duration_secs_listener(self._listen)

    def _listen(self, event: str, seconds: float, **rest: object) -> None:
        self.count += event.endswith("backend_compile_duration")


class Steersman(Side):
    def __init__(self, folder: str) -> None:
        self.lm, self.compilations = models.load(folder), Compilations()
        self.prompt = list(self.lm.context(PROMPT).tokens)
        where = regex(PATTERN)
        self.tasks = {
            "bare": self._bare,
            "smc": self._infer(lambda job: weighed(self.lm, job.tokens), lambda job: SMC(job.particles)),
            "constrained": self._infer(lambda job: text(self.lm, where, job.tokens), lambda job: SMC(job.particles)),
            "reward": self._infer(lambda job: rewarded(self.lm, job.tokens), lambda job: SMC(job.particles)),
            "mh": self._infer(
                lambda job: story(self.lm, job.tokens),
                lambda job: MH(job.particles, STEPS, cut_at(job.tokens // 2, job.tokens), warmup=0)),
        }

    def clear(self) -> None:
        self.lm.decoder.clear()
        self.lm.decoder.stats.reset()

    def _bare(self, job: Job) -> Produced:
        before = self.compilations.count
        decode(self.lm.decoder, job.particles, job.tokens, job.seed, tuple(self.prompt))
        return Produced(self.prompt, self.lm.decoder.stats.draws, compiled=self.compilations.count - before)

    def _infer(
        self, model: Callable[[Job], Invocation[Any]], method: Callable[[Job], Algorithm[Any]]
    ) -> Callable[[Job], Produced]:
        def run(job: Job) -> Produced:
            before = self.compilations.count
            found = infer(model(job), method(job), seed=job.seed, progress=False)
            compiled = self.compilations.count - before
            return Produced(self.prompt, found.cost.tokens, _texts(found), compiled)

        return run


def _texts(found: Posterior) -> list[list[int]] | None:
    """The tokens of each text where the program drew one as a whole."""
    drawn = [t["text"].tokens for t in found.traces if t is not None and "text" in t]
    return [list(map(int, tokens)) for tokens in drawn] or None


def prepare(folder: str) -> Side:
    return Steersman(folder)


if __name__ == "__main__":
    serve(prepare)
