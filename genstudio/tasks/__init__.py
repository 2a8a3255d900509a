"""Everything the engine can be asked for: frozen requests that run in slices. The window and the command line use the same."""

from genstudio.tasks.evaluate import Evaluate, ReadReferences
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.shelf import ImportText, ListDatasets, ListRuns, Look, ReadRun, RemoveDataset, RemoveRun, RenameRun
from genstudio.tasks.task import Change, Extend, Job, SaveNow, ShowPrompt, Task, WarmUp
from genstudio.tasks.train import Resume, Train
from genstudio.tasks.write import Generate, InspectAttention, NextTokensOf

__all__ = [
    "Change",
    "Evaluate",
    "Extend",
    "Generate",
    "ImportText",
    "InspectAttention",
    "Job",
    "ListDatasets",
    "ListRuns",
    "Look",
    "ModelRef",
    "Models",
    "NextTokensOf",
    "ReadReferences",
    "ReadRun",
    "RemoveDataset",
    "RemoveRun",
    "RenameRun",
    "Resume",
    "SaveNow",
    "ShowPrompt",
    "Task",
    "Train",
    "WarmUp",
]
