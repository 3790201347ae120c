"""Posteriors: weights are respected everywhere, and everything survives a file."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.inference import SMC, Budget, Enumerate, Importance, Posterior, infer
from steersman.inference.posterior import Cost
from steersman.inference.testing import (
    OracleModel,
    check_method,
    crossroads_model,
    differences,
    letters_model,
    sentence_model,
    small_model,
    stanza_model,
)
from steersman.models import TableLM
from steersman.ppl import Trace, factor, generate, program, sample
from steersman.ppl.keys import Key

NAN = math.nan
LM = TableLM.random(4, seed=2, eos=None)


def made(values: list[Any], weights: list[float]) -> Posterior:
    """A posterior of given values and weights (weight 0: a dead particle)."""
    with np.errstate(divide="ignore"):
        log_w = np.log(np.array(weights, np.float64))
    traces = [None if w == 0 else Trace(None, [], v) for v, w in zip(values, weights, strict=True)]
    log_z = math.log(sum(weights)) if sum(weights) else -math.inf
    return Posterior(traces, log_w, log_z, NAN, Cost(0, 0, 0, 0.0), "made", 0)


weighted_values = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.floats(0.001, 1000.0)), min_size=1, max_size=12
)


@given(weighted_values)
@settings(max_examples=60, deadline=None)
def test_expectation_is_the_weighted_mean(pairs: list[tuple[str, float]]) -> None:
    """sum_i W_i f(v_i), with W = w / sum w; probabilities add up equal values and sum to one."""
    posterior = made([v for v, _ in pairs], [w for _, w in pairs])
    total = sum(w for _, w in pairs)
    assert posterior.expectation(lambda v: v == "a") == pytest.approx(sum(w for v, w in pairs if v == "a") / total)
    table = posterior.probabilities()
    assert math.fsum(table.values()) == pytest.approx(1.0)
    for value, p in table.items():
        assert p == pytest.approx(sum(w for v, w in pairs if v == value) / total)
    assert list(table.values()) == sorted(table.values(), reverse=True)
    assert posterior.mode() == next(iter(table))
    assert 1.0 - 1e-9 <= posterior.ess <= len(pairs) + 1e-9


@given(weighted_values, st.floats(-300.0, 300.0))
@settings(max_examples=40, deadline=None)
def test_a_common_factor_changes_nothing_but_the_evidence(pairs: list[tuple[str, float]], shift: float) -> None:
    """Weights are relative: exp(shift) cancels, also where it would overflow."""
    plain = made([v for v, _ in pairs], [w for _, w in pairs])
    shifted = Posterior(plain.traces, plain.log_weights + shift, plain.log_evidence + shift, NAN, plain.cost, "made", 0)
    assert shifted.probabilities() == pytest.approx(plain.probabilities())
    assert shifted.ess == pytest.approx(plain.ess)


def test_expectation_of_arrays() -> None:
    """Functions may give arrays of any shape."""
    posterior = made(["a", "bbb"], [1.0, 3.0])
    mean = posterior.expectation(lambda v: np.array([len(v), len(v) ** 2]))
    assert mean == pytest.approx([2.5, 7.0])


def test_values_that_are_equal_in_content_count_as_one() -> None:
    """Lists, dicts, sets and arrays are aggregated by content."""
    for value, same in [([1, 2], [1, 2]), ({"k": [1]}, {"k": [1]}), ({1, 2}, {2, 1}),
                        (np.array([1.0, 2.0]), np.array([1.0, 2.0]))]:
        assert list(made([value, same], [1.0, 2.0]).probabilities().values()) == pytest.approx([1.0])


def test_draws_follow_the_weights() -> None:
    """`sample` draws by weight, with replacement, as a function of its seed."""
    posterior = made(["a", "b", "c", "x"], [1.0, 6.0, 3.0, 0.0])
    counts = Counter(posterior.sample(4000, seed=1))
    expected = {"a": 0.1, "b": 0.6, "c": 0.3}
    assert set(counts) == set(expected)
    for value, p in expected.items():
        assert abs(counts[value] - 4000 * p) < 4 * math.sqrt(4000 * p * (1 - p))
    assert posterior.sample(5, seed=7) == posterior.sample(5, seed=Key(7))
    assert isinstance(posterior.sample(), str)


def test_dead_particles_have_no_say() -> None:
    """A dead particle has a place, a log-weight of -inf, and no trace."""
    posterior = made(["a", None, "b"], [1.0, 0.0, 1.0])
    assert posterior.values == ["a", None, "b"]
    assert posterior.weights == pytest.approx([0.5, 0.0, 0.5])
    assert set(posterior.probabilities()) == {"a", "b"}
    assert posterior.expectation(len) == 1.0


def test_nothing_with_weight_is_said_clearly() -> None:
    """No finished particle of positive weight: an error that says what to do, not a division by zero."""
    dead = made(["a"], [0.0])
    for question in (dead.probabilities, dead.mode, dead.sample, lambda: dead.expectation(len)):
        with pytest.raises(ValueError, match="no finished particle of positive weight"):
            question()
    assert dead.ess == 0.0


def test_best_is_the_densest_trace() -> None:
    """`best` looks at the joint density, `mode` at the total weight of a value."""
    posterior = infer(sentence_model().program, Importance(200), seed=1)
    finished = [t for t in posterior.traces if t is not None]
    assert posterior.best().log_joint == max(t.log_joint for t in finished)
    exact = sentence_model().exact
    assert exact.best().value == exact.mode()


SAVED = [sentence_model("twist"), letters_model(), stanza_model("unfold"), crossroads_model()]


@pytest.mark.parametrize("model", SAVED, ids=lambda m: m.name)
def test_save_and_load(model: OracleModel, tmp_path: Path) -> None:
    """Everything comes back: traces, infinities, genealogy, cost."""
    posterior = infer(model.program, SMC(12), seed=2)
    path = tmp_path / "posterior.json"
    posterior.save(path)
    again = Posterior.load(path)
    assert differences(posterior, again) == []
    assert again.probabilities() == posterior.probabilities()
    assert (again.method, again.seed, again.cost, again.stopped) == ("SMC(12)", 2, posterior.cost, None)
    assert again.log_evidence_error == pytest.approx(posterior.log_evidence_error, nan_ok=True)
    assert again.traces == posterior.traces
    assert again.genealogy is not None and posterior.genealogy is not None
    assert again.genealogy.to_json() == posterior.genealogy.to_json()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner)
    | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.tuples(json_values, st.floats(0.001, 10.0)), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_any_value_survives_a_file(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[Any, float]]) -> None:
    """Values of every kind that JSON can be taught, tuples and infinities included, with types intact."""
    posterior = made([v for v, _ in pairs], [w for _, w in pairs])
    path = tmp_path_factory.mktemp("posterior") / "p.json"
    posterior.save(path)
    again = Posterior.load(path)
    assert again.values == posterior.values
    assert [type(v) for v in again.values] == [type(v) for v in posterior.values]
    assert np.array_equal(again.log_weights, posterior.log_weights)
    assert again.log_evidence == posterior.log_evidence


def test_a_file_that_is_no_posterior(tmp_path: Path) -> None:
    """The file is named."""
    for content in ("{", "[]", '{"format": "other"}'):
        path = tmp_path / "bad.json"
        path.write_text(content)
        with pytest.raises(ValueError, match=r"bad\.json is not a saved posterior"):
            Posterior.load(path)


def test_values_that_json_cannot_hold(tmp_path: Path) -> None:
    """The type is named, and no half-written file is left where the posterior should be."""
    path = tmp_path / "p.json"
    with pytest.raises(TypeError, match="complex"):
        made([1j], [1.0]).save(path)
    assert not path.exists()


def test_summary() -> None:
    """Most probable first, probabilities, then one line with log Z, its error, ESS and cost."""
    posterior = infer(sentence_model().program, SMC(64), seed=1)
    lines = posterior.summary(limit=3).splitlines()
    first = next(iter(posterior.probabilities()))
    assert repr(first) in lines[1]
    assert any("more" in line for line in lines)
    assert lines[-1].startswith("SMC(64): log Z = ")
    assert "ESS" in lines[-1] and "tokens" in lines[-1]
    assert "exact" in sentence_model().exact.summary()


def test_summary_of_a_partial_result() -> None:
    """A stopped run says why, and how little it knows."""
    posterior = infer(sentence_model().program, SMC(64), budget=Budget(tokens=70))
    assert posterior.stopped is not None
    assert "stopped: budget" in posterior.summary()


def test_a_posterior_is_a_distribution() -> None:
    """Drawn and enumerated, it is the law of its weighted values."""
    inner = small_model().exact

    @program
    async def outer() -> tuple[Any, Any]:
        first = await sample(inner, "first")
        second = await sample(inner, "second")
        await factor(1.0 if first == second else -0.5, "same")
        return first, second

    p = inner.probabilities()
    z = sum(p[a] * p[b] * math.exp(1.0 if a == b else -0.5) for a in p for b in p)
    model = OracleModel("of posteriors", lambda wrap: outer(), {"same": lambda v: float(v[0] == v[1]),
                                                                "empty": lambda v: float(v[0] == ())})
    assert infer(outer, Enumerate()).log_evidence == pytest.approx(math.log(z))
    report = check_method(SMC(8), model, runs=200, error_bars=False)
    assert report.passed, report


def test_a_posterior_can_be_observed() -> None:
    """Observing a value adds the log of its probability; an impossible value closes the particle."""
    inner = small_model().exact
    p = inner.probabilities()
    values = [*list(p)[:3], "impossible"]
    log_p = Posterior.log_prob([inner] * 4, values)
    assert log_p[:3] == pytest.approx([math.log(p[v]) for v in list(p)[:3]])
    assert log_p[3] == -math.inf


def test_weights_of_a_partial_run() -> None:
    """Unfinished particles are shown with their trace so far and have no weight."""
    posterior = infer(crossroads_model().program, Importance(40), budget=Budget(tokens=100), seed=1)
    assert posterior.finished is not None and not posterior.finished.all()
    assert posterior.weights[~posterior.finished].sum() == 0.0
    assert math.fsum(posterior.weights) == pytest.approx(1.0)
    unfinished = [t for t, done in zip(posterior.traces, posterior.finished, strict=True) if not done]
    assert all(t is not None and t.choices() for t in unfinished)


@pytest.mark.parametrize("change", [{"cost": {}}, {"traces": [{}]}, {"log_weights": [{"$": "?"}]}])
def test_a_damaged_file_is_named(change: dict[str, Any], tmp_path: Path) -> None:
    """A file with the right mark and the wrong content is one error that names it."""
    path = tmp_path / "damaged.json"
    infer(small_model().program, Importance(3)).save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=r"damaged\.json is not a whole saved posterior: "):
        Posterior.load(path)


def test_texts_of_imposed_numpy_tokens_are_saved(tmp_path: Path) -> None:
    """A token given as a NumPy integer is the same token in a file."""

    @program
    async def text() -> str:
        return await sample(LM.text("", max_tokens=2), "text")

    trace = generate(text(), {"text/token": np.int64(1), "text/token#1": np.int64(2)}).trace
    assert trace is not None and Trace.from_json(json.loads(json.dumps(trace.to_json()))) == trace
