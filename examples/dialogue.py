"""A dialogue of two characters in a Lark grammar.

The grammar says who speaks when, that what is asked ends with a question mark, and that what is said does not. The
dialogue is over where the story goes on. Each text has a parse tree, in which the questions are counted. Expect four
short lines that answer each other more or less, a question from Tom more often than from Lily, and log Z near -24 (of
the model at temperature 0.7, which makes fewer mistakes).
"""

from functools import partial

from lark import Tree

from steersman import models
from steersman.inference import SMC, infer
from steersman.models import LanguageModel
from steersman.ppl import grammar, program, sample

DIALOGUE = grammar(r'''
    start: (tom lily)~2
    tom: "\n\"" _line " Tom."
    lily: "\n\"" _line " Lily."
    _line: QUESTION "\" asked" | STATEMENT "\" said"
    QUESTION: /[A-Z][a-z']*( [a-z']+){1,6}\?/
    STATEMENT: /[A-Z][a-z']*(,? [a-z']+){1,6}[,!]/
''')
STORY = "One day, Tom came to visit Lily. Lily had a big red ball."
GOES_ON = ("\nThey", "\nThen", "\nTom", "\nLily", "\nSo")


@program
async def dialogue(lm: LanguageModel) -> str:
    """Two lines of each, the first after the beginning of a story."""
    return str(await sample(lm.text(STORY, where=DIALOGUE, stop=GOES_ON, max_tokens=80, temperature=0.7), "dialogue"))


def lines(text: str) -> list[tuple[str, str]]:
    """(who speaks, what) of each line, from the parse tree."""
    return [(str(line.data), str(line.children[0])) for line in DIALOGUE.parse(text).children if isinstance(line, Tree)]


def questions(who: str, text: str) -> int:
    return sum(speaker == who and said.endswith("?") for speaker, said in lines(text))


def main() -> None:
    posterior = infer(dialogue(models.load()), SMC(256), seed=1)
    print(posterior.summary(4))
    for who in ("tom", "lily"):
        print(f"questions that {who.title()} asks: {posterior.expectation(partial(questions, who)):.2f} of 2 lines")


if __name__ == "__main__":
    main()
