"""The limits of a run: each stops the program that exceeds it, names itself and the line, and can be set."""

from __future__ import annotations

import pytest
from unchecked import LM, failure, unchecked

from steersman.inference import SMC, Importance, infer
from steersman.ppl.language import Diagnostic, Limits, Module, SteerError
from steersman.ppl.language.limits import Meter


def diagnosed(module: Module, name: str) -> Diagnostic:
    with pytest.raises(SteerError) as caught:
        module.functions[name]()
    return caught.value.diagnostics[0]


LOOP = "def f():\n    i = 0\n    while True:\n        i += 1\n    return i\n"


def test_iterations_of_one_loop() -> None:
    """A loop may run so often and not once more."""
    count = "def f(n):\n    k = 0\n    for i in range(n):\n        k += 1\n    return k\n"
    module = unchecked(count, Limits(iterations=50))
    assert module.functions["f"](50) == 50
    with pytest.raises(SteerError, match=r"t.steer:3:5: .*50 \(iterations\)"):
        module.functions["f"](51)
    found = diagnosed(unchecked(LOOP), "f")
    assert (found.code, found.span.line) == ("limit", 3)
    assert "10,000 (iterations)" in found.message


def test_steps() -> None:
    """Nested loops that stay below the limit of each are stopped by their steps."""
    nested = "def f():\n    k = 0\n    for i in range(5000):\n        for j in range(5000):\n            k += 1\n"
    found = diagnosed(unchecked(nested), "f")
    assert "1,000,000 (steps)" in found.message
    assert found.span.line in (4, 5)


def test_recursion_of_functions() -> None:
    """As deep as the limit says; one deeper fails, and so does recursion without end."""
    source = "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\n"
    assert unchecked(source).functions["f"](49) == 49
    with pytest.raises(SteerError, match=r"50 \(recursion\)"):
        unchecked(source).functions["f"](50)
    assert unchecked(source, Limits(recursion=10)).functions["f"](9) == 9
    with pytest.raises(SteerError, match=r"10 \(recursion\)"):
        unchecked(source, Limits(recursion=10)).functions["f"](10)


def test_recursion_of_programs() -> None:
    """Programs that call themselves count their depth over coroutines, in every particle."""
    source = ("program p(n: int):\n    x ~ Bernoulli(0.5)\n    if n == 0:\n        return 0\n    y = p(n - 1)\n"
              "    return y + 1\n")
    module = unchecked(source)
    assert infer(module.main(n=49), SMC(3), seed=0).values == [49] * 3
    with pytest.raises(SteerError, match=r"t.steer:5:9: .*50 \(recursion\)"):
        infer(module.main(n=50), Importance(1), seed=0)


def test_steps_are_shared_with_subprograms() -> None:
    """A tree of calls that is never deep is stopped by the steps of the run, not by those of each program."""
    source = "program p(n: int):\n    if n > 0:\n        a = p(n - 1)\n        b = p(n - 1)\n    return n\n"
    with pytest.raises(SteerError, match=r"20,000 \(steps\)"):
        infer(unchecked(source, Limits(steps=20_000)).main(n=40), Importance(1), seed=0)


def test_a_run_has_its_own_steps() -> None:
    """The limit is of one run: a thousand particles have a thousand times as many."""
    source = "program p():\n    x ~ Bernoulli(0.5)\n    k = 0\n    for i in range(90):\n        k += 1\n    return k\n"
    assert infer(unchecked(source, Limits(steps=400)).main(), Importance(300), seed=0).values == [90] * 300


@pytest.mark.parametrize(("limits", "fits", "fails", "name"), [
    (Limits(string=100), '"a" * 100', '"a" * 101', "string"),
    (Limits(string=100), '"a" * 60 + "b" * 40', '"a" * 60 + "b" * 41', "string"),
    (Limits(string=100), '"-".join(["a"] * 50)', '"-".join(["a"] * 51)', "string"),
    (Limits(string=100), '("a" * 50).replace("a", "bb")', '("a" * 50).replace("a", "bbb")', "string"),
    (Limits(string=100), '"{[1] * 33}"', '"{[1] * 34}"', "string"),
    (Limits(items=100), "[1] * 100", "[1] * 101", "items"),
    (Limits(items=100), "range(100)", "range(101)", "items"),
    (Limits(items=100), "[1] * 60 + [2] * 40", "[1] * 60 + [2] * 41", "items"),
    (Limits(items=100), "[x for x in range(100)]", "[x for x in range(10) for y in range(11)]", "items"),
    (Limits(items=100), "[[1] * 9] * 10", "[[1] * 10] * 10", "items"),
    (Limits(digits=50), "10 ** 49", "10 ** 51", "digits"),
    (Limits(digits=50), "(10 ** 20) * (10 ** 20)", "(10 ** 26) * (10 ** 26)", "digits"),
    (Limits(digits=50), "sum([10 ** 49])", "sum([10 ** 49] * 999)", "digits"),
    (Limits(digits=50), 'int("9" * 50)', 'int("9" * 52)', "digits"),
])
def test_sizes(limits: Limits, fits: str, fails: str, name: str) -> None:
    """The largest that fits is made, the next larger one is refused by name."""
    assert unchecked(f"def f():\n    return {fits}\n", limits).functions["f"]() is not None
    found = failure(fails, limits)
    assert found.code == "limit"
    assert f"({name})" in found.message
    assert found.span.line == 6


