"""An arithmetic expression, in words, whose value is twelve.

A grammar says what an expression is, a predicate what it has to be worth: a text is dead once its value is too large,
for it can only grow, and satisfied where it is right. Masks cannot tell where a sum leads, nor that few sums end with
their sentence, so single runs differ: expect "six and six" first, "four and four and four", "four and eight" and "ten
and two" after it, and log Z near -14. All 149 expressions of at most three numbers can be scored one by one here, as a
`choice`; that gives the exact answer below.
"""

import math
from functools import partial
from itertools import product

from steersman import models
from steersman.inference import SMC, Enumerate, infer
from steersman.models import LanguageModel
from steersman.ppl import Constraint, choice, grammar, predicate, program, sample

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
WORDS = {*NUMBERS, "and", "times", ""}
EXPRESSION = grammar(rf"""
    start: " " sum
    sum: product (" and " product)*
    product: NUMBER (" times " NUMBER)*
    NUMBER: {" | ".join(f'"{word}"' for word in NUMBERS)}
""")
STORY = "Tom had a bag of apples. He counted them. There were"


def is_worth(target: int, numbers: int, text: str) -> bool | None:
    """True where the value is right, False where no continuation can make it so with so many numbers, else None."""
    *whole, last = text.split(" ")
    if not (WORDS.issuperset(whole) and any(word.startswith(last) for word in WORDS)):
        return False
    terms = [[NUMBERS.index(word) + 1 for word in term.split() if word in NUMBERS] for term in text.split(" and ")]
    value, count = sum(map(math.prod, terms)), sum(map(len, terms))
    if last in NUMBERS and value == target and count <= numbers:
        return True
    return False if value > target or count >= numbers else None


@program
async def expression(lm: LanguageModel, where: Constraint) -> str:
    """What the story says there were."""
    return str(await sample(lm.text(STORY, where=where, stop=".", max_tokens=16), "expression")).strip()


def every(target: int, numbers: int) -> list[str]:
    """All expressions of that value and of at most so many numbers."""
    found = []
    for count in range(1, numbers + 1):
        for parts in product(NUMBERS, *[(" and ", " times "), NUMBERS] * (count - 1)):
            text = " " + "".join(parts)
            if is_worth(target, count, text):
                found.append(text)
    return found


def main() -> None:
    lm = models.load()
    worth = EXPRESSION & predicate(partial(is_worth, 12, 3), name="worth twelve")
    print(infer(expression(lm, worth), SMC(512), seed=1).summary(6))
    print("\nexactly, by scoring every expression:")
    print(infer(expression(lm, choice(every(12, 3), "canonical")), Enumerate()).summary(6))


if __name__ == "__main__":
    main()
