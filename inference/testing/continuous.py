"""Oracle models with continuous choices, whose expectations are known, and the check of a method against them.

    check_continuous(NUTS(200, 100, warmup=200, thin=10), line_fit_model())

Enumeration cannot help here: expectations are computed by quadrature, from log densities that are written down by hand.
The models have what gradients get wrong: supports that are not the real line, one that depends on another choice,
discrete choices that decide which numbers meet, scores of a language model, a latent text.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steersman.models import TableLM
from steersman.ppl import dist
from steersman.ppl.effects import Invocation, observe, sample
from steersman.ppl.program import program
from steersman.ppl.text import Text

from ..infer import infer
from ..run.algorithm import Algorithm
from .quadrature import expectations, half_line, real_line, unit_interval
from .report import Check, Report, z_score

Statistic = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class ContinuousModel:
    """program: what is sampled. statistics: functions of its value. expected: their posterior expectations."""

    name: str
    program: Invocation[Any]
    statistics: Mapping[str, Statistic]
    expected: Mapping[str, float]


def check_continuous(method: Algorithm[Any], model: ContinuousModel, *, seed: int = 0) -> Report:
    """z of every statistic over the means of independent chains (at least 50, for the normal law of means; the warm-up
    must suffice). A correct method fails with probability below 1e-4."""
    posterior = infer(model.program, method, seed=seed, progress=False)
    if posterior.chains is None or posterior.chains.chains < 50:
        raise ValueError(f"check_continuous takes a method of 50 or more Markov chains, not {method.name}")
    chains = posterior.chains.chains
    checks = []
    for name, f in model.statistics.items():
        means = np.array([float(f(v)) for v in posterior.values]).reshape(chains, -1).mean(1)
        expected = model.expected[name]
        checks.append(Check("mean", name, float(means.mean()), expected, z_score(means, expected)))
    return Report(method.name, model.name, chains, tuple(checks))


def _log_normal(x: Any, loc: Any, scale: Any) -> Any:
    return -0.5 * ((x - loc) / scale) ** 2 - np.log(scale) - 0.5 * math.log(2 * math.pi)


def _log_sigmoid(x: Any) -> Any:
    return -np.logaddexp(0.0, -x)


# A straight line through points with known noise: the posterior is normal.

_X = (-1.0, 0.2, 0.9, 1.4, 2.0)
_Y = (-0.3, 0.8, 0.5, 1.9, 1.6)
_WIDE = 2.0


@program
async def line_fit(points: int, noise: float) -> tuple[float, float]:
    """Conjugate: intercept and slope have normal priors, the points lie around the line."""
    a = await sample(dist.Normal(0.0, _WIDE), "intercept")
    b = await sample(dist.Normal(0.0, _WIDE), "slope")
    for x, y in zip(_X[:points], _Y[:points], strict=True):
        await observe(dist.Normal(a + b * x, noise), y, "y")
    return a, b


def line_fit_model(points: int = 5, noise: float = 0.7) -> ContinuousModel:
    """A bivariate normal posterior, in closed form."""
    X = np.stack([np.ones(points), np.array(_X[:points])], 1)
    precision = X.T @ X / noise**2 + np.eye(2) / _WIDE**2
    S = np.linalg.inv(precision)
    m = S @ X.T @ np.array(_Y[:points]) / noise**2
    statistics: dict[str, Statistic] = {
        "intercept": lambda v: v[0], "slope": lambda v: v[1], "intercept^2": lambda v: v[0] ** 2,
        "slope^2": lambda v: v[1] ** 2, "product": lambda v: v[0] * v[1], "slope^3": lambda v: v[1] ** 3,
        "cos": lambda v: np.cos(v[0] + 2 * v[1]),
    }
    c = np.array([1.0, 2.0])
    expected = {
        "intercept": m[0], "slope": m[1], "intercept^2": m[0] ** 2 + S[0, 0], "slope^2": m[1] ** 2 + S[1, 1],
        "product": m[0] * m[1] + S[0, 1], "slope^3": m[1] ** 3 + 3 * m[1] * S[1, 1],
        "cos": math.cos(c @ m) * math.exp(-0.5 * c @ S @ c),
    }
    return ContinuousModel("line fit", line_fit(points, noise), statistics, {k: float(v) for k, v in expected.items()})


# Two clusters with unknown places and width, and an offset whose support depends on the width.

_SEEN = (0.4, 1.3, -0.9)
_RATE = 0.35


@program
async def clusters(how: str) -> tuple[float, float, float, tuple[int, ...]]:
    """Every point belongs to the cluster at m + w or to that at -m. how: "list" picks the place with an index, "branch"
    by control flow, "number" computes with the indicator, "sub" has a sub-program for each point."""
    m = await sample(dist.Normal(0.5, 1.0), "m")
    s = await sample(dist.Exponential(1.5), "s")
    w = await sample(dist.Uniform(0.0, s), "w")
    member = []
    for y in _SEEN:
        if how == "sub":
            member.append(await point(m, s, w, y))
            continue
        z = await sample(dist.Bernoulli(_RATE), "z")
        if how == "list":
            place = [-m, m + w][z]
        elif how == "branch":
            place = m + w if z else -m
        else:
            place = -m + z * (2 * m + w)
        await observe(dist.Normal(place, 0.4 + s), y, "y")
        member.append(z)
    return m, s, w, tuple(member)


@program
async def point(m: Any, s: Any, w: Any, y: float) -> int:
    z = await sample(dist.Bernoulli(_RATE), "z")
    await observe(dist.Normal((-m, m + w)[z], 0.4 + s), y, "y")
    return z


def clusters_model(how: str = "list") -> ContinuousModel:
    """Continuous and discrete choices, by quadrature over three dimensions and a sum over eight cases."""

    def log_joint(zs: tuple[int, ...], m: Any, s: Any, part: Any) -> Any:
        w = part * s  # dw = s dpart cancels the density 1 / s of w
        total = _log_normal(m, 0.5, 1.0) + math.log(1.5) - 1.5 * s
        for z, y in zip(zs, _SEEN, strict=True):
            total = total + math.log(_RATE if z else 1 - _RATE) + _log_normal(y, m + w if z else -m, 0.4 + s)
        return total

    statistics: dict[str, Statistic] = {
        "m": lambda v: v[0], "m^2": lambda v: v[0] ** 2, "s": lambda v: v[1], "exp(-s)": lambda v: np.exp(-v[1]),
        "w": lambda v: v[2], "w/s": lambda v: v[2] / v[1], "first": lambda v: v[3][0], "second": lambda v: v[3][1],
        "third": lambda v: v[3][2], "together": lambda v: v[3][0] * v[3][1], "m of first": lambda v: v[0] * v[3][0],
    }
    exact = expectations(
        [real_line(0.5, 9.0), half_line(high=30.0), unit_interval()], log_joint,
        itertools.product((0, 1), repeat=len(_SEEN)), statistics, lambda zs, m, s, part: (m, s, part * s, zs),
    )
    return ContinuousModel(f"clusters/{how}", clusters(how), statistics, exact)


# A language model as a judge, calibrated against labels.

_LABELLED = (("ab", 1), ("ba", 0), ("bb", 1), ("aa", 0), ("b", 1), ("a", 0), ("abb", 1))


@program
async def judge(lm: TableLM, latent: bool) -> tuple[float, float, str]:
    """P(label) is logistic in the log-probability that the model gives a text; one text may itself be unknown."""
    slope = await sample(dist.LogNormal(-0.5, 0.6), "slope")
    bias = await sample(dist.Normal(0.0, 1.5), "bias")
    for text, label in _LABELLED:
        score = await lm.score("", text)
        await observe(dist.Bernoulli(logits=bias + slope * (score + 1.5)), label, "label")
    if not latent:
        return slope, bias, ""
    unknown: Text = await sample(lm.text("", max_tokens=2), "text")
    score = await lm.score("", unknown)
    for label in (1, 1, 0, 1):
        await observe(dist.Bernoulli(logits=bias + slope * (score + 1.5)), label, "judged")
    return slope, bias, str(unknown)


def judge_model(latent: bool = False, *, seed: int = 11) -> ContinuousModel:
    """Slope and bias by quadrature; the latent text, of at most two tokens, by summing over all of them."""
    lm = TableLM.random(3, seed=seed, scale=1.2)
    texts = _texts(lm) if latent else {"": 0.0}
    given = [(_score(lm, t), label) for t, label in _LABELLED]

    def log_joint(text: str, slope: Any, bias: Any) -> Any:
        total = _log_normal(np.log(slope), -0.5, 0.6) - np.log(slope) + _log_normal(bias, 0.0, 1.5) + texts[text]
        judged = [(_score(lm, text), label) for label in (1, 1, 0, 1)] if latent else []
        for score, label in given + judged:
            total = total + _log_sigmoid((bias + slope * (score + 1.5)) * (1 if label else -1))
        return total

    statistics: dict[str, Statistic] = {
        "slope": lambda v: v[0], "slope^2": lambda v: v[0] ** 2, "log slope": lambda v: np.log(v[0]),
        "bias": lambda v: v[1], "bias^2": lambda v: v[1] ** 2, "product": lambda v: v[0] * v[1],
        "logistic": lambda v: 1 / (1 + np.exp(-(v[1] - v[0]))),
    }
    if latent:
        statistics |= {
            "empty": lambda v: float(v[2] == ""), "length": lambda v: float(len(v[2])),
            "slope of short": lambda v: v[0] * (len(v[2]) < 2), "a first": lambda v: float(v[2][:1] == "a"),
        }
    exact = expectations(
        [half_line(1e-3, 60.0), real_line(0.0, 12.0)], log_joint, texts, statistics,
        lambda text, slope, bias: (slope, bias, text),
    )
    return ContinuousModel("judge/latent" if latent else "judge", judge(lm, latent), statistics, exact)


def _texts(lm: TableLM) -> dict[str, float]:
    """Text -> log-probability of drawing it, for texts of at most two tokens, by hand."""
    out: dict[str, float] = {}

    def visit(tokens: tuple[int, ...], log_p: float) -> None:
        if len(tokens) == 2:
            _add(out, lm.tokenizer.decode(tokens), log_p)
            return
        row: Any = lm.next_log_probs([tokens], None, None)[0]
        for token, lp in enumerate(row.tolist()):
            if token in lm.eos:
                _add(out, lm.tokenizer.decode(tokens), log_p + lp)
            else:
                visit((*tokens, token), log_p + lp)

    visit((), 0.0)
    return out


def _add(table: dict[str, float], text: str, log_p: float) -> None:
    table[text] = float(np.logaddexp(table.get(text, -math.inf), log_p))


def _score(lm: TableLM, text: str) -> float:
    """log p(text) as `lm.score` gives it, by hand."""
    tokens = lm.tokenizer.encode(text)
    rows = [lm.next_log_probs([tokens[:i]], None, None)[0] for i in range(len(tokens))]
    return float(sum(row[t] for row, t in zip(rows, tokens, strict=True)))


def continuous_models() -> list[ContinuousModel]:
    """All of them."""
    clusters = [clusters_model(how) for how in ("list", "branch", "number", "sub")]
    return [line_fit_model(), *clusters, judge_model(), judge_model(latent=True)]


