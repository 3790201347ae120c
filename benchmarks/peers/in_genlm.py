"""The tasks in genlm-control, as its documentation advises: `PromptedLLM` with batches as large as the population,
`direct_token_sampler` without constraints and `AWRS` with one, critics for weights and rewards, autobatched."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.peers.short_words import PATTERN
from benchmarks.peers.work import EVEN, NOVELTY, Job, Produced, Side, of_texts, serve


def prepare(folder: str) -> Side:
    import numpy as np
    import torch
    from genlm.control import AWRS, BoolFSA, Potential, PromptedLLM, direct_token_sampler

    llm = PromptedLLM.from_name(folder, backend="hf", hf_opts={"torch_dtype": torch.float32})
    tokenizer = llm.model.tokenizer

    class Even(Potential):  # type: ignore[misc]
        async def prefix(self, context: list[Any]) -> float:
            return EVEN * sum(t.token_id % 2 == 0 for t in context)

        complete = prefix

    class Novelty(Potential):  # type: ignore[misc]
        async def prefix(self, context: list[Any]) -> float:
            return NOVELTY * len({t.token_id for t in context})

        complete = prefix

    free, even, novelty = direct_token_sampler(llm), Even(llm.vocab), Novelty(llm.vocab)
    short_words = AWRS(llm, BoolFSA.from_regex(PATTERN).coerce(llm, f=b"".join), seed=0)

    def running(sampler: Any, critic: Any) -> Any:
        async def smc(job: Job) -> Any:
            return await sampler.smc(
                n_particles=job.particles, ess_threshold=0.5, max_tokens=job.tokens + 1, critic=critic,
                terminate_when=lambda context: len(context) >= job.tokens,  # the text, without drawing its end
            )

        def run(job: Job) -> Produced:
            torch.manual_seed(job.seed)
            np.random.seed(job.seed)
            llm.model.batch_size = job.particles
            llm.prompt_ids = tokenizer.encode(tokenizer.bos_token + job.prompt)
            found = asyncio.run(smc(job))
            return of_texts(list(llm.prompt_ids), [[t.token_id for t in c[:-1]] for c in found.contexts])

        return run

    class GenLM(Side):
        def __init__(self) -> None:
            self.tasks = {
                "smc": running(free, even), "constrained": running(short_words, None), "reward": running(free, novelty)}

        def clear(self) -> None:
            llm.model.clear_cache()

    return GenLM()


if __name__ == "__main__":
    serve(prepare)
