"""Answering a group of pending effects with one call."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .batched import Batched, Failure, shown
from .blame import is_tracer_error
from .effects import Observe, Sample
from .errors import CallFailed, InvalidWeight, OutsideSupport, SteersmanError
from .frames import SequentialFrame
from .keys import Keys
from .measure import check_measures
from .meter import Meter
from .particle import Particle
from .requests import Item
from .tempered import raised

OUTSIDE = "proposed outside its support"
"""Of what an execution died that a proposal gave a value of probability 0, beside the site."""


def answer_draws(cls: Any, items: list[Item]) -> None:
    """Draw a value for each item from its distribution; where that is a proposal, score the target too."""
    keys = _keys(items)
    with _noted(items), _charging_nested(items, [i.dist for i in items]):
        values, log_q = cls.draw([i.dist for i in items], keys)
    log_q = _floats(log_q)
    log_p = log_q
    if proposed := [j for j, i in enumerate(items) if i.effect.proposal is not None]:
        log_p = log_q.copy()
        those = [items[j] for j in proposed]
        check_measures(those)
        targets = [i.effect.dist for i in those]
        with _noted(those), _charging_nested(those, targets):
            scores = score(targets, [values[j] for j in proposed], keys.at(proposed))
        for j, s in zip(proposed, scores, strict=True):
            log_p[j] = s
    for item, value, lp, lq in zip(items, values, log_p, log_q, strict=True):
        particle = item.particle
        if value is None and lq == -math.inf:  # nothing could be drawn: an inner inference without survivors
            particle.kill()
            continue
        if not lq < math.inf or not lp < math.inf or lq == -math.inf:
            raise invalid_density(particle, value, f"{lp}, log q {lq}")
        if lp == -math.inf:
            text = isinstance(particle.frames[-1], SequentialFrame)  # the next token may well be possible
            particle.kill("" if text or item.effect.proposal is None else OUTSIDE)
            continue
        if item.effect.proposal is not None:
            particle.log_weight += lp - lq
        particle.resume(value, lp, lq)
        item.request.rest(particle)


def answer_scores(cls: Any, items: list[Item]) -> None:
    """Score imposed and observed values."""
    dists, values = [i.dist for i in items], [i.value for i in items]
    keys = _keys(items)
    with _blaming_values(cls, items), _charging_nested(items, dists):
        log_p = _floats(_log_prob(cls, dists, values, keys))
    log_q = log_p
    if proposed := [j for j, i in enumerate(items) if isinstance(i.effect, Sample) and i.effect.proposal is not None]:
        log_q = log_p.copy()  # the density that a reverse move needs
        with _noted([items[j] for j in proposed]):
            proposals = [items[j].effect.proposal for j in proposed]
            scores = score(proposals, [values[j] for j in proposed], keys.at(proposed))
        for j, s in zip(proposed, scores, strict=True):
            log_q[j] = s
    for item, lp, lq in zip(items, log_p, log_q, strict=True):
        particle = item.particle
        if isinstance(item.effect, Observe):
            lp = raised(lp, item.effect.power)
        if not _weighed(item, lp):
            continue
        if isinstance(item.effect, Sample):
            particle.resume(item.value, lp, lq, fixed=True)
        else:
            particle.resume(None, lp)
        item.request.rest(particle)


def answer_retraced(cls: Any, items: list[Item]) -> None:
    """Score imposed texts, and keep their tokens as sites, as if they had been drawn."""
    with _blaming_values(cls, items):
        dists, proposals = [i.dist for i in items], [i.effect.proposal for i in items]
        machines = cls.retrace(dists, proposals, [i.value for i in items], _keys(items))
    for item, machine in zip(items, machines, strict=True):
        log_p = -math.inf if machine is None else sum(s.log_p for s in machine.sites())
        if _weighed(item, log_p):
            sites = machine.sites()
            item.particle.resume(machine.value(), log_p, sum(s.log_q for s in sites), fixed=True, sub=machine)
            item.request.rest(item.particle)


def answer_completed(cls: Any, items: list[Item]) -> None:
    """Score the imposed rest of texts that are half drawn; a particle whose text cannot go on like this dies."""
    begun = [i.particle.text_so_far for i in items]
    with _noted(items):
        machines = cls.complete(begun, [i.value for i in items], _keys(items))
    for item, before, machine in zip(items, begun, machines, strict=True):
        log_p = -math.inf if machine is None else sum(s.log_p for s in machine.sites()[len(before):])
        if _weighed(item, log_p):
            item.particle.complete(machine)
            item.request.rest(item.particle)


def _weighed(item: Item, log_p: float) -> bool:
    """Add log p of an imposed or observed value to the weight; a particle for which it is impossible dies (False)."""
    particle = item.particle
    if not log_p < math.inf:  # NaN or +inf
        raise invalid_density(particle, item.value, log_p)
    if log_p == -math.inf:
        particle.kill()
        return False
    particle.log_weight += log_p
    return True


def answer_calls(fn: Batched[Any] | None, items: list[Item]) -> None:
    """Call deterministic functions: a batched one once for the group, others (fn None) once for each particle."""
    results: Sequence[Any]
    if fn is None:
        results = []
        for item in items:
            with _noted([item]):
                results.append(item.effect.fn(*item.effect.args))
    else:
        with _noted(items):
            results = fn.evaluate([i.effect.args for i in items])
    for item, result in zip(items, results, strict=True):
        if isinstance(result, Failure):
            assert fn is not None, "only batched functions answer with failures"
            if fn.on_error == "raise":
                cause = result.error if result.error.__traceback__ else None  # what was raised, not what was returned
                raise _failed(fn, item, result.error) from cause
            item.particle.kill()
            continue
        item.particle.resume(result)
        item.request.rest(item.particle)


def _failed(fn: Batched[Any], item: Item, error: Exception) -> CallFailed:
    """The error that names the particle and its text."""
    particle, why = item.particle, str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
    return CallFailed(
        f"{particle.where()}: {fn.__name__} failed for particle {particle.slot}, {shown(item.effect.args)}: {why}. "
        "With on_error='kill' it would close this particle and keep the others"
    )


def score(dists: Sequence[Any], values: Sequence[Any], keys: Keys | None = None) -> list[float]:
    """log p of each value under its distribution, one call for each family, in the order given."""
    out = [0.0] * len(dists)
    for (cls, _), js in families(dists).items():
        own_keys = None if keys is None else keys.at(js).fold(0)  # the keys themselves have drawn the values
        scores = _log_prob(cls, [dists[j] for j in js], [values[j] for j in js], own_keys)
        for j, s in zip(js, scores, strict=True):
            out[j] = float(s)
    return out


def families(dists: Sequence[Any]) -> dict[tuple[Any, Hashable], list[int]]:
    """The places of the distributions that one call answers, by their class and family."""
    places: dict[tuple[Any, Hashable], list[int]] = {}
    for j, d in enumerate(dists):
        places.setdefault((type(d), d.family), []).append(j)
    return places


def invalid_density(particle: Particle, value: Any, log_p: Any) -> InvalidWeight:
    """The error for a value whose density at the pending site is NaN or infinite."""
    return InvalidWeight(f"{particle.where()}: log p of {value!r:.60} is {log_p}; a density must be a finite number "
                         "(a ratio is not, where it divides by a probability of 0)")


def _log_prob(cls: Any, dists: Sequence[Any], values: Sequence[Any], keys: Keys | None) -> Any:
    if keys is not None and hasattr(cls, "estimate_log_prob"):  # a density that is itself estimated needs randomness
        return cls.estimate_log_prob(dists, values, keys)
    return cls.log_prob(dists, values)


@contextmanager
def _noted(items: Sequence[Item]) -> Iterator[None]:
    """Tell whoever reads the exception which site asked."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, SteersmanError):
            others = f" and {len(items) - 1} more particles" if len(items) > 1 else ""
            error.add_note(f"(raised at {items[0].particle.where()}{others})")
        raise


