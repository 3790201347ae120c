"""A steered story: a named character and three given words in order, every sentence under ten words.

`make demo` runs this. The raw model writes such an opening about once in a million tries; the program below says
what is wanted, and SMC finds it. Importance sampling gets the same number of tokens.
"""

from __future__ import annotations

import math
import re

from rich.console import Console
from rich.table import Table

from steersman import models
from steersman.inference import SMC, AllParticlesDead, Budget, Importance, Posterior, infer
from steersman.models import LanguageModel
from steersman.ppl import condition, program, sample, twist

NAME, WORDS = "Lily", ("park", "dog", "ball")
ENDS = (".", "!", "?")


@program
async def story(lm: LanguageModel, words: tuple[str, ...], sentences: int = 5, boost: float = 5.0) -> str:
    """A story opening of so many sentences, each of three to nine words, in which the words appear in order.

    Conditions are the target; the favoured proposal and the twist only lead there (boost 0: neither).
    """
    context, found = lm.context(), 0
    for _ in range(sentences):
        text = lm.text(context, stop=ENDS, max_tokens=20)
        steer = boost > 0 and found < len(words)
        sentence = await sample(text, "sentence", proposal=text.favouring(" " + words[found], boost) if steer else None)
        await condition(sentence.finish == "stop" and is_plain(sentence), "plain")
        context = context + sentence + (sentence.stop or "")
        found += in_order(sentence, words[found:])
        await twist(boost * found)
    await condition(found == len(words), "all words")
    return str(context)


def is_plain(sentence: str) -> bool:
    """Three to nine words, no direct speech, no new paragraph."""
    return 3 <= len(sentence.split()) < 10 and not set('"\n') & set(sentence)


def in_order(sentence: str, words: tuple[str, ...]) -> int:
    """How many of the words, from the first on, the sentence mentions in their order."""
    said = iter(re.findall(r"\w+", sentence))
    count = 0
    for word in words:
        if word not in said:  # consumes the words before it
            break
        count += 1
    return count


def satisfied(text: str, words: tuple[str, ...]) -> bool:
    """The independent check of a finished text: what the program promises, looked at from outside."""
    sentences = re.split(r"(?<=[.!?])", text.strip())
    body = [s for s in sentences if s.strip()]
    return text[-1:] in ENDS and all(is_plain(s) for s in body) and in_order(text, words) == len(words)


def run(
    method: SMC | Importance, lm: LanguageModel, boost: float, budget: Budget | None = None, seed: int = 0
) -> Posterior:
    """A posterior; where every particle died, the empty one that says so."""
    try:
        return infer(story(lm, (NAME, *WORDS), boost=boost), method, seed=seed, budget=budget)
    except AllParticlesDead as dead:
        posterior: Posterior = dead.posterior
        return posterior


def main(particles: int = 512, seed: int = 1) -> None:
    console = Console(width=100, highlight=False)
    lm = models.load(max_rows=particles)
    wanted = ", ".join((NAME, *WORDS))
    console.print(f"A story opening of five sentences with [bold]{wanted}[/bold] in this order, every sentence under "
                  "ten words, ending exactly at a sentence end.\n")
    smc = infer(story(lm, (NAME, *WORDS)), SMC(particles, resample_at="factor"), seed=seed)
    budget = Budget(tokens=smc.cost.tokens)
    plenty = 100_000  # the budget ends these runs, not the number of particles
    importance = run(Importance(plenty, batch=particles), lm, 5.0, budget, seed)
    raw = run(Importance(plenty, batch=particles), lm, 0.0, budget, seed)

    for text, p in list(smc.probabilities().items())[:4]:
        assert satisfied(text, (NAME, *WORDS)), text
        console.print(f"[bold]{p:.3f}[/bold]  {text}\n", soft_wrap=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("method", "satisfied", "log Z", "std. error", "ESS", "tokens", "LM calls", "seconds"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for label, posterior in (("SMC", smc), ("importance sampling", importance), ("unsteered model", raw)):
        alive = sum(t is not None for t in posterior.traces)
        error = posterior.log_evidence_error
        table.add_row(
            label, f"{alive} of {len(posterior)}", f"{posterior.log_evidence:.2f}",
            f"{error:.2f}" if math.isfinite(error) else "unknown", f"{posterior.ess:.1f}",
            f"{posterior.cost.tokens:,}", f"{posterior.cost.calls:,}", f"{posterior.cost.seconds:.1f}",
        )
    console.print(table)
    console.print(f"\nZ is the probability that the unsteered model meets the constraint: by SMC about one story in "
                  f"{round(math.exp(-smc.log_evidence), -3):,.0f}.")


if __name__ == "__main__":
    main()
