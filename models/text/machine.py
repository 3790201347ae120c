"""The draw of a text as an explicit state: forking it copies a few short lists, whatever the text has cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from steersman.ppl.effects import Sample
from steersman.ppl.text import Text
from steersman.ppl.trace import Site

from ..context import Context, Contexts

if TYPE_CHECKING:
    from ..where import Progress
    from .measure import TextMeasure, TextSource


class TextMachine:
    """Draws `text` (from `proposal`, another text over the same tokens, where given) one token at a time.

    The end is decided by `text`: its stops, its end-of-text tokens, its max_tokens; the proposal gives only
    the distributions that tokens are drawn from. Under a constraint the draw carries its state along.
    """

    __slots__ = (
        "_context", "_data", "_log_p", "_log_q", "_other", "_where", "finish", "proposal", "stop", "text", "tokens",
    )

    def __init__(self, text: TextMeasure, proposal: TextSource | None) -> None:
        self.text, self.proposal = text, proposal
        self._context: Context | Contexts = text.context
        self._other: Context | Contexts | None = None
        if proposal is not None:
            same = proposal.context == text.context
            self._other = None if same else proposal.context
        ends = text.ends or (None if proposal is None else proposal.ends)
        self._where: Progress | None = None if ends is None else ends.start()
        self.tokens: list[int] = []
        self._log_p: list[float] = []
        self._log_q: list[float] = []
        self._data = b""
        self.finish: str | None = None
        self.stop: str | None = None

    @property
    def finished(self) -> bool:
        return self.finish is not None

    @property
    def where(self) -> Progress:
        """How far the constraint has come; only under a constraint, before the end."""
        assert self._where is not None
        return self._where

    def __len__(self) -> int:
        return len(self.tokens)

    def next(self) -> Sample[int] | None:
        if self.finish is not None:
            return None
        target = self.text.next_token(self._context, self._data, self._where)
        if self.proposal is None:
            return Sample(target, "token")
        context = self._context if self._other is None else self._other
        return Sample(target, "token", self.proposal.next_token(context, self._data, self._where))

    def send(self, value: int, log_p: float, log_q: float) -> None:
        text = self.text
        self.tokens.append(int(value))  # an imposed one may be a NumPy integer, which JSON does not know
        self._log_p.append(log_p)
        self._log_q.append(log_q)
        if value in text.lm.eos:
            self.finish = "eos"
            return
        piece = text.lm.tokenizer.token_bytes[value]
        self._context = self._context + value
        if self._other is not None:
            self._other = self._other + value
        before = len(self._data)
        self._data += piece
        if text.stops and (found := text.stops.first(self._data, before)) is not None:
            self._data, self.stop, self.finish = self._data[: found[0]], found[1], "stop"
        if self.finish is None and len(self.tokens) == text.max_tokens:
            self.finish = "length"
        if self.finish is None and self._where is not None:
            self._where = self._where.advance(value)

    def set_scores(self, begin: int, log_p: Sequence[float], log_q: Sequence[float]) -> None:
        """Replace the densities that the tokens from `begin` on were sent with, for those that were scored together."""
        self._log_p[begin:], self._log_q[begin:] = log_p, log_q

    def value(self) -> Text:
        assert self.finish is not None
        return Text(self.so_far(), tuple(self.tokens), tuple(self._log_p), self.finish, self.stop)

    def so_far(self) -> str:
        """The text drawn until now; bytes that are no whole character yet read as U+FFFD."""
        return self._data.decode(errors="replace")

    def fork(self) -> TextMachine:
        child: TextMachine = object.__new__(TextMachine)
        for name in TextMachine.__slots__:
            field: Any = getattr(self, name)
            setattr(child, name, field.copy() if type(field) is list else field)
        return child

    def head(self, atoms: int) -> TextMachine:
        child = TextMachine(self.text, self.proposal)
        if atoms:
            tokens = child.tokens = self.tokens[:atoms]
            child._log_p, child._log_q = self._log_p[:atoms], self._log_q[:atoms]
            pieces = self.text.lm.tokenizer.token_bytes
            child._data = b"".join([pieces[t] for t in tokens])
            if child._where is not None:
                child._where = child._where.ends.read(tokens)
            child._context = child._context + tokens
            if child._other is not None:
                child._other = child._other + tokens
        return child

    def completed(self, tokens: Sequence[int]) -> TextMachine | None:
        """The draw finished with these tokens, their scores left at 0; None if it would have ended before the last
        one, or does not end there."""
        child = self.fork()
        for token in tokens:
            if child.finished:
                return None
            child.send(token, 0.0, 0.0)
        return child if child.finished else None

    def sites(self, begin: int = 0) -> list[Site]:
        answered = zip(self.tokens[begin:], self._log_p[begin:], self._log_q[begin:], strict=True)
        return [
            Site("token", k, "sample", token, log_p, log_q)
            for k, (token, log_p, log_q) in enumerate(answered, begin)
        ]

    @property
    def pieces(self) -> Sequence[bytes]:
        """What each token of the vocabulary stands for."""
        return self.text.lm.tokenizer.token_bytes
