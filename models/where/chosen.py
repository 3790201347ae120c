"""`ChosenText`: one of a few members, drawn from the exact conditional by scoring all of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.ppl.constraints.protocol import Constraint
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Floats
from steersman.ppl.text import Text

from ..algebra import trainable_in
from ..text.scores import score_tails
from .progress import allowed_tokens
from .text import ConditionedText

if TYPE_CHECKING:
    from steersman.ppl.trainable import Trainable


class ChosenText:
    """The measure  f(x) = p(x) [x in C]  over the token sequences x that spell a member of a short list and end there.

    One choice, not token by token: masks cannot see how a member goes on (between "a" and "ab..." they choose by the
    next token), the sum over all can. Drawn through `proposal`, f / P(C), so that the weight is P(C) whatever is drawn.
    """

    __slots__ = ("spellings", "text")

    def __init__(self, text: ConditionedText, spellings: tuple[Text, ...]) -> None:
        self.text, self.spellings = text, spellings

    @property
    def family(self) -> Hashable:
        return self.text.family

    @property
    def trainable(self) -> Trainable | None:
        return trainable_in(self.models)

    @property
    def models(self) -> tuple[Any, ...]:
        return self.text.models

    @property
    def proposal(self) -> ChosenTextProposal:
        return ChosenTextProposal(self)

    def where(self, constraint: Constraint) -> ConditionedText | ChosenText:
        """This text under another constraint as well."""
        return self.text.where(constraint)

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        """Tokens whose density is evaluated: those of the value; all spellings' together where one is drawn."""
        if given is not None:
            return 0
        if value is not None:
            return self.text.tokens(value)
        return len({s.tokens[: k + 1] for s in self.spellings for k in range(len(s.tokens))})

    def support(self) -> tuple[Text, ...]:
        return tuple([_scored(s, log_p) for s, log_p in zip(self.spellings, *_token_scores([self]), strict=True)])

    @staticmethod
    def log_prob(members: Sequence[ChosenText], values: Sequence[Any]) -> Floats:
        """log f of each value, [n], in nats: of a `Text` with its own tokens, of another str as it is encoded."""
        return ConditionedText.log_prob([m.text for m in members], values)

    def __repr__(self) -> str:
        return repr(self.text)


class ChosenTextProposal:
    """q(x) = p(x) / P(C) on the spellings of the members: the exact conditional, from one uniform."""

    __slots__ = ("target",)

    def __init__(self, target: ChosenText) -> None:
        self.target = target

    @property
    def family(self) -> Hashable:
        return self.target.family

    @property
    def trainable(self) -> Trainable | None:
        return trainable_in(self.models)

    @property
    def models(self) -> tuple[Any, ...]:
        return self.target.models

    def tokens(self, value: Any | None, given: Any | None = None) -> int:
        return self.target.tokens(None, given)

    def support(self) -> tuple[Text, ...]:
        return self.target.support()

    @staticmethod
    def draw(members: Sequence[ChosenTextProposal], keys: Keys) -> tuple[list[Text | None], Floats]:
        """Where every spelling has probability zero nothing can be drawn."""
        values: list[Text | None] = []
        log_q = np.full(len(members), -np.inf)
        scores = _token_scores([m.target for m in members])
        for i, (member, own, u) in enumerate(zip(members, scores, keys.uniform(), strict=True)):
            log_p = np.array([sum(s) for s in own])
            log_c = np.logaddexp.reduce(log_p)
            if log_c == -np.inf:
                values.append(None)
                continue
            ends = np.cumsum(np.exp(log_p - log_c))
            chosen = int((ends <= u * ends[-1]).sum())
            values.append(_scored(member.target.spellings[chosen], own[chosen]))
            log_q[i] = log_p[chosen] - log_c
        return values, log_q

    @staticmethod
    def log_prob(members: Sequence[ChosenTextProposal], values: Sequence[Any]) -> Floats:
        targets = [m.target for m in members]
        log_c = [np.logaddexp.reduce([sum(s) for s in own]) for own in _token_scores(targets)]
        log_f = ChosenText.log_prob(targets, values)
        return np.where(log_f > -np.inf, log_f - np.array(log_c), -np.inf)

    def __repr__(self) -> str:
        return f"{self.target!r}, all members scored"


_known: OrderedDict[Hashable, tuple[Text, ...] | None] = OrderedDict()
_KEPT = 256


def spellings_of(text: ConditionedText, members: Hashable, cap: int = 4096) -> tuple[Text, ...] | None:
    """Every draw of the text, without its scores; None if there are more than `cap`. members: what tells the constraint
    from others, so that the answer of the last few hundred is remembered."""
    ends = text.ends
    key = members, ends.vocabulary, ends.eos, ends.stops, ends.max_tokens
    if key not in _known:
        _known[key] = _spell(text, cap)
        while len(_known) > _KEPT:
            _known.popitem(last=False)
    _known.move_to_end(key)
    return _known[key]


def _spell(text: ConditionedText, cap: int) -> tuple[Text, ...] | None:
    found: list[Text] = []
    stack = [text.begin(None)]
    while stack:
        machine = stack.pop()
        for token in allowed_tokens(machine.where):
            child = machine.fork()
            child.send(token, 0.0, 0.0)
            if child.finished:
                found.append(child.value())
            else:
                stack.append(child)
        if len(found) + len(stack) > cap:
            return None
    return tuple(sorted(found, key=lambda value: value.tokens))


def _token_scores(members: Sequence[ChosenText]) -> list[list[list[float]]]:
    """log p of each token of each spelling of each member; of equal members once."""
    keys = [(m.text.base.identity, id(m.spellings)) for m in members]
    distinct = dict(zip(keys, members, strict=True))
    parts = [(m.text.base, (), s.tokens) for m in distinct.values() for s in m.spellings]
    scores = iter(score_tails(parts))
    known = {key: [next(scores) for _ in m.spellings] for key, m in distinct.items()}
    return [known[key] for key in keys]


def _scored(spelling: Text, log_p: Sequence[float]) -> Text:
    return Text(str(spelling), spelling.tokens, tuple(log_p), spelling.finish, spelling.stop)
