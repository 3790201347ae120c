"""The training script of the embedded model, and the files of the embedded model itself."""

from __future__ import annotations

import functools
import json
import math
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from steersman.models.train import __main__ as command
from steersman.models.train.attribution import attribution, book_title
from steersman.models.train.baselines import NGram
from steersman.models.train.corpus import (
    CorpusError,
    read_heldout,
    read_train,
    source_weight,
    split_documents,
    weighted_pass,
)
from steersman.models.train.kinds import guess_kinds, kind_of
from steersman.models.train.packing import Packer, row_start
from steersman.models.train.tokenizer import AWKWARD, end_id, load_tokenizer, lossy_strings, train_tokenizer

EMBEDDED = Path(__file__).parents[2] / "models" / "embedded"
END = "<|endoftext|>"
STORIES = [
    "The cat sat on the mat. The dog sat on the log.",
    "A cat saw a dog. The dog saw the cat. They sat on the mat.",
    "The frog sat on the log. The dog saw the frog.",
]


def toy_corpus(folder: Path) -> Path:
    """A corpus folder with two sources and a held-out file."""
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "tinystories_toy.txt").write_text(f"\n{END}\n".join(STORIES * 4))
    (folder / "train" / "gutenberg_oz.txt").write_text("Dorothy sat by the road in the land of Oz.")
    (folder / "heldout.txt").write_text("The frog saw the cat on the mat.")
    return folder


@functools.cache
def shared_tokenizer() -> Tokenizer:
    """The shipped tokenizer, read once for all examples of a property; do not change it."""
    return load_tokenizer(EMBEDDED)


# --- corpus ---------------------------------------------------------------------------------------


def test_source_weight_takes_the_longest_prefix() -> None:
    """Law: the most specific prefix decides, and an unknown source weighs 1."""
    weights = {"a": 2.0, "ab": 3.0}
    assert [source_weight(name, weights) for name in ("abc", "axe", "zoo")] == [3.0, 2.0, 1.0]


def test_simple_stories_outweigh_old_books() -> None:
    """Law: TinyStories > ordinary children's books > fairy tales with long sentences."""
    assert source_weight("tinystories_v1_a") > source_weight("gutenberg_garis") > source_weight("gutenberg_fairy_tales")


@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=8), st.integers(0, 1000))
def test_weighted_pass_stays_within_one_of_the_weight(weights: list[float], seed: int) -> None:
    """Law: document i occurs floor(w_i) or ceil(w_i) times in a pass."""
    seen = Counter(weighted_pass(weights, random.Random(seed)))
    assert all(math.floor(w) <= seen[i] <= math.ceil(w) for i, w in enumerate(weights))


def test_weighted_pass_has_the_right_mean() -> None:
    """Law: the mean count over passes is w, judged in standard errors (|z| < 4)."""
    rng, passes, weight = random.Random(1), 2000, 1.3
    total = sum(len(weighted_pass([weight], rng)) for _ in range(passes))
    error = math.sqrt(passes * 0.3 * 0.7)
    assert abs(total - passes * weight) < 4 * error


def test_split_documents_drops_empty_ones() -> None:
    """Law: documents are what lies between separators, stripped, and never empty."""
    assert split_documents(f"a\n{END}\n\n{END}\n b ") == ["a", "b"]


def test_read_corpus(tmp_path: Path) -> None:
    """Law: every document carries its source and that source's weight."""
    corpus = toy_corpus(tmp_path / "corpus")
    documents = read_train(corpus)
    assert Counter(d.source for d in documents) == {"tinystories_toy": 12, "gutenberg_oz": 1}
    assert {d.source: d.weight for d in documents} == {"tinystories_toy": 2.5, "gutenberg_oz": 0.5}
    assert read_heldout(corpus) == ["The frog saw the cat on the mat."]
    with pytest.raises(CorpusError, match="not found"):
        read_train(tmp_path / "nowhere")


# --- packing --------------------------------------------------------------------------------------


