"""A story opening without a given letter (a lipogram).

The mask proposes only tokens without the letter, and the weight gains the log of the mass that the mask allows, so
the result is the model's own distribution conditioned on the letter never appearing - not the greedy distortion that
masking alone gives. Expect a sentence or two without an "e", some of them odd, and log Z near -9: the model would write
one such text in about 8,000.
"""

from steersman import models
from steersman.inference import SMC, infer
from steersman.models import LanguageModel
from steersman.ppl import condition, program, sample


@program
async def without_letter(lm: LanguageModel, letter: str, max_tokens: int = 60) -> str:
    """Text without the letter, up to the first sentence end after 40 characters."""
    allowed = lm.tokens_where(lambda piece: letter not in piece.lower() and "\n" not in piece)
    context, text = lm.context(), ""
    for _ in range(max_tokens):
        token = lm.next(context)
        drawn = await sample(token, "token", proposal=token.masked(allowed))
        await condition(allowed[drawn], "no letter")
        context = context + drawn
        text = str(context)
        if drawn in lm.eos or (len(text) > 40 and text[-1] in ".!?"):
            break
    return text


def main() -> None:
    lm = models.load()
    print(infer(without_letter(lm, "e"), SMC(192), seed=1).summary(4))


if __name__ == "__main__":
    main()
