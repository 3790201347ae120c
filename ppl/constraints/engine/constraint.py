"""`EngineConstraint`: a language that the grammar engine reads."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

from ..definition import Definition
from ..errors import CannotCombine, Unsatisfiable
from ..masks import tokens_of
from ..protocol import Constraint, State
from ..vocabulary import Tokenizer, Vocabulary
from .roots import root_of
from .state import EngineState
from .tokens import single_bytes

if TYPE_CHECKING:
    from .compose import Repeat, Then


class EngineConstraint(Constraint):
    """Give it a `definition` and a `__repr__` (its name in errors); the rest follows.

    A language that is regular is exact, and so are its unions, intersections, concatenations and repetitions. Other
    languages are what the engine reads: at a boundary between two terminals it reads as much as it can, so that
    ``regex("a+").then(grammar('start: "ab"'))`` has no text.
    """

    @abstractmethod
    def definition(self, prefix: str) -> Definition:
        """The language; every name that it defines begins with the prefix."""

    @cached_property
    def defined(self) -> Definition:
        """The definition of the language when it stands alone."""
        return self.definition("x")

    def start(self, tokenizer: Tokenizer | Vocabulary) -> State:
        """Raises Unsatisfiable where the language is empty or no token begins a text of it, ConstraintError where the
        engine refuses the language."""
        vocabulary = Vocabulary.of(tokenizer)
        state = EngineState.start(root_of(vocabulary, self.defined.grammar(), repr(self)))
        if not state.accepting and not state.mask().any():
            raise Unsatisfiable(f"{self!r}: {self._why_not()}")
        return state

    def matches(self, text: str | bytes) -> bool:
        """Whether the engine reads a whole text as one of the language, byte by byte."""
        try:
            data = text.encode() if isinstance(text, str) else bytes(text)
        except UnicodeEncodeError:  # a lone surrogate, which no bytes spell
            return False
        try:
            root = root_of(single_bytes(), self.defined.grammar(), repr(self))
        except Unsatisfiable:
            return False
        return root.reads(tuple(data))

    def reach(self, data: bytes) -> int:
        """With how many of these bytes a text of the language can begin."""
        try:
            return root_of(single_bytes(), self.defined.grammar(), repr(self)).reach(tuple(data))
        except Unsatisfiable:
            return 0

    @property
    def least_bytes(self) -> int:
        return self.defined.least_bytes

    def then(self, other: EngineConstraint) -> Then:
        """Texts of this language followed by texts of the other."""
        from .compose import Then

        return Then.of(self, _readable(other))

    def repeat(self, min: int = 0, max: int | None = None) -> Repeat:
        """At least `min` and at most `max` texts of this language, one after the other; None: any number."""
        from .compose import Repeat

        return Repeat(self, min, max)

    def __or__(self, other: Constraint) -> Constraint:
        from .compose import Union

        return Union.of(self, other) if isinstance(other, EngineConstraint) else super().__or__(other)

    def __and__(self, other: Constraint) -> Constraint:
        from .compose import Intersection

        both = isinstance(other, EngineConstraint) and None not in (self.defined.regular, other.defined.regular)
        return Intersection.of(self, other) if both else super().__and__(other)  # type: ignore[arg-type]

    def _why_not(self) -> str:
        """Why no token begins a text."""
        root = root_of(single_bytes(), self.defined.grammar(), repr(self))
        first = tokens_of(root.mask(root.start))
        if not first:
            return "no text is in the language"
        shown = [repr(chr(b)) if 32 <= b < 127 else f"0x{b:02X}" for b in first[:8]] + ["..."] * (len(first) > 8)
        return ("no token of this vocabulary begins a text of the language, which has to begin with the byte"
                f"{'' if len(first) == 1 else 's'} {' or '.join(shown)}")



def _readable(other: object) -> EngineConstraint:
    if not isinstance(other, EngineConstraint):
        raise CannotCombine(f"then: {other!r} has no grammar; regex, words, substring, choice, grammar and json_schema "
                            "have one, and so has what `|`, `then` and `repeat` make of them")
    return other
