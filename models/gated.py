"""`gated`: the tokens of one text, and of a second one wherever the first is unsure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from steersman.ppl.answer import families, score
from steersman.ppl.constraints.masks import Packed, tokens_of
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats

from .algebra import Raised, same_tokens, trainable_in
from .allowed import Allowed, narrowed
from .context import Context, Contexts, unread
from .text import TextDistribution
from .text.measure import TextMeasure, refuse_other_ends
from .tokens import TokenDistribution, modifiers

if TYPE_CHECKING:
    from steersman.ppl.trainable import Trainable

    from .language_model import LanguageModel
    from .where import Progress


class _Pair:
    """What a base and its nudger are together, as tokens and as texts."""

    __slots__ = ()
    base: Any
    nudger: Any

    @property
    def models(self) -> tuple[LanguageModel, ...]:
        return (self.base.lm, *models_of(self.nudger))

    @property
    def family(self) -> Hashable:
        return self.base.family, type(self.nudger), self.nudger.family


class GatedToken(_Pair):
    """q = p where max_x p(x) >= gamma, else the nudger's distribution of the next token.

    p: `base`, whose largest probability is asked for without a mask, so that masking (packed; None allows every token)
    restricts q and does not reopen the gate. `models`: those of both. All members are gated by one call, and drawn or
    scored by one call of each model.
    """

    __slots__ = ("base", "gamma", "mask", "nudger")

    def __init__(self, base: TokenDistribution, nudger: Any, gamma: float, mask: Packed | None = None) -> None:
        self.base, self.nudger, self.gamma, self.mask = base, nudger, gamma, mask

    @property
    def trainable(self) -> Trainable | None:
        return trainable_in(self.models)

    @property
    def context(self) -> Contexts:
        return Contexts((*self.base.context.each, *self.nudger.context.each))

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        """One for each of its contexts that `given` has not just evaluated: the most that it can cost."""
        return unread(self.context, given)

    def support(self) -> tuple[int, ...]:
        return tuple(range(self.base.lm.vocab_size) if self.mask is None else tokens_of(self.mask))

    def masked(self, allowed: Allowed) -> GatedToken:
        """The same over the allowed tokens only, renormalised."""
        mask = narrowed(self.mask, allowed, self.base.lm.vocab_size, self.context)
        return GatedToken(self.base, self.nudger, self.gamma, mask)

    @staticmethod
    def draw(members: Sequence[GatedToken], keys: Keys) -> tuple[list[int | None], Floats]:
        chosen = _chosen(members)
        tokens: list[int | None] = [None] * len(members)
        log_q = np.full(len(members), -np.inf)
        for (cls, _), some in families(chosen).items():
            drawn, log_q[some] = cls.draw([chosen[i] for i in some], keys.at(some))
            for i, token in zip(some, drawn, strict=True):
                tokens[i] = token
        return tokens, log_q

    @staticmethod
    def log_prob(members: Sequence[GatedToken], values: Sequence[Any]) -> Floats:
        return np.array(score(_chosen(members), values), np.float64)

    def __repr__(self) -> str:
        extra = "" if self.mask is None else f", {len(self.support())} tokens allowed"
        return f"GatedToken({self.base!r}, {self.nudger!r}, gamma={self.gamma:g}{extra})"


def _chosen(members: Sequence[GatedToken]) -> list[Any]:
    """What each member draws from."""
    unsure = _unsure(members)
    chosen: list[Any] = [m.nudger if nudged else m.base for m, nudged in zip(members, unsure, strict=True)]
    return [d if m.mask is None else d.masked(m.mask) for d, m in zip(chosen, members, strict=True)]


def _unsure(members: Sequence[GatedToken]) -> list[bool]:
    """Whether the base is below its gate, [n]; equal contexts are asked once (enumeration asks about every token)."""
    asked = {(m.base.context, m.base.temperature): m.base for m in members}
    bases = list(asked.values())
    temperatures, _ = modifiers(bases)
    top = np.exp(bases[0].lm.top_next([b.context.tokens for b in bases], temperatures))
    found = dict(zip(asked, top.tolist(), strict=True))
    return [found[m.base.context, m.base.temperature] < m.gamma for m in members]


def models_of(dist: Any) -> tuple[LanguageModel, ...]:
    """The models that a distribution of one or of several asks."""
    found: tuple[LanguageModel, ...] | None = getattr(dist, "models", None)
    return (dist.lm,) if found is None else found


class GatedText(_Pair, TextMeasure):
    """q(text) = prod_t q_t(x_t): at every token the base's distribution where it is sure, else the nudger's."""

    __slots__ = ("base", "gamma", "nudger")
    context: Contexts

    def __init__(self, base: TextDistribution, nudger: TextMeasure, gamma: float) -> None:
        self.base, self.nudger, self.gamma = base, nudger, gamma
        self.lm, self.stops, self.max_tokens = base.lm, base.stops, base.max_tokens
        self.context = Contexts((*base.context.each, *nudger.context.each))

    @property
    def identity(self) -> Hashable:
        return self.base.identity, self.nudger.identity, self.gamma

    @staticmethod
    def product(factors: tuple[Raised, ...]) -> NoReturn:
        raise TypeError("a gated text is no factor: it is normalised token by token")

    def next_token(self, context: Contexts, so_far: bytes, where: Progress | None = None) -> GatedToken:
        own, *others = context.each
        nudging = others[0] if isinstance(self.nudger.context, Context) else Contexts(tuple(others))
        base, nudger = self.base.next_token(own, so_far), self.nudger.next_token(nudging, so_far)
        return GatedToken(base, nudger, self.gamma)

    def __repr__(self) -> str:
        return f"gated({self.base!r}, {self.nudger!r}, gamma={self.gamma:g})"


def gated(base: TextDistribution, nudger: TextMeasure, gamma: float) -> GatedText:
    """The text that draws each token from `base`, and from `nudger` where the largest probability of base is below
    gamma: nudging (Fei et al. 2024, "Nudging: inference-time alignment of LLMs via guided decoding").

        sample(base, proposal=gated(base, nudger, 0.4))     # the target stays base: the weight gains log p - log q
        sample(gated(base, nudger, 0.4))                    # nudging itself, a normalised target

    base: `lm.text(...)`. nudger: a text over the same tokens with the same ends, of another model, prompt or
    temperature; a product stands for its normalised form. gamma 0 is base alone, gamma 1 the nudger wherever base
    is not certain. As a proposal it must give probability to whatever the target does. With `where=`, condition the
    result, `gated(...).where(c)`, or propose with it for `base.where(c)`.

    Raises ValueError for gamma outside [0, 1], other ends or other tokens, TypeError for what is no such text.
    """
    if not isinstance(base, TextDistribution):
        raise TypeError(f"gated: base is the text of one model, lm.text(...), got {base!r:.80}; condition the result: "
                        "gated(...).where(constraint)")
    nudger = getattr(nudger, "proposal", nudger)
    if not isinstance(nudger, TextMeasure) or nudger.ends is not None:
        raise TypeError(f"gated: nudger is a text without a constraint, such as lm.text(...), got {nudger!r:.80}; "
                        "condition the result: gated(...).where(constraint)")
    if not 0 <= gamma <= 1:
        raise ValueError(f"gated: gamma is a probability, got {gamma!r}")
    if not same_tokens(base.lm, nudger.lm):
        raise ValueError(
            f"gated: {base.lm!r} and {nudger.lm!r} have different tokenizers. A token of one is no token of the other, "
            "and the density of a word summed over its spellings is not known token by token: take a nudger with the "
            "same tokenizer (another prompt, temperature or checkpoint of one family)"
        )
    refuse_other_ends("a gated text", base, nudger)
    return GatedText(base, nudger, float(gamma))
