"""Gibbs applies every kernel to its own sites, agrees with exact posteriors, and refuses to leave a choice behind."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.inference import (
    Gibbs,
    NeverChanged,
    NothingToChange,
    block,
    conditional,
    cycle,
    hmc,
    infer,
    mix,
    nuts,
    site,
    suffix,
)
from steersman.inference.testing import check_chain, poem_model, sentence_model
from steersman.inference.testing.continuous import check_continuous, clusters_model, judge_model
from steersman.inference.testing.transitions import check_transitions
from steersman.models import TableLM
from steersman.ppl import dist, factor, observe, program, sample

LM = TableLM.random(3, seed=2, eos=None)


@pytest.mark.slow
def test_continuous_and_discrete() -> None:
    """NUTS on the continuous choices, exact updates of the discrete ones, in sub-programs: against quadrature."""
    method = Gibbs({("m", "s", "w"): nuts(), "z": conditional(scan="random")}, 50, 40, warmup=40, thin=4)
    report = check_continuous(method, clusters_model("sub"))
    assert report.passed, report


@pytest.mark.slow
def test_continuous_and_text() -> None:
    """HMC on the calibration of a judge, suffix moves on a latent text: against quadrature and a sum over texts."""
    method = Gibbs({("slope", "bias"): hmc(trajectory_length=1.5), "text": suffix()}, 50, 40, warmup=40, thin=4)
    report = check_continuous(method, judge_model(latent=True))
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kernels", "model"),
    [
        ({"count": suffix(), "line": mix(block(length=2), site(tokens=True))}, poem_model()),
        ({"token": suffix()}, sentence_model("proposal")),
        ({"count": suffix(), "verse": cycle(site(), suffix())}, poem_model("sub")),
    ],
    ids=["poem", "sentence", "verses"],
)
def test_texts(kernels: Any, model: Any) -> None:
    """Moves of texts, combined: against enumeration, over the means of chains."""
    report = check_chain(Gibbs(kernels, 400, 40, warmup=40), model)
    assert report.passed, report


@program
async def three() -> tuple[int, int, int]:
    a = await sample(dist.Bernoulli(0.3), "a")
    b = await sample(LM.next("ab"[a]), "b")
    c = await sample(LM.next("ab"[a]), "b")
    await factor(0.9 * (a == b) - 0.5 * (b == c))
    return a, b, c


def test_each_kernel_moves_its_own_sites() -> None:
    """Without any chance: the kernel of a Gibbs sampler is the product of its parts, which leaves the target invariant;
    names mean all sites of a name, addresses one, tuples several."""
    for kernels in (
        {"a": conditional(), "b": conditional()}, {("a", "b"): conditional()},
        {"a": site(), "b": conditional(), "b#1": site()},
    ):
        report = check_transitions(Gibbs(kernels, 1, 1).kernel, three(), reversible=False)
        assert report.passed, report
    assert Gibbs({"a": site("b"), ("b", "c"): suffix()}, 1, 1).kernel.name == "cycle(site('a'), suffix('b', 'c'))"


def test_what_it_tells() -> None:
    """Acceptance of every kernel under its own name; step sizes and divergences of NUTS."""
    posterior = infer(clusters_model("number").program, Gibbs({("m", "s", "w"): nuts(), "z": site()}, 3, 12),
                      progress=False)
    assert posterior.method == "Gibbs(3, 12)" and posterior.chains is not None
    assert set(posterior.chains.acceptance()) == {"nuts('m', 's', 'w')", "site('z')"}
    told = posterior.info["nuts('m', 's', 'w')"]
    assert len(told["step_size"]) == len(told["divergences"]) == 3 and len(told["inverse_mass"]) == 3


def test_bad_kernels() -> None:
    """What the dict must hold, before anything runs."""
    for kernels in ({}, [site()], site()):
        with pytest.raises(TypeError, match="Gibbs takes a dict of names and kernels"):
            Gibbs(kernels, 2, 4)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'a' takes a kernel such as site"):
        Gibbs({"a": "site"}, 2, 4)  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="Gibbs: chains=0"):
        Gibbs({"a": site()}, 0, 4)


def test_a_choice_without_kernel() -> None:
    """A choice that nothing changes would make the answer wrong without a sign; what a suffix draws anew is covered."""
    with pytest.raises(NeverChanged, match=r"no kernel changes 'a'.*add 'a': site\(\)"):
        infer(three(), Gibbs({"b": conditional()}, 2, 4), progress=False)
    infer(three(), Gibbs({"a": suffix()}, 2, 4), progress=False)
    with pytest.raises(NeverChanged, match="'a'"):
        infer(three(), Gibbs({"b": suffix()}, 2, 4), progress=False)


def test_a_name_that_nothing_has() -> None:
    """Misspelt names are told: as an error where nothing is left to do, else as a warning."""
    with pytest.raises(NothingToChange, match="no choice is named 'A'; the program has a, b"):
        infer(three(), Gibbs({"A": site()}, 2, 4), progress=False)
    with pytest.warns(UserWarning, match="conditional\\('bb'\\) finds nothing to change"):
        infer(three(), Gibbs({"a": site(), "b": site(), "bb": conditional()}, 2, 4), progress=False)


def test_scopes() -> None:
    """The name of a sub-program means all that it chooses."""

    @program
    async def part() -> int:
        return await sample(dist.Bernoulli(0.4), "x")

    @program
    async def whole() -> int:
        total = sum([await part(), await part()])
        await observe(dist.Normal(total, 1.0), 1.2)
        return total

    report = check_transitions(Gibbs({"part": conditional()}, 1, 1).kernel, whole(), reversible=False)
    assert report.passed, report
