"""What the contract of families is tried with: for every family small settings and data to train them on."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genstudio import families, paths
from genstudio.families import Family
from genstudio.tasks.train import Train
from helpers import TINY, run_task, text_file, words

Values = Mapping[str, Any]

_TOKENS: tuple[Values, ...] = (
    {"tokenizer": "char"},
    {"tokenizer": "byte"},
    {"tokenizer": "word", "vocabulary": 20},
    {"tokenizer": "bpe", "vocabulary": 280},
    {"tokenizer": "bpe", "vocabulary": 280, "markers": "lines"},
)
_CODER: Values = {"width": 16, "layers": 1, "batch": 16, "evaluate_every": 10}
_PAIRS: Values = {"layers": 1, "heads": 2, "d_model": 16, "context": 30, "batch": 8, "evaluate_every": 10}
_GAN: Values = {"width": 16, "layers": 2, "batch": 16, "evaluate_every": 10}
_CYCLE: Values = {"channels": 4, "blocks": 1, "batch": 4, "g_rate": 0.005, "evaluate_every": 10}
_GROWING: Values = {
    "channels": 4, "largest": 8, "latent": 4, "batch": 8, "evaluate_every": 10, "growth": "steps", "stage_steps": 4,
}
_SEARCH: Values = {
    "haplotypes": 4, "snps": 8, "channels": 2, "dense": 4, "batch": 20, "updates": 1, "regions": 4, "proposals": 2,
    "evaluate_every": 10, "good_enough": 1.0, "pretraining": 1000, "d_rate": 0.01,
}
_SOUND: Values = {
    "bands": 8, "window": 64, "hop": 16, "channels": 8, "kernels": 1, "dilations": 1, "periods": 1, "scales": 1, "d_channels": 4,
    "segment": 16, "batch": 4, "evaluate_every": 10,
}
_DIFFUSION: Values = {
    "width": 16, "layers": 1, "batch": 128, "learning_rate": 0.01, "evaluate_every": 10, "sampling_steps": 4,
}
_VIT: Values = {"patch": 4, "layers": 1, "heads": 2, "d_model": 16, "batch": 8, "evaluate_every": 10, "warmup": 0}
_PIXELS: Values = {"layers": 1, "heads": 2, "d_model": 16, "size": 4, "colours": 4, "batch": 8, "evaluate_every": 10}
_TOWERS: Values = {
    "channels": 4, "layers": 1, "heads": 2, "d_model": 16, "embedding": 8, "batch": 16, "evaluate_every": 10, "hold_out": False,
}
_DRAWN: Values = {
    "channels": 8, "patch": 4, "prior_width": 16, "prior_layers": 1, "batch": 16, "evaluate_every": 10, "sampling_steps": 3,
    "learning_rate": 0.005,
}
_HEARD: Values = {
    "channels": 8, "layers": 1, "heads": 2, "d_model": 16, "batch": 4, "seconds": 0.5, "entries": 4,
    "longest": 3.0, "evaluate_every": 10,
}
_WORDS: Values = {"dimension": 8, "batch": 32, "window": 2, "min_count": 1, "vocabulary": 20, "evaluate_every": 10}
_SPOKEN: Values = {
    "layers": 1, "heads": 2, "d_model": 16, "convolutions": 1, "batch": 4, "bands": 12, "longest": 1.5, "evaluate_every": 20,
}
SMALL: Mapping[str, tuple[Values, ...]] = {
    "gpt": (*({**TINY, **tokens} for tokens in _TOKENS), {**TINY, "context": 14, "answers": "backwards"},
            {**TINY, "counts": "gate", "counts_length": 3}),
    "bert": (
        {**TINY, "tokenizer": "char"},
        {**TINY, "vocabulary": 20, "nsp": True, "original": True, "tied": True, "norm": "layernorm", "bias": True},
        {**TINY, "tokenizer": "bpe", "vocabulary": 280, "dynamic": False, "optimizer": "adamw"},
        {**TINY, "tokenizer": "char", "task": "classify"},
    ),
    "seq2seq": (
        _PAIRS,
        {**_PAIRS, "architecture": "rnn", "cell": "lstm", "vocabularies": "two", "tokenizer": "byte", "context": 60},
        {**_PAIRS, "architecture": "rnn-attention", "label_smoothing": 0.1, "teacher_forcing": 0.7, "accumulation": 2},
        {**_PAIRS, "ema": 0.9, "dropout": 0.1},
        {**_PAIRS, "norm_place": "post", "tied": True, "bias": True, "tokenizer": "bpe", "vocabulary": 280, "buckets": 1},
    ),
    "vit": (
        _VIT,
        {**_VIT, "task": "masked", "patch": 2, "decoder_width": 16, "positions": "rotary", "pooling": "class"},
        {**_VIT, "task": "views", "norm": "rmsnorm", "activation": "swiglu", "bias": False, "optimizer": "muon"},
        {**_VIT, "task": "views", "objective": "distilled", "accumulation": 2, "dropout": 0.1},
    ),
    "gan": (
        _GAN,
        {**_GAN, "pack": 2, "loss": "wasserstein_gp", "latent": 3},
        {**_GAN, "network": "residual", "spectral_norm": True, "norm": "batch"},
    ),
    "cyclegan": (_CYCLE, {**_CYCLE, "loss": "nonsaturating", "norm": "instance", "halvings": 2, "pool": 3, "cycle_back": 0.0}),
    "progressive": (
        _GROWING,
        {**_GROWING, "loss": "wasserstein_gp", "pixel_norm": False, "equalised": False, "deviation": False, "grow": False,
         "conditional": True},
    ),
    "simulator": (_SEARCH, {**_SEARCH, "history": "constant", "known": "", "retraining": 1}),
    "vocoder": (
        _SOUND, {**_SOUND, "upsampling": 16, "kernels": 2, "periods": 2, "scales": 0, "loss": "hinge", "join": 3},
        {**_SOUND, "upsampling": 4, "rate": "data", "feature": 0.0, "adversarial": 0.0},
    ),
    "gaussian": ({"ridge": 0.01}, {"ridge": 0.01, "covariance": "diagonal"}),
    "autoencoder": ({**_CODER, "code": 1}, {**_CODER, "network": "linear", "code": 2, "l2": 0.01, "noise": 0.1}),
    "vae": (_CODER, {**_CODER, "network": "linear", "code": 1, "noise": "fixed", "kl_warmup": 5}),
    "diffusion": (
        _DIFFUSION,
        {**_DIFFUSION, "objective": "flow", "sampler": "heun", "ema": 0.0},
        {**_DIFFUSION, "objective": "x0", "noise_schedule": "linear", "sampler": "ddpm", "noise_steps": 50},
    ),
    "igpt": (_PIXELS, {**_PIXELS, "colours": 2, "positions": "learned", "tied": True, "optimizer": "adamw", "accumulation": 2}),
    "imagetext": (
        _TOWERS, {**_TOWERS, "pictures": "patches", "patch": 8, "picture_layers": 1, "tokenizer": "char", "context": 64,
                  "positions": "none"},
        {**_TOWERS, "tokenizer": "bpe", "vocabulary": 280, "shuffled": True, "learn_temperature": False, "shift": 1},
        {**_TOWERS, "architecture": "two_stream", "pictures": "patches", "patch": 8, "picture_layers": 1, "joint_layers": 1},
    ),
    "unclip": (_DRAWN, {**_DRAWN, "condition": "text", "objective": "v", "shuffled": True}),
    "tts": (
        _SPOKEN, {**_SPOKEN, "architecture": "attention", "prenet": 8, "postnet": 1, "voices": 1, "heads": 1},
    ),
    "speech": (
        _HEARD, {**_HEARD, "task": "transcribe", "beams": 2},
        {**_HEARD, "features": "wave", "strides": "16, 10", "groups": 1, "jitter": 0.0,
         "positions": "learned", "optimizer": "adamw", "accumulation": 2},
    ),
    "word2vec": (
        _WORDS, {**_WORDS, "architecture": "cbow", "objective": "softmax", "subsampling": 1.0}, {**_WORDS, "tokenizer": "char"},
    ),
    "mlp": (
        {"width": 4, "learning_rate": 0.5, "batch": 2, "evaluate_every": 10},
        {"layers": 2, "width": 4, "activation": "relu", "initialisation": "he", "loss": "squared_error", "optimizer": "adam",
         "learning_rate": 0.05, "batch": 2, "evaluate_every": 10},
        {"widths": "4, 3", "activation": "gelu", "optimizer": "muon", "learning_rate": 0.05, "batch": 3, "evaluate_every": 10},
    ),
}
"""A family without a row is tried as it comes."""
_DATA = {
    "points": "gaussian-ring", "rows": "class-moons", "images": "digits8", "regions": "popgen-bottleneck",
    "captioned": "captioned-shapes", "audio": "telephone-voice", "transcribed": "telephone-voice",
}
PAIRS = "English\tSpanish\n" + "".join(
    f"{adjective} {noun} {verb}\t{verb[::-1]} {noun[::-1]} {adjective}\n"
    for adjective in ("big", "red", "old") for noun in ("cat", "dog", "sun", "map") for verb in ("runs", "sees", "is", "has")
)
"""48 pairs with two columns."""


@functools.cache
def _towers() -> Path:
    """The run of two small towers, which what reads with them copies."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    run_task(Train("imagetext", "captioned-shapes", _TOWERS, steps=3, runs_folder=folder, name="towers"))
    return next(folder.iterdir())


def reader_run() -> Path:
    """The same run in the home of this test."""
    place = paths.runs() / _towers().name
    if not place.exists():
        shutil.copytree(_towers(), place)
    return place


def cases() -> list[tuple[Family[Any, Any], Values]]:
    """Every family with each of its small settings."""
    return [(family, values) for family in families.all_families() for values in SMALL.get(family.name, ({},))]


def data_for(family: Family[Any, Any], folder: Path, values: Values = {}) -> str:  # noqa: B006 - it is only read
    """A dataset of the first kind that a family learns from; labelled texts, or a toy task, where these settings need them."""
    if family.name == "speech":
        return "spoken-digits" if values.get("task") == "transcribe" else "vowels"
    if values.get("task") == "classify":
        return "emoji-categories"
    if values.get("answers") == "backwards":
        return "addition"
    if family.name == "unclip":
        reader_run()
    kind = family.data_kinds[0]
    if kind == "text":
        return str(text_file(folder, words().replace(" cat", "\ncat")))
    if kind == "pairs":
        path = folder / "pairs.tsv"
        path.write_text(PAIRS, "utf-8")
        return str(path)
    return _DATA[kind]
