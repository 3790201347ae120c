"""Power sampling of a story ending: whole endings from p^4, by Metropolis-Hastings.

Raising the probability of the *whole* ending to a power prefers endings that are likely all the way through. A low
temperature does not: it sharpens every token by itself, and cannot know that a likely word leads to an unlikely
sentence. The chains propose at temperature 1/4 from a random cut on and accept by the ratio of p^4, so they sample the
power of the model exactly, endings of any length included. Expect plain, confident endings; the table compares their
mean log-probability with that of draws at temperature 1/4 and 1.
"""

from rich.console import Console
from rich.table import Table

from steersman import models
from steersman.inference import MH, Importance, Posterior, infer, suffix
from steersman.models import LanguageModel, power
from steersman.ppl import Text, program, sample

STORY = "One day, a little bird fell out of its nest. A girl named Lily found it. She"


@program
async def ending(lm: LanguageModel, alpha: float) -> Text:
    """An ending of two sentences or so, up to the end of the paragraph."""
    return await sample(power(lm, alpha).text(STORY, stop="\n", max_tokens=32), "ending")


@program
async def tempered_ending(lm: LanguageModel, temperature: float) -> Text:
    """The same, each token drawn at a temperature."""
    return await sample(lm.text(STORY, stop="\n", max_tokens=32, temperature=temperature), "ending")


def row(lm: LanguageModel, name: str, posterior: Posterior) -> tuple[str, str, str, str]:
    """Its name, mean log p of the endings under the plain model, their number of tokens, and the most probable one."""
    scored = lm.score_sequences(
        [lm.context(STORY).tokens] * len(posterior), [t.tokens for t in posterior.values])
    log_p = sum(w * s.sum() for w, s in zip(posterior.weights, scored, strict=True))
    tokens = posterior.expectation(lambda text: len(text.tokens))
    return name, f"{log_p:.1f}", f"{tokens:.1f}", posterior.mode().strip()


def main() -> None:
    lm = models.load()
    table = Table("ending drawn from", "mean log p", "tokens", "most probable one", title=STORY + " ...")
    chains = infer(ending(lm, 4.0), MH(32, 60, suffix()), seed=1)
    table.add_row(*row(lm, "p^4, by MH", chains))
    table.add_row(*row(lm, "temperature 1/4", infer(tempered_ending(lm, 0.25), Importance(64), seed=1)))
    table.add_row(*row(lm, "the model", infer(tempered_ending(lm, 1.0), Importance(64), seed=1)))
    Console().print(table)
    print(chains.diagnose())


if __name__ == "__main__":
    main()
