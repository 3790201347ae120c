"""Answering a group of pending effects with one call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .batched import Batched
from .effects import Sample
from .errors import InvalidWeight
from .keys import Keys
from .protocols import Floats
from .requests import Item


def answer_draws(cls: Any, items: list[Item]) -> None:
    """Draw a value for each item from its distribution; where that is a proposal, score the target too."""
    values, log_q = cls.draw([i.dist for i in items], _keys(items))
    _charge_nested(cls, items)
    log_q = log_q.tolist() if isinstance(log_q, np.ndarray) else list(log_q)
    log_p = log_q
    proposed = [j for j, i in enumerate(items) if i.effect.proposal is not None]
    if proposed:
        log_p = list(log_q)
        scores = score([items[j].effect.dist for j in proposed], [values[j] for j in proposed])
        for j, s in zip(proposed, scores, strict=True):
            log_p[j] = s
    for item, value, lp, lq in zip(items, values, log_p, log_q, strict=True):
        particle = item.particle
        if not lq < math.inf or not lp < math.inf or lq == -math.inf:
            raise InvalidWeight(f"{particle.where()}: drew {value!r:.60} with log p = {lp}, log q = {lq}")
        if lp == -math.inf:
            particle.kill()
            continue
        if item.effect.proposal is not None:
            particle.log_weight += lp - lq
        particle.resume(value, lp, lq)
        _maybe_stop(item)


def answer_scores(cls: Any, items: list[Item]) -> None:
    """Score imposed and observed values."""
    dists, values = [i.dist for i in items], [i.value for i in items]
    if hasattr(cls, "estimate_log_prob"):  # a density that is itself estimated needs randomness
        log_p = cls.estimate_log_prob(dists, values, _keys(items))
    else:
        log_p = cls.log_prob(dists, values)
    _charge_nested(cls, items)
    log_q = log_p = log_p.tolist() if isinstance(log_p, np.ndarray) else list(log_p)
    proposed = [j for j, i in enumerate(items) if isinstance(i.effect, Sample) and i.effect.proposal is not None]
    if proposed:  # the density that a reverse move needs
        log_q = list(log_p)
        scores = score([items[j].effect.proposal for j in proposed], [items[j].value for j in proposed])
        for j, s in zip(proposed, scores, strict=True):
            log_q[j] = s
    for item, lp, lq in zip(items, log_p, log_q, strict=True):
        particle, latent = item.particle, isinstance(item.effect, Sample)
        if not lp < math.inf:
            raise InvalidWeight(f"{particle.where()}: log p of {item.value!r:.60} is {lp}")
        if lp == -math.inf:
            particle.kill()
            continue
        particle.log_weight += lp
        particle.resume(item.value if latent else None, lp, lq if latent else 0.0, latent)
        _maybe_stop(item)


def answer_calls(fn: Any, items: list[Item]) -> None:
    """Call a deterministic function: once for the group if it is batched, once for each particle if not."""
    args = [i.effect.args for i in items]
    results: Sequence[Any]
    try:
        results = fn.fn(args) if isinstance(fn, Batched) else [fn(*a) for a in args]
    except Exception as error:
        error.add_note(f"(raised in {items[0].particle.where()}, {len(items)} particles in the round)")
        raise
    if len(results) != len(items):
        name = getattr(fn, "__name__", fn)
        raise ValueError(f"{items[0].particle.where()}: {name} got {len(items)} inputs, returned {len(results)} results")
    for item, result in zip(items, results, strict=True):
        item.particle.resume(result)
        _maybe_stop(item)


def score(dists: Sequence[Any], values: Sequence[Any]) -> list[float]:
    """log p of each value under its distribution, one call for each family, in the order given."""
    groups: dict[Any, list[int]] = {}
    for j, d in enumerate(dists):
        groups.setdefault((type(d), d.family), []).append(j)
    out = [0.0] * len(dists)
    for (cls, _), js in groups.items():
        scores: Floats = cls.log_prob([dists[j] for j in js], [values[j] for j in js])
        for j, s in zip(js, scores, strict=True):
            out[j] = float(s)
    return out


def _charge_nested(cls: Any, items: list[Item]) -> None:
    """A distribution that ran an inference of its own has spent tokens: its run pays."""
    if hasattr(cls, "spent"):
        for item in items:
            if item.request.meter is not None:
                spent = item.dist.spent
                item.request.meter.charge(spent.tokens, spent.calls, spent.rewards)


def _maybe_stop(item: Item) -> None:
    stop = item.request.stop
    if stop is not None and item.particle.pending is not None and stop(item.particle, item.effect):
        item.particle.resting = True


def _keys(items: list[Item]) -> Keys:
    """fold(key, round, slot) for each item; usually all come from one request and are folded at once."""
    first = items[0].request
    if all(i.request is first for i in items):
        return first.key.fold(first.round).split([i.particle.slot for i in items])
    return Keys.of([i.request.key.fold(i.request.round, i.particle.slot) for i in items])
