"""Errors name the distribution and the fix."""

import numpy as np
import pytest

from steersman.ppl import dist
from steersman.ppl.dist import Record, as_distribution
from steersman.ppl.keys import Key


def test_unknown_names_have_hints():
    with pytest.raises(AttributeError, match=r"no distribution 'Nrmal'; did you mean Normal"):
        _ = dist.Nrmal
    with pytest.raises(AttributeError, match="kl_divergence"):
        _ = dist.kl_divergence
    assert not hasattr(dist, "__wrapped__")


@pytest.mark.parametrize(
    "call,message",
    [
        (lambda: dist.Normal(0.0, sigma=1.0), r"Normal: .*'sigma'.*Normal\(loc=0.0, scale=1.0\)"),
        (lambda: dist.Normal(0.0, 1.0, 2.0), r"Normal: too many positional.*Normal\(loc=0.0, scale=1.0\)"),
        (
            lambda: dist.Gamma(),
            r"Gamma: missing a required argument: 'concentration'.*Gamma\(concentration, rate=1.0\)",
        ),
        (lambda: dist.Gamma(1.0, concentration=2.0), r"Gamma: multiple values"),
        (lambda: dist.Gamma("a", {}).family, r"argument 'rate' of Gamma: expected a number.*dict"),
        (lambda: dist.Normal(np.array(["a"]), 1.0).family, r"argument 'loc' of Normal"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize(
    "make,value,message",
    [
        (lambda: dist.Normal(0.0, 1.0), [1.0, 2.0], r"Normal\(0.0, 1.0\).*shape \(\), got.*\(2,\).*expand\(\(2,\)\)"),
        (lambda: dist.Gamma(1.0, 1.0), [1.0, 2.0], r"Gamma\(1.0, 1.0\).*shape \(\), got.*\(2,\).*expand\(\(2,\)\)"),
        (lambda: dist.Categorical([0.5, 0.5]), np.zeros(3), r"Categorical\(\[0.5, 0.5\]\).*shape \(\), got.*\(3,\)"),
        (lambda: dist.Normal(np.zeros(3), 1.0), 0.5, r"Normal\(\[0.0, 0.0, 0.0\], 1.0\).*shape \(3,\), got.*\(\)"),
    ],
)
def test_wrong_shapes(make, value, message):
    with pytest.raises(ValueError, match=message):
        Record.log_prob([make()], [value])


@pytest.mark.parametrize("make", [lambda: dist.Normal(0.0, 1.0), lambda: dist.Gamma(1.0, 1.0)])
def test_values_that_are_not_numbers(make):
    with pytest.raises(TypeError, match="scores numbers, not str"):
        Record.log_prob([make()], ["abc"])


@pytest.mark.parametrize(
    "make,message",
    [
        (lambda: dist.Normal(0.0, -1.0), r"Normal\(0.0, -1.0\): .*scale"),
        (lambda: dist.Bernoulli(1.5), r"Bernoulli\(1.5\): .*probs"),
        (lambda: dist.Categorical([0.5, 0.9]), r"Categorical\(\[0.5, 0.9\]\): .*probs"),
        (lambda: dist.Gamma(-1.0, 1.0), r"Gamma\(-1.0, 1.0\): .*concentration"),
        (lambda: dist.Dirichlet(1.0), r"Dirichlet\(1.0\) is not a valid distribution"),
    ],
)
def test_invalid_parameters_are_blamed(make, message):
    with pytest.raises(ValueError, match=message):
        Record.draw([make()], Key(0).split([0]))
    with pytest.raises(ValueError, match=message):
        Record.log_prob([make()], [1])


def test_what_is_not_a_distribution():
    from steersman.ppl.effects import sample
    from steersman.ppl.program import program

    @program
    async def coin():
        return await sample(dist.Bernoulli(0.5), "x")

    effect = sample(dist.Bernoulli(0.5), "x")
    for given, message in (
        (effect, r"a sample\(...\) effect was given where a distribution was expected; await it"),
        (coin(), "a program call; only sample"),
        (coin, "call it first"),
        (dist.Normal, "the function 'Normal'; call it first"),
        (len, "the function 'len'; call it first"),
        (float, "the class float"),
        (0.5, "float: 0.5"),
    ):
        with pytest.raises(TypeError, match=message):
            as_distribution(given)
    with pytest.raises(TypeError, match=r"argument 'loc' of Normal: .*not awaited"):
        _ = dist.Normal(effect, 1.0).family
