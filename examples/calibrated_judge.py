"""Calibrating a language-model judge, and writing for it: continuous latents and a text in one posterior.

The judge says how much likelier " happy" is than " sad" after a sentence, in nats. That is no probability. People have
labelled a few sentences; slope and bias turn the judge's score into their verdict, and the uncertainty about both stays
in the posterior. In the same program an ending is written that people would call happy. `Gibbs` gives each site the
kernel that suits it: NUTS moves slope and bias, `suffix` rewrites the ending. Expect a positive slope, and endings that
are mostly cheerful, for the calibrated judge is a soft constraint.
"""

from steersman import models
from steersman.inference import Gibbs, infer, nuts, suffix
from steersman.models import LanguageModel
from steersman.ppl import condition, dist, observe, program, sample

LABELLED = [
    ("Lily got a new puppy for her birthday.", True), ("Tom fell and hurt his knee.", False),
    ("The cat was lost in the dark forest.", False), ("They played in the park all day.", True),
    ("Mom gave Sam a big hug.", True), ("The toy broke and Ben cried.", False),
    ("The dog ran away and did not come back.", False), ("They ate cake and sang songs.", True),
    ("It was time to go home.", False), ("The bird could not fly.", False),
    ("Anna found her red ball.", True), ("No one wanted to play with Max.", False),
]
STORY = "Lily and Ben went to the lake. They saw a little boat."


async def judge(lm: LanguageModel, sentence: str) -> float:
    """How much likelier "happy" is than "sad", in nats."""
    context = lm.context(f"{sentence} Everyone was very")
    return await lm.score(context, " happy") - await lm.score(context, " sad")


@program
async def happy_ending(lm: LanguageModel) -> tuple[float, float, str]:
    """Slope and bias of the judge given the labels, and an ending given that people would call it happy."""
    slope = await sample(dist.LogNormal(0.0, 1.0), "slope")
    bias = await sample(dist.Normal(0.0, 2.0), "bias")
    for sentence, label in LABELLED:
        score = await judge(lm, sentence)
        await observe(dist.Bernoulli(logits=slope * score + bias), int(label), "label")
    ending = await sample(lm.text(STORY, stop=".", max_tokens=20), "ending")
    await condition(ending.finish == "stop", "whole")
    await observe(dist.Bernoulli(logits=slope * await judge(lm, ending + ".") + bias), 1, "called happy")
    return slope, bias, ending.strip()


def main() -> None:
    method = Gibbs({("slope", "bias"): nuts(), "ending": suffix()}, chains=8, steps=80)
    posterior = infer(happy_ending(models.load()), method, seed=1)
    print(posterior.diagnose({"slope": lambda v: v[0], "bias": lambda v: v[1], "length": lambda v: len(v[2])}))
    for ending in posterior.sample(6, seed=2):
        print(" ", ending[2] + ".")


if __name__ == "__main__":
    main()
