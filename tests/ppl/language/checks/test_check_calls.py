"""Calls with too few, too many or other arguments, of what cannot be called, and of what is not called."""

import pytest
from marked import assert_only, body

TEXT = "lm.text is called as lm.text(prompt, *, stop=..., max_tokens, temperature=..., where=...)"
CASES = [
    ("missing-argument", "t ~ «lm.text(s)»", "lm.text needs 'max_tokens'", TEXT),
    ("missing-argument", "factor «len()»", "len needs 'x'", "len is called as len(x)"),
    ("missing-argument", "factor «plain()»", "plain needs 'text'", "plain is called as plain(text, most=...)"),
    ("missing-argument", "x ~ «other()»", "other needs 'a' and 'b'", "other is called as other(a, b, c=...)"),
    ("missing-argument", "x ~ «BernoulliProbs()»", "BernoulliProbs needs 'probs'", None),
    ("too-many-arguments", "factor len(s, «3», 4)", "len takes 1 positional argument, got 3", None),
    ("too-many-arguments", "t ~ lm.text(s, «20», max_tokens=3)", "lm.text takes 1 positional argument, got 2", TEXT),
    ("too-many-arguments", "x ~ Normal(0, 1, «2»)", "Normal takes 2 positional arguments, got 3",
     "Normal is called as Normal(loc=..., scale=...)"),
    ("too-many-arguments", "x = other(1, 2, 3, «4»)", "other takes 3 positional arguments, got 4", None),
    ("too-many-arguments", "factor len(s.strip(' ', «'.'»))", "s.strip takes 1 positional argument, got 2", None),
    ("unknown-keyword", "t ~ lm.text(s, «max_token=3»)", "lm.text has no argument 'max_token'",
     "did you mean 'max_tokens'?"),
    ("unknown-keyword", "x ~ Normal(0, «sigma=1»)", "Normal has no argument 'sigma'",
     "its arguments are 'loc' and 'scale'"),
    ("unknown-keyword", "factor len(s, «y=1»)", "len has no argument 'y'", None),
    ("unknown-keyword", "factor max(1, «values=2»)", "max has no argument 'values'", None),
    ("duplicate-argument", "x ~ Normal(0, «loc=1»)", "Normal is given 'loc' twice", None),
    ("duplicate-argument", "t ~ lm.text(s, max_tokens=3, «max_tokens=4»)", "lm.text is given 'max_tokens' twice", None),
    ("not-callable", "factor «n»(2)", "n is a whole number and cannot be called", None),
    ("not-callable", "t ~ lm.text(s, max_tokens=3)\ncondition «t.finish»() == 'stop'",
     "t.finish is a string and cannot be called", "write t.finish without parentheses"),
    ("not-callable", "t ~ «lm»(s)", "lm is a model and cannot be called",
     "write lm.text(...) for a text, lm.next(...) for a token"),
    ("not-callable", "len = 3\nfactor «len»(s)", "len is a whole number and cannot be called",
     "the variable len hides the built-in: give it another name"),
    ("not-called", "x ~ «Normal»", "'Normal' is a built-in and no value", "call it: Normal(...)"),
    ("not-called", "x ~ «other»", "'other' is a program and no value", "call it in a line of its own: x ~ other(...)"),
    ("not-called", "condition s.«strip» == s", "'strip' is a function", "call it: .strip(...)"),
    ("not-called", "factor len(sorted(a, key=«len»))", "'len' is a built-in and no value", None),
    ("program-in-expression", "factor 1 + «other(1, 2)»", "the program other cannot be called inside an expression",
     "give it a line of its own: x = other(...)"),
    ("program-in-expression", "if a:\n    return «other(1, 2)»",
     "the program other cannot be called inside an expression",
     None),
    ("program-in-expression", "observe 3 ~ «other(1, 2)»", "the program other cannot be called inside an expression",
     None),
    ("program-in-expression", "x ~ other(«other(1, 2)», 3)", "the program other cannot be called inside an expression",
     None),
    ("program-in-expression", "n += «other(1, 2)»", "the program other cannot be called inside an expression", None),
    ("wrong-kind", "x ~ other(1, 2) using «Normal(0, 1)»", "the call of a program takes no proposal", None),
    ("wrong-kind", "factor len(a) + len(sorted(a, key=«plainer»))",
     "sorted calls plainer with 1 argument, but it takes 2",
     "it is defined as plainer(text, most)"),
    ("wrong-kind", "m = lm.tokens_where(«plainer», 1, 2)\ncondition m[3]",
     "lm.tokens_where calls plainer with 3 arguments, but it takes 2", None),
]
DEFINITIONS = """def plain(text, most=3):
    return len(text) < most

def plainer(text, most):
    return len(text) < most

program other(a, b, c=1):
    x ~ Normal(a, b + c)
    return x

"""


@pytest.mark.parametrize(("code", "text", "message", "hint"), CASES)
def test_a_mistaken_call_is_found_where_it_stands_and_once(
    code: str, text: str, message: str, hint: str | None
) -> None:
    """The place is that of the argument that is wrong, or of the call that lacks one; the hint is the signature."""
    assert_only(code, DEFINITIONS + body(text), message, hint)
