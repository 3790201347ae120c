"""`LanguageModel`: what every model offers to programs, built on four batched operations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, overload

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.batched import Batched
from steersman.ppl.constraints.masks import Packed
from steersman.ppl.constraints.protocol import Constraint
from steersman.ppl.effects import Effect, call
from steersman.ppl.protocols import Floats
from steersman.ppl.text import Text

from .algebra import Algebraic, Raised
from .allowed import Mask
from .context import Context
from .errors import ContextTooLong, ModelError
from .text import StopStrings, TextDistribution, WordEnd
from .tokenizer import Tokenizer
from .tokens import TokenDistribution

if TYPE_CHECKING:
    from steersman.ppl.trainable import Trainable

    from .adapters import AdaptedLM, Adapter
    from .product import ProductLM
    from .where import ChosenText, ConditionedText

Prefix = tuple[int, ...]


class LanguageModel(Algebraic["ProductLM"], ABC):
    """An autoregressive model over tokens.

    Subclasses give the four batched operations at the end; everything else is shared. All log-probabilities are in
    nats. `max_length` is the longest prefix in tokens, None for no limit. `lm ** a`, `lm1 * lm2` and `lm1 / lm2` are
    products over whole texts (`ProductLM`).
    """

    tokenizer: Tokenizer
    vocab_size: int
    max_length: int | None = None
    bos: int | None = None
    eos: frozenset[int] = frozenset()
    capabilities: ClassVar[frozenset[str]] = frozenset({"draw", "score", "logits"})

    def __init__(self) -> None:
        self._score_texts = Batched(self._score_batch, tokens=lambda context, text: len(self.tokens_of(text)))

    @staticmethod
    def product(factors: tuple[Raised, ...]) -> ProductLM:
        from .product import ProductLM

        return ProductLM(factors)

    @property
    def special_tokens(self) -> frozenset[int]:
        return self.eos if self.bos is None else self.eos | {self.bos}

    @property
    def trainable(self) -> Trainable | None:
        """What the densities of its texts and tokens depend on, if that is learnt: then itself."""
        return None

    def adapted(self, *adapters: Adapter, name: str = "adapters", memory: int | None = None) -> AdaptedLM:
        """This model with small trainable parts; see `NeuralLM.adapted`. Raises ModelError for a model without layers
        to adapt."""
        raise ModelError(f"{self!r} cannot be adapted: adapters are for checkpoints (models.load); of table models "
                         "TrainableTable learns the whole table")

    def context(self, text: str = "") -> Context:
        """The context that holds `text`, after the beginning-of-text token if the model has one.

        Raises ContextTooLong (with both numbers) when it leaves no room to continue.
        """
        tokens = (() if self.bos is None else (self.bos,)) + self.tokenizer.encode(text)
        if self.max_length is not None and len(tokens) >= self.max_length:
            raise ContextTooLong(len(tokens) + 1, self.max_length)
        return Context(self, tokens)

    def as_context(self, prompt: str | Context) -> Context:
        if isinstance(prompt, Context):
            if prompt.lm is not self:
                raise ValueError("this context belongs to another language model: rebuild it with lm.context(str(ctx))")
            return prompt
        if not isinstance(prompt, str):
            what = type(prompt).__name__
            raise TypeError(f"a prompt is a str or a context of this model, got {what}: {prompt!r:.60}")
        return self.context(prompt)

    def next(self, context: str | Context, *, temperature: float = 1.0) -> TokenDistribution:
        """The distribution of the next token."""
        return TokenDistribution(self.as_context(context)).tempered(temperature)

    @overload
    def text(
        self, prompt: str | Context, *, stop: str | Sequence[str] | None = None, max_tokens: int,
        temperature: float = 1.0, where: None = None,
    ) -> TextDistribution: ...

    @overload
    def text(
        self, prompt: str | Context, *, stop: str | Sequence[str] | None = None, max_tokens: int,
        temperature: float = 1.0, where: Constraint,
    ) -> ConditionedText | ChosenText: ...

    def text(
        self, prompt: str | Context, *, stop: str | Sequence[str] | None = None, max_tokens: int,
        temperature: float = 1.0, where: Constraint | None = None,
    ) -> TextDistribution | ConditionedText | ChosenText:
        """The distribution of a continuation, drawn token by token.

        It ends at the first stop string (cut from the text), at the end-of-text token, or after max_tokens tokens:
        truncation is an event of the model, recorded in `Text.finish`. Raises ContextTooLong when prompt and
        max_tokens exceed the context window.

        where: a constraint that the text must meet (`regex`, `grammar`, `json_schema`, `choice`, ..., of
        `steersman.ppl`). It conditions: the text is sampled as if drawn freely and kept only if it is in the language,
        however it ended, so that log Z includes log P(constraint); masks are only the proposal. See `ConditionedText`.
        """
        stops = StopStrings(() if stop is None else (stop,) if isinstance(stop, str) else tuple(stop))
        text = TextDistribution(self.as_context(prompt), stops, max_tokens, temperature)
        return text if where is None else text.where(where)

    @overload
    def word(
        self, prompt: str | Context, *, max_tokens: int = 8, temperature: float = 1.0, where: None = None,
    ) -> TextDistribution: ...

    @overload
    def word(
        self, prompt: str | Context, *, max_tokens: int = 8, temperature: float = 1.0, where: Constraint,
    ) -> ConditionedText | ChosenText: ...

    def word(
        self, prompt: str | Context, *, max_tokens: int = 8, temperature: float = 1.0, where: Constraint | None = None,
    ) -> TextDistribution | ConditionedText | ChosenText:
        """The distribution of the next word, with what stands before its first letter (a space, a quotation mark).

        A text that stops at the first character that is no part of the word: `Text.stop`, cut from it like a stop
        string. Parts of a word are letters, digits, and an apostrophe or a hyphen between two of these. The token that
        shows that the word has ended is drawn with it, so that the densities of all words sum to one: go on with
        ``context + word``, or ``context + word + (word.stop or "")``. The rest is as `text` says; a text that ends
        before its word does ("eos", "length") is what has been drawn until then.
        """
        text = TextDistribution(self.as_context(prompt), WordEnd(), max_tokens, temperature)
        return text if where is None else text.where(where)

    def tokens_where(self, accept: Callable[[str], bool]) -> Mask:
        """The tokens whose text `accept` accepts, as a mask [vocabulary] for `TokenDistribution.masked`.

        Tokens that are a part of a character read as U+FFFD; the end-of-text token reads as "".
        """
        return np.array([accept(piece.decode(errors="replace")) for piece in self.tokenizer.token_bytes], np.bool_)

    def score(self, prompt: str | Context, text: str) -> Effect[float]:
        """``lp = await lm.score(prompt, text)``: log p(text given prompt) in nats, one teacher-forced pass. The end of
        the text is not scored; to score "and then it ends", observe `lm.text`."""
        return call(self._score_texts, self.as_context(prompt), text, name="score")

    def tokens_of(self, text: str) -> Prefix:
        """The tokens with which a context is continued by `text`.

        Of a text drawn from this model's vocabulary these are its own tokens without the end-of-text token; a token
        that a stop string cut is replaced by the encoding of what is left of it, so the bytes are exact.
        """
        if not isinstance(text, Text) or not self.spells(text):
            return self.tokenizer.encode(text)
        if text.finish == "eos":
            return text.tokens[:-1]
        if text.stop is None:
            return text.tokens
        left, kept = self._cut(text) or b"", 0
        while kept < len(text.tokens) and left.startswith(piece := self.tokenizer.token_bytes[text.tokens[kept]]):
            left, kept = left[len(piece) :], kept + 1
        # Where the cut token began inside a character, the tokens that hold its beginning are encoded anew too.
        whole, first = left, kept
        while first and not _whole_characters(whole):
            first -= 1
            whole = self.tokenizer.token_bytes[text.tokens[first]] + whole
        if _whole_characters(whole):
            left, kept = whole, first
        return text.tokens[:kept] + (self.tokenizer.encode(left.decode(errors="replace")) if left else ())

    def spells(self, text: Text) -> bool:
        """Whether the tokens of a drawn text are of this model's vocabulary: whether they spell the text."""
        known = bool(text.tokens) and all(0 <= t < len(self.tokenizer.token_bytes) for t in text.tokens)
        return known and self._cut(text) is not None

    def _cut(self, text: Text) -> bytes | None:
        """The bytes of a drawn text: those of its tokens, up to its stop; None if they read otherwise."""
        data = b"".join([self.tokenizer.token_bytes[t] for t in text.tokens])
        if text.stop is None:
            return data if data.decode(errors="replace") == text else None
        # only bytes that are no character read alike at several lengths
        ends = range(len(data), -1, -1) if "�" in text else (len(text.encode(errors="replace")),)
        return next((data[:at] for at in ends if _reads(data, at, text, text.stop)), None)

    def _score_batch(self, items: list[tuple[Any, ...]]) -> list[float]:
        prefixes = [c.tokens for c, _ in items]
        scores = self.score_sequences(prefixes, [self.tokens_of(text) for _, text in items])
        return [float(s.sum()) for s in scores]

    def top_next(self, prefixes: Sequence[Prefix], temperatures: Floats | None) -> Floats:
        """log q of the most probable next token of each prefix, shape [n]. Overridden where that moves less to the
        host than all of them."""
        return np.asarray(self.next_log_probs(prefixes, temperatures, None).max(-1), np.float64)

    @abstractmethod
    def draw_next(
        self, prefixes: Sequence[Prefix], uniforms: Floats, temperatures: Floats | None, masks: Packed | None
    ) -> tuple[NDArray[np.integer[Any]], Floats]:
        """The next token of each prefix by inverse CDF from its uniform [n], and log q of it [n].

        masks: packed, [n, ceil(V / 32)]. Where all allowed tokens have probability 0, log q is -inf and the token 0.
        """

    @abstractmethod
    def score_next(
        self, prefixes: Sequence[Prefix], tokens: NDArray[np.int64], temperatures: Floats | None, masks: Packed | None
    ) -> Floats:
        """log q of the given next token of each prefix, shape [n]."""

    @abstractmethod
    def next_log_probs(
        self, prefixes: Sequence[Prefix], temperatures: Floats | None, masks: Packed | None
    ) -> Floats:
        """log q of every next token, shape [n, vocabulary]."""

    @abstractmethod
    def score_sequences(self, prefixes: Sequence[Prefix], continuations: Sequence[Prefix]) -> list[Floats]:
        """log p of every token of each continuation, teacher-forced."""


def _reads(data: bytes, at: int, text: str, stop: str) -> bool:
    """Whether these bytes say `text` up to this place, and `stop` from there on."""
    return data[:at].decode(errors="replace") == text and data[at:].decode(errors="replace").startswith(stop)


def _whole_characters(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
