"""`predicate(fn)`: any Python test of the text so far as a constraint."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Hashable
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..errors import SteersmanError
from .errors import ConstraintError, Unsatisfiable
from .masks import Packed, pack
from .protocol import Constraint, State
from .vocabulary import Tokenizer, Vocabulary

VERDICTS = 1 << 14
"""How many texts a predicate remembers its verdict on."""
MASKS = 256
"""How many exact masks a predicate remembers."""


class Verdict(StrEnum):
    """What a predicate says of a text. DEAD: neither it nor any continuation is in the language. UNDECIDED: it is not,
    a continuation may be. SATISFIED: it is."""

    DEAD = "dead"
    UNDECIDED = "undecided"
    SATISFIED = "satisfied"


Test = Callable[[str], "Verdict | str | bool | None"]


class PredicateError(SteersmanError, ValueError):
    """A predicate that breaks its promise: an answer that is none, or a dead text with a continuation that is not."""


class Predicate(Constraint):
    """The texts that fn is satisfied with. See `predicate`."""

    def __init__(self, fn: Test, name: str | None, cap: int, exact: bool) -> None:
        self.fn, self.cap, self.exact = fn, cap, exact
        self.name = name if name is not None else getattr(fn, "__name__", type(fn).__name__)
        self._known: OrderedDict[str, Verdict] = OrderedDict()
        self.mask = lru_cache(maxsize=MASKS)(self._mask)

    def start(self, tokenizer: Tokenizer | Vocabulary) -> PredicateState:
        """Raises Unsatisfiable where the empty text is dead already."""
        state = PredicateState(self, Vocabulary.of(tokenizer), "", b"", 0)
        if state.dead:
            raise Unsatisfiable(
                f"{self!r} says dead (or False) of the empty text, so no text can satisfy it: answer None, or "
                "Verdict.UNDECIDED, where a longer text may be in the language"
            )
        return state

    def matches(self, text: str | bytes) -> bool:
        """Whether fn is satisfied with the whole text; bytes that are no UTF-8 are no text."""
        if isinstance(text, bytes):
            try:
                text = text.decode()
            except UnicodeDecodeError:
                return False
        return self.verdict(text) is Verdict.SATISFIED

    def verdict(self, text: str, since: int | None = None) -> Verdict:
        """fn's verdict, remembered. since: where the last token begins; raises PredicateError if the text is alive and
        one of its prefixes from there on was called dead."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._ask(text)
            if len(self._known) > VERDICTS:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(text)
        if known is not Verdict.DEAD and since is not None:
            for end in range(since, len(text)):
                if self._known.get(text[:end]) is Verdict.DEAD:
                    raise self._revived(text[:end], text, known)
        return known

    def _ask(self, text: str) -> Verdict:
        try:
            answer = self.fn(text)
        except Exception as error:
            error.add_note(f"(raised by {self!r} asked about the text {_shown(text)})")
            raise
        if answer is None:
            return Verdict.UNDECIDED
        if isinstance(answer, (bool, np.bool_)):
            return Verdict.SATISFIED if answer else Verdict.DEAD
        try:
            return Verdict(answer)
        except ValueError:
            raise PredicateError(
                f"{self!r} answered {answer!r:.60} about the text {_shown(text)}: a predicate answers "
                "Verdict.SATISFIED, UNDECIDED or DEAD; True, None or False for short"
            ) from None

    def _mask(self, vocabulary: Vocabulary, text: str, rest: bytes) -> Packed:
        """The tokens after which the text is not dead: fn is asked once about each text that they make."""
        additions, index = _additions(vocabulary, rest)
        answers = {more: self._ask(text + more) if more else self.verdict(text) for more in additions}
        for more, answer in answers.items():
            if answer is not Verdict.DEAD:
                for end in range(1, len(more)):
                    if answers.get(more[:end]) is Verdict.DEAD:
                        raise self._revived(text + more[:end], text + more, answer)
        alive = np.array([*[answer is not Verdict.DEAD for answer in answers.values()], False], np.bool_)
        return pack(alive[index])

    def _revived(self, dead: str, text: str, verdict: Verdict) -> PredicateError:
        return PredicateError(
            f"{self!r} called {_shown(dead)} dead and its continuation {_shown(text)} {verdict}: answer None "
            "(undecided) where a continuation may still be in the language"
        )

    def __repr__(self) -> str:
        return f"predicate({self.name})"


