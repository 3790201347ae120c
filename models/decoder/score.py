"""Teacher-forced scoring: log p of every token of a text in one pass, reusing whatever is already known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import NonFiniteLogits
from .engine import Engine
from .slots import Prefix

Floats = NDArray[np.float64]


def score_sequences(engine: Engine, prefixes: Sequence[Prefix], continuations: Sequence[Prefix]) -> list[Floats]:
    """log p(continuation[t] | prefix, continuation[:t]) for each t of each row.

    A row starts at its first token that is not remembered. Equal rows, and rows whose text is the same though they cut it
    differently, are computed once, from the earliest cut.
    """
    texts = [p + c for p, c in zip(prefixes, continuations, strict=True)]
    answers = [np.empty(len(c)) for c in continuations]
    cuts: dict[Prefix, int] = {}  # text -> position of the first token to score
    for row, (prefix, text) in enumerate(zip(prefixes, texts, strict=True)):
        engine.check_length(len(text) if prefix else 0)
        cut = _remembered(engine, text, len(prefix), answers[row])
        if cut < len(text):
            cuts[text] = min(cut, cuts.get(text, cut))
    if not cuts:
        return answers
    scored = _compute(engine, cuts, len(prefixes))
    for row, (prefix, text) in enumerate(zip(prefixes, texts, strict=True)):
        if text in cuts:
            cut = cuts[text]
            answers[row][max(0, cut - len(prefix)) :] = scored[text][max(0, len(prefix) - cut) :]
    return answers


def _remembered(engine: Engine, text: Prefix, start: int, into: Floats) -> int:
    """Fill in the leading tokens that are remembered; the position of the first one that is not."""
    for at in range(start, len(text)):
        known = engine.recall(text[:at], text[at])
        if known is None:
            return at
        into[at - start] = known
    return len(text)


def _compute(engine: Engine, cuts: dict[Prefix, int], rows: int) -> dict[Prefix, Floats]:
    """Score each text from its cut on."""
    texts = list(cuts)
    scored = {text: np.empty(len(text) - cut) for text, cut in cuts.items()}
    bad: list[int] = []
    most = engine.device.max_rows
    for begin in range(0, len(texts), most):
        batch = texts[begin : begin + most]
        stems = [text[: cuts[text]] for text in batch]
        for bank, members, found in engine.banks.group([t[:-1] for t in batch], stems, len(batch)):
            mine = [batch[i] for i in members]

            def take(
                i: int,
                at: int,
                log_p: NDArray[np.float32],
                log_z: NDArray[np.float32],
                mine: list[Prefix] = mine,
            ) -> None:
                text = mine[i]
                cut = cuts[text]
                skip = max(0, cut - (at + 1))  # tokens fed before the first one to score
                scored[text][at + 1 + skip - cut : at + 1 + len(log_p) - cut] = log_p[skip:]
                bad.extend(at + 1 + int(k) for k in np.flatnonzero(~np.isfinite(log_z)))

            bank.score(mine, found, [cuts[text] - 1 for text in mine], take)
            bank.settle()
    if bad:
        engine.clear()
        raise NonFiniteLogits(bad)
    for text, values in scored.items():
        cut = cuts[text]
        for k, value in enumerate(values.tolist()):
            engine.tokens.put(text[: cut + k], text[cut + k], value)
    return scored
