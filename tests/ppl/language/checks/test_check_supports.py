"""Parameters outside their domains, observations that cannot be, constraints that cannot be read."""

import pytest
from marked import assert_only, body

PARAMETERS = [
    ("bad-parameter", "x ~ Bernoulli(«1.5»)", "'probs' of Bernoulli has to be from 0 to 1, got 1.5",
     "give log-odds by their name: logits=..."),
    ("bad-parameter", "x ~ Normal(0, «-1»)", "'scale' of Normal has to be positive, got -1", None),
    ("bad-parameter", "x ~ Normal(scale=«0», loc=2)", "'scale' of Normal has to be positive, got 0", None),
    ("bad-parameter", "k = 2\nx ~ Normal(0, «k - 2»)", "'scale' of Normal has to be positive, got 0", None),
    ("bad-parameter", "x ~ Categorical(«[0.5, 0.6]»)",
     "'probs' of Categorical has to be probabilities, none negative, whose sum is 1",
     "their sum is 1.1: divide by it, or give logits=..."),
    ("bad-parameter", "x ~ Categorical(«[1.5, -0.5]»)",
     "'probs' of Categorical has to be probabilities, none negative, whose sum is 1", None),
    ("bad-parameter", "x ~ Uniform(2, «1»)", "'high' of Uniform has to be above 'low', got low=2 and high=1",
     "the smaller bound comes first"),
    ("bad-parameter", "x ~ Uniform(«1»)", "'high' of Uniform has to be above 'low', got low=1 and high=1.0", None),
    ("bad-parameter", "x ~ Poisson(«-1»)", "'rate' of Poisson has to be 0 or more, got -1", None),
    ("bad-parameter", "x ~ Beta(1, «0»)", "'concentration0' of Beta has to be positive, got 0", None),
    ("bad-parameter", "x ~ Normal(0, «[1, -1]»)", "'scale' of Normal has to be positive", None),
    ("bad-parameter", "x ~ Normal(0, «LIMIT»)", "'scale' of Normal has to be positive, got -3", None),
    ("bad-parameter", "t ~ lm.text(s, max_tokens=«0»)", "'max_tokens' of lm.text has to be at least 1, got 0", None),
    ("bad-parameter", "t ~ lm.text(s, max_tokens=3, temperature=«0»)",
     "'temperature' of lm.text has to be positive, got 0",
     "a small one, such as 0.1, is nearly greedy"),
    ("bad-parameter", "t ~ lm.next(s, temperature=«-0.5»)", "'temperature' of lm.next has to be positive, got -0.5",
     None),
    ("bad-parameter", "t ~ lm.text(s, max_tokens=3, stop=«''»)", "a stop string of lm.text is empty",
     "leave it out to go on up to max_tokens"),
    ("bad-parameter", "t ~ lm.text(s, max_tokens=3, stop=«['.', '']»)", "a stop string of lm.text is empty", None),
]
OBSERVATIONS = [
    ("outside-support", "observe «3» ~ Bernoulli(0.5)", "Bernoulli never gives 3: its values are 0 or 1", None),
    ("outside-support", "observe «3» ~ Bernoulli(drawn)", "Bernoulli never gives 3: its values are 0 or 1", None),
    ("outside-support", "observe «-1» ~ Poisson(2)",
     "Poisson never gives -1: its values are a whole number, 0 or more", None),
    ("outside-support", "observe «0.5» ~ Categorical([0.5, 0.5])",
     "Categorical never gives 0.5: its values are a whole number from 0 to 1", None),
    ("outside-support", "observe «2» ~ Categorical(logits=[0.5, 0.5])",
     "Categorical never gives 2: its values are a whole number from 0 to 1", None),
    ("outside-support", "observe «-2» ~ Gamma(2, drawn)", "Gamma never gives -2: its values are positive", None),
    ("outside-support", "observe «2» ~ Uniform(0, 1)", "Uniform never gives 2: its values are from 0 to 1", None),
    ("outside-support", "observe «11» ~ Binomial(10, 0.5)",
     "Binomial never gives 11: its values are a whole number from 0 to 10", None),
    ("outside-support", "observe «[0.5, 1.5]» ~ Beta(2, [2, 3])",
     "Beta never gives [0.5, 1.5]: its values are from 0 to 1",
     None),
]
CONSTRAINTS = [
    ('t ~ lm.text(s, max_tokens=3, where=regex("a«(»b"))', "regex: missing ), unterminated subpattern"),
    ('t ~ lm.text(s, max_tokens=3, where=regex("é\\n\\t«(»b"))', "regex: missing ), unterminated subpattern"),
    ('t ~ lm.text(s, max_tokens=3, where=regex(r"a«\\»bq"))', "regex: a word boundary is not supported"),
    ('t ~ lm.text(s, max_tokens=3, where=regex(«"(a{{2}}" + "b"»))', "regex: missing ), unterminated subpattern"),
    ('g = grammar """\n    start: "a" «b»\n"""\nt ~ lm.text(s, max_tokens=3, where=g)',
     "grammar: the rule b is used but not defined"),
    ('g = grammar("start: \\"a\\" «b»\\n")\nt ~ lm.text(s, max_tokens=3, where=g)',
     "grammar: the rule b is used but not defined"),
    ('t ~ lm.text(s, max_tokens=3, where=json_schema(«{"type": "objct"}»))',
     "json_schema, #/type: 'objct' is not valid under any of the given schemas"),
    ("t ~ lm.text(s, max_tokens=3, where=choice(«[]»))", "choice: the list is empty, so no text is in the language"),
    ('condition matches(s, "a«(»")', "regex: missing ), unterminated subpattern"),
]


@pytest.mark.parametrize(("code", "text", "message", "hint"), [*PARAMETERS, *OBSERVATIONS])
def test_a_value_that_is_certainly_outside_is_found_where_it_stands_and_once(
    code: str, text: str, message: str, hint: str | None
) -> None:
    """Of literals, of arithmetic on them, and of constants of the file."""
    constant = "LIMIT = -3\n" if "LIMIT" in text else ""
    assert_only(code, constant + body(text), message, hint)


@pytest.mark.parametrize(("text", "message"), CONSTRAINTS)
def test_a_constraint_with_a_mistake_is_found_at_its_place_in_the_literal(text: str, message: str) -> None:
    """Behind escapes, over several lines, in verbatim strings; of a text made of parts the whole expression."""
    assert_only("bad-constraint", body(text), message)
