"""Exported folders against the transformers library: the same logits, and the same weights after the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from genstudio.data import shelf
from genstudio.data.work import finished
from genstudio.errors import DataError
from genstudio.families.seq2seq import FAMILY
from genstudio.families.seq2seq.config import Seq2SeqConfig
from genstudio.families.seq2seq.exchange import exported, imported
from genstudio.families.seq2seq.model import Seq2SeqModel
from genstudio.tasks.exchange import ImportModel

VALUES = {
    "layers": 2, "heads": 2, "d_model": 16, "context": 16, "norm": "layernorm", "qk_norm": False, "activation": "relu",
}  # fmt: skip


def model(**values: Any) -> Seq2SeqModel:
    config = Seq2SeqConfig.parse({**VALUES, **values})
    made = Seq2SeqModel(config, finished(FAMILY.prepare(config, shelf.open_dataset(shelf.find_dataset("copy")))), "cpu", 0)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in made.network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return made


def written(ours: Seq2SeqModel, folder: Path) -> Path:
    for name, data in exported(ours, "hf", 3).items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize(
    "values",
    [
        {"norm_place": "pre", "bias": True}, {"norm_place": "post", "bias": True, "tied": True, "positions": "sinusoidal"},
        {"norm_place": "post", "activation": "gelu"}, {"norm_place": "pre", "tied": True, "positions": "sinusoidal"},
    ],
    ids=["pegasus", "marian", "marian-learned", "pegasus-sinusoidal"],
)  # fmt: skip
def test_transformers_computes_the_same_logits_and_the_way_back_keeps_them(values: dict[str, Any], tmp_path: Path) -> None:
    from transformers import AutoModelForSeq2SeqLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # its bar leaves a thread behind
    ours = model(**values)
    theirs = AutoModelForSeq2SeqLM.from_pretrained(written(ours, tmp_path)).eval()
    source, padding = (torch.from_numpy(part) for part in ours.data.held.sources.padded(torch.arange(6).numpy()))
    ids = torch.randint(0, ours.tokenizer.size, (6, 9))
    back = finished(imported(tmp_path))
    again = Seq2SeqModel(back.config, back.data, "cpu", 5)
    again.network.load_state_dict({**again.network.state_dict(), **back.weights["model"]})
    with torch.no_grad():
        expected = theirs(source, attention_mask=(~padding).long(), decoder_input_ids=ids, use_cache=False).logits
        torch.testing.assert_close(ours.network(source, padding, ids), expected, atol=1e-4, rtol=0)
        peeking = theirs(source, decoder_input_ids=ids, use_cache=False).logits
        assert (peeking - expected).abs().max() > 1e-3  # the twin attends to the padding
        torch.testing.assert_close(again.network(source, padding, ids), ours.network(source, padding, ids), atol=1e-6, rtol=0)
    assert again.tokenizer.to_json() == ours.tokenizer.to_json() or again.tokenizer.size == ours.tokenizer.size


def test_the_command_finds_the_family_by_the_model_type(tmp_path: Path) -> None:
    assert ImportModel(str(written(model(bias=True), tmp_path)))._family().name == "seq2seq"


def test_what_the_layout_cannot_hold_is_named() -> None:
    with pytest.raises(DataError, match=r"norm \(LayerNorm\), qk_norm"):
        exported(model(norm="rmsnorm", qk_norm=True), "hf", 1)
    with pytest.raises(DataError, match="architecture"):
        exported(model(architecture="rnn"), "hf", 1)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= exported(model(architecture="rnn"), "safetensors", 1).keys()
