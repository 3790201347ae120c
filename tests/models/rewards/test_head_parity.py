"""Classification heads of every architecture against the PyTorch reference of `transformers`, to 1e-4 in the logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_checkpoints import CASES, V

from steersman.models.rewards.head import Head
from steersman.models.rewards.head_reward import _last

pytest.importorskip("torch")
pytestmark = pytest.mark.slow  # PyTorch, and a compilation for each architecture
FIRST = {CASES[name][0]: name for name in reversed(CASES)}
PAD = 3
ROWS: list[tuple[int, ...]] = [
    tuple(row) for row in np.random.default_rng(1).integers(0, V, (5, 60)).tolist()
]  # fmt: skip
TEXTS = [ROWS[0][:1], ROWS[1][:7], ROWS[2][:31], ROWS[3], (*ROWS[4][:20], PAD, PAD), (PAD, PAD)]


def write(folder: Path, family: str, kind: str, labels: int) -> Any:
    import torch
    import transformers

    found = getattr(transformers, f"{family}For{kind}Classification", None)
    if found is None:
        pytest.skip(f"transformers has no {family}For{kind}Classification")
    settings = {**CASES[FIRST[family]][1], "num_labels": labels, "pad_token_id": PAD}
    config = getattr(transformers, f"{family}Config")(**settings)
    config._attn_implementation = "eager"
    torch.manual_seed(0)
    model = found(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            plain = p.dim() == 1
            centre = 1.0 if plain and name.endswith("weight") and not family.startswith("Gemma") else 0.0
            fan = 1 if plain else p.shape[0] if family == "GPT2" and "wte" not in name else p.shape[1]
            p.normal_(centre, (0.4 if plain else 1.6) / fan**0.5)
    transformers.utils.logging.disable_progress_bar()
    model.save_pretrained(folder)
    return model


def reference(model: Any, rows: list[tuple[int, ...]]) -> list[np.ndarray]:
    import torch

    with torch.no_grad():
        return [model(torch.tensor([r])).logits[0].numpy() for r in rows]


@pytest.mark.parametrize(("family", "labels"), [*((family, 3) for family in FIRST), ("Llama", 1), ("GPT2", 1)])
def test_sequence_heads(family: str, labels: int, tmp_path: Path) -> None:
    """Law: in one padded batch the logits at our reading position are those of the reference for each text alone, also
    where padding tokens end a text or are all of it."""
    model = write(tmp_path, family, "Sequence", labels)
    head = Head(tmp_path, "float32", 8)
    assert head.kind == "sequence" and head.labels == tuple(f"LABEL_{i}" for i in range(labels)) and head.pad == PAD
    found = [l[_last(row, PAD)] for l, row in zip(head.logits(TEXTS), TEXTS, strict=True)]
    for ours, theirs in zip(found, reference(model, TEXTS), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)
    assert np.ptp(found) > 0.1


@pytest.mark.parametrize("family", FIRST)
def test_token_heads(family: str, tmp_path: Path) -> None:
    """Law: so are those after every token of a token-classification head, which has biases; also where all texts begin
    alike, which is read once."""
    model = write(tmp_path, family, "Token", 2)
    head = Head(tmp_path, "float32", 8)
    assert head.kind == "token"
    alike = [(*ROWS[0][:21], *row[:k]) for row, k in zip(ROWS, (1, 5, 20, 30, 39), strict=True)]
    for texts in (TEXTS, alike):
        head.stats.reset()
        found = head.logits(texts)
        assert (head.stats.positions < sum(map(len, texts))) == (texts is alike)
        for ours, theirs in zip(found, reference(model, texts), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


def test_small_types(tmp_path: Path) -> None:
    """Law: in bfloat16 and int8 the logits are nearly those of float32, and not the same."""
    model = write(tmp_path, "Llama", "Sequence", 3)
    theirs = np.concatenate([l[None] for l in reference(model, TEXTS[:4])])
    for dtype in ("bfloat16", "int8"):
        ours = np.stack([l[-1] for l in Head(tmp_path, dtype, 8).logits(TEXTS[:4])])
        assert np.abs(ours - theirs).mean() < 0.2 and np.abs(ours - theirs).max() > 1e-3, dtype
