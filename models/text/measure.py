"""`TextMeasure`: what all measures over texts share, those of one model and products: their ends, draws and scores."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from steersman.ppl.constraints.protocol import Constraint
from steersman.ppl.errors import OutsideSupport
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats
from steersman.ppl.text import Text

from ..algebra import Algebraic, Raised, same_tokens, trainable_in
from ..context import unread
from .machine import TextMachine
from .scores import score_drawn
from .stops import Stops

if TYPE_CHECKING:
    from steersman.ppl.trainable import Trainable

    from ..language_model import LanguageModel
    from ..product import ProductText
    from ..where import ChosenText, ConditionedText, Ends, Progress


class TextSource(Protocol):
    """What the tokens of a text are drawn from, or scored by."""

    @property
    def one_pass(self) -> bool:
        """Whether one teacher-forced pass of its model gives the density of every token."""
        ...

    @property
    def lm(self) -> LanguageModel: ...

    @property
    def context(self) -> Any: ...

    @property
    def ends(self) -> Ends | None:
        """The constraint that its tokens obey, None without."""
        ...

    def next_token(self, context: Any, so_far: bytes, where: Progress | None = None) -> Any:
        """The distribution of the next token in `context`, where the text reads `so_far`; `where`: how far the
        constraint has come, if there is one."""
        ...


class TextMeasure(Algebraic["ProductText"]):
    """A density over texts that is a product over their tokens, ended by a stop (a stop string, the end of a word), the
    end-of-text token or the length limit.

    context: where it begins. lm: the model whose tokenizer and end-of-text tokens it has. The values are `Text`s.
    Drawn, every token is a site named "token" inside the text; observed or assessed, the text is scored in one
    teacher-forced pass. `log_prob` accepts a `Text` (its own tokens and its own end) or a plain `str`, which is encoded
    and ends with the first of: a stop string that it completes, the length limit if it has exactly max_tokens tokens,
    the end-of-text token.
    """

    __slots__ = ("context", "lm", "max_tokens", "stops")
    context: Any
    lm: LanguageModel
    max_tokens: int
    stops: Stops

    @property
    @abstractmethod
    def family(self) -> Hashable: ...

    @property
    def one_pass(self) -> bool:
        """Whether one teacher-forced pass of its model gives the density of every token."""
        return False

    @abstractmethod
    def next_token(self, context: Any, so_far: bytes, where: Progress | None = None) -> Any:
        """The distribution of the next token in `context`, where the text reads `so_far`; `where`: how far the
        constraint has come, if there is one."""

    @property
    def ends(self) -> Ends | None:
        """The constraint that its tokens obey, None without."""
        return None

    @property
    def scored_by(self) -> TextMeasure:
        """The text whose model scores the tokens: itself, or what a constraint is laid upon."""
        return self

    def log_weights(self, tokens: Sequence[int]) -> Sequence[float] | None:
        """What a constraint weighs each token of a finished text by, in nats, [T]; None without."""
        return None

    @property
    def trainable(self) -> Trainable | None:
        """What its density depends on, if one of its models is learnt."""
        return trainable_in(getattr(self, "models", (self.lm,)))

    def where(self, constraint: Constraint) -> ConditionedText | ChosenText:
        """This text conditioned on a constraint, as `lm.text(..., where=constraint)`: f(text) = p(text) [text in C].

        log Z then includes log P(C). See `ConditionedText`, and `ChosenText` for `choice([...])`."""
        from ..where import condition_text

        return condition_text(self, constraint)

    @staticmethod
    def product(factors: tuple[Raised, ...]) -> ProductText:
        from ..product import ProductText

        return ProductText(factors)

    def drawn_from(self, proposal: Any | None) -> Any:
        """What a text is drawn from in the end, given this proposal or none: log q is its density. A measure stands for
        its own proposal."""
        given = self if proposal is None else proposal
        return getattr(given, "proposal", given)

    def begin(self, proposal: TextSource | None) -> TextMachine:
        if proposal is not None and not same_tokens(proposal.lm, self.lm):
            raise ValueError("the proposal of a text must be over the same tokens: its model has another tokenizer")
        return TextMachine(self, proposal)

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        """Tokens that scoring `value` costs, for every context once; none where `given` has just evaluated it."""
        contexts = unread(self.context, given) if isinstance(value, str) else 0
        return contexts * len(self._ended(value)) if contexts else 0

    def support(self) -> None:
        """A text is enumerated token by token."""
        return

    @staticmethod
    def log_prob(members: Sequence[TextMeasure], values: Sequence[Any]) -> Floats:
        machines = TextMeasure.retrace(members, [None] * len(members), values)
        return np.array([-np.inf if m is None else sum(s.log_p for s in m.sites()) for m in machines], np.float64)

    @staticmethod
    def retrace(
        members: Sequence[TextMeasure], proposals: Sequence[TextSource | None], values: Sequence[Any],
        keys: Keys | None = None,
    ) -> list[TextMachine | None]:
        """The finished draws of `values`, every text scored in one teacher-forced pass; None where the draw of these
        tokens would have ended before their last one, or not there. keys [n]: for the densities of proposals that can
        only be estimated."""
        machines = [m._replayed(p, v) for m, p, v in zip(members, proposals, values, strict=True)]
        _score_some([0] * len(machines), machines, keys)
        return machines

    @staticmethod
    def complete(
        machines: Sequence[TextMachine], rests: Sequence[Sequence[int]], keys: Keys | None = None
    ) -> list[TextMachine | None]:
        """Texts that are half drawn, finished with the given tokens, which are scored in one teacher-forced pass;
        None where the draw would have ended before the last of them, or not there. keys: as in `retrace`."""
        done = [m.completed(rest) for m, rest in zip(machines, rests, strict=True)]
        _score_some([len(begun) for begun in machines], done, keys)
        return done

    def spelled(self, value: Any) -> tuple[int, ...] | None:
        """The tokens whose density is that of the value, its end included; None where no draw has them and ends there.
        Raises OutsideSupport unless the value is a str."""
        machine = self._replayed(None, value)
        return None if machine is None else tuple(machine.tokens)

    def _ended(self, value: Any) -> tuple[int, ...]:
        """The tokens whose density is that of the value, its end included. Raises OutsideSupport unless it is a str."""
        if not isinstance(value, str):
            raise OutsideSupport(f"a text is a str, got {type(value).__name__}")
        if isinstance(value, Text) and self.lm.spells(value):
            return value.tokens
        tokens = self.lm.tokenizer.encode(value)
        if self.stops.completed_by(value) or len(tokens) == self.max_tokens or not self.lm.eos:
            return tokens
        return (*tokens, min(self.lm.eos))

    def _replayed(self, proposal: TextSource | None, value: Any) -> TextMachine | None:
        """The draw of a value, its scores left at 0; None if no draw has these tokens and this end."""
        tokens = self._ended(value)
        machine = self.begin(proposal).completed(tokens)
        own = isinstance(value, Text) and tokens is value.tokens
        return None if machine is None or (own and machine.so_far() != value) else machine


def _score_some(begins: Sequence[int], machines: Sequence[TextMachine | None], keys: Keys | None) -> None:
    """Score those that are possible, each from its place on."""
    some = [(i, begin, m) for i, (begin, m) in enumerate(zip(begins, machines, strict=True)) if m is not None]
    score_drawn([(begin, m) for _, begin, m in some], None if keys is None else keys.at([i for i, _, _ in some]))


def refuse_other_ends(what: str, first: TextMeasure, other: TextMeasure) -> None:
    """Raise ValueError, naming them, for parts of one text whose stop strings or max_tokens differ."""
    for name, a, b in (("stop", first.stops.described(), other.stops.described()),
                       ("max_tokens", first.max_tokens, other.max_tokens)):
        if a != b:
            raise ValueError(f"{what} has parts that must end alike, but {name} is {a} in {first!r} and {b} in "
                             f"{other!r}")
