"""Products where their factors are 0, and powers at their ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from product_sums import A, masses, told

from steersman.inference import SMC, AllParticlesDead, Enumerate, Importance, infer
from steersman.models import ProductText, ProductToken, TableLM, power
from steersman.models.product.token import LocalToken
from steersman.ppl import InvalidWeight, assess, observe, program, simulate

# "b, c or nothing", "a or nothing", and "a, b, c or nothing"
BC, ONLY_A, ALL = (TableLM(np.where(allowed, 0.0, -np.inf) * np.ones((5, 1)))
                   for allowed in ([1, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1]))


def test_zero_over_zero_is_zero() -> None:
    """A ratio whose numerator forbids what its denominator does is a finite measure, and its draws avoid it."""
    rather_b = TableLM(np.where([1, 0, 1, 1], [0.0, 0.0, math.log(2.0), 0.0], -np.inf) * np.ones((5, 1)))
    ratio = (BC**2 / rather_b).text("", max_tokens=2)
    f = {0: 4 / 9, 2: 2 / 9, 3: 4 / 9}  # (1/3)^2 divided by 1/4, 1/2 and 1/4
    by_hand = {(0,): f[0], **{(x, y): f[x] * f[y] for x in (2, 3) for y in f}}
    assert masses(infer(told(ratio), Enumerate())) == pytest.approx(by_hand)
    assert all("a" not in v for v in infer(told(ratio), Importance(50)).values)


def test_something_over_zero_is_an_error_that_names_the_site() -> None:
    """p / 0 is no density: drawn, scored, observed or enumerated, InvalidWeight says where."""
    ratio = ALL / BC

    @program
    async def observed() -> None:
        await observe(ratio.text("", max_tokens=3), "bac", "seen")

    @program
    async def token() -> None:
        await observe(ratio.next(""), 1, "seen")

    attempts: list[tuple[Any, str]] = [
        (lambda: simulate(told(ratio.text("", max_tokens=2))), "text/token"),
        (lambda: infer(told(ratio.text("", max_tokens=2)), SMC(4)), "text/token"),
        (lambda: infer(told(ratio.text("", max_tokens=2)), Enumerate()), "text/token"),
        (lambda: assess(told(ratio.text("", max_tokens=3)), {"text": "bac"}), "sample 'text'"),
        (lambda: simulate(observed()), "seen"), (lambda: simulate(token()), "seen"),
    ]
    for attempt, site in attempts:
        with pytest.raises(InvalidWeight, match=rf"{site}.* is inf.*divides by a probability of 0"):
            attempt()


def test_what_is_impossible_before_is_zero() -> None:
    """A text that is dead at one token has density 0, whatever follows."""
    ratio = (BC / ONLY_A).text("", max_tokens=3)  # "a" is 0, then "b" would be infinite
    assert ProductText.log_prob([ratio], ["ab"])[0] == -math.inf
    assert ProductText.log_prob([ratio], ["ba"])[0] == math.inf


def test_where_nothing_is_left_the_particle_dies() -> None:
    """A product of models that agree on nothing has no draw; the particle dies at that site."""
    apart = TableLM(np.where([0, 1, 0, 0], 0.0, -np.inf) * np.ones((5, 1)))
    text = (apart * TableLM(np.where([0, 0, 1, 1], 0.0, -np.inf) * np.ones((5, 1)))).text("", max_tokens=2)
    dead = simulate(told(text))
    assert dead.trace is None and dead.log_weight == -math.inf
    with pytest.raises(AllParticlesDead) as error:
        infer(told(text), SMC(3))
    assert error.value.killed == {"text/token": 3}
    some = (ALL * apart).text("", max_tokens=1)
    assert masses(infer(told(some), Enumerate())) == pytest.approx({(1,): 0.25})


def test_what_is_no_token_has_density_zero() -> None:
    """Also under a negative exponent: a value outside the vocabulary scores -inf."""
    token = ALL.next("") ** -1
    assert ProductToken.log_prob([token] * 4, [-1, 4, "a", None]).tolist() == [-math.inf] * 4
    assert LocalToken.log_prob([token.proposal] * 2, [4, None]).tolist() == [-math.inf] * 2  # type: ignore[list-item]


def test_a_power_zero_counts() -> None:
    """(lm ** 0) has mass 1 for every text of its vocabulary: Z is their number."""
    exact = infer(told((A**0).text("a", max_tokens=3)), Enumerate())
    assert exact.log_evidence == pytest.approx(math.log(1 + 3 + 9 * 4)) and len(exact) == 40
    assert all(t.site("text").log_p == 0.0 for t in exact.traces if t is not None)


def test_a_ratio_times_its_denominator_is_the_numerator() -> None:
    """lm1 / lm2 * lm2 = lm1, bit for bit, also where lm2 is 0."""
    logits = np.zeros((5, 4))
    logits[:, 1] = -np.inf
    gaps = TableLM(logits)
    plain = infer(told(A.text("a", max_tokens=3)), Enumerate())
    assert masses(infer(told((A / gaps * gaps).text("a", max_tokens=3)), Enumerate())) == masses(plain)


def test_a_power_of_certainty_is_certainty() -> None:
    """Where p is 1, p^a is 1: no weight is gained or lost."""
    logits = np.full((4, 3), -np.inf)
    logits[:, 1] = 0.0
    posterior = infer(told(power(TableLM(logits), 7).text("", max_tokens=4)), SMC(4))
    assert posterior.log_evidence == pytest.approx(0.0, abs=1e-12) and set(map(str, posterior.values)) == {"aaaa"}