def test_doubling() -> None:
    """Texts, lists and nestings that double in a loop end at a limit, soon."""
    texts = ("x + x", '"{x}{x}"', 'x.replace("a", "aa")', '"".join([x, x])')
    lists = ("x + x", "[x, x]", "[x, 1]", "[y for y in x] + x", "zip(x, x)", "enumerate(x) + x", "[str(x)] * 3")
    for first, steps in (('"a"', texts), ("[1]", lists)):
        for step in steps:
            source = f"def f():\n    x = {first}\n    for i in range(99):\n        x = {step}\n    return x\n"
            assert diagnosed(unchecked(source), "f").code == "limit", step


LONG = [
    't.count("b")', 'count(t, "ab")', 't.find("ab")', "t.islower()", "t.isalpha()", "t.splitlines()", 't.split("b")',
    '"b".strip(t)', "any(xs)", "all(ys)", '"".join(es)', '"".startswith(es)', '"".endswith(es)', "lm.tokens_in(xs)",
    'lm.next("").masked(xs)', "choice([t])", "words([t])", 'json_schema({"enum": es})', 'regex("a|" * 9000)',
    'grammar("start: \\"a\\"" + " " * 9000)', 'lm.text("", max_tokens=1, stop=[str(e) for e in es])',
    '"' + "{e}" * 9000 + '"', "1" + " == 1" * 9000, "[0 for x in xs[:60] if " + "x in [" + "0, " * 99 + "0]]",
]


@pytest.mark.parametrize("expression", LONG)
def test_long_work_costs_steps(expression: str) -> None:
    """What reads much text, many items or many parts of an expression takes more steps than one: a run at its limit of
    steps is over in a minute, whatever its statements do."""
    long = 't = "a" * 100000\n    e = ""\n    es = [e] * 20000\n    xs = [0] * 20000\n    ys = [1] * 20000\n'
    steps = []
    for body in ("0", expression):
        function = unchecked(f"def f():\n    {long}    z = {body}\n    return 0\n").functions["f"]
        meter = Meter(Limits())
        try:
            function.enter(meter, [])
        except SteerError as error:  # what has been charged counts, also where the value is then refused
            assert error.diagnostics[0].code != "limit"
        steps.append(meter.limits.steps - meter.left)
    assert steps[1] - steps[0] >= 100


@pytest.mark.parametrize("step", ["c.then(c)", "c & c", "c | c", "(c | regex(r'b')).repeat(1, 2) | c"])
def test_constraints_do_not_double(step: str) -> None:
    """A constraint made of itself again and again is refused before it is made; some dozens of parts are fine."""
    source = f"def f(n):\n    c = regex('a?')\n    for i in range(n):\n        c = {step}\n    return c\n"
    with pytest.raises(SteerError, match=r"t.steer:4:13: .*the limit is 200"):
        unchecked(source).functions["f"](40)
    assert unchecked(source).functions["f"](4) is not None


@pytest.mark.parametrize("step", ["Independent(d, 0)", "Mixture(Categorical([0.5, 0.5]), [d, d])"])
def test_distributions_do_not_double(step: str) -> None:
    """So are distributions."""
    source = f"def f(n):\n    d = Normal(0.0, 1.0)\n    for i in range(n):\n        d = {step}\n    return d\n"
    with pytest.raises(SteerError, match=r"t.steer:4:13: .*the limit is 32"):
        unchecked(source).functions["f"](40)
    assert unchecked(source).functions["f"](2) is not None


def test_a_predicate_has_few_steps() -> None:
    """The sampler asks it for every token: a slow one is stopped far below the steps of a run."""
    source = ("def slow(text):\n    return len([x for x in range(9000) for y in range(9)]) > 0\n\n"
              'program p():\n    x ~ lm.text("a", max_tokens=2, where=predicate(slow))\n')
    with pytest.raises(SteerError, match=r"20,000 \(steps\)"):
        infer(unchecked(source).main(), Importance(1), seed=0)
    assert failure("predicate(f, cap=10 ** 9)").message.startswith("predicate: cap=1000000000 is too large")


def test_deep_expressions() -> None:
    """An expression of thousands of levels is refused when it is compiled, whatever Python's stack allows."""
    for source in ("-" * 5000 + "1", "[" * 5000 + "]" * 5000, "1" + " + 1" * 5000,
                   "not " * 5000 + "1", "lm" + ".a" * 5000, "f(" * 5000 + ")" * 5000):
        with pytest.raises(SteerError):
            unchecked(f"def g():\n    return {source}\n")


@pytest.mark.parametrize("kind", ["if True", "for x in [1]", "while True"])
def test_deep_blocks(kind: str) -> None:
    """Blocks inside blocks: as deep as the limit, with effects and without, and never deeper."""
    for last in ("return 1", "x ~ Bernoulli(1.0)\n{0}return 1"):
        def source(levels: int, last: str = last) -> str:
            lines = [f"{'    ' * (i + 1)}{kind}:\n" for i in range(levels)]
            indent = "    " * (levels + 1)
            return f"program p():\n{''.join(lines)}{indent}{last.format(indent)}\n"

        assert infer(unchecked(source(19)).main(), Importance(2), seed=0).values == [1, 1]
        for levels in (20, 100):
            with pytest.raises(SteerError, match="deep"):
                unchecked(source(levels))


def test_growing_contexts() -> None:
    """A context cannot grow without bound where the model has none."""
    source = 'program p():\n    c = lm.context()\n    while True:\n        c += "ab" * 500\n'
    with pytest.raises(SteerError, match=r"context of|steps"):
        infer(unchecked(source).main(), Importance(1), seed=0)
    assert LM.max_length is None


def test_limits_are_checked() -> None:
    """A limit that is no positive whole number is refused by name."""
    with pytest.raises(ValueError, match="steps"):
        Limits(steps=0)
    with pytest.raises(ValueError, match="items"):
        Limits(items=1.5)  # type: ignore[arg-type]
