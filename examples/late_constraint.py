"""A sentence that ends with a given word: a soft prompt is learned for the task and then proposes inside SMC.

Nothing tells before its last word whether a sentence will end well, so resampling cannot help: SMC keeps the few
particles in a hundred that were lucky. A soft prompt is trained to draw such sentences (`wake`: draws are weighted by
p / q, and the impossible ones weigh nothing); the language model itself still judges them. Particles are compared at
the condition alone, because on the way there p / q goes up and down without a meaning. Expect that most sentences end
well, and that an effective draw costs a tenth of the tokens that it costs without, or less.
"""

from __future__ import annotations

from steersman import models
from steersman.inference import SMC, Posterior, infer
from steersman.inference.variational import Guide, fit, wake
from steersman.models import AdaptedLM, LanguageModel, SoftPrompt
from steersman.ppl import condition, program, sample

PROMPT = "One day, Tom went to the park."


@program
async def sentence(lm: LanguageModel, word: str) -> str:
    """One sentence more, whose last word is the given one."""
    text = await sample(lm.text(PROMPT, stop=".", max_tokens=24), "text")
    await condition(text.finish == "stop" and text.rstrip(".").endswith(f" {word}"))
    return text


@program
async def guess(lm: LanguageModel) -> None:
    await sample(lm.text(PROMPT, stop=".", max_tokens=24), "text")


def learned(lm: AdaptedLM, word: str, steps: int, draws: int) -> Guide:
    """A guide whose soft prompt has been fitted."""
    guide = Guide(guess(lm), lm)
    fit(sentence(lm.base, word), guide, objective=wake(draws), draws=1, steps=steps, optimiser=0.01)
    return guide


def tokens_each(posterior: Posterior) -> float:
    """Language-model tokens for one effective draw."""
    return posterior.cost.tokens / posterior.ess


def main(word: str = "hill", steps: int = 50, draws: int = 256) -> None:
    lm = models.load()
    blind = infer(sentence(lm, word), SMC(1024, resample_at="factor"), seed=1)
    print(f"without a guide: {blind!r}, {tokens_each(blind):,.0f} tokens for an effective draw")
    guide = learned(lm.adapted(SoftPrompt(words=" The hill was very big"), name="ending"), word, steps, draws)
    taught = infer(sentence(lm, word), SMC(1024, resample_at="factor", proposal=guide), seed=1)
    print(f"with a learned soft prompt: {taught!r}, {tokens_each(taught):,.0f} tokens for an effective draw")
    print(taught.summary(5))


if __name__ == "__main__":
    main()
