"""`ConditionedText`: any text under a constraint; `SteeredText`, which draws it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from steersman.ppl.constraints.errors import Unsatisfiable
from steersman.ppl.constraints.protocol import Constraint
from steersman.ppl.constraints.vocabulary import Vocabulary

from ..algebra import Raised
from ..text.measure import TextMeasure, TextSource
from .conditioned import ConditionedToken
from .progress import Ends, Progress
from .steered import SteeredToken

if TYPE_CHECKING:
    from ..favour import FavouredText


class _UnderConstraint(TextMeasure):
    """What the target and its proposal share."""

    __slots__ = ("__dict__", "base", "constraint")
    base: Any
    constraint: Constraint

    def __init__(self, base: Any, constraint: Constraint) -> None:
        self.base, self.constraint = base, constraint
        self.context, self.lm = base.context, base.lm

    @property
    def models(self) -> tuple[Any, ...]:
        return getattr(self.base, "models", (self.base.lm,))

    @property
    def family(self) -> Hashable:
        return type(self.base), self.base.family

    @cached_property
    def ends(self) -> Ends:
        vocabulary = Vocabulary.of(self.lm.tokenizer)
        return Ends(self.constraint, vocabulary, self.lm.eos, self.stops, self.max_tokens)

    @staticmethod
    def product(factors: tuple[Raised, ...]) -> NoReturn:
        raise TypeError("a text under a constraint is no factor: condition the product instead, (a * b).where(c)")


class ConditionedText(_UnderConstraint):
    """The measure  f(text) = p(text) [text in C]:  `base` conditioned on the constraint, not renormalised, so that its
    mass, log P(C), is part of log Z.

    Drawn through `proposal`, which masks every token: the weight gains the log of the allowed mass. Drawing from the
    masks alone is another distribution; see `SteeredText`. A soft constraint multiplies by its weight instead.
    Raises Unsatisfiable where max_tokens tokens cannot hold the shortest text of C.
    """

    __slots__ = ()

    def __init__(self, base: Any, constraint: Constraint) -> None:
        super().__init__(base, constraint)
        self.stops, self.max_tokens = base.stops, base.max_tokens
        most = self.max_tokens * Vocabulary.of(self.lm.tokenizer).longest
        if constraint.least_bytes > most:
            raise Unsatisfiable(
                f"where={constraint!r}: its shortest text has {constraint.least_bytes} bytes, and max_tokens="
                f"{self.max_tokens} tokens of this vocabulary hold at most {most}: raise max_tokens"
            )

    @property
    def identity(self) -> Hashable:
        return self.base.identity, self.constraint

    @property
    def scored_by(self) -> Any:
        return self.base.scored_by

    @property
    def proposal(self) -> SteeredText:
        return SteeredText(getattr(self.base, "proposal", self.base), self.constraint, self)

    def drawn_from(self, proposal: Any | None) -> Any:
        """A proposal that does not know the constraint is steered by it, too."""
        source = super().drawn_from(proposal)
        return source if isinstance(source, SteeredText) else SteeredText(source, self.constraint, self)

    def begin(self, proposal: TextSource | None) -> Any:
        return super().begin(None if proposal is None else self.drawn_from(proposal))

    def next_token(self, context: Any, so_far: bytes, where: Progress | None = None) -> ConditionedToken:
        assert where is not None
        return ConditionedToken(self.base.next_token(context, so_far), where)

    def favouring(self, phrase: str, boost: float = 4.0) -> SteeredText:
        """The proposal of this text with a phrase favoured, as `TextDistribution.favouring` says."""
        favoured: FavouredText = self.base.favouring(phrase, boost)
        return SteeredText(favoured, self.constraint, self)

    def log_weights(self, tokens: Sequence[int]) -> list[float]:
        """What the constraint weighs each token of a finished text by, in nats, [T]."""
        where, out = self.ends.start(), []
        for k, token in enumerate(tokens):
            out.append(where.log_weight(token))
            if k + 1 < len(tokens):
                where = where.advance(token)
        return out

    def __repr__(self) -> str:
        return f"{self.base!r}.where({self.constraint!r})"


class SteeredText(_UnderConstraint):
    """q(text) = prod_t p(x_t) [x_t in mask_t] / C_t: what masking alone draws. It is the proposal of the conditioned
    text, whose weights make up for C_t; as a target of its own it is what constrained decoding without weights
    samples, which is not the model given the constraint."""

    __slots__ = ()

    def __init__(self, base: Any, constraint: Constraint, like: TextMeasure) -> None:
        super().__init__(base, constraint)
        self.stops, self.max_tokens = like.stops, like.max_tokens

    def next_token(self, context: Any, so_far: bytes, where: Progress | None = None) -> SteeredToken:
        assert where is not None
        return SteeredToken(self.base.next_token(context, so_far), where)

    def __repr__(self) -> str:
        return f"{self.base!r} steered by {self.constraint!r}"
