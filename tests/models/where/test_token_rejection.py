"""Rejection sampling of tokens: proper weighting by enumerating the sampler's own choices, and mutants that it must
catch."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from steersman.inference.testing.tape import Tape, TapedLM, exhaust
from steersman.models import TableLM, TokenDistribution, load
from steersman.models.where import rejection
from steersman.ppl.constraints.masks import Packed, pack_tokens
from steersman.ppl.keys import Key, Keys

P = np.array([0.3, 0.02, 0.35, 0.18, 0.15])
RARE = np.array([0.6, 1e-6, 0.25, 0.15 - 1e-6])


class Among:
    """A state that allows some tokens, found only by asking. known: the part of its mask that is known."""

    def __init__(self, size: int, allowed: set[int], known: set[int] | None = None, cap: int = 100) -> None:
        self.size, self.allowed, self.cap = size, allowed, cap
        self.known = set(range(size)) if known is None else known
        self.asked: list[int] = []

    def mask(self) -> Packed:
        return pack_tokens(self.known, self.size)

    def allows(self, token: int) -> bool:
        self.asked.append(token)
        return token in self.allowed & self.known

    def key(self) -> tuple[object, ...]:
        return tuple(sorted(self.allowed)), tuple(sorted(self.known))


def base(p: np.ndarray, tape: Tape | None = None) -> TokenDistribution:
    lm = TableLM(np.log(p), eos=None)
    return (lm if tape is None else TapedLM(lm, tape)).next("")


def measure(p: np.ndarray, state: Callable[[], Among], *, masked: bool = False) -> np.ndarray:
    """sum over all paths of P(path) W(path) [x = token], for each token."""
    total = np.zeros(len(p))

    def run(tape: Tape) -> tuple[int | None, float]:
        where = state()
        dist = base(p, tape)
        dist = dist.masked(where.mask()) if masked else dist
        (token,), (log_q,) = rejection.draw([dist], [where], Keys.of([Key(0)]))
        return token, float(log_q)

    paths = 0.0
    for probability, (token, log_q) in exhaust(run):
        paths += probability
        if token is not None:
            total[token] += probability * p[token] / math.exp(log_q)
        else:
            assert log_q == -math.inf
    assert paths == pytest.approx(1.0, abs=1e-12)
    return total


def off(p: np.ndarray, state: Callable[[], Among], **options: bool) -> float:
    """The largest relative error at any allowed token, or mass at one that is not."""
    where = state()
    target = np.array([q if t in where.allowed & where.known else 0.0 for t, q in enumerate(p)])
    found = measure(p, state, **options)
    assert not found[target == 0].any()
    return float(np.abs(found / np.where(target > 0, target, 1.0) - (target > 0)).max())


@pytest.mark.parametrize("cap", [0, 1, 2, 3, 100])
@pytest.mark.parametrize("allowed", [{1}, {1, 4}, {0, 2, 3}, set(range(5))])
@pytest.mark.parametrize("known", [None, {0, 1, 4}])
@pytest.mark.parametrize("masked", [False, True])
def test_proper_weighting(cap: int, allowed: set[int], known: set[int] | None, masked: bool) -> None:
    """E[W f(x)] = sum of p f over the allowed tokens, at every token, whatever is known and wherever the cap is; the
    base may have been masked before."""
    assert off(P, lambda: Among(5, allowed, known, cap), masked=masked) < 1e-9


@pytest.mark.parametrize("cap", [0, 1, 2, 100])
def test_a_rare_token_that_is_the_only_valid_one(cap: int) -> None:
    """Mass 1e-6: unbiased to 1e-5 of itself."""
    assert off(RARE, lambda: Among(4, {1}, cap=cap)) < 1e-5


@pytest.mark.parametrize("cap", [0, 2, 100])
@pytest.mark.parametrize("allowed", [set(), {4}])
def test_nothing_can_be_drawn(cap: int, allowed: set[int]) -> None:
    """No valid token, or one of probability 0 only: (None, -inf), after asking about every possible token."""
    p = np.array([*P[:4] / P[:4].sum(), 0.0])
    with np.errstate(divide="ignore"):
        dist = base(p)
    states = [Among(5, allowed, cap=cap) for _ in range(3)]
    tokens, log_q = rejection.draw([dist] * 3, states, Key(1).split([0, 1, 2]))
    assert tokens == [None] * 3 and (log_q == -np.inf).all()
    assert {0, 1, 2, 3} <= set().union(*[state.asked for state in states])


def test_the_cap_bounds_the_rejections() -> None:
    """After `cap` rejections every token left is tried, once for states of one future; before, only what is drawn."""
    states = [Among(5, {1}, cap=2) for _ in range(20)]
    rejection.draw([base(P)] * 20, states, Key(5).split(list(range(20))))
    tried = [len(state.asked) for state in states]
    assert max(tried) <= 2 + 5 + 2 and sum(len(state.asked) > 4 for state in states) == 1


@pytest.mark.parametrize("cap", [0, 1, 2, 100])
def test_the_density_of_an_imposed_token(cap: int) -> None:
    """Given x, W has the same law when x is imposed: P(x, W = w) w = p(x) P(W = w | imposed), for every x and w."""
    allowed = {1, 3, 4}

    def drawn(tape: Tape) -> tuple[int | None, float]:
        (x,), (log_q,) = rejection.draw([base(P, tape)], [Among(5, allowed, cap=cap)], Keys.of([Key(0)]))
        assert x is not None
        return x, round(math.log(P[x]) - float(log_q), 9)

    joint: dict[tuple[int | None, float], float] = {}
    for probability, (token, log_w) in exhaust(drawn):
        joint[token, log_w] = joint.get((token, log_w), 0.0) + probability * math.exp(log_w)
    for x in allowed:

        def imposed(tape: Tape, x: int = x) -> float:
            log_q = rejection.estimate([base(P, tape)], [Among(5, allowed, cap=cap)], [x], Keys.of([Key(0)]))
            return round(math.log(P[x]) - float(log_q[0]), 9)

        law: dict[float, float] = {}
        for probability, log_w in exhaust(imposed):
            law[log_w] = law.get(log_w, 0.0) + probability * P[x]
        assert law == pytest.approx({w: m for (t, w), m in joint.items() if t == x}, rel=1e-9)


def test_imposed_tokens_that_could_not_be_drawn() -> None:
    """-inf for a token that is not allowed or none of the vocabulary."""
    states = [Among(5, {1, 3}) for _ in range(3)]
    log_q = rejection.estimate([base(P)] * 3, states, [0, 17, 3], Key(0).split([0, 1, 2]))
    assert log_q[0] == log_q[1] == -np.inf and math.isfinite(log_q[2])


def test_the_density_without_keys_tries_every_token() -> None:
    """log p - log Z, exactly: what a cap of 0 draws."""
    (log_q,) = rejection.estimate([base(P)], [Among(5, {1, 3, 4})], [3], None)
    assert log_q == pytest.approx(math.log(P[3] / P[[1, 3, 4]].sum()), abs=1e-12)


def test_results_do_not_depend_on_the_company() -> None:
    """Each of a group draws what it draws alone, bit for bit, though others need more rounds or have another mask."""
    allowed = [{1}, {0, 2}, {3}, {0, 1, 2, 3, 4}, {3, 1}] * 4
    keys = Key(3).split(list(range(20)))

    def states() -> list[Among]:
        return [Among(5, a, {0, 1, 2, 3} if i % 2 else None, cap=i % 5) for i, a in enumerate(allowed)]

    together = rejection.draw([base(P)] * 20, states(), keys)
    for i, state in enumerate(states()):
        token, log_q = rejection.draw([base(P)], [state], keys.at([i]))
        assert token == [together[0][i]] and log_q[0] == together[1][i]


class _Replacement(rejection._Run):
    """Mutant: the weight that draws with replacement would have, 1 / (m + 1)."""

    def __init__(self, state: rejection.Tried, cap: int) -> None:
        super().__init__(state, cap)
        self.rejected = 0

    def reject(self, token: int, log_c: float) -> None:
        super().reject(token, log_c)
        self.rejected += 1

    def finish(self, log_c: float) -> None:
        self.log_w = -math.log(self.rejected + 1)


class _Uncorrected(rejection._Run):
    """Mutant: at the cap the weight is Z, whatever has been drawn before."""

    def finish(self, log_c: float) -> None:
        super().finish(log_c)
        if self.left == 0:
            self.log_w = log_c


class _LastPool(rejection._Run):
    """Mutant: the weight is the mass of the last pool."""

    def finish(self, log_c: float) -> None:
        self.log_w = log_c


@pytest.mark.parametrize("mutant", [_Replacement, _Uncorrected, _LastPool])
def test_wrong_weights_are_seen(mutant: type[rejection._Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle of these tests fails samplers with a slightly wrong weight."""
    monkeypatch.setattr(rejection, "_Run", mutant)
    assert off(P, lambda: Among(5, {1, 4}, cap=2)) > 1e-3


