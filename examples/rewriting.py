"""Infilling by rewriting: Metropolis-Hastings on the middle of a story whose beginning and end are fixed.

SMC (`infilling.py`) grows middles from left to right. Here whole middles are rewritten: `suffix` draws a middle anew
from a random word on, `block` redraws a few words in place and keeps what follows, and every rewrite is accepted with
the probability that makes the chains sample p(middle | beginning, end). Expect varied middles and an acceptance rate
for every move (`suffix` is accepted more often the later it cuts); the run is short, and R-hat says so.
"""

from steersman import models
from steersman.inference import MH, block, infer, mix, suffix
from steersman.models import LanguageModel
from steersman.ppl import condition, factor, program, sample

BEGINNING, END = "Tom was sad because he had lost his red ball.", " Tom was happy to have his ball again."


@program
async def middle(lm: LanguageModel, beginning: str, end: str, max_tokens: int = 40) -> str:
    """Two sentences between the fixed ones."""
    context = lm.context(beginning)
    for _ in range(2):
        sentence = await sample(lm.text(context, stop=".", max_tokens=max_tokens // 2), "sentence")
        await condition(sentence.finish == "stop" and "\n" not in sentence, "whole")
        context = context + sentence + "."
    await factor(await lm.score(context, end), "end")
    return str(context)[len(beginning):]


def main() -> None:
    move = mix(suffix("sentence"), block("sentence", length=3))
    posterior = infer(middle(models.load(), BEGINNING, END), MH(16, 80, move), seed=1)
    print(posterior.summary(5))
    print(posterior.diagnose())


if __name__ == "__main__":
    main()
