"""Measure a model folder against its baselines on the held-out text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .baselines import NGram
from .corpus import Document
from .evaluate import Score, byte_count, score_documents, total
from .kinds import guess_kinds, kind_of
from .model import load_model, parameter_count
from .samples import draw_sample
from .tokenizer import end_id, load_tokenizer

Row = Mapping[str, float]
"""Bits per byte by column name."""


@dataclass(frozen=True)
class Measurement:
    """Everything the card reports that has to be computed."""

    parameters: int
    columns: tuple[str, ...]
    overall: Row
    by_kind: Mapping[str, Row]
    sizes: Mapping[str, tuple[int, int]]
    """Held-out documents and bytes of each kind."""
    samples: Sequence[str] = field(default_factory=tuple)
    """Texts of seeds 0, 1, 2."""


def model_scores(folder: Path, texts: Sequence[str], device: str, window: int | None) -> list[Score]:
    """Held-out scores of a model folder with its own tokenizer; ``window`` tokens (its context length)."""
    model = load_model(folder).to(device)
    length = window or int(model.config.max_position_embeddings)
    return score_documents(model, load_tokenizer(folder), texts, length)


def baseline_scores(
    order: int,
    train: Sequence[Sequence[int]],
    heldout: Sequence[Sequence[int]],
    texts: Sequence[str],
    size: int,
    end: int,
) -> list[Score]:
    """Held-out scores of a Kneser-Ney model fitted to the train split, every document once."""
    model = NGram(order, size, end).fit(train)
    return [Score(model.nats(ids), byte_count(text)) for ids, text in zip(heldout, texts, strict=True)]


def measure_folder(
    folder: Path,
    documents: Sequence[Document],
    texts: Sequence[str],
    device: str,
    compare: Path | None = None,
    compare_window: int | None = None,
) -> Measurement:
    """Bits per byte of the model, of an earlier model if given, and of both baselines; three samples."""
    tokenizer = load_tokenizer(folder)
    end, size = end_id(tokenizer), tokenizer.get_vocab_size()
    train = [encoding.ids for encoding in tokenizer.encode_batch([d.text for d in documents])]
    heldout = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    order = 5 if size**5 < 2**63 else 4
    columns = {"this model": model_scores(folder, texts, device, None)}
    if compare is not None:
        name = f"starting point, windows of {compare_window}" if compare_window else "starting point"
        columns[name] = model_scores(compare, texts, device, compare_window)
    columns[f"{order}-gram"] = baseline_scores(order, train, heldout, texts, size, end)
    columns["unigram"] = baseline_scores(1, train, heldout, texts, size, end)
    kinds = guess_kinds(train, [kind_of(d.source) for d in documents], heldout, size, end)

    def row(kind: str | None) -> Row:
        chosen = [i for i, k in enumerate(kinds) if kind in (None, k)]
        return {name: total([scores[i] for i in chosen]).bits_per_byte for name, scores in columns.items()}

    present = [kind for kind in dict.fromkeys(kind_of(d.source) for d in documents) if kind in kinds]
    model = load_model(folder).to(device).eval()
    return Measurement(
        parameters=parameter_count(model),
        columns=tuple(columns),
        overall=row(None),
        by_kind={kind: row(kind) for kind in present},
        sizes={
            kind: (kinds.count(kind), sum(byte_count(t) for t, k in zip(texts, kinds, strict=True) if k == kind))
            for kind in present
        },
        samples=[draw_sample(model, tokenizer, seed) for seed in range(3)],
    )
