"""A story whose paragraphs start with given letters.

One constraint for each paragraph: a `regex` that says how it begins, that it has two or three sentences, and that
nobody speaks. Tokens are steered inside a paragraph, and SMC chooses among whole ones (``resample_at``), those that the
letter suits. (`acrostic.py` does this for sentences, with conditions and particle Gibbs.) Expect a story of four
paragraphs that is more or less about the stars, and log Z near -30 (of the model at temperature 0.7).
"""

from steersman import models
from steersman.inference import SMC, infer
from steersman.models import LanguageModel
from steersman.ppl import program, regex, sample

BEGINNING = "Once upon a time, there was a little girl named Lily. She loved to look at the stars."
SENTENCE = r'[^.!?"\n]+\.'


@program
async def paragraphs(lm: LanguageModel, letters: str) -> str:
    """A paragraph for each letter, after a first one that sets the tone."""
    context = lm.context(BEGINNING)
    for letter in letters:
        where = regex(rf"{letter}{SENTENCE}( [A-Z]{SENTENCE}){{1,2}}")
        text = lm.text(context + "\n", where=where, stop="\n", max_tokens=60, temperature=0.7)
        context = context + "\n" + await sample(text, "paragraph")
    return str(context)[len(BEGINNING) + 1:]


def main() -> None:
    print(infer(paragraphs(models.load(), "STAR"), SMC(96, resample_at="paragraph"), seed=2).summary(2))


if __name__ == "__main__":
    main()
