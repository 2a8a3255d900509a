"""Weights of models of points and pictures for other programs. torch is imported only when they are written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from genstudio.data.learnable.samples import metadata
from genstudio.errors import DataError


def exporter(
    family: str, form_of: Callable[[Any], Mapping[str, Any]] = metadata
) -> Callable[[Any, str, int], Mapping[str, bytes]]:
    """What `Family.export` needs: model.safetensors holds every tensor as `module.name`, config.json the settings and the form
    of the data, as `form_of` says it. Raises DataError for any other form than `safetensors`."""

    def export(model: Any, form: str, step: int) -> Mapping[str, bytes]:
        from genstudio.training import checkpoint, tensors

        if form != "safetensors":
            raise DataError("Only a GPT can be exported as a GPT-2 style folder.", "Export this model as safetensors.")
        said = {"family": family, "config": model.config.model_dump(), "step": step, "data": form_of(model.data)["data.json"]}
        weights = checkpoint.weights_of(model.modules)
        return {"config.json": json.dumps(said, indent=1).encode(), "model.safetensors": tensors.dump(weights)}

    return export
