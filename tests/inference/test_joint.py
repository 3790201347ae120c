"""Oracle 5: Geweke's joint test, simulation-based calibration and TARP, and biased samplers that must fail each."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.inference import MH, Importance, Kernel, Posterior, block, cycle, edit, mix, site, suffix
from steersman.inference.draws.waves import Draws
from steersman.inference.run import Run
from steersman.inference.run.algorithm import Algorithm
from steersman.inference.testing import Report, check_calibration, check_joint
from steersman.inference.testing.mutants.chains import IgnoresData, Overconfident
from steersman.inference.testing.mutants.moves import (
    Skewed,
    births_forgotten,
    likelihood_forgotten,
    likelihood_twice,
)
from steersman.inference.testing.mutants.planting import recast
from steersman.models import TableLM
from steersman.ppl import condition, dist, factor, observe, program, sample

LM, READER = TableLM.random(3, seed=3, scale=0.8), TableLM.random(3, seed=4, scale=1.5)


@program
async def normal(data: float | None = None) -> tuple[float, float]:
    """A continuous latent."""
    x = await sample(dist.Normal(0.0, 1.0), "x")
    if data is None:
        data = await sample(dist.Normal(x, 0.5), "data")
    else:
        await observe(dist.Normal(x, 0.5), data, "data")
    return x, data


@program
async def judged(data: list[float] | None = None) -> tuple[Any, list[float]]:
    """Continuous and discrete, of varying number: how many lines there are, each a text with a score that a judge
    reads with a bias of his own."""
    bias = await sample(dist.Normal(0.0, 1.0), "bias")
    count = await sample(dist.Categorical([0.2, 0.4, 0.4]), "count")
    lines, scores = [], []
    for i in range(int(count)):
        lines.append(await sample(LM.text("a", stop="b", max_tokens=4), "line"))
        score = dist.Normal(bias + 0.5 * len(lines[-1].tokens), 0.7)
        if data is None:
            scores.append(float(await sample(score, "score")))
        elif i < len(data):
            await observe(score, data[i], "score")
    await condition(data is None or len(data) == count, "as many")
    return (bias, lines), scores if data is None else data


@program
async def letters(data: Any = None) -> tuple[Any, Any]:
    """A text that another model continues."""
    x = await sample(LM.text("a", stop="b", max_tokens=3), "x", proposal=None)
    heard = READER.text(READER.context(str(x)), max_tokens=2)
    if data is None:
        data = await sample(heard, "data")
    else:
        await observe(heard, data, "data")
    return x, data


NORMAL = {"x": lambda v: v[0], "x squared": lambda v: v[0] ** 2, "x data": lambda v: v[0] * v[1]}
JUDGED = {
    "bias": lambda v: v[0][0], "bias squared": lambda v: v[0][0] ** 2,
    "tokens": lambda v: float(sum(len(t.tokens) for t in v[0][1])),
    "agreement": lambda v: sum(s * len(t.tokens) for s, t in zip(v[1], v[0][1], strict=True)),
}
LETTERS = {
    "tokens": lambda v: float(len(v[0].tokens)), "heard": lambda v: float(len(v[1].tokens)),
    "echo": lambda v: float(str(v[0])[:1] == str(v[1])[:1]), "stopped": lambda v: float(v[0].finish == "stop"),
}
CASES: dict[str, tuple[Any, Any]] = {
    "normal": (normal, NORMAL), "judged": (judged, JUDGED), "letters": (letters, LETTERS),
}


@pytest.mark.parametrize(
    ("case", "kernel"),
    [
        ("normal", site()), ("judged", mix(site("bias"), suffix("line"))), ("judged", site(tokens=True)),
        ("letters", suffix()), ("letters", cycle(edit(insert=2), block(length=2))),
    ],
    ids=lambda x: getattr(x, "name", x),
)
def test_joint(case: str, kernel: Kernel) -> None:
    """Chain and data in turn keep the joint distribution, for continuous choices and texts alike."""
    model, statistics = CASES[case]
    report = check_joint(kernel, model, statistics, runs=300)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "skew", "runs"),
    [("normal", likelihood_forgotten, 400), ("normal", likelihood_twice, 1000), ("letters", likelihood_forgotten, 400),
     pytest.param("letters", likelihood_twice, 1500, marks=pytest.mark.slow)],
)
def test_joint_sees_biased_kernels(case: str, skew: Any, runs: int) -> None:
    """A kernel that ignores the data, or believes them twice, changes the joint distribution."""
    model, statistics = CASES[case]
    report = check_joint(Skewed(suffix(), skew), model, statistics, runs=runs, cycles=1, steps=8)
    assert not report.passed
    assert abs(report.worst.z) > report.limit + 1.0, report


@pytest.mark.slow
def test_joint_sees_births() -> None:
    """Choices that come and go with the number of lines, under data: their densities must be in the ratio."""
    report = check_joint(Skewed(site(), births_forgotten), drafts, DRAFTS)
    assert not report.passed
    report = check_joint(site(), drafts, DRAFTS)
    assert report.passed, report


@program
async def drafts(data: float | None = None) -> tuple[Any, float]:
    """Only the total length of one to three lines is seen."""
    count = 1 + await sample(dist.Categorical([0.3, 0.4, 0.3]), "count")
    lines = [await sample(LM.text("a", stop="b", max_tokens=4), "line") for _ in range(int(count))]
    total = dist.Normal(float(sum(len(t.tokens) for t in lines)), 1.0)
    if data is None:
        data = float(await sample(total, "total"))
    else:
        await observe(total, data, "total")
    return lines, data


DRAFTS = {
    "lines": lambda v: float(len(v[0])), "tokens": lambda v: float(sum(len(t.tokens) for t in v[0])),
    "product": lambda v: v[1] * len(v[0]),
}


class Powered(Importance):
    """The weights are raised to a power: 0 ignores the data, 3 believes them three times."""

    power = 3.0

    def result(self, run: Run, state: Draws) -> Posterior:
        posterior = super().result(run, state)
        return recast(posterior, Posterior, log_weights=self.power * posterior.log_weights)


class Unweighted(Powered):
    power = 0.0


def _calibration(method: Algorithm[Any], case: str, runs: int = 250, draws: int = 4) -> Report:
    model, statistics = CASES[case]
    return check_calibration(method, model, statistics, runs=runs, draws=draws)


@pytest.mark.parametrize(
    ("case", "method", "runs"), [("normal", Importance(100), 250), ("letters", MH(4, 1, suffix(), warmup=20), 120)],
    ids=lambda x: getattr(x, "name", x),
)
def test_calibration(case: str, method: Algorithm[Any], runs: int) -> None:
    """Ranks are uniform for methods that sample the posterior: the last states of a few chains, or many particles."""
    report = _calibration(method, case, runs)
    assert report.passed, report
    assert {c.oracle for c in report.checks} == {"sbc", "tarp"}


@pytest.mark.slow
@pytest.mark.parametrize("method", [Powered(100), Unweighted(50)], ids=lambda m: type(m).__name__)
def test_calibration_sees_biased_samplers(method: Algorithm[Any]) -> None:
    """With the data three times, or without them: simulation-based calibration fails, and so does TARP."""
    report = _calibration(method, "normal")
    assert report.z("sbc") > report.limit + 1.0, report
    assert report.z("tarp") > report.limit + 1.0, report


@pytest.mark.slow
def test_calibration_of_chains() -> None:
    """More runs and draws; chains that leave the data out, or believe them four times, fail both."""
    report = _calibration(MH(9, 1, site(), warmup=40), "normal", 300, 9)
    assert report.passed, report
    for biased in (Overconfident, IgnoresData):
        report = _calibration(biased(9, 1, site(), warmup=25), "normal", 300, 9)
        assert report.z("sbc") > report.limit + 1.0 and report.z("tarp") > report.limit + 1.0, report


@program
async def weighted(data: Any = None) -> tuple[int, Any]:
    x = await sample(LM.next("a"), "x")
    await factor(0.1 * x, "taste")
    return x, data


@program
async def renamed(data: Any = None) -> tuple[int, Any]:
    x = await sample(LM.next("a"), "x" if data is None else "y")
    if data is None:
        data = await sample(READER.next("a"), "data")
    return x, data


@program
async def forgetful(data: Any = None) -> tuple[int, Any]:
    x = await sample(LM.next("a"), "x")
    return x, await sample(READER.next("a"), "data") if data is None else data


@program
async def alone(data: Any = None) -> int:
    return await sample(LM.next("a"), "x")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (weighted, "without data must only draw"), (renamed, "draws 'y', which it does not draw without"),
        (forgetful, "another density than without"), (alone, r"must return the pair \(latent, data\), got"),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_models_of_another_form(model: Any, message: str) -> None:
    """The model has to be one distribution in two forms; what is wrong is said."""
    with pytest.raises(ValueError, match=message):
        check_joint(site(), model, {}, runs=50)


def test_too_few_draws() -> None:
    """Ranks among more draws than there are states make no sense."""
    with pytest.raises(ValueError, match="keeps 3 states, fewer than draws=4"):
        _calibration(MH(1, 3, site()), "normal", runs=2)
