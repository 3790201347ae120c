"""A sentence in which it rains, nudged by the same model with a hint in its prompt.

Left alone the model seldom lets it rain here. The nudger has read a hint that the story itself does not contain, and
draws the tokens at which the model is unsure (its best token has a probability below gamma); the model draws the rest.
As a proposal this changes no probability: log Z, the chance that it rains without any hint, is estimated from all four
rows. Expect the number of sentences in which it rains to grow with gamma, and the effective number to fall again when
the nudger draws nearly everything.
"""

from rich.console import Console
from rich.table import Table

from steersman import models
from steersman.inference import Importance, Posterior, infer
from steersman.models import LanguageModel, gated
from steersman.ppl import condition, program, sample

STORY = "Tom and Lily were playing in the garden. Then"
HINT = "The sky was dark. It began to rain. The rain was cold and wet. Rain, rain, rain! "
GAMMAS = (0.0, 0.2, 0.4, 0.8)


@program
async def rainy(lm: LanguageModel, gamma: float) -> str:
    """The rest of a sentence, given that it rains in it."""
    ends = {"stop": (".", "!"), "max_tokens": 16}
    base, nudger = lm.text(STORY, **ends), lm.text(HINT + STORY, **ends)
    sentence = await sample(base, "sentence", proposal=gated(base, nudger, gamma))
    await condition("rain" in sentence, "it rains")
    return str(sentence)


def table_of(found: dict[float, Posterior]) -> Table:
    table = Table("gamma", "it rains in", "effective", "log Z", "a likely one", title=STORY + " ...")
    for gamma, posterior in found.items():
        alive = sum(t is not None for t in posterior.traces)
        table.add_row(f"{gamma:g}", f"{alive} of {len(posterior)}", f"{posterior.ess:.1f}",
                      f"{posterior.log_evidence:.2f} ± {posterior.log_evidence_error:.2f}", posterior.mode().strip())
    return table


def main() -> None:
    lm = models.load()
    Console().print(table_of({g: infer(rainy(lm, g), Importance(1024), seed=1) for g in GAMMAS}))


if __name__ == "__main__":
    main()
