"""Products of language models: programs that draw them, and their sums by hand, plain loops over the rows of the
tables that use the engine in no way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from steersman.models import ProductText, TableLM
from steersman.ppl import Text, program, sample

Factor = tuple[TableLM, str, float]  # a model, its prompt, its exponent
Tokens = tuple[int, ...]

A, B = (TableLM.random(4, seed=s, scale=1.2) for s in (1, 2))


@program
async def told(text: Any, proposal: Any = None) -> Text:
    drawn: Text = await sample(text, "text", proposal=proposal)
    return drawn


@program
async def token_of(dist: Any, proposal: Any = None) -> int:
    drawn: int = await sample(dist, "token", proposal=proposal)
    return drawn


def product_of(factors: list[Factor], max_tokens: int) -> ProductText:
    """The product of these texts, written with the operators."""
    first, *others = [lm.text(prompt, max_tokens=max_tokens) ** a for lm, prompt, a in factors]
    for other in others:
        first = first * other
    return first


PRODUCTS: dict[str, list[Factor]] = {
    "power": [(A, "a", 4.0)],
    "flattened": [(A, "a", 0.4)],
    "inverse": [(A, "", -0.5)],
    "models": [(A, "a", 1.0), (B, "a", 0.5)],
    "prompts": [(A, "a", 1.0), (A, "b", 1.0)],
    "ratio": [(A, "a", 1.5), (B, "ab", 1.0), (A, "", -0.7)],
}


def masses(posterior: Any) -> dict[tuple[int, ...], float]:
    return {v.tokens: math.exp(w) for v, w in zip(posterior.values, posterior.log_weights, strict=True)}


def rows_of(factors: Sequence[Factor], tokens: Tokens) -> np.ndarray:
    """p_j(x | prompt_j, tokens) for every factor and token x, shape [K, V]."""
    prefixes = [lm.tokenizer.encode(prompt) + tokens for lm, prompt, _ in factors]
    return np.array([np.exp(lm.next_log_probs([p], None, None)[0])
                     for (lm, _, _), p in zip(factors, prefixes, strict=True)])


def sequence_sum(factors: Sequence[Factor], max_tokens: int) -> dict[Tokens, float]:
    """tokens -> prod_j p_j(tokens)^a_j for every whole text, its end included."""
    measure: dict[Tokens, float] = {}

    def visit(tokens: Tokens, masses: list[float]) -> None:
        if tokens and (tokens[-1] in factors[0][0].eos or len(tokens) == max_tokens):
            measure[tokens] = math.prod(m**a for m, (_, _, a) in zip(masses, factors, strict=True))
            return
        rows = rows_of(factors, tokens)
        for token in range(rows.shape[1]):
            visit((*tokens, token), [m * float(r) for m, r in zip(masses, rows[:, token], strict=True)])

    visit((), [1.0] * len(factors))
    return measure


def local_sum(factors: Sequence[Factor], max_tokens: int) -> dict[Tokens, float]:
    """tokens -> probability where every token is drawn from the normalised product: what a temperature does."""
    law: dict[Tokens, float] = {}

    def visit(tokens: Tokens, mass: float) -> None:
        if tokens and (tokens[-1] in factors[0][0].eos or len(tokens) == max_tokens):
            law[tokens] = mass
            return
        f = np.prod(rows_of(factors, tokens) ** np.array([[a] for _, _, a in factors]), axis=0)
        for token, p in enumerate((f / f.sum()).tolist()):
            visit((*tokens, token), mass * p)

    visit((), 1.0)
    return law


def normalised(measure: dict[Tokens, float]) -> dict[Tokens, float]:
    total = math.fsum(measure.values())
    return {k: v / total for k, v in measure.items()}


def total_variation(a: dict[Tokens, float], b: dict[Tokens, float]) -> float:
    return sum(abs(a.get(k, 0.0) - b.get(k, 0.0)) for k in a.keys() | b.keys()) / 2