@contextmanager
def _blaming_values(cls: Any, items: Sequence[Item]) -> Iterator[None]:
    """Name the item whose value makes the distributions raise: a group of values is scored by one call."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if is_tracer_error(error):
            raise
        for item in items:
            try:
                cls.log_prob([item.dist], [item.value])
            except (TypeError, ValueError) as why:
                raise OutsideSupport(f"{item.particle.where()}: cannot score {item.value!r:.60}: {why}") from error
        error.add_note(f"(raised at {items[0].particle.where()})")
        raise


def _floats(x: Any) -> list[float]:
    return x.tolist() if isinstance(x, np.ndarray) else [float(v) for v in x]


@contextmanager
def _charging_nested(items: Sequence[Item], dists: Sequence[Any]) -> Iterator[None]:
    """A distribution that runs inferences of its own spends tokens: the run that asks pays for them, once."""
    payers: dict[int, tuple[Any, Meter, tuple[int, int, int]]] = {}
    if any(hasattr(cls, "spent") for cls in set(map(type, dists))):
        for item, dist in zip(items, dists, strict=True):
            if (meter := item.request.meter) is not None and hasattr(dist, "spent"):
                payers[id(dist)] = dist, meter, _spent(dist)
    yield
    for dist, meter, before in payers.values():
        meter.charge(*(after - b for after, b in zip(_spent(dist), before, strict=True)))


def _spent(dist: Any) -> tuple[int, int, int]:
    return dist.spent.tokens, dist.spent.calls, dist.spent.rewards


def _keys(items: list[Item]) -> Keys:
    """fold(key, round, slot) for each item; usually all come from one request and are folded at once."""
    first = items[0].request
    if all(i.request is first for i in items):
        return first.key.fold(first.round).split([i.particle.slot for i in items])
    return Keys.of([i.request.key.fold(i.request.round, i.particle.slot) for i in items])
