"""S003: every verb leaves the enumerated, unnormalised measure of a program unchanged, to 1e-10."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable
from typing import Any

import pytest
from exhaustive import exhaust, signature, target
from programs import ALL, LM, favoured, folded, nested, spelled, steered, told

from steersman.ppl import Invocation, Text, Trace, Weighted, assess, generate, regenerate, simulate, update
from steersman.ppl.address import parse_address

programs = pytest.mark.parametrize("model", ALL, ids=lambda m: m.name)


def weighted_sum(run: Callable[[], Weighted]) -> dict[Hashable, float]:
    """sum over all outcomes of q(draws) exp(weight) [trace]"""
    out: dict[Hashable, float] = defaultdict(float)
    total = 0.0
    for result, log_q in exhaust(run):
        total += math.exp(log_q)
        if result.trace is not None:
            out[signature(result.trace)] += math.exp(log_q + result.log_weight)
    assert total == pytest.approx(1, abs=1e-10)  # the script has visited everything
    return dict(out)


def assert_equal(found: dict[Hashable, float], expected: dict[Hashable, float]) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-10)


@programs
def test_enumeration_lists_every_log_joint(model: Invocation[Any]) -> None:
    """enumerate: the weight of a trace is its log joint, and proposals and twists are not part of it."""
    found = target(model)
    assert len(found) > 10
    for trace, log_weight in found.values():
        assert log_weight == pytest.approx(trace.log_joint, rel=1e-12)


def test_enumeration_of_a_program_summed_by_hand() -> None:
    """The oracle itself: log Z and one density of `spelled` computed without the language."""
    table = {p: LM.next(LM.context(p)).log_probs() for p in ("a", "aa", "ab", "aaa", "aab", "aba", "abb")}
    bonus = {1: 0.4, 2: -0.7}
    letter = {1: "a", 2: "b"}

    def mass(prefix: str, n: int) -> float:
        if n == 0:
            return math.exp(-0.5 * len(prefix))
        total = math.exp(table[prefix][0] - 0.5 * len(prefix))
        for t in (1, 2):
            total += math.exp(table[prefix][t] + bonus[t]) * mass(prefix + letter[t], n - 1)
        return total

    found = target(spelled(3))
    assert sum(math.exp(w) for _, w in found.values()) == pytest.approx(mass("a", 3), rel=1e-12)


@programs
def test_simulate(model: Invocation[Any]) -> None:
    """simulate: the sum over draws of q exp(weight) [trace] is the target."""
    found = weighted_sum(lambda: simulate(model))
    assert_equal(found, {s: math.exp(w) for s, (_, w) in target(model).items()})


@pytest.mark.parametrize(
    ("model", "constraints"),
    [
        (spelled(), {"token#1": 2}),
        (spelled(), {"token": 0}),
        (steered(), {"token": 1, "token#1": 1}),
        (nested(), {"kind": "x"}),
        (nested(), {"kind": "x", "named/middle": "aa"}),
        (nested(), {"kind": "x", "named/middle/token": 1}),
        (nested(), {"b": "y"}),
        (told(), {"line/token#0": 2}),
        (told(), {"line/token#0": 2, "line/token#1": 1}),
        (told(), {"which": "tails"}),
        (folded(), {"words/step/word": "b"}),
        (folded(), {"words/step/word/token#1": 1}),
    ],
    ids=lambda x: x.name if isinstance(x, Invocation) else ",".join(x),
)
def test_generate(model: Invocation[Any], constraints: dict[str, Any]) -> None:
    """generate: the sum over draws of q exp(weight) [trace] is the target restricted to the constraints.

    Executions that miss a constrained site are refused, so they must be excluded on both sides.
    """
    table = {parse_address(a): v for a, v in constraints.items()}

    def meets(trace: Trace) -> bool:
        return all(a in trace and trace[a] == v for a, v in table.items())

    def run() -> Weighted:
        try:
            return generate(model, constraints)
        except KeyError:
            return Weighted(None, -math.inf, {})

    expected = {s: math.exp(w) for s, (t, w) in target(model).items() if meets(t)}
    assert expected
    assert_equal(weighted_sum(run), expected)


@programs
def test_assess_is_the_log_joint(model: Invocation[Any]) -> None:
    """assess: nothing is drawn and the weight is log_joint, of whole texts and of texts token by token."""
    for trace, log_joint in target(model).values():
        outcomes = list(exhaust(lambda t=trace: assess(model, t.choices())))  # type: ignore[misc]
        assert len(outcomes) == 1
        assert outcomes[0][0].log_weight == pytest.approx(log_joint, rel=1e-12)
        assert outcomes[0][0].trace == trace or signature(outcomes[0][0].trace) == signature(trace)  # type: ignore[arg-type]
        tokens = {a: s.value for a, s in trace.walk() if s.kind == "sample" and not isinstance(s.value, Text)}
        assert assess(model, tokens).log_weight == pytest.approx(log_joint, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "constraints"),
    [
        (spelled(), {"token": 0}),
        (spelled(), {"token": 1}),
        (steered(), {"token": 2}),
        (nested(), {"kind": "x"}),
        (nested(), {"kind": "y", "b": "z"}),
        (told(), {"line/token#0": 1}),
        (told(), {"which": "heads"}),
        (folded(), {"words/step/word/token": 2}),
    ],
    ids=lambda x: x.name if isinstance(x, Invocation) else ",".join(x),
)
def test_update(model: Invocation[Any], constraints: dict[str, Any]) -> None:
    """update: q exp(weight) joint(old) = joint(new) on every execution that agrees with the new values, and with the
    old ones at all other sites that both have; going back by `discarded` undoes it, in weight and in trace."""
    everything = target(model)
    for old, log_joint in everything.values():
        for result, log_q in exhaust(lambda o=old: update(o, constraints)):  # type: ignore[misc]
            if result.trace is None:
                assert result.log_weight == -math.inf
                continue
            new = everything[signature(result.trace)][1]
            assert log_q + result.log_weight + log_joint == pytest.approx(new, rel=1e-10, abs=1e-10)
            assert all(result.trace[a] == v for a, v in constraints.items())
            back = dict(result.discarded)
            if any(a not in result.trace for a in back):
                continue  # of another length: going back needs choices that were dropped
            again = list(exhaust(lambda r=result, b=back: update(r.trace, b)))  # type: ignore[misc]
            if log_q == 0.0:
                assert len(again) == 1
                undone = again[0][0]
                assert undone.log_weight == pytest.approx(-result.log_weight, abs=1e-10)
                assert signature(undone.trace) == signature(old)  # type: ignore[arg-type]
                changed = {parse_address(a): result.trace[a] for a in constraints}
                assert {a: v for a, v in undone.discarded.items() if a in changed} == {
                    a: v for a, v in changed.items() if a in undone.discarded
                }


def tokens_from(text: str, start: int) -> Callable[[Trace], Collection[Any]]:
    """Select the tokens of a text from one on."""

    def select(trace: Trace) -> Collection[Any]:
        if text not in trace:
            return []
        site = trace.site(text)
        return [(*parse_address(text), "token", k) for k in range(start, len(site.sub.sites()))]

    return select


def sites(*names: str) -> Callable[[Trace], Collection[Any]]:
    return lambda trace: [n for n in names if n in trace]


@pytest.mark.parametrize(
    ("model", "select"),
    [
        (spelled(), sites("token#1")),
        (spelled(), sites("token", "token#2")),
        (steered(), sites("token#0")),
        (steered(), sites("token#1", "token#2")),
        (nested(), sites("kind")),
        (nested(), sites("kind", "b")),
        (nested(), sites("named/middle")),
        (nested(), tokens_from("named/middle", 1)),
        (told(), sites("line")),
        (told(), sites("which")),
        (told(), sites("which", "line")),
        (told(), tokens_from("line", 0)),
        (told(), tokens_from("line", 1)),
        (told(), lambda t: ["line/token"]),
        (favoured(), sites("line")),
        (favoured(), tokens_from("line", 1)),
        (folded(), sites("words/step/word")),
        (folded(), tokens_from("words/step/word", 1)),
    ],
    ids=lambda x: x.name if isinstance(x, Invocation) else "",
)
def test_regenerate_is_reversible(model: Invocation[Any], select: Callable[[Trace], Collection[Any]]) -> None:
    """regenerate: pi(x) q(y|x) exp(w) = pi(y) q(x|y) and w(x->y) = -w(y->x), so that accepting with min(1, exp(w)) is
    in detailed balance; including proposals, selected tokens, and moves that change the length.

    The moves start from traces that `regenerate` itself has made, whose texts are partly imposed: a chain of moves
    must be as reversible as one.
    """
    everything = target(model)
    moves: dict[tuple[Hashable, Hashable], float] = defaultdict(float)
    weights: dict[tuple[Hashable, Hashable], float] = {}
    for key, (start, _) in everything.items():
        start = regenerate(start, []).trace or start  # imposed throughout: the same execution, replayed
        assert signature(start) == key
        total = 0.0
        for result, log_q in exhaust(lambda s=start: regenerate(s, select(s))):  # type: ignore[misc]
            total += math.exp(log_q)
            if result.trace is None:
                continue
            pair = key, signature(result.trace)
            moves[pair] += math.exp(log_q)
            weights[pair] = result.log_weight
        assert total == pytest.approx(1, abs=1e-10)
    assert len({pair for pair in moves if pair[0] != pair[1]}) > 2
    for (x, y), q in moves.items():
        assert weights[y, x] == pytest.approx(-weights[x, y], abs=1e-10)
        forward = math.log(q) + everything[x][1] + weights[x, y]
        assert forward == pytest.approx(math.log(moves[y, x]) + everything[y][1], abs=1e-10)


def test_regenerate_after_a_move_on_tokens() -> None:
    """A text rebuilt from kept and fresh tokens knows the proposal density of all of them: going on from it, selecting
    the kept tokens, gives the same weights as from the same text drawn at once."""
    everything = target(told())
    first = next(t for t, _ in everything.values() if len(t["line"].tokens) == 3)
    for moved, _ in exhaust(lambda: regenerate(first, ["line/token#2"])):
        if moved.trace is None:
            continue
        fresh = everything[signature(moved.trace)][0]
        from_moved = [(r.log_weight, q) for r, q in exhaust(lambda m=moved: regenerate(m.trace, ["line"]))]  # type: ignore[misc]
        from_fresh = [(r.log_weight, q) for r, q in exhaust(lambda f=fresh: regenerate(f, ["line"]))]  # type: ignore[misc]
        assert from_moved == [pytest.approx(pair, abs=1e-10) for pair in from_fresh]
