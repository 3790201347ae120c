"""A sentence in which it rains, nudged by the same model with a hint in its prompt.

Left alone the model lets it rain in one sentence of a hundred. The nudger has read a hint that is no part of the story,
and draws the tokens at which the model is unsure: those whose best candidate has a probability below gamma. As a
proposal this changes no probability, and every row estimates the same log Z, the chance that it rains without a hint.
Expect several times as many sentences with rain, but few that count: the hint changes other words, too, and their
weights make up for it. Half a hint, the geometric mean of both models, finds fewer and keeps more of them: look at the
effective number, not at how often a proposal succeeds.
"""

from rich.console import Console
from rich.table import Table

from steersman import models
from steersman.inference import Importance, Posterior, infer
from steersman.models import LanguageModel, gated
from steersman.ppl import condition, program, sample

STORY = "Tom and Lily were playing in the garden. Then"
HINT = "The sky was dark. It began to rain. The rain was cold and wet. Rain, rain, rain! "


@program
async def rainy(lm: LanguageModel, gamma: float, halved: bool = False) -> str:
    """The rest of a sentence, given that it rains in it. halved: the nudger has read half a hint."""
    plain, hinted = (lm.text(prompt, stop=(".", "!"), max_tokens=16) for prompt in (STORY, HINT + STORY))
    nudger = plain**0.5 * hinted**0.5 if halved else hinted
    sentence = await sample(plain, "sentence", proposal=gated(plain, nudger, gamma))
    await condition(" rain" in sentence, "it rains")
    return str(sentence)


def raining(posterior: Posterior) -> int:
    """In how many sentences it rains."""
    return sum(trace is not None for trace in posterior.traces)


def main() -> None:
    lm = models.load()
    table = Table("proposal", "it rains in", "effective", "log Z", "a likely one", title=STORY + " ...")
    for name, gamma, halved in (("the model", 0.0, False), ("hint where unsure", 0.5, False),
                                ("half a hint where unsure", 0.5, True), ("half a hint", 1.0, True)):
        posterior = infer(rainy(lm, gamma, halved), Importance(1024), seed=1)
        table.add_row(name, f"{raining(posterior)} of {len(posterior)}", f"{posterior.ess:.1f}",
                      f"{posterior.log_evidence:.2f} ± {posterior.log_evidence_error:.2f}", posterior.mode().strip())
    Console().print(table)


if __name__ == "__main__":
    main()
