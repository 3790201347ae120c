"""An acrostic by particle Gibbs: sentences whose first letters spell a word.

The constraint is hard: the program proposes the first letters, and the sentences have to make sense of them. Each sweep
of particle Gibbs is a particle filter in which one particle follows the present text, so that whatever the filter finds
is an exact step of a Markov chain: many cheap sweeps of few particles instead of one large population. Expect acrostics
that keep changing from sweep to sweep; the earlier sentences change least often, which the diagnostics show.
"""

from steersman import models
from steersman.inference import ParticleGibbs, infer
from steersman.models import LanguageModel
from steersman.ppl import condition, program, sample

BEGINNING = "Once upon a time, there was a little girl named Lily. She loved to look at the stars."


@program
async def acrostic(lm: LanguageModel, word: str) -> str:
    """One short sentence for each letter, after a beginning that sets the tone."""
    context = lm.context(BEGINNING)
    for letter in word:
        begins = lm.tokens_where(lambda piece, letter=letter: piece.strip()[:1] == letter)
        token = lm.next(context)
        first = await sample(token, "first", proposal=token.masked(begins))
        await condition(begins[first], "letter")
        rest = await sample(lm.text(context + first, stop=(".", "!"), max_tokens=16), "rest")
        await condition(rest.finish == "stop" and not set('"\n') & set(rest), "sentence")
        context = context + first + rest + (rest.stop or "")
    return str(context)[len(BEGINNING):]


def main() -> None:
    posterior = infer(acrostic(models.load(), "WISH"), ParticleGibbs(16, 20, chains=2), seed=1)
    print(posterior.summary(4))
    lengths = {f"length of sentence {i + 1}": lambda text, i=i: len(sentences(text)[i]) for i in range(4)}
    print(posterior.diagnose(lengths))


def sentences(text: str) -> list[str]:
    return text.replace("!", ".").split(".")


if __name__ == "__main__":
    main()
