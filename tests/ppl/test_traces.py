"""Traces and addresses: laws of the tree of sites, its text form and its JSON."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import ALL, LM, folded, nested

from steersman.ppl import (
    Invocation,
    Key,
    Particle,
    Site,
    Text,
    Trace,
    UnknownAddress,
    advance,
    enumerate_traces,
    format_address,
    generate,
    parse_address,
    program,
    sample,
    simulate,
)
from steersman.ppl.encode import decode_value, encode_value
from steersman.ppl.trace import Scope

names = st.text(min_size=1, max_size=5).filter(lambda s: "/" not in s and "#" not in s)
addresses = st.lists(st.tuples(names, st.integers(0, 99)), min_size=1, max_size=4).map(
    lambda pairs: tuple(x for pair in pairs for x in pair)
)


@given(addresses)
def test_addresses_survive_their_text_form(address: tuple[Any, ...]) -> None:
    """parse(format(a)) = a for names without "/" and "#"; tuples pass through."""
    assert parse_address(format_address(address)) == address
    assert parse_address(address) == address


def test_short_forms_of_addresses() -> None:
    """A name alone is its first use; a tuple of names is a path of first uses; other names stand for themselves."""
    assert parse_address("line") == ("line", 0)
    assert parse_address("line#2/token") == ("line", 2, "token", 0)
    assert parse_address("#hash") == ("#hash", 0) and parse_address("a#b") == ("a#b", 0)
    assert parse_address(("line", "token")) == ("line", 0, "token", 0)
    assert parse_address(("line",)) == ("line", 0)
    assert parse_address(7) == (7, 0)
    assert format_address(("line", 2, "token", 0)) == "line#2/token"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.builds(lambda s, t, lp: Text(s, tuple(t), tuple(lp), "stop", "x"), st.text(max_size=4),
                st.lists(st.integers(0, 9), max_size=3), st.lists(st.floats(allow_nan=False), max_size=3)),
    lambda inner: st.lists(inner, max_size=3)
    | st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(st.text(max_size=3) | st.integers() | st.tuples(st.integers(), st.text()), inner, max_size=3)
    | st.frozensets(st.integers() | st.text(max_size=3), max_size=3)
    | st.sets(st.integers(), max_size=3),
    max_leaves=8,
)


def through_json(value: Any) -> Any:
    return decode_value(json.loads(json.dumps(encode_value(value))))


@given(json_values)
def test_values_survive_json(value: Any) -> None:
    """decode(encode(v)) = v with the same types, floats to the bit, through real JSON text."""
    back = through_json(value)
    assert back == value and type(back) is type(value)
    if isinstance(value, Text):
        assert (back.tokens, back.token_log_p, back.finish, back.stop) == (
            value.tokens, value.token_log_p, value.finish, value.stop)


@given(st.sampled_from(["<f4", "<f8", "<i4", "|b1", "|u1"]), st.lists(st.integers(0, 3), max_size=3), st.integers())
def test_arrays_survive_json(dtype: str, shape: list[int], seed: int) -> None:
    """Arrays keep dtype, shape and every bit; NaN and infinities included."""
    array = (8 * Key(seed).uniforms(math.prod(shape))).reshape(shape).astype(dtype)
    back = through_json(array)
    assert back.dtype == array.dtype and back.shape == array.shape and back.tobytes() == array.tobytes()
    scalar = np.dtype(dtype).type(3)
    assert through_json(scalar) == scalar and (dtype == "<f8" or type(through_json(scalar)) is type(scalar))


def test_special_floats_survive_json() -> None:
    """Infinities by name, NaN as NaN, -0.0 with its sign: the JSON is standard."""
    for x in (math.inf, -math.inf, 5e-324, -0.0):
        assert repr(through_json(x)) == repr(x)
        json.dumps(encode_value(x), allow_nan=False)
    assert math.isnan(through_json(math.nan))


def test_a_context_is_saved_as_what_it_says() -> None:
    """A live context cannot be saved; its text can, so a program may return one."""
    assert through_json(LM.context("ab")) == "ab"


def test_what_cannot_be_saved_is_named() -> None:
    """Objects without a JSON image, and JSON that is no image, are refused by name."""
    with pytest.raises(TypeError, match="a Key cannot be saved as JSON: return text"):
        encode_value(Key(0))
    with pytest.raises(ValueError, match="not a saved value"):
        decode_value({"$": "unheard-of"})


sites = st.recursive(
    st.builds(Site, names, st.integers(0, 3), st.sampled_from(["sample", "observe", "factor", "call"]), json_values,
              st.floats(-9, 0), st.floats(-9, 0), st.booleans()),
    lambda inner: st.builds(
        lambda name, k, value, inside: Site(name, k, "program", value, sub=Scope(inside)),
        names, st.integers(0, 3), json_values, st.lists(inner, max_size=3),
    ),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.lists(sites, max_size=4), json_values)
def test_traces_survive_json(inside: list[Site], value: Any) -> None:
    """from_json(to_json(t)) = t: sites, densities, values, tree and sums."""
    trace = Trace(None, inside, value)
    back = Trace.from_json(json.loads(json.dumps(trace.to_json())))
    assert back == trace
    assert back.log_joint == trace.log_joint and back.choices() == trace.choices()
    assert [a for a, _ in back.walk()] == [a for a, _ in trace.walk()]
    other = Trace(None, [*inside, Site("extra", 0, "sample", 1)], value)
    assert other != trace and trace != "a trace"


@pytest.mark.parametrize("model", ALL, ids=lambda m: m.name)
def test_every_trace_of_a_program(model: Invocation[Any]) -> None:
    """log_joint = the sum of the densities at the leaves of the tree; every address finds its own site; JSON and
    pickled values agree with the original, also as input of a verb."""
    for trace, log_joint in enumerate_traces(model):
        leaves = [s.log_p for _, s in trace.walk() if s.sub is None]
        assert math.fsum(leaves) == pytest.approx(trace.log_joint, rel=1e-12)
        assert all(trace.site(a) is s for a, s in trace.walk() if s.name != "token" and s.name != "word")
        assert all(trace.site(format_address(a)).value == s.value for a, s in trace.walk())
        back = Trace.from_json(json.loads(json.dumps(trace.to_json())), model)
        assert back == trace
        again = generate(model, back.choices())
        assert again.log_weight == pytest.approx(log_joint, rel=1e-12)
        for value in trace.choices().values():
            assert pickle.loads(pickle.dumps(value)) == value


def test_looking_at_a_trace() -> None:
    """`in`, indexing, printing: for people."""
    trace = simulate(nested(), 1).trace
    assert trace is not None
    assert "kind" in trace and "kind#1" not in trace and "kind/x" not in trace
    assert trace["b"] == trace.value[1]
    lines = str(trace).splitlines()
    assert lines[0].startswith("<Trace of 'nested'")
    assert any("├─ sample kind" in line for line in lines) and lines[-1].startswith("└─ factor short")
    assert repr(trace.site("kind")).startswith("Site(kind, sample, ")
    with pytest.raises(UnknownAddress):
        trace.site("kind/x")
    with pytest.raises(TypeError):
        hash(trace)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 2**32), st.integers(1, 12))
def test_a_partial_trace_is_the_beginning(model: Invocation[Any], seed: int, stop_after: int) -> None:
    """The trace so far holds all choices answered, down to the tokens of an unfinished text, with their densities;
    imposed on a new execution, they bring it back to the same place."""
    particle = Particle(model)
    left = [stop_after]

    def stop(p: Particle, effect: Any) -> bool:
        left[0] -= 1
        return left[0] <= 0

    advance([particle], Key(seed), stop=stop)
    if particle.dead:
        assert particle.partial_trace().sites() == []
        return
    partial = particle.partial_trace()
    if particle.done:
        assert partial is particle.trace
        return
    assert partial.value is None
    answered = [s for _, s in partial.walk() if s.sub is None]
    assert math.fsum(s.log_p for s in answered) == pytest.approx(partial.log_joint, abs=1e-12)
    assert partial == Trace.from_json(json.loads(json.dumps(partial.to_json())))
    choices = partial.choices()
    met: set[Any] = set()

    def choose(p: Particle) -> tuple[bool, Any]:
        if p.address in choices:
            met.add(p.address)
            return True, choices[p.address]
        return False, None

    again = Particle(model)
    advance([again], Key(seed), choose=choose, pause=lambda p: True)
    assert met == set(choices)
    if not again.done:
        assert again.partial_trace().choices() == choices


def test_an_unfinished_text_shows_its_tokens() -> None:
    """A text that is being drawn is a scope of kind "text"."""

    @program
    async def model() -> str:
        return await sample(LM.text("a", max_tokens=3), "line")

    particle = Particle(model())
    advance([particle], Key(0), choose=lambda p: (p.address == ("line", 0, "token", 0), 1), stop=lambda p, e: True)
    partial = particle.partial_trace()
    assert partial.site("line").kind == "text" and partial["line"] is None
    assert partial.choices() == {("line", 0, "token", 0): 1}
    assert partial.log_joint == LM.next("a").log_probs()[1]


def test_folded_traces_keep_every_step() -> None:
    """The steps of an unfold are scopes in order."""
    trace = simulate(folded(), 2).trace
    assert trace is not None
    words = trace.site("words").sub.sites()
    assert [s.k for s in words] == list(range(len(words)))
    assert trace["words"] == tuple(s.sub.sites()[0].value for s in words)
