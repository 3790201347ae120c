"""Scoring tokens: the next one of each context, given or the most probable, or whole texts, teacher-forced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NonFiniteLogits
from . import programs
from .bank import Bank, Ints
from .engine import Engine, Rows, Steer, pad
from .memory import explained
from .slots import Prefix

Floats = NDArray[np.float64]


def score_next(engine: Engine, prefixes: Sequence[Prefix], tokens: Ints, steer: Steer) -> Floats:
    """log q(token | prefix) of each row, [n]; its plain log p is remembered."""
    found = np.empty((3, len(prefixes)), np.float32)

    def call(bank: Bank, slots: Ints, rows: Rows) -> Any:
        given, how = pad(tokens, rows, len(slots), 0), steer.padded(rows, len(slots))
        return programs.score_rows(*bank.state[1:], slots, given, *how, placement=bank.device.placement)

    for rows, out in engine.ask(steer.kind("score"), prefixes, call):
        found[:, rows] = out
    engine.check_finite(prefixes, found[2])
    engine.remember(prefixes, tokens, found[1])
    log_q: Floats = found[0].astype(np.float64)
    return log_q


def top_next(engine: Engine, prefixes: Sequence[Prefix], steer: Steer) -> Floats:
    """log q of the most probable token of each row, [n]; the steer has no masks."""
    found = np.empty((2, len(prefixes)), np.float32)

    def call(bank: Bank, slots: Ints, rows: Rows) -> Any:
        temperatures, _ = steer.padded(rows, len(slots))
        return programs.tops(*bank.state[1:], slots, temperatures, placement=bank.device.placement)

    for rows, out in engine.ask(steer.kind("tops"), prefixes, call):
        found[:, rows] = out
    engine.check_finite(prefixes, found[1])
    log_q: Floats = found[0].astype(np.float64)
    return log_q


def score_sequences(engine: Engine, prefixes: Sequence[Prefix], continuations: Sequence[Prefix]) -> list[Floats]:
    """log p(continuation[t] | prefix, continuation[:t]) for each t of each row.

    A row starts at its first token that is not remembered. Texts that differ in their last token only, and equal texts
    cut differently, are fed once, from the earliest cut. Where nothing but a last token is missing, its context may be
    resident already, and it is asked for like any next token.
    """
    texts = [p + c for p, c in zip(prefixes, continuations, strict=True)]
    answers = [np.full(len(c), np.nan) for c in continuations]
    todo: dict[Prefix, tuple[int, Prefix]] = {}  # tokens to feed -> (position of the first to score, a text)
    ends: dict[Prefix, None] = {}  # texts whose last token is not known
    for prefix, text, answer in zip(prefixes, texts, answers, strict=True):
        engine.check_length(len(text) if prefix else 0)
        cut = _remembered(engine, text, len(prefix), answer)
        if cut < len(text):
            ends[text] = None
        if cut < len(text) - 1:
            fed = text[:-1]
            todo[fed] = min(todo.get(fed, (cut, text)), (cut, text))
    scored = _teacher_force(engine, list(todo.values()))
    last = [text for text in ends if text not in scored]
    if last:
        plain = score_next(engine, [t[:-1] for t in last], np.array([t[-1] for t in last], np.int32), Steer())
        scored.update((t, {len(t) - 1: float(v)}) for t, v in zip(last, plain, strict=True))
    for prefix, text, answer in zip(prefixes, texts, answers, strict=True):
        for k in np.flatnonzero(np.isnan(answer)).tolist():
            at = len(prefix) + k
            answer[k] = scored[text if at == len(text) - 1 else todo[text[:-1]][1]][at]
    return answers


def _remembered(engine: Engine, text: Prefix, start: int, into: Floats) -> int:
    """Fill in the leading tokens that are remembered; the position of the first one that is not."""
    for at in range(start, len(text)):
        known = engine.recall(text[:at], text[at])
        if known is None:
            return at
        into[at - start] = known
    return len(text)


def _teacher_force(engine: Engine, jobs: list[tuple[int, Prefix]]) -> dict[Prefix, dict[int, float]]:
    """For each (cut, text): log p of the tokens of the text by position, from the cut on."""
    scored: dict[Prefix, dict[int, float]] = {text: {} for _, text in jobs}
    bad: list[int] = []
    with explained(engine.device.memory, engine.clear, max((len(text) for _, text in jobs), default=0)):
        _force(engine, jobs, scored, bad)
    if bad:
        engine.clear()
        raise NonFiniteLogits(bad)
    for text, values in scored.items():
        for at, value in values.items():
            engine.tokens.put(text[:at], text[at], value)
    return scored


def _force(
    engine: Engine, jobs: list[tuple[int, Prefix]], scored: dict[Prefix, dict[int, float]], bad: list[int]
) -> None:
    """Fill in `scored`, and into `bad` the lengths of prefixes whose logits are not finite."""
    most = engine.device.max_rows
    for begin in range(0, len(jobs), most):
        batch = jobs[begin : begin + most]
        stems = [text[:cut] for cut, text in batch]
        for bank, members, found in engine.banks.serve([text[:-1] for _, text in batch], stems, len(batch)):
            mine = [batch[i] for i in members]
            for i, at, log_p, log_z in bank.score([t for _, t in mine], found, [cut - 1 for cut, _ in mine]):
                cut, text = mine[i]
                scored[text].update((k, v) for k, v in enumerate(log_p.tolist(), at + 1) if k >= cut)
                bad.extend(at + 1 + k for k in np.flatnonzero(~np.isfinite(log_z)).tolist() if at + 1 + k >= cut)
            bank.settle()
