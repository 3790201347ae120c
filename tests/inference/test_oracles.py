"""The oracles themselves: they pass what is right, fail what is wrong, and say so readably."""

from __future__ import annotations

import math

import numpy as np
import pytest

from steersman.inference import SMC, Importance, Rejection, every, infer
from steersman.inference.run.algorithm import Algorithm
from steersman.inference.testing import (
    Check,
    OracleModel,
    Report,
    Tape,
    TapedLM,
    WeightedSet,
    assert_exact,
    check_equivalences,
    check_measure,
    check_method,
    coins_model,
    exhaust,
    generated_measure,
    law,
    letters_model,
    oracle_models,
    rare_set,
    same_particles,
    sentence_model,
    small_model,
    stanza_model,
    target_measure,
    z_score,
)
from steersman.inference.testing.mutants.populations import ForgottenEvidence, TwistKept
from steersman.inference.testing.mutants.resampling import heaviest
from steersman.models import TableLM
from steersman.ppl import program, sample
from steersman.ppl.driver import advance
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle

METHODS: list[Algorithm[object]] = [
    Importance(6), SMC(6), SMC(6, resample_at="token", ess_threshold=1.0), SMC(6, resample_at=every(2)),
    SMC(6, resample_at="ahead", resample="stratified"), SMC(3, expand=3, resample="optimal"),
    SMC(6, resample_at=lambda p, effect: effect.kind == "sample", resample="killing", ess_threshold=1.0),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: f"{m.name}")
@pytest.mark.parametrize(("lookahead", "masked"), [("none", True), ("mass", False), ("wrong", True)])
def test_weighted_sets(method: Algorithm[object], lookahead: str, masked: bool) -> None:
    """log Z is the log of the sum of the weights for every method and stop point, proposal and lookahead."""
    strings = WeightedSet({"a": 1.0, "ab": 2.0, "abc": 0.5, "b": 3.0, "ca": 0.25, "cab": 1.5}, seed=5)
    model = strings.model(lookahead=lookahead, masked=masked)
    assert model.exact.log_evidence == pytest.approx(strings.log_evidence, abs=1e-12)
    report = check_method(method, model, runs=250, error_bars=False)
    assert report.passed, report


def test_rejection_on_a_set() -> None:
    """The same for rejection, whose evidence is a rate."""
    strings = WeightedSet({"a": 1.0, "ab": 1.0}, relative=True, seed=2)
    posterior = infer(strings.program(), Rejection(400, attempts=10**5), seed=1)
    assert abs(posterior.log_evidence - strings.log_evidence) < 4 * posterior.log_evidence_error


@pytest.mark.parametrize("mass", [1e-6, 1e-12])
def test_rare_valid_token(mass: float) -> None:
    """A valid token of tiny mass keeps its exact share under SMC too, summed over all choices."""
    strings = rare_set(mass)
    report = check_measure(lambda r: SMC(2, resample=r, ess_threshold=1.0, resample_at="ahead"),
                           strings.model(masked=True))
    assert report.passed, report


@pytest.mark.parametrize("model", [m for m in oracle_models() if m.name != "coins/3"], ids=lambda m: m.name)
def test_equivalences(model: OracleModel) -> None:
    """Oracle 7: same seed, any batch, together = alone, fork = original, replay = recorded; bit for bit."""
    for method in (SMC(7), SMC(5, resample_at="token", ess_threshold=1.0), SMC(3, expand=2, resample="optimal")):
        report = check_equivalences(model.program, method, seed=3)
        assert report.passed, report


@pytest.mark.filterwarnings("ignore:resample_at names")  # no stanza has a site named "ahead"
@pytest.mark.parametrize("method", METHODS, ids=lambda m: f"{m.name}")
@pytest.mark.parametrize("seed", range(3))
def test_flat_sub_unfold(method: Algorithm[object], seed: int) -> None:
    """Three ways of writing one loop: the same particles."""
    checks = same_particles([stanza_model(form).program for form in ("flat", "sub", "unfold")], method, seed=seed)
    assert [c.observed for c in checks] == [0, 0]


def test_batched_is_one_by_one() -> None:
    """A group of particles and each particle by itself, under the same keys: the same traces and weights."""
    model = letters_model()
    group = [Particle(model.program, slot) for slot in range(6)]
    advance(group, Key(5))
    for slot, p in enumerate(group):
        alone = Particle(model.program, slot)
        advance([alone], Key(5))
        assert alone.trace == p.trace
        assert alone.log_weight == p.log_weight


@pytest.mark.parametrize("how", ["prior", "proposal", "twist"])
def test_generate_is_a_weighted_sampler(how: str) -> None:
    """S003: `generate` under constraints keeps the measure restricted to what agrees with them."""
    model = small_model(how)
    target = target_measure(model)
    assert generated_measure(model, {}) == pytest.approx(target)
    second_is_one = generated_measure(model, {"token": 2, "token#1": 1})
    assert second_is_one == pytest.approx({(2, 1): target[2, 1]})
    begins_with_one = generated_measure(model, {"token": 1})
    assert begins_with_one == pytest.approx({v: p for v, p in target.items() if v[:1] == (1,)})


