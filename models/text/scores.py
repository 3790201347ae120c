"""Scoring the tokens of texts: teacher-forced where one pass of the model gives them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.answer import score
from steersman.ppl.keys import Keys

from ..algebra import Raised, log_product

if TYPE_CHECKING:
    from ..language_model import LanguageModel
    from .machine import TextMachine
    from .measure import TextMeasure, TextSource

# what gives the tokens of a text their density; the tokens before; those to be scored
Part = tuple["TextSource", tuple[int, ...], tuple[int, ...]]


def score_drawn(drawn: Sequence[tuple[int, TextMachine]], keys: Keys | None = None) -> None:
    """Score the tokens of each finished draw from the given position on: one pass for the targets, one for the
    proposals. keys [n]: for densities that can only be estimated."""
    cuts = [(tuple(m.tokens[:begin]), tuple(m.tokens[begin:])) for begin, m in drawn]
    own = None if keys is None else keys.fold(0)
    log_p = score_tails([(m.text.scored_by, *cut) for (_, m), cut in zip(drawn, cuts, strict=True)], own)
    for i, (begin, machine) in enumerate(drawn):
        if (weights := machine.text.log_weights(machine.tokens)) is not None:
            log_p[i] = [lp + w for lp, w in zip(log_p[i], weights[begin:], strict=True)]
    log_q = list(log_p)
    sources = [(i, m.proposal) for i, (_, m) in enumerate(drawn) if m.proposal is not None]
    own = None if keys is None else keys.at([i for i, _ in sources]).fold(1)
    for (i, _), s in zip(sources, _score_tokens([(q, *cuts[i]) for i, q in sources], own), strict=True):
        log_q[i] = s
    for (begin, machine), lp, lq in zip(drawn, log_p, log_q, strict=True):
        machine.set_scores(begin, lp, lq)


def score_tails(
    parts: Sequence[tuple[TextMeasure, tuple[int, ...], tuple[int, ...]]], keys: Keys | None = None
) -> list[list[float]]:
    """log p of every token of each tail, of a product that of all its factors together."""
    factors = [(i, j, p) for i, (text, _, _) in enumerate(parts) for j, (p, _) in enumerate(text.factors)]
    own = None if keys is None else keys.at([i for i, _, _ in factors]).fold(np.array([j for _, j, _ in factors]))
    scores = iter(_score_tokens([(p, *parts[i][1:]) for i, _, p in factors], own))
    return [_multiplied([next(scores) for _ in text.factors], text.factors) for text, _, _ in parts]


def _multiplied(log_p: list[list[float]], factors: tuple[Raised, ...]) -> list[float]:
    """sum_j a_j log p_j of every token, [T]; 0 behind one that ends the draw by being impossible or infinite."""
    if len(factors) == 1 and factors[0][1] == 1.0:
        return log_p[0]
    log_f = log_product(np.array(log_p), np.array([[a] for _, a in factors]))
    if (ends := np.flatnonzero(~np.isfinite(log_f))).size:
        log_f[ends[0] + 1 :] = 0.0
    return list(log_f.tolist())


def _score_tokens(parts: Sequence[Part], keys: Keys | None = None) -> list[list[float]]:
    """log p of every token of each tail, a continuation of the context of its text and the head, one call for each
    model: teacher-forced, or token by token where every token has its own normalisation (temperatures, favoured
    phrases, products)."""
    out: list[list[float]] = [[]] * len(parts)
    whole: dict[LanguageModel, list[int]] = {}
    single: list[tuple[int, int, Any, int]] = []  # part, place in its tail, distribution, token
    for i, (text, head, tail) in enumerate(parts):
        if text.one_pass:
            whole.setdefault(text.lm, []).append(i)
        else:
            out[i] = []
            single += [(i, k, *step) for k, step in enumerate(_steps(text, head, tail))]
    for lm, members in whole.items():
        prefixes = [parts[i][0].context.tokens + parts[i][1] for i in members]
        for i, s in zip(members, lm.score_sequences(prefixes, [parts[i][2] for i in members]), strict=True):
            out[i] = np.asarray(s).tolist()
    at = None
    if keys is not None and single:
        at = keys.at([i for i, _, _, _ in single]).fold(np.array([k for _, k, _, _ in single]))
    scores = score([d for _, _, d, _ in single], [t for _, _, _, t in single], at)
    for (i, _, _, _), log_p in zip(single, scores, strict=True):
        out[i].append(log_p)
    return out


def _steps(text: TextSource, head: tuple[int, ...], tail: tuple[int, ...]) -> Iterator[tuple[Any, int]]:
    """(its distribution, the token) for every token of the tail."""
    pieces = text.lm.tokenizer.token_bytes
    context, so_far = text.context + head, b"".join([pieces[t] for t in head])
    where = None if text.ends is None else text.ends.read(head)
    for k, token in enumerate(tail):
        yield text.next_token(context, so_far, where), token
        if k + 1 < len(tail):
            context, so_far = context + token, so_far + pieces[token]
            where = None if where is None else where.advance(token)
