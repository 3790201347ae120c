"""`load_reward`, `load_step_reward`: Hugging Face checkpoints with a classification head as rewards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from steersman.ppl.batched import OnError

from ..errors import ModelError
from ..load import folder_of
from ..neural import read_tokenizer
from .head_reward import HeadReward
from .step_reward import StepReward

if TYPE_CHECKING:
    from .head import Head
    from .head_files import Kind


def load_reward(
    name: str | Path, *, label: str | int | None = None, dtype: str = "float32", max_rows: int = 128,
    on_error: OnError = "raise",
) -> HeadReward:
    """The sequence-classification checkpoint of a Hugging Face folder or hub name, as a reward.

    label: the name or number of the label whose probability is the reward; not needed if there is one only. dtype,
    max_rows: as in `load`. on_error: as in `Batched`; a text longer than the model's window is such an error.

    Raises ModelError for a checkpoint that has no such head, or one that does not fit its config.json.
    """
    folder = folder_of(name)
    head = _head(folder, "sequence", dtype, max_rows)
    return HeadReward(head, _tokenizer(folder), _label(head, label), on_error, folder.name)


def load_step_reward(
    name: str | Path, *, label: str | int | None = None, step_end: str = "\n", dtype: str = "float32",
    max_rows: int = 128, on_error: OnError = "raise",
) -> StepReward:
    """The token-classification checkpoint of a Hugging Face folder or hub name, as a process reward (`StepReward`);
    arguments and errors as for `load_reward`."""
    folder = folder_of(name)
    head, tokenizer = _head(folder, "token", dtype, max_rows), _tokenizer(folder)
    if not tokenizer.backend_tokenizer.encode(step_end, add_special_tokens=False).ids:
        raise ValueError(f"load_step_reward(step_end={step_end!r}): the mark of the end of a step has no tokens")
    return StepReward(head, tokenizer, _label(head, label), step_end, on_error, folder.name)


def _tokenizer(folder: Path) -> Any:
    """A tokenizer that neither cuts texts nor pads them, whatever its file says."""
    tokenizer = read_tokenizer(folder)
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def _head(folder: Path, kind: Kind, dtype: str, max_rows: int) -> Head:
    from .head import Head  # it imports JAX

    if max_rows < 1:
        raise ValueError(f"max_rows={max_rows}: a forward pass has at least 1 row")
    head = Head(folder, dtype, max_rows)
    if head.kind != kind:
        other = "load_reward" if kind == "token" else "load_step_reward"
        speaks = "once for a text" if kind == "token" else "at every step"
        raise ModelError(f"{folder}: {head.config.architecture} is read by {other}: its head speaks {speaks}")
    return head


def _label(head: Head, label: str | int | None) -> int:
    names = head.labels
    if label is None and len(names) == 1:
        return 0
    if isinstance(label, str) and label in names:
        return names.index(label)
    if isinstance(label, int) and 0 <= label < len(names):
        return label
    shown = ", ".join(f"{i} {n!r}" for i, n in enumerate(names[:8])) + (", ..." if len(names) > 8 else "")
    raise ModelError(f"label={label!r}: this reward model has {len(names)} labels; give one of {shown}")
