"""The kinds of mistakes that `check` reports. Their codes are stable: tools may match on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Code:
    """meaning: one sentence. example: where it is reported; a test checks it."""

    severity: Literal["error", "warning"]
    meaning: str
    example: str


def _error(meaning: str, example: str) -> Code:
    return Code("error", meaning, example)


def _warning(meaning: str, example: str) -> Code:
    return Code("warning", meaning, example)


CODES: dict[str, Code] = {
    # names
    "unknown-name": _error(
        "A name that nothing in the file defines.",
        'x ~ Gaussian(0, 1)',
    ),
    "unassigned": _error(
        "A variable is read before it is assigned, on every path.",
        'y += 1',
    ),
    "maybe-unassigned": _warning(
        "A variable is read where some path has not assigned it.",
        'if a: y = 1\nfactor y',
    ),
    "unused-variable": _warning(
        "A variable is assigned and never read; `_` is exempt.",
        'y = 1',
    ),
    "unused-import": _warning(
        "An imported name is never used.",
        'from helpers import plain',
    ),
    "shadows": _error(
        "A model, distribution, program or def, or at the top level a built-in, is given another meaning.",
        'lm = 3\nfactor lm',
    ),
    "duplicate-definition": _error(
        "Two things at the top level of a file have one name.",
        'LIMIT = 1\nLIMIT = 2',
    ),
    "unknown-member": _error(
        "`value.name` where values of this kind have no such member.",
        'factor len(text.uper())',
    ),
    "private-member": _error(
        "A member whose name begins with an underscore.",
        'factor text.__class__',
    ),
    "unknown-model": _error(
        "A model that the runner does not provide.",
        'model nobody',
    ),
    "unknown-reward": _error(
        "A reward that is not registered.",
        'factor reward("nothing", text)',
    ),
    "unknown-import": _error(
        "A module that cannot be found, or a name that it does not define.",
        'import nowhere',
    ),
    "circular-import": _error(
        "A file that imports itself, directly or through others.",
        'import circle',
    ),
    # calls
    "missing-argument": _error(
        "A call without an argument that has no default.",
        't ~ lm.text(text)',
    ),
    "too-many-arguments": _error(
        "More positional arguments than there are parameters.",
        'x ~ Normal(0, 1, 2)',
    ),
    "unknown-keyword": _error(
        "A keyword that the called thing does not take.",
        't ~ lm.text(text, max_token=3)',
    ),
    "duplicate-argument": _error(
        "One argument is given twice.",
        'x ~ Normal(0, loc=1)',
    ),
    "not-callable": _error(
        "A call of what is neither a function nor a program.",
        'factor n(2)',
    ),
    "not-called": _error(
        "A function where its result is meant: the parentheses are missing.",
        'x ~ Normal',
    ),
    "program-in-expression": _error(
        "A program is called inside an expression.",
        'factor 1 + other()',
    ),
    # kinds
    "wrong-kind": _error(
        "A value of a kind that cannot stand there.",
        't ~ lm.text(text, max_tokens="3")',
    ),
    "bad-operands": _error(
        "An operator between kinds of values that it does not join.",
        'factor text - 1',
    ),
    "not-a-distribution": _error(
        "`~` or `using` with what cannot be drawn from.",
        'x ~ 3',
    ),
    "not-iterable": _error(
        "A loop over what has no items.",
        'for i in 3: factor i',
    ),
    "not-indexable": _error(
        "An index into what has no items.",
        'factor n[0]',
    ),
    "wrong-count": _error(
        "More or fewer names than values in `a, b = ...`.",
        'x, y = [1, 2, 3]\nfactor x + y',
    ),
    # effects
    "effect-in-def": _error(
        "A `def` draws, weighs, scores or calls a program.",
        'def f(a): condition a',
    ),
    "misplaced-effect": _error(
        "`lm.score` or `reward` where it is not always evaluated.",
        'condition a and lm.score(text, text) > -9',
    ),
    # flow
    "outside-loop": _error(
        "`break` or `continue` outside a loop.",
        'break',
    ),
    "unreachable": _warning(
        "A statement that no run can reach.",
        'for w in a:\n    break\n    factor 1',
    ),
    "endless-loop": _error(
        "A loop that cannot end once it has begun.",
        'while n > 3: factor 1',
    ),
    "unused-value": _warning(
        "A call stands alone, and its value is lost.",
        'text.upper()',
    ),
    "no-effect": _warning(
        "A program that makes no choices and weighs nothing.",
        'program idle(a): return a',
    ),
    "constant-condition": _warning(
        "A test whose outcome is always the same.",
        'if 1 > 2: factor 1',
    ),
    # supports
    "bad-parameter": _error(
        "A parameter outside its domain.",
        'x ~ Normal(0, -1)',
    ),
    "outside-support": _error(
        "An observed value that the distribution can never give.",
        'observe 3 ~ Bernoulli(0.5)',
    ),
    "never-met": _error(
        "A `condition` that no run can meet.",
        'condition False',
    ),
    # constraints
    "bad-constraint": _error(
        "A pattern, grammar or schema with a mistake.",
        't ~ lm.text(text, max_tokens=9, where=regex("a(b"))',
    ),
}
