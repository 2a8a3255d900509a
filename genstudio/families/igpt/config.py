"""Settings of the iGPT family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from genstudio.config import setting
from genstudio.data.learnable.pixels import LARGEST
from genstudio.data.palette import LARGEST as MOST_COLOURS
from genstudio.families.settings import Batches, Split, restated
from genstudio.families.stack import Blocks, StackTraining

_SOURCE = "Chen et al. 2020"


class IGPTConfig(Blocks, StackTraining, Split):
    """Settings of a decoder-only transformer that reads and writes pictures pixel by pixel."""

    size: int = setting(
        0, "Pixels of the longer side that larger pictures are reduced to; 0: as they are. Each pixel is a token, so twice the "
        "size takes four times as many steps to generate",
        low=0, high=LARGEST, group="Data", main=True, label="Picture size", source=f"{_SOURCE}, 3.1",
    )
    colours: int = setting(
        32, "Colours of the palette, learned from the training pictures by k-means: the vocabulary. Pictures with fewer colours "
        "keep those that they have", low=2, high=MOST_COLOURS, group="Data", main=True, label="Palette", source=f"{_SOURCE}, 3.1",
    )
    layers: int = restated(Blocks, "layers", 4)
    heads: int = restated(Blocks, "heads", 4)
    d_model: int = restated(Blocks, "d_model", 64, help="Size of each pixel's vector")
    batch: int = restated(StackTraining, "batch", 16, help="Pictures processed together in one step")
    examples: int = restated(
        Batches, "examples", 0, help="Train on only this many pictures, to see the effect of too few; 0: all"
    )
