"""Power sampling of a story ending: whole endings from p^4, by Metropolis-Hastings.

Raising the probability of the *whole* ending to a power prefers endings that are likely all the way through. A low
temperature does not: it sharpens every token by itself, and cannot know that a likely word leads to an unlikely
sentence. The chains propose at temperature 1/4 from a random cut on and accept by the ratio of p^4, so they sample the
power of the model exactly, endings of any length included. Expect plain, confident endings; the table compares their
mean log-probability with that of draws at temperature 1/4 and 1. Two endings hold nearly all of p^4 and a chain seldom
crosses from one to the other, which the diagnostics say: R-hat stays above 1.1 in a run of this length.
"""

from rich.console import Console
from rich.table import Table

from steersman import models
from steersman.inference import MH, Importance, Posterior, infer, suffix
from steersman.models import LanguageModel, power
from steersman.ppl import Text, Trace, program, sample

STORY = "One day, a little bird fell out of its nest. A girl named Lily found it. She took it home and"


@program
async def ending(lm: LanguageModel, alpha: float) -> Text:
    """The rest of the sentence, from the alpha-th power of the model."""
    return await sample(power(lm, alpha).text(STORY, stop=(".", "!"), max_tokens=24), "ending")


@program
async def tempered_ending(lm: LanguageModel, temperature: float) -> Text:
    """The same, each token drawn at a temperature."""
    return await sample(lm.text(STORY, stop=(".", "!"), max_tokens=24, temperature=temperature), "ending")


def mean_log_p(lm: LanguageModel, posterior: Posterior) -> float:
    """The mean log-probability of the endings under the plain model, in nats."""
    prompts = [lm.context(STORY).tokens] * len(posterior)
    scores = lm.score_sequences(prompts, [text.tokens for text in posterior.values])
    return float(sum(w * s.sum() for w, s in zip(posterior.weights, scores, strict=True)))


def early(trace: Trace) -> list[float]:
    """Weights for the cut: the first words decide what kind of ending it is, so cut there more often."""
    return [1 / (1 + i) for i in range(len(trace["ending"].tokens))]


def main() -> None:
    lm = models.load()
    chains = infer(ending(lm, 4.0), MH(32, 100, suffix(at=early)), seed=1)
    table = Table("ending drawn from", "mean log p", "tokens", "most probable one", title=STORY + " ...")
    for name, posterior in (
        ("p^4, by MH", chains),
        ("temperature 1/4", infer(tempered_ending(lm, 0.25), Importance(64), seed=1)),
        ("the model", infer(tempered_ending(lm, 1.0), Importance(64), seed=1)),
    ):
        tokens = posterior.expectation(lambda text: len(text.tokens))
        table.add_row(name, f"{mean_log_p(lm, posterior):.1f}", f"{tokens:.1f}", posterior.mode().strip())
    Console().print(table)
    print(chains.diagnose())


if __name__ == "__main__":
    main()
