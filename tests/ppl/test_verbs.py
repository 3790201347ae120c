"""What the verbs say about single traces (their laws over all of them are in test_measure)."""

from __future__ import annotations

import math

import pytest
from exhaustive import Table, coin
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import ALL, LM, nested, told

from steersman.ppl import (
    Invocation,
    Key,
    Text,
    Trace,
    assess,
    condition,
    factor,
    generate,
    observe,
    param,
    program,
    regenerate,
    sample,
    simulate,
    update,
)

models = st.sampled_from(ALL)
seeds = st.integers(0, 2**40)


def traced(model: Invocation[object], seed: int) -> Trace:
    """The first trace of positive weight from this seed on."""
    return next(w.trace for s in range(seed, seed + 99) if (w := simulate(model, s)).trace is not None)


@settings(deadline=None)
@given(models, seeds)
def test_everything_fixed_is_assess(model: Invocation[object], seed: int) -> None:
    """generate with all choices = assess = update with nothing = log joint; regenerate of nothing weighs 0."""
    trace = traced(model, seed)
    choices = trace.choices()
    log_joint = pytest.approx(trace.log_joint, rel=1e-12)
    assert assess(model, choices).log_weight == log_joint
    assert generate(model, choices, 1).log_weight == log_joint
    same = update(trace, {}, 1)
    assert same.log_weight == pytest.approx(0, abs=1e-12) and same.discarded == {} and same.trace is not None
    assert same.trace.choices() == choices
    again = regenerate(trace, [], 1)
    assert again.log_weight == pytest.approx(0, abs=1e-12) and again.discarded == {}
    assert simulate(model, seed).trace is None or simulate(model, seed).trace == simulate(model, Key(seed)).trace


@settings(deadline=None)
@given(models, seeds, st.data())
def test_update_and_back(model: Invocation[object], seed: int, data: st.DataObject) -> None:
    """Changing values and then what was discarded is the identity: weights cancel, the discarded are the changes."""
    old, other = traced(model, seed), traced(model, seed + 1)
    common = [a for a in old.choices() if a in other.choices()]
    picked = data.draw(st.sets(st.sampled_from(common)))
    changes = {a: other[a] for a in picked}
    there = update(old, changes, 1)
    if there.trace is None or there.trace.choices().keys() != old.choices().keys():
        return  # dead, or of another length: then the way there draws or drops
    assert there.discarded.keys() == changes.keys()
    assert {a: there.trace[a] for a in changes} == changes
    back = update(there.trace, there.discarded, 2)
    assert back.log_weight == pytest.approx(-there.log_weight, abs=1e-10)
    assert back.trace is not None and back.trace.choices() == old.choices()
    assert back.discarded == changes
    assert there.log_weight == pytest.approx(there.trace.log_joint - old.log_joint, abs=1e-10)


def test_update_discards_what_is_no_longer_reached() -> None:
    """A changed branch drops the choices of the old one and draws those of the new."""
    old = generate(nested(), {"kind": "x", "b": "y"}, 4).trace
    assert old is not None and "named/middle" in old
    new = update(old, {"kind": "y"}, 5)
    assert new.trace is not None and "named/middle" not in new.trace and "named/token" in new.trace
    assert new.discarded == {("kind", 0): "x", ("named", 0, "middle", 0): old["named/middle"]}
    assert new.trace["b"] == "y"


def test_update_of_one_token_keeps_the_others() -> None:
    """A text is taken apart where a token is named: the tokens around it stay, as far as the text still goes."""
    old = generate(told(), {"which": "tails", "line": "bbb"}, 0).trace
    assert old is not None and old["line"].tokens == (2, 2, 2)
    new = update(old, {"line/token#1": 1})
    assert new.trace is not None and new.trace["line"].tokens == (2, 1)  # the stop string "ba" ends it there
    assert new.discarded == {("line", 0, "token", 1): 2, ("line", 0, "token", 2): 2}
    new = update(old, {"line/token#2": 1})
    assert new.trace is not None and new.trace["line"].tokens == (2, 2, 1) and new.trace["line"].finish == "stop"
    assert new.discarded == {("line", 0, "token", 2): 2}


def test_regenerate_keeps_what_is_not_selected() -> None:
    """Only the selected choices and those newly reached are drawn."""
    trace = generate(nested(), {"kind": "x"}, 4).trace
    assert trace is not None
    for seed in range(20):
        moved = regenerate(trace, ["b"], seed)
        if moved.trace is not None:
            assert moved.trace["kind"] == "x" and moved.trace["named/middle"] == trace["named/middle"]
            assert moved.discarded == {("b", 0): trace["b"]}


def test_generate_from_a_str_a_text_and_tokens() -> None:
    """A text may be imposed as a str, as a Text, or token by token, with the same weight."""
    as_str = generate(told(), {"which": "tails", "line": "ab"}, 0)
    assert as_str.trace is not None
    text = as_str.trace["line"]
    assert isinstance(text, Text) and text == "ab" and text.finish == "eos"
    as_text = generate(told(), {"which": "tails", "line": text}, 1)
    by_token = {f"line/token#{k}": t for k, t in enumerate(text.tokens)}
    as_tokens = generate(told(), {"which": "tails", **by_token}, 2)
    assert as_str.log_weight == as_text.log_weight == pytest.approx(as_tokens.log_weight, rel=1e-14)
    assert as_tokens.trace is not None and as_tokens.trace["line"].tokens == text.tokens


def test_dead_executions() -> None:
    """A constraint that contradicts the program gives weight -inf and no trace, not an error."""

    @program
    async def model() -> str:
        x = await sample(coin(), "x")
        await condition(x == "heads")
        return await sample(coin(), "y")

    for dead in (generate(model(), {"x": "tails", "y": "heads"}), assess(model(), {"x": "edge", "y": "heads"})):
        assert dead.trace is None and dead.value is None and dead.log_weight == -math.inf


def test_simulate_weighs_factors_and_observations() -> None:
    """log weight = factors + observations, in nats."""

    @program
    async def model() -> str:
        await factor(-0.5)
        await observe(Table(a=0.25, b=0.75), "a")
        scale = await param("scale", 2.0)
        assert scale == 2.0
        return await sample(LM.text("a", max_tokens=2), "line")

    done = simulate(model(), 3)
    assert done.log_weight == pytest.approx(-0.5 + math.log(0.25)) and done.value == done.trace["line"]  # type: ignore[index]


def test_programs_as_methods() -> None:
    """@program on a method binds `self`, as any method does."""

    class Task:
        def __init__(self, p: float) -> None:
            self.p = p

        @program
        async def toss(self, name: str) -> str:
            return await sample(coin(self.p), name)

    assert simulate(Task(1.0).toss("x")).value == "heads"
    assert simulate(Task(0.0).toss("x")).value == "tails"
    assert repr(Task.toss) == "<program 'toss'>"


def test_a_program_without_arguments_needs_no_call() -> None:
    """simulate(nested) = simulate(nested()), and a program call can be run many times."""
    model = nested()
    assert simulate(nested, 3).trace == simulate(model, 3).trace == simulate(model, 3).trace
