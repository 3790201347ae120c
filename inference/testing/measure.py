"""Oracle: exhaustive proper weighting, without any chance.

Run the sampler once for every sequence of random choices that it can make (tokens under its proposal, ancestors in its
resampling), each with its probability, and add up the weighted values:

    sum_choices P(choices) Zhat(choices) sum_i W_i(choices) 1{v_i = v} = p(v)      for every value v, to 1e-5 of Z

p is the unnormalised target. This is what the statistical oracles estimate, exactly: it sees any bias of the weights,
however small, in a fraction of a second to a few seconds, and never fails by chance. It needs a model with few values
and two or so particles. Units: probability. Source: Lew et al. 2023, "Probabilistic programming with stochastic
probabilities", section 3 (the laws that it checks).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from steersman.ppl.errors import AllParticlesDead
from steersman.ppl.keys import Key
from steersman.ppl.verbs import generate

from ..infer import infer
from ..posterior.posterior import Posterior, _hashable
from ..resampling import Resampler, get_resampler
from ..run.algorithm import Algorithm
from .models import OracleModel
from .report import Check, Report
from .tape import Tape, TapedLM, TapedMultinomial, exhaust

TOLERANCE = 1e-5
Measure = dict[Any, float]


def exhaustive_measure(make: Callable[[Resampler], Algorithm[Any]], model: OracleModel) -> Measure:
    """Value -> expected weight, summed over all choices of the sampler `make(resampler)`.

    make: builds the method around the resampler it is given (multinomial, its draws enumerated); a method that does
    not resample ignores it. Other randomness of the method is not enumerated, so it must have none.
    """

    def run(tape: Tape) -> Posterior | None:
        program = model.build(lambda lm: TapedLM(lm, tape))
        try:
            return infer(program, make(TapedMultinomial(tape)), progress=False)
        except AllParticlesDead:
            return None

    total: Measure = {}
    for probability, posterior in exhaust(run):
        if posterior is None or not posterior.weights.any():
            continue
        evidence = probability * math.exp(posterior.log_evidence)
        for value, w in posterior.probabilities().items():
            total[value] = total.get(value, 0.0) + evidence * w
    return total


def generated_measure(model: OracleModel, constraints: Mapping[Any, Any]) -> Measure:
    """The same for the verb `generate`: value -> expected weight of the executions that agree with `constraints`."""
    total: Measure = {}

    def run(tape: Tape) -> tuple[Any, float]:
        weighted = generate(model.build(lambda lm: TapedLM(lm, tape)), constraints, Key(0))
        return _hashable(weighted.value), weighted.log_weight

    for probability, (value, log_weight) in exhaust(run):
        if log_weight > -math.inf:
            total[value] = total.get(value, 0.0) + probability * math.exp(log_weight)
    return total


def target_measure(model: OracleModel) -> Measure:
    """Value -> unnormalised target mass, by enumeration."""
    posterior = model.exact
    return {v: w * math.exp(posterior.log_evidence) for v, w in posterior.probabilities().items()}


def distance(measure: Measure, target: Measure) -> float:
    """The largest difference at any value, in units of Z."""
    values = measure.keys() | target.keys()
    return max(abs(measure.get(v, 0.0) - target.get(v, 0.0)) for v in values) / math.fsum(target.values())


def check_measure(make: Callable[[Resampler], Algorithm[Any]], model: OracleModel) -> Report:
    """The report of the comparison: one check, without chance."""
    off = distance(exhaustive_measure(make, model), target_measure(model))
    check = Check("exhaustive", "proper weighting", off, 0.0, math.inf if off > TOLERANCE else 0.0)
    return Report(make(get_resampler("multinomial")).name, model.name, 1, (check,))
