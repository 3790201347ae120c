"""S011: a process reward as `emission` or as `telescoping`: two posteriors, each sampled exactly."""

from __future__ import annotations

import math
from typing import Any

import pytest

from steersman.inference import SMC, Enumerate, infer
from steersman.inference.testing import OracleModel, check_measure, check_method, telegram_model
from steersman.models import TableLM, process_reward
from steersman.ppl import Invocation, factor, program, sample

COIN = TableLM([0.0, 0.0], eos=None, vocabulary=["b", "c"])


def reward(steps: str) -> float:
    """A judge in (0, 1) that likes a bold beginning (b) and in the end a careful one (c)."""
    bold = steps[0] == "b"
    if len(steps) < 3:
        return 0.9 if bold else 0.15
    return (0.15 if bold else 0.9) * (1.0 if steps[1] == steps[2] else 0.8)


@program
async def reason(mode: Any, lm: TableLM) -> str:
    """Three steps, judged as `emission` or as `telescoping`; "ratios" is telescoping written out, the factors
    r_1 (r_2 / r_1) (r_3 / r_2) leave the last reward."""
    steps, log_before = lm.context(), 0.0
    judge = None if mode == "ratios" else process_reward(reward, link="prob", mode=mode)
    for t in range(3):
        steps = steps + await sample(lm.next(steps), "step")
        if judge is not None:
            await judge(str(steps), last=t == 2)
        else:
            log_r = math.log(reward(str(steps)))
            await factor(log_r - log_before, "ratio")
            log_before = log_r
    return str(steps)


def _call(mode: str, lm: TableLM = COIN) -> Invocation[str]:
    return reason(mode, lm)


def _by_hand(mode: str) -> dict[str, float]:
    paths = [a + b + c for a in "bc" for b in "bc" for c in "bc"]
    weight = {p: (math.prod(reward(p[:t]) for t in (1, 2, 3)) if mode == "emission" else reward(p)) for p in paths}
    total = sum(weight.values())
    return {p: w / total for p, w in weight.items()}


def _total_variation(p: dict[str, float], q: dict[str, float]) -> float:
    return 0.5 * sum(abs(p.get(v, 0.0) - q.get(v, 0.0)) for v in p.keys() | q.keys())


@pytest.mark.parametrize("mode", ["emission", "telescoping", "ratios"])
def test_each_mode_is_exact_for_its_own_target(mode: str) -> None:
    """Enumeration equals the hand-made product, and a particle filter at every reward is unbiased for it."""
    posterior = infer(_call(mode), Enumerate())
    assert posterior.probabilities() == pytest.approx(_by_hand("emission" if mode == "emission" else "telescoping"))
    model = OracleModel(mode, lambda wrap: _call(mode, wrap(COIN)), {
        "bold": lambda v: float(v[0] == "b"), "steady": lambda v: float(v[1] == v[2])})
    for method in (SMC(4, ess_threshold=1.0), SMC(8, resample="systematic")):
        report = check_method(method, model, runs=300, error_bars=False)
        assert report.passed, report
    report = check_measure(lambda r: SMC(2, resample=r, ess_threshold=0.9), model)
    assert report.passed, report


def test_they_are_different_posteriors() -> None:
    """About two thirds apart in total variation: nobody may take one for the other."""
    apart = _total_variation(_by_hand("emission"), _by_hand("telescoping"))
    assert apart == pytest.approx(0.69, abs=0.05)
    found = infer(_call("telescoping"), SMC(2000), seed=1).probabilities()
    assert _total_variation(found, _by_hand("telescoping")) < 0.05
    assert _total_variation(found, _by_hand("emission")) > 0.6


def test_final_answers_of_variable_length() -> None:
    """With an end-of-text token, telescoping by twist leaves the last reward of whatever length there is."""
    emission, telescoping = telegram_model("emission"), telegram_model("telescoping")
    assert _total_variation(emission.exact.probabilities(), telescoping.exact.probabilities()) > 0.2
    for model in (emission, telescoping):
        report = check_method(SMC(6, ess_threshold=0.9), model, runs=300)
        assert report.passed, report
