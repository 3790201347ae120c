"""`Decoder`: next-token draws and scores for token prefixes, batched; the host-level face of the JAX runtime.

Contexts are plain tuples of token ids. Nothing has to be opened, advanced or closed: the decoder finds out which keys
and values it already has. Log-probabilities are in nats. V is the size of the vocabulary, n the number of rows asked
about. Masks are packed, uint32 [n, ceil(V / 32)], or boolean [n, V].
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jax.sharding import Mesh
from numpy.typing import ArrayLike, NDArray

from steersman.ppl.constraints.masks import Packed, pack, words

from ..allowed import check_tail
from ..errors import BadToken, EmptyMask, ModelError
from . import programs
from .bank import Bank, Ints
from .config import DecoderConfig
from .device import Device
from .draw import split_uniforms
from .engine import ALL, Engine, Rows, Steer, pad
from .families import read
from .files import read_raw, special_ids
from .params import Params
from .placement import over, read_for
from .score import score_next, score_sequences, top_next
from .slots import Prefix
from .stats import Stats
from .weights import DTYPES

Floats = NDArray[np.float64]
CACHE_SIZE = 64 << 20


class Decoder:
    """A causal language model with its caches.

    `dtype` is the type of stored keys and values, `max_rows` bounds the rows of one forward pass (longer batches are
    cut), `cache_size` the bytes of remembered log-probabilities (one half for single tokens, one for vectors),
    `max_banks` the prompts with a cache of their own. `mesh` has an axis "particles" and maybe one "weights", see
    `placement`; `memory` bounds the bytes on each device, weights included (None: what is free), see `memory`.
    """

    def __init__(
        self,
        config: DecoderConfig,
        params: Params,
        *,
        bos_id: int | None = None,
        eos_ids: tuple[int, ...] = (),
        dtype: str = "float32",
        max_rows: int = 256,
        cache_size: int = CACHE_SIZE,
        max_banks: int = 8,
        mesh: Mesh | None = None,
        memory: int | None = None,
    ) -> None:
        self.config = config
        self.bos_id, self.eos_ids = bos_id, eos_ids
        self.vocab_size, self.max_length = config.vocab_size, config.max_length
        device = Device(config, params, dtype, max_rows, over(mesh, config, max_rows), memory)
        self._engine = Engine(device, cache_size, max_banks)

    @classmethod
    def from_folder(
        cls,
        path: str | Path,
        *,
        dtype: str = "float32",
        max_rows: int = 256,
        cache_size: int = CACHE_SIZE,
        max_banks: int = 8,
        mesh: Mesh | None = None,
        memory: int | None = None,
    ) -> Decoder:
        """Read a Hugging Face model folder: config.json and *.safetensors, one file or shards with an index.

        dtype: of the weights, "float32", "bfloat16" or "int8" (see `weights`).
        """
        if dtype not in DTYPES:
            raise ModelError(f"dtype {dtype!r} is not supported; supported: {', '.join(DTYPES)}")
        folder = Path(path)
        with read_for(mesh):
            config, params = read(folder, dtype)
        bos, eos = special_ids(folder, read_raw(folder))
        stored = "bfloat16" if dtype == "bfloat16" else "float32"
        sizes = {"max_rows": max_rows, "cache_size": cache_size, "max_banks": max_banks}
        return cls(config, params, bos_id=bos, eos_ids=eos, dtype=stored, mesh=mesh, memory=memory, **sizes)

    @property
    def stats(self) -> Stats:
        """Counters since the last `stats.reset()`, and the present size of the caches."""
        self._engine.banks.measure()
        return self._engine.stats

    @property
    def params(self) -> Params:
        """The parameters. Assigning others of the same shapes drops every cache and compiles nothing."""
        return self._engine.device.params

    @params.setter
    def params(self, new: Params) -> None:
        device = self._engine.device
        device.params = device.placement.params(new, self.config)
        self.clear()

    def beside(self, params: Params, memory: int | None = None) -> Decoder:
        """A decoder of this model with other parameters: arrays that both have are shared, caches are not.

        memory: bytes on the device, those shared included; None for what is free. Raises ModelError on a mesh.
        """
        engine = self._engine
        device = engine.device
        if device.placement.mesh is not None:
            raise ModelError("a model on a mesh cannot be adapted: load it without mesh=")
        return Decoder(
            self.config, params, bos_id=self.bos_id, eos_ids=self.eos_ids, dtype=device.dtype, memory=memory,
            max_rows=device.memory.max_rows, cache_size=2 * engine.tokens.max_bytes, max_banks=engine.banks.max_banks,
        )  # fmt: skip

    def capacity(self, tokens: int) -> int:
        """How many contexts of so many tokens, with no prompt in common, are held at once; more take several rounds."""
        return self._engine.device.memory.capacity(tokens)

    def clear(self) -> None:
        """Drop every cache: keys and values, logits, remembered log-probabilities."""
        self._engine.clear()

    def draw(
        self,
        prefixes: Sequence[Prefix],
        uniforms: ArrayLike,
        temperatures: ArrayLike | None = None,
        masks: ArrayLike | None = None,
    ) -> tuple[Ints, Floats, Floats]:
        """One next token for each prefix, by inverse CDF from its uniform in (0, 1): (tokens, log q, log p), [n] each.

        q is softmax(logits / temperature) restricted to the mask and renormalised; p is the plain model.
        Temperature 0 is the limit: all mass on the largest allowed logit.
        """
        n = len(prefixes)
        u = np.asarray(uniforms, np.float64)
        if u.shape != (n,) or not ((u > 0) & (u < 1)).all():
            raise ModelError(f"{n} prefixes need {n} uniforms strictly between 0 and 1")
        parts, steer = split_uniforms(u), self._steer(n, temperatures, masks)
        found = np.empty((4, n), np.float32)

        def call(bank: Bank, slots: Ints, rows: Rows) -> Any:
            u, how = pad(parts, rows, len(slots), 0.5), steer.padded(rows, len(slots))
            return programs.draw_rows(*bank.state[1:], slots, u, *how, placement=bank.device.placement)

        for rows, out in self._engine.ask(steer.kind("draw"), prefixes, call):
            found[:, rows] = out
        self._engine.check_finite(prefixes, found[3])
        tokens, log_p = found[0].astype(np.int32), found[2].astype(np.float64)
        self._engine.stats.draws += n
        self._engine.remember(prefixes, tokens, log_p)
        return tokens, found[1].astype(np.float64), log_p

    def score(
        self,
        prefixes: Sequence[Prefix],
        tokens: ArrayLike,
        temperatures: ArrayLike | None = None,
        masks: ArrayLike | None = None,
    ) -> Floats:
        """log q of a given next token of each prefix, [n], under the distribution that `draw` would use; a token that
        is masked scores -inf. Plain scores of tokens drawn or scored before are remembered and cost no device call.
        """
        n = len(prefixes)
        given, steer = self._valid_tokens(tokens, n), self._steer(n, temperatures, masks)
        answer = np.full(n, np.nan)
        if steer.plain:
            for i, (prefix, token) in enumerate(zip(prefixes, given.tolist(), strict=True)):
                known = self._engine.recall(prefix, token)
                if known is not None:
                    answer[i] = known
        todo = np.flatnonzero(np.isnan(answer)).tolist()
        if todo:
            answer[todo] = score_next(self._engine, [prefixes[i] for i in todo], given[todo], steer.some(todo))
        return answer

    def log_probs(
        self, prefixes: Sequence[Prefix], temperatures: ArrayLike | None = None, masks: ArrayLike | None = None
    ) -> NDArray[np.float32]:
        """Log-probabilities of every next token, [n, V]; the only call that moves vocabulary-sized arrays to the host.
        Plain vectors are remembered.
        """
        n, engine = len(prefixes), self._engine
        steer = self._steer(n, temperatures, masks)
        answer = np.empty((n, self.vocab_size), np.float32)
        todo = []
        for i, prefix in enumerate(prefixes):
            known = engine.vectors.get(prefix) if steer.plain else None
            if known is None:
                todo.append(i)
            else:
                answer[i] = known
        engine.stats.hits += n - len(todo)
        if not todo:
            return answer
        asked, some = [prefixes[i] for i in todo], steer.some(todo)

        def call(bank: Bank, slots: Ints, rows: Rows) -> Any:
            how = some.padded(rows, len(slots))
            return programs.vectors(*bank.state[1:], slots, *how, placement=bank.device.placement)

        for rows, out in engine.ask(steer.kind("vectors"), asked, call):
            answer[[todo[r] for r in rows]] = out
        engine.check_finite(asked, answer[todo].max(1))
        if steer.plain:
            for i in todo:
                engine.vectors.put(prefixes[i], answer[i].copy())
        return answer

    def top(self, prefixes: Sequence[Prefix], temperatures: ArrayLike | None = None) -> Floats:
        """log q of the most probable next token of each prefix, [n]."""
        return top_next(self._engine, prefixes, self._steer(len(prefixes), temperatures, None))

    def log_mass(self, prefixes: Sequence[Prefix], masks: ArrayLike) -> Floats:
        """log of the probability of the allowed tokens at temperature 1, [n]; -inf where a mask allows none."""
        m = self._valid_masks(masks, len(prefixes))
        found = np.empty((2, len(prefixes)), np.float32)

        def call(bank: Bank, slots: Ints, rows: Rows) -> Any:
            allowed = pad(m, rows, len(slots), ALL)
            return programs.masses(*bank.state[1:], slots, allowed, placement=bank.device.placement)

        for rows, out in self._engine.ask("masses", prefixes, call):
            found[:, rows] = out
        self._engine.check_finite(prefixes, found[1])
        log_mass: Floats = found[0].astype(np.float64)
        return log_mass

    def score_sequences(self, prefixes: Sequence[Prefix], continuations: Sequence[Sequence[int]]) -> list[Floats]:
        """log p of each token of each continuation given all that is before it, at temperature 1: teacher-forced, one
        pass for rows of similar length. Tokens drawn or scored before are remembered.
        """
        tails = [tuple(int(t) for t in c) for c in continuations]
        self._valid_tokens([t for tail in tails for t in tail])
        return score_sequences(self._engine, prefixes, tails)

    # --- arguments --------------------------------------------------------------------------------------------------

    def _steer(self, n: int, temperatures: ArrayLike | None, masks: ArrayLike | None) -> Steer:
        """Temperatures that are all 1 count as none: that is cheaper and can be remembered."""
        t: NDArray[np.float32] | None = None
        if temperatures is not None:
            t = np.asarray(temperatures, np.float32)
            if t.shape != (n,) or not (t >= 0).all():
                raise ModelError(f"{n} prefixes need {n} temperatures of at least 0")
        m = None if masks is None else self._valid_masks(masks, n)
        if m is not None and not (some := m.any(1)).all():
            raise EmptyMask(int(np.flatnonzero(~some)[0]))
        return Steer(None if t is None or (t == 1).all() else t, m)

    def _valid_tokens(self, tokens: ArrayLike, n: int | None = None) -> Ints:
        given = np.asarray(tokens, np.int32)
        if n is not None and given.shape != (n,):
            raise ModelError(f"{n} prefixes need {n} tokens, found shape {given.shape}")
        if len(given) and not 0 <= int(given.min()) <= int(given.max()) < self.vocab_size:
            raise BadToken(int(given[(given < 0) | (given >= self.vocab_size)][0]), self.vocab_size)
        return given

    def _valid_masks(self, masks: ArrayLike, n: int) -> Packed:
        given, V = np.asarray(masks), self.vocab_size
        packed = given.dtype == np.uint32
        if given.shape != (n, words(V) if packed else V):
            raise ModelError(f"masks must have shape {(n, V)}, or packed {(n, words(V))}, found {given.shape}")
        if not packed:
            return pack(given)
        check_tail(given, V)
        return given
