"""Adaptive weighted rejection sampling: a token under a constraint that can only be asked about one token at a time.

p is the distribution of the token, A the allowed tokens, Z = p(A). Tokens are drawn from a pool, at first the known
part of the mask; one that is not allowed leaves it. c_i is the mass under p of the pool before the i-th rejection. The
first allowed token is x; draws go on, x staying in the pool, until a second one is allowed, after m rejections in all:

    W = 1 / sum_{i=1}^{m+1} 1/c_i          E[W f(x)] = sum_{x in A} p(x) f(x)

Proof. The rejections are r_1, ..., r_m, and x was drawn from the k-th pool, the second from the last, with probability

    [ prod_{i=1}^m p(r_i)/c_i ]  p(x)/c_k  Z/c_{m+1}

Summed over k = 1..m+1, that times W is p(x) R,  R = [prod_i p(r_i)/c_i] Z/c_{m+1}: the probability of these rejections
if the first allowed token ended the draw. These sum to 1, whatever x.

After M = `cap` rejections without an end every token left is tried, which gives Z, and x by the exact conditional if
there is none yet. Then W = 1 / (1/Z + sum_{i=1}^M 1/c_i), and the law is the same: these rejections with this x have
probability [prod_{i=1}^M p(r_i)/c_i] (sum_{k=1}^M p(x)/c_k + p(x)/Z). Where Z = 0 nothing can be drawn.

W takes the place of Z: log q(x) := log p(x) - log W, so that the weight p/q of the token is W. Given x, the rejections
have the law R, which does not depend on x. So the density of a token that is imposed instead of drawn (moves back to it
need that) is estimated by drawing the rejections alone, up to the first allowed token: (x, W) then has the law that it
has in a draw, and Metropolis-Hastings, conditional SMC and ancestor sampling hold on the space of executions with their
W (as in Andrieu & Roberts 2009, "The pseudo-marginal approach").

Source: Lipkin et al. 2025, "Fast controlled generation from language models with adaptive weighted rejection sampling",
section 3; the cap and the density of imposed tokens are ours. Densities in nats. Cost: the forward pass of the model is
shared, each draw is one more call on its result.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any, Protocol

import numpy as np

from steersman.ppl.constraints.masks import Packed, pack_tokens, tokens_of
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats


class Tried(Protocol):
    """A state whose mask allows more tokens than may be drawn. States of one key allow the same tokens."""

    @property
    def cap(self) -> int: ...

    def mask(self) -> Packed: ...

    def allows(self, token: int) -> bool: ...

    def key(self) -> Hashable: ...


def draw(bases: Sequence[Any], states: Sequence[Tried], keys: Keys) -> tuple[list[int | None], Floats]:
    """A token for each state and log q of it, [n]; (None, -inf) where no token is allowed. bases: p, or p on the known
    part of the mask; of one family."""
    runs = _run(bases, states, keys, accept=2)
    return [r.token for r in runs], np.array([r.log_p - r.log_w if r.token is not None else -np.inf for r in runs])


def estimate(bases: Sequence[Any], states: Sequence[Tried], values: Sequence[Any], keys: Keys | None) -> Floats:
    """log q of given tokens, [n], with a W that has the law it has when they are drawn; -inf for those not allowed.
    keys: None for the density under a cap of 0, log p - log Z, which takes no chance."""
    log_q = np.full(len(bases), -np.inf)
    log_p = type(bases[0]).log_prob(bases, values)
    some = [i for i in np.flatnonzero(log_p > -np.inf).tolist() if states[i].allows(values[i])]
    if some:
        own = Keys(np.zeros(len(some), np.uint64)) if keys is None else keys.at(some)
        runs = _run([bases[i] for i in some], [states[i] for i in some], own, accept=1, tried=keys is None)
        log_q[some] = log_p[some] - np.array([r.log_w for r in runs])
    return log_q


class _Run:
    """One draw under way. pool: what it draws from. token: the first that was allowed, and its log p. log_inverse: log
    sum 1/c_i of the pools that had a rejection. left: how many rejections it may still have. log_w: nan until it is
    finished."""

    __slots__ = ("left", "log_inverse", "log_p", "log_w", "pool", "token")

    def __init__(self, state: Tried, cap: int) -> None:
        self.pool, self.left = state.mask().copy(), cap
        self.token: int | None = None
        self.log_p = self.log_inverse = -math.inf
        self.log_w = math.nan

    @property
    def finished(self) -> bool:
        return not math.isnan(self.log_w)

    def accept(self, token: int, log_p: float) -> None:
        if self.token is None:
            self.token, self.log_p = token, log_p

    def reject(self, token: int, log_c: float) -> None:
        self.pool[token >> 5] &= ~np.uint32(1 << (token & 31))
        self.log_inverse, self.left = float(np.logaddexp(self.log_inverse, -log_c)), self.left - 1

    def finish(self, log_c: float) -> None:
        """log_c: of the last pool; -inf where nothing in it is possible, or nothing is left of it."""
        self.log_w = -math.inf if log_c == -math.inf else -float(np.logaddexp(self.log_inverse, -log_c))


def _run(
    bases: Sequence[Any], states: Sequence[Tried], keys: Keys, accept: int, tried: bool = False
) -> list[_Run]:
    """All draws in common rounds, until each has `accept` tokens that are allowed: one call of the model a round.
    tried: every token is tried at once, whatever the cap."""
    runs = [_Run(state, 0 if tried else state.cap) for state in states]
    allowed: dict[Hashable, Packed] = {}
    going = list(range(len(runs)))
    t = 0
    while going:
        for i in going:
            if runs[i].left == 0:
                runs[i].pool = _all_allowed(states[i], allowed)
            if not runs[i].pool.any():
                runs[i].finish(-math.inf)
        going = [i for i in going if not runs[i].finished]
        if not going:
            break
        pools = [bases[i].masked(runs[i].pool) for i in going]
        tokens, log_q = type(pools[0]).draw(pools, keys.at(going).fold(t))
        # -inf: the tokens that are left are impossible, and the value means nothing
        drawn = [0 if lq == -np.inf else token for token, lq in zip(tokens, log_q, strict=True)]
        log_p = type(bases[0]).log_prob([bases[i] for i in going], drawn)
        for i, token, lp, lq in zip(going, drawn, log_p.tolist(), log_q.tolist(), strict=True):
            # the ratio, and not 1 minus what was rejected: single precision is then good to 1e-6 of a pool of any mass
            log_c = lp - lq if lq > -math.inf else -math.inf
            run, possible = runs[i], log_c > -math.inf
            if possible and run.left > 0 and not states[i].allows(token):
                run.reject(token, log_c)
                continue
            last = not possible or run.left == 0 or accept == 1 or run.token is not None
            if possible:
                run.accept(token, lp)
            if last:
                run.finish(log_c)
        going = [i for i in going if not runs[i].finished]
        t += 1
    return runs


def _all_allowed(state: Tried, known: dict[Hashable, Packed]) -> Packed:
    """The allowed tokens, found by trying every one of the mask; for states of one future once."""
    key = state.key()
    if key not in known:
        mask = state.mask()
        known[key] = pack_tokens([t for t in tokens_of(mask) if state.allows(t)], 32 * len(mask))
    return known[key]