class PredicateState(State):
    """text: the whole characters so far. rest: the bytes of one that is not complete; None after bytes that are no
    UTF-8. since: how long the text was before the last token."""

    def __init__(
        self, constraint: Predicate, vocabulary: Vocabulary, text: str, rest: bytes | None, since: int
    ) -> None:
        self.constraint, self.vocabulary = constraint, vocabulary
        self.text, self.rest, self.since = text, rest, since
        self.exact, self.cap = constraint.exact, constraint.cap

    @property
    def verdict(self) -> Verdict:
        if self.rest is None:
            return Verdict.DEAD
        return self.constraint.verdict(self.text, self.since)

    @property
    def accepting(self) -> bool:
        return not self.rest and self.verdict is Verdict.SATISFIED

    @property
    def dead(self) -> bool:
        return self.verdict is Verdict.DEAD

    def advance(self, token: int) -> PredicateState:
        read = None if self.rest is None else whole_characters(self.rest + self.vocabulary.token_bytes[token])
        more, rest = ("", None) if read is None else read
        return PredicateState(self.constraint, self.vocabulary, self.text + more, rest, len(self.text))

    def mask(self) -> Packed | None:
        if not self.exact:
            return None
        if self.rest is None or self.dead:
            return np.zeros(self.vocabulary.words, np.uint32)
        return self.constraint.mask(self.vocabulary, self.text, self.rest)

    def key(self) -> Hashable:
        return self.constraint, self.text, self.rest


def whole_characters(data: bytes) -> tuple[str, bytes] | None:
    """(the characters, the bytes of a last one that is not complete); None for bytes that begin no UTF-8."""
    try:
        return data.decode(), b""
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return None
        return data[: error.start].decode(), data[error.start :]


@lru_cache(maxsize=64)
def _additions(vocabulary: Vocabulary, rest: bytes) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """The distinct strings that tokens add after the bytes of an incomplete character, and which of them each token
    adds, [V]; -1 where it adds none: special tokens, and those that make no UTF-8."""
    place: dict[str, int] = {}
    index = np.full(vocabulary.size, -1, np.intp)
    for token, piece in enumerate(vocabulary.token_bytes):
        if piece and (read := whole_characters(rest + piece)) is not None:
            index[token] = place.setdefault(read[0], len(place))
    return tuple(place), index


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 200 else f"...{text[-200:]!r}"


def predicate(fn: Test, *, name: str | None = None, cap: int = State.cap, exact: bool = False) -> Predicate:
    """The texts that a Python test is satisfied with: ``lm.text(prompt, where=predicate(fn), max_tokens=40)``.

    fn(text) answers for the text so far: Verdict.SATISFIED (or True) if it is in the language, DEAD (or False) if
    neither it nor any continuation is, UNDECIDED (or None) otherwise. A text that is undecided at its end is not in the
    language. Once dead, always dead: that is the promise of fn, and what is seen to break it raises PredicateError. fn
    must depend on the text alone; its verdicts are remembered (the last VERDICTS of them). It is asked about whole
    characters: while a character is incomplete, about the text before it; bytes that are no UTF-8 are dead.

    There is no mask, so tokens are drawn by rejection, and weighted properly (`steersman.models.where.rejection`). cap:
    after so many rejected tokens all that are left are tried. exact: try all tokens at every step, so that there is a
    mask: the least variance, for a cheap fn or a small vocabulary. name: for messages. Raises TypeError for an fn that
    cannot be called, ValueError for a bad cap.
    """
    if not callable(fn) or inspect.iscoroutinefunction(fn):
        what = "an async function" if callable(fn) else type(fn).__name__
        raise TypeError(f"predicate(fn): fn is a function of one text, got {what}: {fn!r:.60}")
    if isinstance(cap, bool) or not isinstance(cap, int) or cap < 0:
        raise ConstraintError(f"predicate: cap={cap!r} must be a whole number of rejections, at least 0")
    return Predicate(fn, name, cap, exact)
