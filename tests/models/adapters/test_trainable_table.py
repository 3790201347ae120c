"""A table that is learnt: gradients against finite differences of its own exact densities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from steersman.models import TableLM, TrainableTable
from steersman.ppl import OutsideSupport, choice, regex
from steersman.ppl.trainable import trainable_of

H = 2.0**-6


@pytest.fixture
def lm() -> TrainableTable:
    return TrainableTable.random(4, seed=3)


def text(lm: TrainableTable, **how: Any) -> Any:
    return lm.text("a", max_tokens=3, **how)


MEMBERS: dict[str, tuple[Callable[[TrainableTable], Any], Any]] = {
    "text": (lambda lm: text(lm), "bca"),
    "text that ends": (lambda lm: text(lm), "b"),
    "tempered text": (lambda lm: text(lm, temperature=0.6), "ab"),
    "token": (lambda lm: lm.next("ab"), 2),
    "tempered token": (lambda lm: lm.next("ab").tempered(2.5), 2),
    "masked token": (lambda lm: lm.next("ab").masked([0, 2]).tempered(0.5), 2),
    "constrained text": (lambda lm: text(lm, where=regex("[ab]*")), "ab"),
    "steered text": (lambda lm: text(lm, where=regex("[ab]*")).proposal, "ab"),
    "steered, tempered text": (lambda lm: text(lm, where=regex("[ab]*"), temperature=0.7).proposal, "ba"),
    "constrained token": (lambda lm: text(lm, where=regex("[ab]*")).begin(None).next().dist, 1),
    "steered token": (lambda lm: text(lm, where=regex("[ab]*")).begin(None).next().dist.proposal, 1),
    "chosen text": (lambda lm: text(lm, where=choice(["ab", "ca"])), "ca"),
    "text drawn by choice": (lambda lm: text(lm, where=choice(["ab", "ca", "b"])).proposal, "ab"),
    "power": (lambda lm: (lm**2.5).text("a", max_tokens=3), "ab"),
    "product": (lambda lm: (TableLM.random(4, seed=9) * lm).text("a", max_tokens=3), "ab"),
    "quotient": (lambda lm: (TableLM.random(4, seed=9) / lm).next("a"), 1),
    "constrained product": (
        lambda lm: (TableLM.random(4, seed=9) * lm).text("a", max_tokens=3, where=regex("[ab]*")), "ab"),
}  # fmt: skip


@pytest.mark.parametrize("name", MEMBERS)
def test_against_finite_differences(lm: TrainableTable, name: str) -> None:
    """Law: the gradient is the slope of log q in every logit; steps of 2^-6 are exact in float32, and the difference
    of fourth order is off by some 1e-8."""
    make, value = MEMBERS[name]
    theta = np.round(lm.params["logits"] * 64) / 64
    lm.params = {"logits": theta}
    dist = make(lm)
    assert trainable_of(dist) is lm
    got = lm.gradient([dist], [value], [2.0])["logits"]

    def at(index: tuple[int, ...], step: float) -> float:
        moved = theta.copy()
        moved[index] += step
        lm.params = {"logits": moved}
        return float(type(dist).log_prob([dist], [value])[0])

    want = np.zeros_like(got, np.float64)
    for index in np.ndindex(*theta.shape):
        want[index] = (8 * (at(index, H) - at(index, -H)) - (at(index, 2 * H) - at(index, -2 * H))) / (12 * H)
    np.testing.assert_allclose(got, 2 * want, rtol=0, atol=2e-6)
    assert np.abs(want).max() > 0.05


@pytest.mark.parametrize("name", ["plain", "given", "constrained", "constrained, given", "product"])
def test_what_texts_are_drawn_from(lm: TrainableTable, name: str) -> None:
    """Law: log q of a draw, summed over its tokens, is the density of `drawn_from`, which has the trainable of what
    draws; and the mean over all texts of its gradient vanishes."""
    target, other = TableLM.random(4, seed=9), text(lm)
    dist, proposal = {
        "plain": (text(lm), None),
        "given": (text(target), other),
        "constrained": (text(lm, where=regex("[ab]*")), None),
        "constrained, given": (text(target, where=regex("[ab]*")), other),
        "product": (text(lm) * text(target), None),
    }[name]
    source = dist.drawn_from(proposal)
    assert trainable_of(source) is lm
    done, stack = [], [(dist.begin(proposal), 0.0)]
    while stack:
        machine, log_q = stack.pop()
        if machine.finished:
            done.append((machine.value(), log_q))
            continue
        effect = machine.next()
        drawn = effect.dist if effect.proposal is None else effect.proposal
        token = getattr(drawn, "proposal", drawn)
        for t in token.support():
            child = machine.fork()
            child.send(t, 0.0, 0.0)
            stack.append((child, log_q + float(type(token).log_prob([token], [t])[0])))
    values, log_q = [v for v, _ in done], np.array([x for _, x in done])
    got = type(source).log_prob([source] * len(values), values)
    np.testing.assert_allclose(got, log_q, rtol=0, atol=1e-10)
    assert np.exp(log_q).sum() == pytest.approx(1.0)
    if name != "product":
        gradient = lm.gradient([source] * len(values), values, np.exp(log_q))["logits"]
        assert np.abs(gradient).max() < 1e-6


def test_many_at_once(lm: TrainableTable) -> None:
    """Law: the gradient of many is the weighted sum of each one's."""
    members = [make(lm) for make, _ in MEMBERS.values()]
    values, weights = [v for _, v in MEMBERS.values()], np.linspace(-1, 2, len(members))
    each = [lm.gradient([m], [v], [w])["logits"] for m, v, w in zip(members, values, weights, strict=True)]
    np.testing.assert_allclose(lm.gradient(members, values, weights)["logits"], sum(each), rtol=0, atol=1e-5)


def test_it_is_the_table_of_its_logits() -> None:
    """Law: densities are those of a TableLM of the present logits; forbidden tokens stay so, and have no gradient."""
    logits = np.array([[0.5, -np.inf, 1.0], [0.0, 1.0, -np.inf], [2.0, 0.0, 1.0], [0.0, -np.inf, -1.0]], np.float32)
    lm = TrainableTable(logits, name="mine")
    new = lm.params["logits"] + 1.5 * np.arange(12, dtype=np.float32).reshape(4, 3)
    lm.params = {"logits": new}
    plain = TableLM(np.where(np.isneginf(logits), -np.inf, new))
    for prefix in ("", "a", "b"):
        assert np.array_equal(lm.next(prefix).log_probs(), plain.next(prefix).log_probs())
    gradient = lm.gradient([lm.next("")], [2], [1.0])["logits"]
    assert gradient[3, 1] == 0 and gradient[3, 2] > 0 and not gradient[:3].any()
    handed = lm.params
    handed["logits"][:] = 0
    assert np.array_equal(lm.params["logits"], new)


def test_bad_input(lm: TrainableTable) -> None:
    """Law: wrong parameters and impossible values are named."""
    for new, message in (
        ({"logits": np.zeros(4)}, r"params of 'table': logits has shape \[4\], not \[5, 4\]"),
        ({"logits": np.full((5, 4), np.inf)}, "logits has 20 of 20 numbers that are not finite"),
        ({}, "logits is missing"),
    ):
        with pytest.raises(ValueError, match=message):
            lm.params = new
    with pytest.raises(OutsideSupport, match="density is 0"):
        lm.gradient([text(lm)], ["bcaa"], [1.0])
