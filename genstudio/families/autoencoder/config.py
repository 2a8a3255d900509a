"""Settings of the autoencoder family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from genstudio.config import setting
from genstudio.families.settings import Batches, Coder, Descent, Split


class AutoencoderConfig(Coder, Batches, Descent, Split):
    """Settings of an encoder to a bottleneck and a decoder back."""

    noise: float = setting(
        0.0, "Denoising: standard deviation of noise on what the encoder sees, while the clean sample is to be made; with "
        "values of deviation near 1, or pixels from 0 to 1", low=0, high=5, group="Loss", main=True, live=True,
        source="Vincent et al. 2008",
    )
    l2: float = setting(
        0.0, "Weight of the squares of all weights in the loss; with it a linear autoencoder finds the principal axes and not "
        "only their plane", low=0, high=100, group="Loss", label="L2 penalty", live=True,
        source="Kunin et al. 2019",
    )
