"""Infilling: a beginning and an end are fixed, the middle is inferred.

The middle is drawn from the model given the beginning; the end is then scored in one teacher-forced pass, and its
log-probability is the weight: p(middle | beginning, end). Expect three fixed sentences with two inferred ones between.
"""

from steersman import models
from steersman.inference import SMC, infer
from steersman.models import LanguageModel
from steersman.ppl import condition, factor, program, sample


@program
async def infill(lm: LanguageModel, pieces: list[str], max_tokens: int = 16) -> str:
    """Sentences between the fixed pieces, one for each gap."""
    context = lm.context(pieces[0])
    for piece in pieces[1:]:
        gap = await sample(lm.text(context, stop=(".", "!"), max_tokens=max_tokens), "gap")
        await condition(gap.finish == "stop" and "\n" not in gap, "gap is a sentence")
        context = context + gap + (gap.stop or "")
        await factor(await lm.score(context, piece), "fixed piece")
        context = context + piece
    return str(context)


PIECES = ["Lily wanted to play.", " But it began to rain.", " In the end, she was happy."]


def main() -> None:
    print(infer(infill(models.load(), PIECES), SMC(64), seed=1).summary(4))


if __name__ == "__main__":
    main()
