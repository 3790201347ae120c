"""The log-probabilities of products over the whole vocabulary, for a group of members at once.

n members of K factors each over V tokens; factor j of all members is of one model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.constraints.masks import unpack
from steersman.ppl.protocols import Floats

from ..algebra import log_product
from ..tokens import TokenDistribution, modifiers

if TYPE_CHECKING:
    from ..language_model import LanguageModel
    from .token import LocalToken, ProductToken

_MOST = 1 << 23  # log-probabilities in memory at once: a round of 64 particles, two factors and 65,000 tokens


def inverse_cdf(log_f: Floats, u: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The token of each row of log f [n, V] that its uniform [n] falls on, and log q of it, [n].

    log q is -inf where f is 0 everywhere, and +inf where f is infinite (the token is one where it is).
    """
    top = log_f.max(1)
    possible = np.isfinite(top)
    sums = np.cumsum(np.exp(log_f - np.where(possible, top, 0.0)[:, None]), -1)
    # u < 1, so u * total falls inside the table; a step of zero height is never chosen
    with np.errstate(invalid="ignore"):  # infinite rows
        tokens = (sums <= (u * sums[:, -1])[:, None]).sum(-1)
    tokens = np.where(possible, tokens, log_f.argmax(1))
    log_q = top.copy()
    rows = np.flatnonzero(possible)
    log_q[rows] = log_f[rows, tokens[rows]] - (top[rows] + np.log(sums[rows, -1]))
    return tokens, log_q


def log_normalisers(members: Sequence[LocalToken]) -> Floats:
    """log C of every member, [n]."""
    log_c = np.empty(len(members))
    for some, log_f in log_densities(members):
        top = log_f.max(1)
        finite = np.isfinite(top)
        sums = np.exp(log_f - np.where(finite, top, 0.0)[:, None]).sum(1)
        log_c[some] = np.where(finite, top + np.log(np.where(finite, sums, 1.0)), top)
    return log_c


def log_densities(members: Sequence[LocalToken]) -> Iterator[tuple[slice, Floats]]:
    """log f of every token, [n, V], -inf where it is masked, in blocks of members that fit into memory."""
    factors, vocabulary = len(members[0].target.factors), members[0].models[0].vocab_size
    size = max(1, _MOST // (factors * vocabulary))
    for begin in range(0, len(members), size):
        some = members[begin : begin + size]
        targets = [m.target for m in some]
        log_f = log_product(vectors(targets), exponents(targets)[:, :, None])
        for row, member in zip(log_f, some, strict=True):
            if member.mask is not None:
                row[~unpack(member.mask, vocabulary)] = -np.inf
        yield slice(begin, begin + size), log_f


def vectors(members: Sequence[ProductToken]) -> Floats:
    """log p_j of every token, [K, n, V]: one call for each model, equal distributions asked once."""
    factors = columns(members)
    out = np.empty((len(factors), len(members), members[0].models[0].vocab_size))
    for lm, mine in by_model(members[0]):
        distinct = {p.identity: p for j in mine for p in factors[j]}
        place, asked = {name: i for i, name in enumerate(distinct)}, list(distinct.values())
        rows = lm.next_log_probs([p.context.tokens for p in asked], *modifiers(asked))
        for j in mine:
            out[j] = rows[[place[p.identity] for p in factors[j]]]
    return out


def columns(members: Sequence[ProductToken]) -> list[list[TokenDistribution]]:
    """The j-th factor of every member, for every j."""
    return [[m.factors[j][0] for m in members] for j in range(len(members[0].factors))]


def by_model(member: ProductToken) -> list[tuple[LanguageModel, list[int]]]:
    """Which factors each model has."""
    factors: dict[LanguageModel, list[int]] = {}
    for j, lm in enumerate(member.models):
        factors.setdefault(lm, []).append(j)
    return list(factors.items())


def exponents(members: Sequence[ProductToken]) -> Floats:
    """a_j of every member, [K, n]."""
    return np.array([[a for _, a in m.factors] for m in members], np.float64).T
