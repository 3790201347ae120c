"""Hints: nothing is reported without one, whatever stands where."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest

import steersman.ppl.language as language
from steersman.ppl.language.checks import check, domains
from steersman.ppl.language.checks.domains import Domain
from steersman.ppl.language.library.signature import Kind
from steersman.ppl.language.problems import HINTS

FOLDER = Path(language.__file__).parent
HINT = {"Problem": 3, "OverLimit": 4}
"""Which argument is the hint."""
OF_KIND = {
    "none": "None", "bool": "True", "int": "3", "float": "0.5", "str": "'a'", "list": "[1]", "dict": "{'a': 1}",
    "model": "lm", "context": "lm.context('')", "token": "lm.next('')", "text": "lm.text('', max_tokens=1)",
    "distribution": "Normal(0, 1)", "constraint": "regex(r'a')", "mask": "lm.tokens_in([1])", "function": "len",
    "reward": "reward", "any": "a",
}
"""An expression of each kind."""
USES = [
    "{0}", "x ~ {0}", "x ~ Normal(0, 1) using {0}", "x ~ lm.text('', max_tokens=1) using {0}", "factor {0}",
    "condition {0}", "twist {0}", "observe {0} ~ Bernoulli(0.5)", "observe {0} ~ lm.next('')",
    "observe {0} ~ lm.text('', max_tokens=1)", "observe 1 ~ {0}", "for i in {0}: factor i", "if {0}: factor 1",
    "factor {0}(1)", "factor {0}()", "factor {0}[0]", "factor a[{0}]", "factor 'b'[{0}]", "factor {0}[1:2]",
    "factor 'b'[{0}:]", "factor {0}.nothing", "factor {0}.append(1)", "factor {0}.length", "factor {0}._x",
    "factor len('{{{0}:.2f}}')", "factor len('{{{0}}}')", "factor len(str({0}))", "factor -{0}", "factor not {0}",
    "y, z = {0}\n    factor y + z", "factor {0} if a else 1", "factor {{{0}: 1}}['a']", "factor len([x for x in {0}])",
    "x ~ lm.text({0}, max_tokens=1)", "x ~ lm.text('', max_tokens={0})", "x ~ lm.text('', max_tokens=1, stop={0})",
    "x ~ lm.text('', max_tokens=1, where={0})", "x ~ lm.text('', max_tokens=1, temperature={0})",
    "x ~ Normal({0}, 1)", "x ~ Categorical({0})", "factor round({0})", "factor sum({0})", "factor 'b'.join({0})",
    "x ~ lm.text('', max_tokens=1, where=choice({0}))", "x ~ lm.next('').masked({0})", "factor reward({0}, 'b')",
    "factor predicate({0})", "factor power({0}, 2)", "factor sorted(a, key={0})", "factor int({0})",
]
"""Where the expression of a kind may or may not stand."""
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "<", "==", "in", "not in", "and"]


def has_hints(statement: str) -> int:
    """How many diagnostics a statement gives; each of them has a hint."""
    source = f"program main(a):\n    drawn ~ Normal(0, 1)\n    {statement}\n    return drawn\n"
    found = check(source, rewards=("happy",))
    for d in found:
        assert d.hint.strip() and f"\n  hint: {d.hint}" in str(d), d
    return len(found)


@pytest.mark.parametrize("use", USES)
def test_a_value_of_any_kind_in_any_place(use: str) -> None:
    """Of all kinds at least one is wrong there, and what is said of each has a hint."""
    assert sum(has_hints(use.format(expression)) for expression in OF_KIND.values()) > 0


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_between_any_two_kinds(operator: str) -> None:
    """The same between two kinds."""
    found = [has_hints(f"factor len([{a} {operator} {b}])") for a in OF_KIND.values() for b in OF_KIND.values()]
    assert sum(found) > 0


def test_every_kind_is_tried() -> None:
    assert set(OF_KIND) == set(get_args(Kind))


def test_examples_of_domains_are_members() -> None:
    """What a hint tells to write instead is right itself."""
    found = [d for d in vars(domains).values() if isinstance(d, Domain)]
    made = [domains.support(name, {"low": low, "high": 7, "scale": low}) for name in (*domains.BOUNDED, "Pareto")
            for low in (2, 5)]
    counted = [domains.support("Binomial", {"total_count": 0}), domains.support("Categorical", {"probs": [0.5, 0.5]})]
    for domain in (*found, *made, *counted):
        assert domain is not None and domain.contains(ast.literal_eval(domain.example)), domain
    assert len(found) >= 9


def test_every_failure_of_the_interpreter_has_a_hint() -> None:
    """Where one is raised without a hint of its own, its code has one."""
    without = 0
    for path in FOLDER.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in HINT:
                continue
            if len(call.args) < HINT[call.func.id] and not any(k.arg == "hint" for k in call.keywords):
                without += 1
                code = call.args[0] if call.func.id == "Problem" else ast.Constant("limit")
                assert isinstance(code, ast.Constant) and code.value in HINTS, ast.unparse(call)
    assert without > 10