def test_row_moves_back_to_a_near_document_start_only() -> None:
    """Law: a row starts at its document's start if that is within reach, else where it should."""
    stream = np.array([0, 5, 5, 5, 0, 5, 5, 5, 5, 0], dtype=np.int32)
    ends = np.flatnonzero(stream == 0).astype(np.int32)
    assert [row_start(stream, ends, p, 2) for p in (0, 2, 3, 4, 6, 7)] == [0, 0, 3, 4, 4, 7]


@given(st.lists(st.lists(st.integers(1, 9), max_size=12), min_size=1, max_size=5), st.integers(2, 16))
def test_batches_have_the_asked_shape(documents: list[list[int]], length: int) -> None:
    """Law: any corpus, however small, yields full batches made of its own tokens."""
    packer = Packer(documents, [1.0] * len(documents), 0, random.Random(0))
    batch = packer.batch(3, length)
    assert batch.shape == (3, length)
    assert set(batch.ravel().tolist()) <= {0, *(token for document in documents for token in document)}


# --- tokenizer ------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(st.text())
def test_embedded_tokenizer_is_lossless(text: str) -> None:
    """Law: decode(encode(s)) == s for every string, with special tokens shown."""
    tokenizer = shared_tokenizer()
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_awkward_strings_survive_both_tokenizers() -> None:
    """Law: leading, double and trailing spaces, CR LF, NUL, emoji and combining marks come back."""
    assert lossy_strings(load_tokenizer(EMBEDDED)) == []
    assert lossy_strings(train_tokenizer(STORIES, 300)) == []


def test_losslessness_check_sees_a_lossy_tokenizer() -> None:
    """Law: the check fails for a tokenizer that adds a prefix space (a mutant)."""
    from tokenizers import pre_tokenizers

    tokenizer = train_tokenizer(STORIES, 300)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    assert set(lossy_strings(tokenizer)) & set(AWKWARD)


def test_end_of_text_is_one_token() -> None:
    """Law: ``<|endoftext|>`` is read as its one token, or as ordinary text when that is asked for."""
    tokenizer = load_tokenizer(EMBEDDED)
    assert tokenizer.encode(END).ids == [end_id(tokenizer)]
    tokenizer.encode_special_tokens = True
    ids = tokenizer.encode(END).ids
    assert end_id(tokenizer) not in ids
    assert tokenizer.decode(ids) == END


# --- the shipped folder ---------------------------------------------------------------------------


