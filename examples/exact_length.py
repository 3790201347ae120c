"""A text of exactly 82 characters that ends with its sentence.

Expect texts of 82 characters, few of them different: the length is easy, but few tokens that fill the last gap end a
sentence, so that one particle in ten thousand would; resampling has only the last step to choose in.
"""

from steersman import models
from steersman.inference import SMC, infer
from steersman.models import LanguageModel, Mask
from steersman.ppl import condition, program, sample

LONGEST = 16
"""However many characters are left, no token has more than so many."""


def at_most(lm: LanguageModel, characters: int) -> Mask:
    """The tokens of one character up to so many."""
    return lm.tokens_where(lambda piece: 0 < len(piece) <= characters and "\n" not in piece)


@program
async def exactly(lm: LanguageModel, characters: int = 82) -> str:
    """Tokens that would overshoot are never proposed; the end must be the end of a sentence."""
    fits = [at_most(lm, left) for left in range(LONGEST + 1)]
    context, text = lm.context(), ""
    while len(text) < characters:
        token = lm.next(context)
        allowed = fits[min(characters - len(text), LONGEST)]
        drawn = await sample(token, "token", proposal=token.masked(allowed))
        await condition(allowed[drawn], "fits")
        context = context + drawn
        text = str(context)
    await condition(len(text) == characters and text.endswith((".", "!", "?")), "ends in time")
    return text


def main() -> None:
    posterior = infer(exactly(models.load()), SMC(192), seed=1)
    print(posterior.summary(4))


if __name__ == "__main__":
    main()
