"""`Text`: a `str` that remembers the tokens it was drawn as."""

from __future__ import annotations

from typing import Any


class Text(str):
    """The value of a text site. Everything a `str` does, plus:

    tokens: the tokens drawn, the end-of-text token and a token that completed the stop string included: the density
    of the text is that of these whole tokens. token_log_p: log p of each, in nats. finish: how it ended, "stop",
    "eos" or "length". stop: the stop string that ended it, if one did (it is cut from the text); of a word the
    character behind it.
    """

    tokens: tuple[int, ...]
    token_log_p: tuple[float, ...]
    finish: str
    stop: str | None

    def __new__(
        cls, text: str, tokens: tuple[int, ...] = (), token_log_p: tuple[float, ...] = (), finish: str = "length",
        stop: str | None = None,
    ) -> Text:
        self = super().__new__(cls, text)
        self.tokens, self.token_log_p, self.finish, self.stop = tokens, token_log_p, finish, stop
        return self

    @property
    def log_p(self) -> float:
        """log p(text) in nats: the sum over its tokens."""
        return float(sum(self.token_log_p))

    def to_json(self) -> dict[str, Any]:
        return {"text": str(self), "tokens": list(self.tokens), "token_log_p": list(self.token_log_p),
                "finish": self.finish, "stop": self.stop}

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (str(self), self.tokens, self.token_log_p, self.finish, self.stop)
