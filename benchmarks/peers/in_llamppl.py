"""The tasks in LLaMPPL, as its documentation advises: `CachedCausalLM` with the Hugging Face backend, batches as large
as the population, the prompt's keys and values cached, shared properties declared immutable, `smc_standard`."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.peers.short_words import END, advance, masks
from benchmarks.peers.work import EVEN, NOVELTY, Job, Produced, Side, of_texts, serve


def prepare(folder: str) -> Side:
    import numpy as np
    import torch
    from llamppl import CachedCausalLM, LMContext, Model, smc_standard

    lm = CachedCausalLM.from_pretrained(folder, backend="hf", hf_opts={"torch_dtype": torch.float32})
    pieces = [token.byte_string for token in lm.byte_vocab]
    allowed = masks(pieces)

    class Continuation(Model):  # type: ignore[misc]
        def __init__(self, prompt: str, tokens: int) -> None:
            super().__init__()
            self.context, self.left = LMContext(lm, prompt), tokens

        async def draw(self) -> int:
            token = await self.sample(self.context.next_token())
            self.left -= 1
            return int(token.token_id)

        def drawn(self) -> list[int]:
            return [int(t) for t in self.context.tokens[self.context.prompt_token_count :]]

        def immutable_properties(self) -> set[str]:
            return {"allowed"}

    class Weighed(Continuation):
        async def step(self) -> None:
            self.score(EVEN * (await self.draw() % 2 == 0))
            if not self.left:
                self.finish()

    class Rewarded(Continuation):
        async def step(self) -> None:
            await self.draw()
            reward = NOVELTY * len(set(self.drawn()))
            if self.left:
                self.twist(reward)
            else:
                self.score(reward)
                self.finish()

    class ShortWords(Continuation):
        def __init__(self, prompt: str, tokens: int) -> None:
            super().__init__(prompt, tokens)
            self.allowed, self.state = allowed, END

        async def step(self) -> None:
            await self.observe(self.context.mask_dist(self.allowed[self.state]), True)
            state = advance(self.state, pieces[await self.draw()])
            assert state is not None
            self.state = state
            if not self.left:
                self.finish()

    def running(model: Any) -> Any:
        def run(job: Job) -> Produced:
            np.random.seed(job.seed)
            lm.model.batch_size = job.particles
            prompt = lm.tokenizer.bos_token + job.prompt
            tokens = lm.tokenizer.encode(prompt)
            lm.cache_kv(tokens)
            particles = asyncio.run(smc_standard(model(prompt, job.tokens), job.particles))
            return of_texts(tokens, [p.drawn() for p in particles])

        return run

    class LLaMPPL(Side):
        def __init__(self) -> None:
            self.tasks = {
                "smc": running(Weighed), "constrained": running(ShortWords), "reward": running(Rewarded)}

        def clear(self) -> None:
            lm.clear_cache()

    return LLaMPPL()


if __name__ == "__main__":
    serve(prepare)