def test_stopping_at_the_first_acceptance_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: the weight of two acceptances after one."""
    run = rejection._run
    monkeypatch.setattr(rejection, "_run", lambda bases, states, keys, accept: run(bases, states, keys, 1))
    assert off(P, lambda: Among(5, {1, 4}, cap=100)) > 1e-3


@pytest.mark.slow
def test_single_precision_keeps_the_mass_of_rare_tokens() -> None:
    """On a decoder, whose log-probabilities are float32: where the only valid token has a mass of about 1e-6, W is what
    double precision makes of the same rejections, to 1e-4 of it."""
    lm = load()
    dist = lm.next("Once upon a time")
    log_p = dist.log_probs()
    rare = int(np.abs(log_p - math.log(1e-6)).argmin())
    caps = [0, 1, 5, 20]
    states = [Among(lm.vocab_size, {rare}, cap=cap) for cap in caps]
    tokens, log_q = rejection.draw([dist] * 4, states, Key(2).split([0, 1, 2, 3]))
    assert tokens == [rare] * 4
    p = np.exp(log_p.astype(np.float64))
    for state, lq in zip(states, log_q, strict=True):
        masses = 1.0 - np.cumsum([0.0, *p[state.asked[: state.cap]]])
        w = 1.0 / (1.0 / p[rare] + (1.0 / masses[: state.cap]).sum())
        assert log_p[rare] - lq == pytest.approx(math.log(w), abs=1e-4)