def test_embedded_folder_fits_the_package() -> None:
    """Law: all files of the shipped model together take at most 16,000,000 bytes."""
    names = {path.name for path in EMBEDDED.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"} <= names
    assert sum(path.stat().st_size for path in EMBEDDED.iterdir()) <= 16_000_000


def test_embedded_configuration() -> None:
    """Law: Llama, RoPE base 10000, 512 positions, one token as bos, eos and pad, no space clean-up."""
    config = json.loads((EMBEDDED / "config.json").read_text())
    assert config["model_type"] == "llama"
    assert config["rope_parameters"] == {"rope_theta": 10000.0, "rope_type": "default"}
    assert config["max_position_embeddings"] == 512
    tokenizer = load_tokenizer(EMBEDDED)
    assert config["vocab_size"] == tokenizer.get_vocab_size()
    assert {config[f"{name}_token_id"] for name in ("bos", "eos", "pad")} == {end_id(tokenizer)}
    settings = json.loads((EMBEDDED / "tokenizer_config.json").read_text())
    assert settings["clean_up_tokenization_spaces"] is False


def test_transformers_reads_the_embedded_tokenizer_as_it_is() -> None:
    """Law: AutoTokenizer gives the same ids and is as lossless as the file itself."""
    transformers = pytest.importorskip("transformers")
    auto, plain = transformers.AutoTokenizer.from_pretrained(EMBEDDED), load_tokenizer(EMBEDDED)
    for text in AWKWARD:
        assert auto.encode(text) == plain.encode(text).ids
        assert auto.decode(auto.encode(text)) == text
    assert auto.bos_token == auto.eos_token == auto.pad_token == END


# --- baselines ------------------------------------------------------------------------------------

DOCUMENTS = st.lists(st.lists(st.integers(1, 5), max_size=10), min_size=1, max_size=6)


@given(DOCUMENTS, st.integers(1, 4), st.lists(st.integers(0, 5), min_size=3, max_size=3))
def test_ngram_probabilities_sum_to_one(documents: list[list[int]], order: int, history: list[int]) -> None:
    """Law: sum over w of p(w | h) is 1 for every history, seen or not, at every order."""
    model = NGram(order, 6, 0).fit(documents)
    context = 0
    for token in history[: order - 1]:
        context = context * 6 + token
    p = model.probabilities(np.arange(6, dtype=np.int64) + context * 6)
    assert p.sum() == pytest.approx(1.0, abs=1e-9)
    assert (p > 0).all()


def second_order_text(rng: random.Random, length: int = 40) -> list[int]:
    """Tokens 1..7 that mostly follow from the two before them."""
    tokens = [rng.randint(1, 7), rng.randint(1, 7)]
    while len(tokens) < length:
        tokens.append(rng.randint(1, 7) if rng.random() < 0.1 else (2 * tokens[-1] + tokens[-2]) % 7 + 1)
    return tokens


def test_longer_ngrams_predict_better() -> None:
    """Law: on held-out text of a second-order source, 3-grams beat 2-grams, and 5-grams beat 1-grams."""
    rng = random.Random(0)
    train = [second_order_text(rng) for _ in range(100)]
    heldout = second_order_text(rng, 400)
    one, two, three, five = (NGram(n, 8, 0).fit(train).nats(heldout) for n in (1, 2, 3, 5))
    assert three < two
    assert five < 0.7 * one


def test_unigram_is_discounted_frequency() -> None:
    """Law: p(w) = (c(w) - D + D T / V) / N for a seen token, computed here by hand."""
    model = NGram(1, 4, 0).fit([[1, 1, 2]])  # counts: 0 once, 1 twice, 2 once; D = 2 / (2 + 2)
    want = [(1 - 0.5 + 0.5 * 3 / 4) / 4, (2 - 0.5 + 0.375) / 4, (1 - 0.5 + 0.375) / 4, 0.375 / 4]
    assert model.probabilities(np.arange(4, dtype=np.int64)) == pytest.approx(want)


def test_ngram_refuses_keys_that_overflow() -> None:
    """Law: an n-gram that does not fit in 63 bits is refused, never wrapped round."""
    with pytest.raises(ValueError, match="63 bits"):
        NGram(6, 4096, 0)


def test_kinds_are_told_apart() -> None:
    """Law: a document is given the kind whose own text it resembles."""
    train = [[1, 2, 1, 2, 1, 2], [3, 4, 3, 4, 3, 4]]
    assert guess_kinds(train, ["a", "b"], [[3, 4, 3], [1, 2, 1]], 5, 0) == ["b", "a"]
    assert kind_of("gutenberg_fairy_tales") == "Fairy tales"
    assert kind_of("my_own") == "my_own"


# --- credits --------------------------------------------------------------------------------------


def test_attribution_credits_titles_and_authors(tmp_path: Path) -> None:
    """Law: every row of a table of credits and every book is named; a corpus without notes has none."""
    assert attribution(tmp_path) == ""
    rows = "file\ttitle\tauthor\ttranslation\tlicence\nen/1.md\tMy Village\tWendy Parry\t\tCC-BY\n"
    (tmp_path / "ATTRIBUTION-asp.tsv").write_text(rows)
    (tmp_path / "SOURCES.md").write_text("- GITenberg/Heidi_1448 @ 3bbd4c3 : `1448.txt` (PG 1448) - 9 bytes\n")
    text = attribution(tmp_path)
    assert "My Village, Wendy Parry" in text
    assert "Heidi (Project Gutenberg 1448)" in text
    assert book_title("GITenberg/Mother-West-Wind-s-Children_20877") == "Mother West Wind's Children"


# --- command line ---------------------------------------------------------------------------------


def test_missing_corpus_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Law: a missing or empty corpus gives one line on standard error and status 2."""
    assert command.main([str(tmp_path / "nowhere"), str(tmp_path / "out")]) == 2
    (tmp_path / "empty" / "train").mkdir(parents=True)
    assert command.main([str(tmp_path / "empty"), str(tmp_path / "out")]) == 2
    (tmp_path / "empty" / "train" / "a.txt").write_text("\n")
    assert command.main([str(tmp_path / "empty"), str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("error: ")[1].split(" in ")[0].split(": ")[0] for line in lines] == [
        "corpus folder not found",
        "no text files",
        "the corpus is empty",
    ]


def test_missing_torch_names_the_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: without torch the command says what to install, and does not raise."""
    monkeypatch.setattr(command, "missing_packages", lambda: ["torch"])
    assert command.main([str(toy_corpus(tmp_path / "corpus")), str(tmp_path / "out")]) == 2
    assert "torch not installed: pip install steersman[train]" in capsys.readouterr().err


def test_bad_number_is_refused(tmp_path: Path) -> None:
    """Law: a length that is not above zero is an argparse error, status 2."""
    with pytest.raises(SystemExit) as stop:
        command.main([str(tmp_path), str(tmp_path), "--tokens", "0"])
    assert stop.value.code == 2


# --- training (needs torch) -----------------------------------------------------------------------


def test_windows_score_every_token_once() -> None:
    """Law: the windows of a document predict tokens 1..n exactly once, each within the length."""
    pytest.importorskip("torch")
    from steersman.models.train.evaluate import windows

    for size in (1, 2, 9, 10, 11, 40):
        ids, scored = list(range(size)), []
        for window, count in windows(ids, length=9, context=4):
            assert len(window) <= 10
            assert count < len(window)
            scored += list(window)[-count:]
        assert scored == ids[1:]


def test_schedule_rises_and_ends_at_zero() -> None:
    """Law: the rate multiplier stays in [0, 1], reaches 1, and is 0 at the end."""
    pytest.importorskip("torch")
    from steersman.models.train.optimiser import schedule

    values = [schedule(i / 1000) for i in range(1001)]
    assert max(values) == 1.0
    assert values[0] > 0.0
    assert values[-1] == 0.0
    assert all(0.0 <= value <= 1.0 for value in values)


def test_a_tiny_run_writes_a_model_that_transformers_loads(tmp_path: Path) -> None:
    """Law: the command trains, writes a loadable bf16 Llama and its card, repeats itself, and can be gone on from."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    corpus = toy_corpus(tmp_path / "corpus")
    sizes = "--vocabulary 300 --hidden 32 --layers 1 --heads 1 --key-value-heads 1 --inner 32 --positions 32"
    run = f"{sizes} --rows 4 --length 16 --tokens 1280 --no-compile --device cpu --threads 1"
    for name in ("one", "two"):
        assert command.main([str(corpus), str(tmp_path / name), *run.split()]) == 0
    models = [
        transformers.AutoModelForCausalLM.from_pretrained(tmp_path / name, dtype="auto") for name in ("one", "two")
    ]
    assert models[0].dtype == torch.bfloat16
    pairs = zip(models[0].parameters(), models[1].parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    again = ["--start", str(tmp_path / "one"), "--tokens", "64", "--rows", "4", "--length", "16", "--no-compile"]
    assert command.main([str(corpus), str(tmp_path / "three"), *again, "--device", "cpu"]) == 0
    stages = json.loads((tmp_path / "three" / "training.json").read_text())["stages"]
    assert [stage["tokens"] for stage in stages] == [1280, 64]
    text = (tmp_path / "three" / "README.md").read_text()
    assert "Held-out bits per byte" in text
    assert str(tmp_path) not in text
