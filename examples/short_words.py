"""A sentence in which no word has more than five letters.

The mask depends on how long the current word already is, so a program state (an integer) does what would be an
automaton elsewhere. Expect short plain sentences of at least six words.
"""

from steersman import models
from steersman.inference import SMC, infer
from steersman.models import LanguageModel, Mask
from steersman.ppl import condition, program, sample


def open_word(text: str) -> int:
    """How many letters the last word of the text has so far."""
    return len(text) - len(text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'"))


def longest_word(text: str) -> int:
    """How many letters the longest word of the text has; 0 without a word."""
    return max((len(w) for w in "".join(c if c.isalpha() or c == "'" else " " for c in text).split()), default=0)


def after(lm: LanguageModel, letters: int, limit: int) -> Mask:
    """The tokens that may follow where the last word has so many letters."""
    return lm.tokens_where(lambda piece: longest_word("x" * letters + piece) <= limit and "\n" not in piece)


@program
async def short_words(lm: LanguageModel, limit: int = 5, max_tokens: int = 40) -> str:
    """One sentence of at least six words, none longer than `limit` letters."""
    masks = [after(lm, letters, limit) for letters in range(limit + 1)]
    context, text = lm.context(), ""
    for _ in range(max_tokens):
        token = lm.next(context)
        allowed = masks[open_word(text)]
        drawn = await sample(token, "token", proposal=token.masked(allowed))
        await condition(allowed[drawn] and drawn not in lm.eos, "short")
        context = context + drawn
        text = str(context)
        if text.endswith((".", "!", "?")):
            break
    await condition(text.endswith((".", "!", "?")) and len(text.split()) >= 6, "a sentence")
    return text


def main() -> None:
    print(infer(short_words(models.load()), SMC(48), seed=1).summary(4))


if __name__ == "__main__":
    main()
