"""Settings of the autoencoder family. No torch here: the form is shown before torch is imported."""

from __future__ import annotations

from genstudio.config import setting
from genstudio.families.settings import Batches, Coder, Descent, Split


class AutoencoderConfig(Coder, Batches, Descent, Split):
    """Settings of an encoder to a bottleneck and a decoder back."""

    noise: float = setting(
        0.0, "Denoising: standard deviation of the noise added to the encoder's input, while the target stays clean; "
        "relative to data of unit deviation, or pixels from 0 to 1", low=0, high=5, group="Loss", main=True, live=True,
        source="Vincent et al. 2008",
    )
    l2: float = setting(
        0.0, "Weight of the squared weights in the loss; it makes a linear autoencoder find the principal axes, not "
        "just the subspace they span", low=0, high=100, group="Loss", label="L2 penalty", live=True,
        source="Kunin et al. 2019",
    )
