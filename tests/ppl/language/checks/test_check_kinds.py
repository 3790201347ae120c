"""Values of evidently the wrong kind: in operators, loops, indices, arguments, weights and draws."""

import pytest
from marked import assert_only, body

DRAW = "draw from it first: x ~ ..."
CASES = [
    ("not-a-distribution", "x ~ «3»", "'~' needs a distribution, got a whole number", "write = to assign a value"),
    ("not-a-distribution", "x ~ «'text'»", "'~' needs a distribution, got a string", None),
    ("not-a-distribution", "x ~ «lm»", "'~' needs a distribution, got a model",
     "write lm.text(prompt, max_tokens=...) for a text, lm.next(context) for a token"),
    ("not-a-distribution", "x ~ «regex('a+')»", "'~' needs a distribution, got a constraint",
     "give it to a text: lm.text(prompt, max_tokens=..., where=...)"),
    ("not-a-distribution", "x ~ «twice(3)»", "'~' needs a distribution, got a list", None),
    ("not-a-distribution", "x ~ «shout»", "'~' needs a distribution, got a function", "call it: name(...)"),
    ("not-a-distribution", "x ~ Normal(0, 1) using «2.5»", "'using' needs a distribution, got a number", None),
    ("not-a-distribution", "observe s ~ «regex('a+')»", "'observe' needs a distribution, got a constraint",
     "write: condition constraint.matches(text)"),
    ("wrong-kind", "t ~ lm.text(s, max_tokens=3) using «Normal(0, 1)»",
     "a distribution cannot propose for the distribution of a text", None),
    ("wrong-kind", "t ~ lm.next(s) using «lm.text(s, max_tokens=3)»",
     "the distribution of a text cannot propose for the distribution of a token", None),
    ("not-a-distribution", "x ~ «3» using lm.text(s, max_tokens=3)", "'~' needs a distribution, got a whole number",
     None),
    ("wrong-kind", "condition «'yes'»", "'condition' needs a truth value, got a string",
     'the name of a site stands after `as`: condition ... as "name"'),
    ("wrong-kind", "condition «Bernoulli(0.5)»", "'condition' needs a truth value, got a distribution", DRAW),
    ("wrong-kind", "if «lm.next(s)»:\n    factor 1", "'if' needs a truth value, got the distribution of a token", DRAW),
    ("wrong-kind", "while not «shout»:\n    n -= 1\n    break", "'not' needs a truth value, got a function", None),
    ("wrong-kind", "factor «'a'»", "'factor' needs a number (log weight), got a string", None),
    ("wrong-kind", "twist «[1]»", "'twist' needs a number (log weight), got a list", None),
    ("wrong-kind", "factor «Normal(0, 1)»", "'factor' needs a number (log weight), got a distribution", DRAW),
    ("wrong-kind", "t ~ lm.text(s, max_tokens=«'3'»)", "'max_tokens' of lm.text has to be a whole number, got a string",
     "write 3 without quotes"),
    ("wrong-kind", "t ~ lm.text(s, max_tokens=«n / 2»)",
     "'max_tokens' of lm.text has to be a whole number, got a number",
     "use // for whole division, or int(...)"),
    ("wrong-kind", "t ~ lm.text(«3», max_tokens=3)",
     "'prompt' of lm.text has to be a string or a context, got a whole number",
     "turn it into a string first: str(...)"),
    ("wrong-kind", "t ~ lm.text(s, max_tokens=3, where=«'a+'»)",
     "'where' of lm.text has to be a constraint, got a string",
     None),
    ("wrong-kind", "t ~ lm.text(s, max_tokens=3, stop=«[1, '.']»)",
     "the stop strings of lm.text have to be strings", None),
    ("wrong-kind", "factor len(«5»)",
     "'x' of len has to be a string or a list or a dict or a context, got a whole number",
     None),
    ("wrong-kind", "factor syllables(«drawn»)", "'text' of syllables has to be a string, got a number", None),
    ("wrong-kind", "x ~ Normal(«'0'», 1)", "'loc' of Normal has to be a number or a list, got a string",
     "write 0 without quotes"),
    ("wrong-kind", "y = lm.next(s)\nt ~ Normal(«y», 1)",
     "'loc' of Normal has to be a number or a list, got the distribution of a token", DRAW),
    ("wrong-kind", "for i in range(«n / 2»):\n    factor i", "'start' of range has to be a whole number, got a number",
     None),
    ("wrong-kind", "factor shout(«3»)", "'text' of shout has to be a string, got a whole number", None),
    ("wrong-kind", "t ~ lm.text(s, max_tokens=3)\nobserve «3» ~ lm.text(t, max_tokens=3)",
     "what is observed has to be a string, got a whole number", None),
    ("wrong-kind", "observe «' a'» ~ lm.next(s)",
     "what is observed has to be a token, which is a whole number, got a string",
     None),
    ("wrong-kind", "observe «s» ~ Normal(0, 1)", "what is observed has to be a number, got a string", None),
    ("bad-operands", "factor «s - 1»", "'-' between a string and a whole number", None),
    ("bad-operands", "condition «s + n» == ''", "'+' between a string and a whole number",
     'put the value into the string: "... {value}"'),
    ("bad-operands", "c = lm.context()\nc = «c + drawn»\ncondition str(c) != s", "'+' between a context and a number",
     None),
    ("bad-operands", "t = lm.text(s, max_tokens=3)\ncondition «t + s» == s",
     "'+' between the distribution of a text and a string", DRAW),
    ("bad-operands", "xs = [1]\nxs = «xs + 2»\nfactor len(xs)", "'+' between a list and a whole number",
     "write xs + [x] to append one item"),
    ("bad-operands", "«s -= 'a'»", "'-' between a string and a string", None),
    ("bad-operands", "condition «n & n»", "'&' between a whole number and a whole number", "'and' joins conditions"),
    ("bad-operands", "factor «-s»", "'-' before a string", None),
    ("bad-operands", "condition s < «3»", "'<' between a string and a whole number", "compare its length: len(...)"),
    ("bad-operands", "condition 3 <= «s» < 5", "'<=' between a whole number and a string", None),
    ("bad-operands", "condition 3 in «n»", "'in' looks into a whole number", None),
    ("bad-operands", "condition «3» in s", "'in' looks for a whole number in a string", "look for a string: str(...)"),
    ("bad-operands", "x = «lm + lm»\nt ~ x.text(s, max_tokens=3)",
     "'+' between a model and a model", None),
    ("not-iterable", "for i in «3»:\n    factor i", "a loop over a number", "write range(n) to do something n times"),
    ("not-iterable", "for w in «lm.text(s, max_tokens=3)»:\n    factor 1", "a loop over the distribution of a text",
     DRAW),
    ("not-iterable", "condition [x for x in «n»] == []", "a loop over a number", None),
    ("not-indexable", "factor «n»[0]", "a whole number has no items", None),
    ("not-indexable", "factor «shout»[0]", "a function has no items", "call it with (...), not [...]"),
    ("wrong-kind", "condition s[«'a'»] == s", "an index into a string has to be a whole number, got a string", None),
    ("wrong-kind", "condition s[:«n / 2»] == s", "a bound of a slice has to be a whole number, got a number", None),
    ("wrong-count", "«x», y = [1, 2, 3]\nfactor x + y", "2 names for a list of 3", None),
    ("wrong-kind", "«x», y = n\nfactor x + y", "2 names cannot share a whole number", None),
    ("wrong-kind", "condition {«[1]»: 2} == {}", "a list cannot be a key of a dict", None),
]
DEFINITIONS = """def shout(text: str):
    return len(text.upper())

def twice(n):
    return [n, n]

"""


@pytest.mark.parametrize(("code", "text", "message", "hint"), CASES)
def test_a_value_of_the_wrong_kind_is_found_where_it_stands_and_once(
    code: str, text: str, message: str, hint: str | None
) -> None:
    """The message says what is wanted and what is there."""
    assert_only(code, DEFINITIONS + body(text), message, hint)


def test_defaults_have_the_type_of_their_parameter() -> None:
    """A number is no string; None and whole numbers for floats are fine."""
    assert_only("wrong-kind", "def f(x: int = «'a'»):\n    return x\n",
                "the default of 'x' is a string, its type is int")
    assert_only("wrong-kind", "def f(x: float = 1, y: str = None, z: list = «{}»):\n    return [x, y, z]\n",
                "the default of 'z' is a dict, its type is list")
