"""`WeightedSet`: a finite set of strings with known weights, as a program over a language model.

    log Z = log sum_s w(s)     for every method, stop point, proposal and lookahead

The program spells a string token by token; factors that telescope turn the model's own probabilities into the weights.
Seen: a stop string, end-of-text token or rare token that is handled wrongly; a lookahead that is not divided out;
violators that keep weight. Units: nats.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from steersman.models import TableLM
from steersman.ppl.effects import Invocation, condition, factor, sample
from steersman.ppl.program import program

from .models import OracleModel


class WeightedSet:
    """Strings with positive weights, spelt by a table model.

    lm: over the characters of the strings, with an end-of-text token; a random bigram table by default. relative: the
    weights multiply the model's probabilities, so that Z = sum_s p(s) w(s), instead of replacing them.
    """

    def __init__(
        self, weights: Mapping[str, float], *, lm: TableLM | None = None, relative: bool = False, seed: int = 0
    ) -> None:
        if not weights or not all(0.0 < w < math.inf for w in weights.values()):
            raise ValueError(f"a WeightedSet needs strings with positive, finite weights, not {dict(weights)!r:.80}")
        symbols = sorted({c for s in weights for c in s})
        self.lm = lm or TableLM.random(len(symbols) + 1, seed=seed, scale=1.0, vocabulary=["<eos>", *symbols])
        self.weights, self.relative = dict(weights), relative

    @property
    def log_evidence(self) -> float:
        """log Z in nats, summed by hand."""
        return math.log(math.fsum(self.mass(s) for s in self.weights))

    def mass(self, text: str) -> float:
        """The unnormalised target at one string of the set."""
        if not self.relative:
            return self.weights[text]
        tokens = (*self.lm.tokenizer.encode(text), min(self.lm.eos))
        return self.weights[text] * math.exp(float(self.lm.score_sequences([()], [tokens])[0].sum()))

    def allowed(self, text: str) -> list[int]:
        """The tokens that may follow: those that lead to a string of the set."""
        following = {s[len(text)] for s in self.weights if s.startswith(text) and len(s) > len(text)}
        tokens = [self.lm.tokenizer.encode(c)[0] for c in following]
        return sorted([*tokens, min(self.lm.eos)] if text in self.weights else tokens)

    def ahead(self, text: str, lookahead: str) -> float:
        """log potential of a prefix: 0 ("none"), log of the weight below it ("mass"), or a misleading one ("wrong")."""
        if lookahead == "none" or not text:
            return 0.0
        if lookahead == "mass":
            return math.log(math.fsum(w for s, w in self.weights.items() if s.startswith(text)))
        return 1.5 * math.cos(7.0 * len(text) + sum(map(ord, text)))

    def program(self, *, lookahead: str = "none", masked: bool = False) -> Invocation[str]:
        """lookahead: "none", "mass" or "wrong". masked: propose only what may follow (else the model proposes)."""
        return spell(self.lm, self, lookahead, masked)

    def model(self, *, lookahead: str = "none", masked: bool = False) -> OracleModel:
        """The program with the indicator of every string, for `check_method` and the other oracles."""
        statistics = {repr(s): _equals(s) for s in self.weights}
        name = f"weighted set/{lookahead}{'/masked' if masked else ''}"
        return OracleModel(name, lambda wrap: spell(wrap(self.lm), self, lookahead, masked), statistics)


def _equals(text: str) -> Any:
    return lambda v: float(v == text)


@program
async def spell(lm: TableLM, strings: WeightedSet, lookahead: str, masked: bool) -> str:
    context, text, reached = lm.context(), "", 0.0
    while True:
        target, allowed = lm.next(context), strings.allowed(text)
        token = await sample(target, "token", proposal=target.masked(allowed) if masked else None)
        await condition(token in allowed, "in the set")
        undone = 0.0 if strings.relative else float(target.log_probs()[token])
        if token in lm.eos:
            await factor(math.log(strings.weights[text]) - reached - undone, "weight")
            return text
        context = context + token
        text = str(context)
        potential = strings.ahead(text, lookahead)
        await factor(potential - reached - undone, "ahead")
        reached = potential


def rare_set(mass: float = 1e-6) -> WeightedSet:
    """A set in which one valid character has only `mass` under the model, and an invalid one nearly everything."""
    logits = np.log([0.2, 0.3, mass, 0.5 - mass])
    lm = TableLM(logits, vocabulary=["<eos>", "a", "b", "x"])
    return WeightedSet({"a": 1.0, "b": 1.0 / mass, "ab": 2.0, "ba": 3.0 / mass}, lm=lm, relative=True)