def test_exhaust_visits_everything_once() -> None:
    """All sequences of choices, probabilities that sum to one, impossible options left out."""

    def run(tape: Tape) -> tuple[int, ...]:
        first = tape.choose([0.5, 0.0, 0.5])
        return (first, *(tape.choose([0.1, 0.9]) for _ in range(first)))

    runs = list(exhaust(run))
    assert [r for _, r in runs] == [(0,), (2, 0, 0), (2, 0, 1), (2, 1, 0), (2, 1, 1)]
    assert math.fsum(p for p, _ in runs) == pytest.approx(1.0)
    assert {r: p for p, r in runs}[2, 1, 0] == pytest.approx(0.5 * 0.9 * 0.1)
    with pytest.raises(ValueError, match="more than 3"):
        list(exhaust(run, limit=3))


def test_taped_draws_are_the_models_own() -> None:
    """Every token of positive probability, each with the log q that the model itself reports."""
    lm = TableLM([0.0, -np.inf, 1.0, -2.0], eos=None)

    @program
    async def one(table: TableLM) -> int:
        return await sample(table.next("").tempered(2.0), "token")

    seen = {}
    for probability, p in exhaust(lambda tape: infer(one(TapedLM(lm, tape)), Importance(1))):
        (trace,) = p.traces
        assert trace is not None
        assert math.exp(trace.site("token").log_q) == pytest.approx(probability)
        seen[trace.value] = probability
    assert set(seen) == {0, 2, 3}
    assert sum(seen.values()) == pytest.approx(1.0)


def test_z_scores() -> None:
    """Standard errors; without spread there is no chance, only right or wrong."""
    assert z_score([1.0, 2.0, 3.0], 1.0) == pytest.approx(1.0 / (1.0 / math.sqrt(3)))
    assert z_score([2.0, 2.0], 2.0) == 0.0
    assert z_score([2.0, 2.0], 1.0) == math.inf
    assert z_score([2.0, 2.0], 3.0) == -math.inf
    assert z_score([2.0], 3.0) == -math.inf
    assert z_score([0.0] * 100, 0.5) == -math.inf
    assert z_score([0.0] * 100, 0.5, largest=5.0) == pytest.approx(-math.sqrt(20))  # exp(-10) = tail of the normal


def test_reports() -> None:
    """The limit spends one false alarm in ten thousand on all checks together; failures come worst first."""
    fine = Report("m", "model", 10, (Check("evidence", "Z", 1.0, 1.0, 3.5),))
    assert fine.limit == pytest.approx(3.89, abs=0.01)
    assert fine.passed and "passed" in str(fine)
    many = Report("m", "model", 10, tuple(Check("measure", str(i), 1.0, 1.0, 0.1 * i) for i in range(60)))
    assert many.limit == pytest.approx(4.79, abs=0.02)
    assert [c.what for c in many.failures] == [str(i) for i in range(59, 47, -1)]
    assert "FAILED 12 of 60" in str(many)
    assert many.worst.what == "59"
    assert law("structure", "x", 1).z == math.inf and law("structure", "x", 0).z == 0.0
    assert not Report("m", "model", 1, (Check("evidence", "Z", 1.0, 1.0, math.nan),)).passed


def test_assert_exact() -> None:
    """One call for the author of a backend: reports when it is right, the report as the error when it is not."""
    reports = assert_exact(SMC(4), [sentence_model(), coins_model(2)], runs=150)
    assert [r.model for r in reports] == ["sentence/prior", "coins/2"]
    with pytest.raises(AssertionError, match=r"FAILED.*\n.*z = "):
        assert_exact(TwistKept(8), sentence_model("twist"), runs=300)
    with pytest.raises(AssertionError, match="evidence"):
        assert_exact(ForgottenEvidence(8, ess_threshold=1.0), sentence_model(), runs=300)


def test_any_program_can_be_the_model() -> None:
    """A program call is enumerated; the indicators of its most probable values are the statistics."""
    call = stanza_model("sub").program
    report = check_method(SMC(8), call, runs=200)
    assert report.passed, report
    assert sum(c.what.startswith("is ") for c in report.checks) == 10
    assert not check_method(SMC(6, expand=3, resample=heaviest), call, runs=200, error_bars=False).passed


def test_methods_without_evidence() -> None:
    """Expectations alone, for methods whose draws are exact and that claim no proper weighting."""
    report = check_method(Rejection(5), coins_model(1), runs=50, evidence=False, error_bars=False)
    assert report.passed, report
    assert {c.oracle for c in report.checks} == {"structure", "expectation"}


@pytest.mark.parametrize("bad", [{}, {"a": 0.0}, {"a": -1.0}, {"a": math.inf}])
def test_bad_sets(bad: dict[str, float]) -> None:
    """Weights are positive and finite, and there is at least one string."""
    with pytest.raises(ValueError, match="WeightedSet needs"):
        WeightedSet(bad)
