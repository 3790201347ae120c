"""The checks against the interpreter, and on programs that are right."""

from __future__ import annotations

import warnings
from pathlib import Path
from random import Random
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_flow import Flow
from random_programs import Maker

from steersman.models import TableLM
from steersman.ppl.language import Limits, SteerError, parse
from steersman.ppl.language.checks import check
from steersman.ppl.language.compile import compile_file
from steersman.ppl.language.loader import no_imports

EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.steer"))
LM = TableLM([0.0] * 6, eos=0, vocabulary=["", "a", "b", " ", "c", "3"])
OF_KINDS = {"kind", "arguments", "unknown-name", "unknown-member", "effect", "unset"}
IN_ORDER = '''"""All that is allowed."""
model planner
NAMES = ["Lily", "Tom"]
FIRST = NAMES[0] + "!"
LIMITS = {"words": 9, "scale": 0.5}

def is_plain(sentence, most: int = 9):
    words = sentence.split()  # a variable may have the name of a built-in function
    if len(words) < 3:
        return False
    for word in words:
        if word in ["no", "nobody"[0:2], FIRST]:
            return False
    return len(words) <= most and not any([w.isupper() for w in words])

def opening(lm_like, prompt):
    return lm_like.text(prompt, stop=".", max_tokens=12)

def depth(tree):
    return 0 if tree == [] else 1 + depth(tree[1:])

program scene(context, name: str, tries: int = 3):
    """Draws until it is plain."""
    for k in range(tries):
        text = opening(lm, context)
        sentence ~ text using text.favouring(" " + name, 4.0) as "sentence {k}"
        if is_plain(sentence):
            return sentence + (sentence.stop or "")
    condition False

program main(title: str = "A story", boost: float = 1, given: list = None):
    """Uses most of the language."""
    context = lm.context("{title:>10}: {{}} {len(NAMES)}")
    found, total = [0, 0.0]
    for i, name in enumerate(NAMES):
        sentence ~ scene(context, name)
        context += sentence
        found += 1 if name in sentence else 0
        twist boost * found
        score = lm.score(context, " The end.")
        total += score + reward("happy", sentence)
    while True:
        token ~ planner.next(context, temperature=0.5) using planner.next(context)
        context = context + token
        if token in planner.eos or len(str(context)) > 40:
            break
    last = token
    while last != 0 and total < 3:
        last ~ Categorical([0.25, 0.75])
    mood ~ Beta(2.0, 3) using None
    n ~ Poisson(4)
    observe n ~ Poisson(rate=mood + 1)
    observe [0.1, 0.2] ~ Normal([0.0, 1.0], LIMITS["scale"])
    observe token ~ lm.next(context)
    probs = [mood, 1 - mood]
    k ~ Categorical(probs)
    if k:
        pick = NAMES[k]
    elif mood > 0.5 and n < 3:
        pick = "b"
    else:
        condition False as "gave up"
    masked = lm.tokens_where(is_short, 3) & lm.tokens_in([1, 2])
    allowed ~ lm.next(context).masked(masked)
    where = regex(r"[a-z]{2,3}") | choice(NAMES)
    rest ~ (lm * planner ** 0.5).text(context, stop=[".", "!"], max_tokens=3 + 4, where=where)
    condition masked[allowed] and rest.finish == "stop" and 3 <= len(rest) < 10
    factor -0.5 * abs(len(rest) - 7) + depth([1, [2]]) + (given[0] if given else 0)
    return {"text": "{context}{pick}", "words": sorted(rest.split(), key=length), "rest": rest}

def is_short(piece, most):
    return len(piece) <= most

def length(word):
    return len(word)
'''


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_nothing_is_found_in_the_examples(path: Path) -> None:
    """They run, so every finding would be false; not even a warning is deserved."""
    assert not check(path.read_text(), str(path))


def test_nothing_is_found_in_a_program_that_uses_most_of_the_language() -> None:
    """Names of built-ins for variables, values that are not always given, loops that end by break, and more."""
    assert not check(IN_ORDER, models=["planner"], rewards=["happy"])
    assert EXAMPLES


