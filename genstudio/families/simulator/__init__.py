"""The simulator family: its settings, presets and registration. torch is imported only when a model is built."""

from __future__ import annotations

from genstudio.families.family import Family, deferred
from genstudio.families.simulator.config import SimulatorConfig
from genstudio.families.simulator.cost import cost, drawing
from genstudio.families.simulator.dashboard import DASHBOARD
from genstudio.families.simulator.data import GenomeData, from_metadata, metadata, prepare, shown
from genstudio.families.simulator.doctor import doctor
from genstudio.families.simulator.presets import PRESETS, preset_for

__all__ = ["FAMILY", "SimulatorConfig"]

FAMILY: Family[SimulatorConfig, GenomeData] = Family(
    name="simulator",
    title="Simulator GAN (the generator is evolution)",
    data_kinds=("regions",),
    room="gan",
    abilities=("Evaluates",),
    config=SimulatorConfig,
    presets=PRESETS,
    prepare=prepare,
    model=deferred(f"{__name__}.model", "SimulatorModel"),
    learner=deferred(f"{__name__}.learner", "SimulatorLearner"),
    metadata=metadata,
    from_metadata=from_metadata,
    cost=cost,
    drawing=drawing,
    batch=shown,
    dashboard=DASHBOARD,
    doctor=doctor,
    saves_memory=("a smaller batch", "fewer haplotypes or sites"),
    preset_for=preset_for,
    usual_data="popgen-bottleneck",
)
