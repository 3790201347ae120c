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
    word (up to three tokens) or begins the next; before a given word the only beginning allowed is its own."""
    first = lm.tokens_where(lambda piece: piece.isalpha() and piece[0].isupper())
    begins = lm.tokens_where(lambda piece: piece.startswith(" ") and piece[1:].isalpha())
    goes_on = lm.tokens_where(lambda piece: piece.isalpha() and piece.islower())
    spelt = {k: lm.tokenizer.encode(" " + word) for k, word in given.items()}
    context, word, pieces = lm.context(), 0, 3  # pieces: tokens of the present word; three complete it
    while word < total:
        following = first if word == 0 else begins
        if word + 1 in spelt:
            following = np.arange(lm.vocab_size) == spelt[word + 1][0]
        allowed = following if pieces == 3 else following | goes_on
        token = lm.next(context)
        drawn = await sample(token, "token", proposal=token.masked(allowed))
        await condition(allowed[drawn], "allowed")
        context, pieces = context + drawn, pieces + 1
        if following[drawn]:
            word, pieces = word + 1, 3 if word + 1 in spelt else 1
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