def run(source: str) -> SteerError | None:
    """What becomes of calling f() unchecked."""
    try:
        compile_file(parse(source), {"lm": LM}, {}, Limits(), no_imports).functions["f"]()
    except SteerError as error:
        return error
    return None


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.sampled_from([0.9, 0.98, 1.0]))
def test_what_runs_is_not_an_error(random: Random, sane: float) -> None:
    """No false errors: every expression of these functions is evaluated, so what is wrong in one would fail. (Lists of
    the wrong items, which happen to be empty, and parameters of distributions that nobody draws, do not.)"""
    source = Maker(random, sane).function()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrong = [d for d in check(source) if d.severity == "error" and d.code != "bad-parameter"]
        if any(not d.message.startswith("the items of") for d in wrong):
            assert run(source) is not None, "\n".join(map(str, [source, *wrong]))


def test_what_fails_by_its_kinds_was_found_before() -> None:
    """Few mistakes escape: of 120 functions that fail by a name, an arity or a kind, at most 12 are found only as they
    run: where what a thing holds is not known before."""
    failed = escaped = seed = 0
    while failed < 120:
        source = Maker(Random(seed), 0.95).function()
        seed += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            error = run(source)
            if error is not None and error.diagnostics[0].code in OF_KINDS:
                failed += 1
                escaped += not any(d.severity == "error" for d in check(source))
    assert escaped <= 12


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_damaged_programs_do_not_break_the_checks(random: Random) -> None:
    """Whatever is parsed is checked: words of examples replaced by other words of them. Twice the same is found."""
    words = random.choice(EXAMPLES).read_text().split(" ")
    for _ in range(random.randint(1, 6)):
        words[random.randrange(len(words))] = random.choice(words)
    source = " ".join(words)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check(source, models=["planner"], rewards=["happy"])
        assert found == check(source, models=["planner"], rewards=["happy"])
    assert [(d.path, d.span.line, d.span.column) for d in found] == sorted(
        (d.path, d.span.line, d.span.column) for d in found
    )


def test_what_is_said_of_lines_is_true_of_runs() -> None:
    """Functions with loops, branches and jumps, run with several arguments: no line in which an error was found runs to
    its end, no line runs that cannot be reached, and no variable lacks a value without a finding."""
    ran = 0
    for seed in range(150):
        source = Flow(Random(seed)).source()
        found = [d for d in check(source) if d.code != "endless-loop"]
        wrong = {d.span.line for d in found if d.severity == "error" or d.code == "unreachable"}
        unsure = any(d.code in ("unassigned", "maybe-unassigned") for d in found)
        function = compile_file(parse(source), {}, {}, Limits(), no_imports).functions["f"]
        for p in (0, 1, 2, 4):
            try:
                ran += 1
                assert not wrong & set(function(p)), source
            except SteerError as error:
                ran -= 1
                assert error.diagnostics[0].code != "unset" or unsure, f"{source}\n{error}"
    assert ran > 100


def test_numbers_of_any_size() -> None:
    """Folding and domains take the largest numbers that the parser takes."""
    big = "1" + "0" * 400
    laws = ["Normal({}, 1)", "Categorical([{}, 1])", "Poisson({})", "Binomial({}, 0.5)", "DiscreteUniform(-{}, {})"]
    for law in laws:
        x = law.replace("{}", big)
        check(f"program m(s):\n    x ~ {x}\n    observe {big} ~ {x}\n    observe -1e300 ~ {x}\n    return x\n")
    for expression in (
        "range({})", "range(0, {}, 3)", "[1][{}]", "[1][:{}]", "'a' * {}", "[1] * -{}", "'{1 + {}}'", "{} ** 64",
        "1e300 * 1e300", "-{} / 3", "{} < 1e5", "[{}] == [1e300]", "{} % 1e-300", "0.0 ** -1", "(-8) ** 0.5",
    ):
        found = check(f"program m(s):\n    x ~ Normal(0, 1)\n    return [x, {expression.replace('{}', big)}]\n")
        assert not found, found


def test_the_time_is_linear_in_the_length() -> None:
    """Four times as many statements, within and behind loops and branches, take about four times as long."""
    part = "    for x{k} in a:\n        if x{k}:\n            y{k} = x{k} + 1\n        else:\n            y{k} = 2\n" \
           "        for z in a:\n            while y{k} < z:\n                y{k} += 1\n                n = y{k} * n\n"

    def seconds(parts: int) -> float:
        body = "".join(part.format(k=k) for k in range(parts))
        source = f"program main(a, n):\n    drawn ~ Normal(0, 1)\n{body}    return n + drawn\n"
        file = parse(source)
        best = float("inf")
        for _ in range(3):
            begun = perf_counter()
            assert not check(file)
            best = min(best, perf_counter() - begun)
        return best

    seconds(5)
    assert seconds(200) < 12 * seconds(50)
