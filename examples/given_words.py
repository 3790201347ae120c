"""A sentence of eleven words of which the 4th, the 8th and the 11th are given.

A given word is not drawn but observed, so that its probability is the weight: resampling keeps the beginnings that it
fits. Expect sentences of eleven words in which "little", "big" and "tree" stand in their places.
"""

import numpy as np

from steersman import models
from steersman.inference import SMC, infer
from steersman.models import LanguageModel
from steersman.ppl import condition, observe, program, sample


@program
async def with_given_words(lm: LanguageModel, given: dict[int, str], total: int = 11) -> str:
    """Word k is free, or the given one. A word ends where the next one begins, so each token either continues the
    word or begins the next; before a given word the only beginning allowed is its own."""
    first = lm.tokens_where(lambda piece: piece.isalpha() and piece[0].isupper())
    begins = lm.tokens_where(lambda piece: piece.startswith(" ") and piece[1:].isalpha())
    goes_on = lm.tokens_where(lambda piece: piece.isalpha() and piece.islower())
    spelt = {k: lm.tokenizer.encode(" " + word) for k, word in given.items()}
    context, word, complete = lm.context(), 0, True
    while word < total:
        following = first if word == 0 else begins
        if word + 1 in spelt:
            following = np.arange(lm.vocab_size) == spelt[word + 1][0]
        token = lm.next(context)
        drawn = await sample(token, "token", proposal=token.masked(following if complete else following | goes_on))
        context = context + drawn
        await condition(len(context) < 3 * total, "not endless")
        if complete or following[drawn]:
            word += 1
            complete = word in spelt
            for rest in spelt.get(word, ())[1:]:
                await observe(lm.next(context), rest, "rest of the word")
                context = context + rest
            await condition(True, "word")  # a place to compare particles: all have the same number of words here
    await observe(lm.next(context), lm.tokenizer.encode(".")[0], "full stop")
    return str(context) + "."


METHOD = SMC(64, resample_at=["word"])
"""Compared token by token, particles that only lengthen a word would crowd out those that face a given one."""

GIVEN = {4: "little", 8: "big", 11: "tree"}


def main() -> None:
    print(infer(with_given_words(models.load(), GIVEN), METHOD, seed=1).summary(4))


if __name__ == "__main__":
    main()
