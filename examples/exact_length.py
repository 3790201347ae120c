"""A text of exactly 82 characters that ends with its sentence."""

from steersman import models
from steersman.inference import SMC, infer
from steersman.models import LanguageModel
from steersman.ppl import condition, program, sample


@program
async def exactly(lm: LanguageModel, characters: int = 82) -> str:
    """Tokens that would overshoot are never proposed; the end must be the end of a sentence."""
    fits = [lm.tokens_where(lambda piece, n=n: 0 < len(piece) <= n and "\n" not in piece) for n in range(1, 17)]  # type: ignore[misc]
    context, text = lm.context(), ""
    while len(text) < characters:
        token = lm.next(context)
        left = characters - len(text)
        drawn = await sample(token, "token", proposal=token.masked(fits[min(left, 16) - 1]))
        context = context + drawn
        text = str(context)
    await condition(len(text) == characters and text.endswith((".", "!", "?")), "ends in time")
    return text


def main() -> None:
    posterior = infer(exactly(models.load()), SMC(64), seed=1)
    print(posterior.summary(4))


if __name__ == "__main__":
    main()
