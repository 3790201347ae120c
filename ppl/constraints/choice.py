"""`choice([...])`: one of these texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from .both import BothState
from .canonical import canonical
from .definition import Definition
from .engine.constraint import EngineConstraint
from .engine.syntax import quoted
from .errors import ConstraintError
from .protocol import State
from .vocabulary import Tokenizer, Vocabulary

Tokenizations = Literal["all", "canonical"]


def choice(members: Iterable[str], tokenizations: Tokenizations = "all") -> Choice:
    """The text is one of the members, which are distinct.

    ``lm.text(prompt, where=choice(["yes", "no"]))`` has its exact probabilities worked out, rather than sampled with
    masks: a member counts with the sum over all sequences of tokens that spell it, or, with
    ``tokenizations="canonical"``, with the one that the tokenizer gives it. (Put together with other constraints a
    choice is a set of texts like any other: write ``& canonical()`` behind the whole.) Raises ConstraintError for a
    list that is empty or has a member twice.
    """
    return Choice(checked_texts("choice", members), tokenizations)


class Choice(EngineConstraint):
    """See `choice`."""

    def __init__(self, members: tuple[str, ...], tokenizations: Tokenizations = "all") -> None:
        if tokenizations not in ("all", "canonical"):
            raise ConstraintError(f'choice: tokenizations is "all" or "canonical", got {tokenizations!r}')
        self.members, self.tokenizations = members, tokenizations
        self._known = frozenset(members)

    def definition(self, prefix: str) -> Definition:
        least = min(len(member.encode()) for member in self.members)
        return Definition.of_terminal(prefix, f"({' | '.join(map(quoted, self.members))})", (), least)

    def start(self, tokenizer: Tokenizer | Vocabulary) -> State:
        state = super().start(tokenizer)
        return state if self.tokenizations == "all" else BothState((state, canonical().start(state.vocabulary)))

    def matches(self, text: str | bytes) -> bool:
        if isinstance(text, bytes):
            return any(member.encode() == text for member in self.members)
        return text in self._known

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self.members[:5]))
        return f"choice([{shown}{', ...' if len(self.members) > 5 else ''}])"


def checked_texts(what: str, members: Iterable[str]) -> tuple[str, ...]:
    """Raises ConstraintError unless these are texts, at least one, all different, and all can be spelled as UTF-8."""
    if isinstance(members, str):
        raise ConstraintError(f"{what}: expected a list of texts, got the text {members!r}: write [{members!r}]")
    texts = tuple(members)
    seen: set[str] = set()
    for at, text in enumerate(texts):
        if not isinstance(text, str):
            raise ConstraintError(f"{what}: member {at} is no str: {text!r}")
        if text in seen:
            raise ConstraintError(f"{what}: {text!r} is there twice: its probability would count twice")
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise ConstraintError(f"{what}: member {at} has a lone surrogate, which no text spells: {text!r}")
        seen.add(text)
    if not texts:
        raise ConstraintError(f"{what}: the list is empty, so no text is in the language")
    return texts
