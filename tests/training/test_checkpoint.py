"""Checkpoints: exact, whole, their own run's, and never fewer than two."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faults
import pytest
import tiny
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from torch import nn

from genstudio.errors import CheckpointError, RunError, StorageError, TrainingError
from genstudio.runs import Run
from genstudio.training import checkpoint, manifest, tensors


def saved(run: Run, *steps: int, **options: Any) -> tiny.TinyLearner:
    learner = tiny.TinyLearner()
    last = 0
    for step in steps:
        learner.train(last + 1, step)
        checkpoint.save(run, step, learner, {"elapsed": step / 2}, **options)
        last = step
    return learner


def test_resuming_is_bitwise_as_if_never_stopped(run: Run) -> None:
    whole = tiny.TinyLearner()
    whole.train(1, 60)
    parted = tiny.TinyLearner()
    for first, last in ((1, 20), (21, 33), (34, 47), (48, 60)):
        parted.train(first, last)
        checkpoint.save(run, last, parted, {"elapsed": float(last)})
        parted = tiny.TinyLearner(initial=last + 1)
        assert not tiny.equal(parted.everything(), whole.everything())
        state = checkpoint.load(run, "last", parted)
        assert (state["step"], state["elapsed"], state["warnings"]) == (last, float(last), [])
    assert tiny.equal(parted.everything(), whole.everything())


def test_a_resume_without_moments_is_caught(run: Run) -> None:
    """The broken twin of the test above: only the weights come back."""
    whole, parted = tiny.TinyLearner(), saved(run, 20)
    whole.train(1, 40)
    parted = tiny.TinyLearner(initial=5)
    checkpoint.load_modules(run, "last", parted.model.modules)
    parted.train(21, 40)
    assert not tiny.equal(parted.everything()[:3], whole.everything()[:3])


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
        lambda p: torch.optim.Adam(p, 0.01, amsgrad=True),
        lambda p: torch.optim.AdamW([{"params": p[:1], "lr": 0.1}, {"params": p[1:], "betas": (0.8, 0.9)}], 0.01),
        lambda p: torch.optim.Adagrad(p, 0.1),
        lambda p: torch.optim.RMSprop(p, 0.01, centered=True),
        lambda p: torch.optim.Rprop(p, 0.01),
        lambda p: torch.optim.Adamax(p, 0.01),
        lambda p: torch.optim.NAdam(p, 0.01),
        lambda p: torch.optim.RAdam(p, torch.tensor(0.01)),
    ],
)
def test_any_optimizer_comes_back_bitwise(run: Run, make: Any) -> None:
    def learner(initial: int) -> tiny.TinyLearner:
        made = tiny.TinyLearner(initial=initial)
        made.optimizers = {"one": make(list(made.model.modules["model"].parameters()))}
        return made

    def train(one: tiny.TinyLearner, steps: range) -> None:
        for step in steps:
            model: Any = one.model.modules["model"]
            one.optimizers["one"].zero_grad()
            (model.second(torch.tanh(model.first(one.batch(step))))).square().mean().backward()
            one.optimizers["one"].step()

    whole, parted, back = learner(0), learner(0), learner(1)
    train(whole, range(1, 21))
    train(parted, range(1, 11))
    checkpoint.save(run, 10, parted, {})
    checkpoint.load(run, "last", back)
    train(back, range(11, 21))
    assert tiny.equal(back.everything(), whole.everything())


def test_shared_empty_overlapping_and_odd_tensors_come_back() -> None:
    base = torch.arange(12.0)
    there = {
        "a": base, "b": base, "view": base[2:6], "turned": base.view(3, 4).t(), "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(3, dtype=torch.int64), "half": torch.ones(3, dtype=torch.bfloat16), "flag": torch.tensor([True]),
        "parameter": nn.Parameter(torch.ones(2)), "complex": torch.ones(2, dtype=torch.complex64),
    }  # fmt: skip
    data = tensors.dump(there)
    back = tensors.load(data)
    assert back.keys() == there.keys()
    assert all(
        torch.equal(back[name], tensor.detach()) and back[name].dtype == tensor.dtype for name, tensor in there.items()
    )
    assert len(data) < 1000 + 12 * 4 * 3


def test_nested_plain_data_comes_back() -> None:
    found: dict[str, torch.Tensor] = {}
    value = {
        "state": {0: {"m": torch.ones(2), "step": 3}, "x": (1, 2.5, None)},
        "groups": [{"lr": 0.1, "inf": float("inf")}],
    }
    plain = json.loads(json.dumps(tensors.flatten(value, "adam", found)))
    back = tensors.unflatten(plain, found)
    assert back["state"][0]["m"] is value["state"][0]["m"]  # type: ignore[index]
    assert (back["state"]["x"], back["groups"]) == (value["state"]["x"], value["groups"])
    with pytest.raises(TypeError, match=r"adam\.f is a"):
        tensors.flatten({"f": object()}, "adam", found)
    for hostile in (
        {},
        {"$": "tensor"},
        {"$": "tensor", "name": "no"},
        {"$": "dict", "items": [1]},
        {"$": "float", "value": "x"},
    ):
        with pytest.raises(tensors.DamagedError):
            tensors.unflatten(hostile, found)


def flips(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every byte of every small file and header, payload borders, and 200 random places."""
    chosen = random.Random(0)
    for path in sorted(folder.iterdir()):
        size = path.stat().st_size
        header = (
            min(size, 8 + int.from_bytes(path.read_bytes()[:8], "little")) if path.suffix == ".safetensors" else size
        )
        borders = {at for k in range(0, size, 1024) for at in (k - 1, k, k + 1)}
        for at in sorted({*range(header + 1), size - 1, *borders, *chosen.choices(range(size), k=200)}):
            if 0 <= at < size:
                yield path, at


def undetected(run: Run, every: int = 1) -> int:
    """How many single-bit flips of the only checkpoint load as if nothing were wrong."""
    learner, count = tiny.TinyLearner(), 0
    for path, at in list(flips(checkpoint.checkpoint_dir(run, 3)))[::every]:
        data = path.read_bytes()
        changed = bytearray(data)
        changed[at] ^= 1 << (at % 8)
        path.write_bytes(changed)
        try:
            checkpoint.load(run, "last", learner)
            count += 1
        except CheckpointError:
            pass
        path.write_bytes(data)
    return count


def test_every_flipped_bit_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tiny.new_run(tmp_path) as run:
        saved(run, 3)
    assert undetected(run) == 0
    monkeypatch.setattr(checkpoint, "verified_bytes", lambda folder, promised, name: (folder / name).read_bytes())
    assert undetected(run, every=3) > 50, "the broken twin, which compares no hash, must be caught"


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    with tiny.new_run(tmp_path) as run:
        saved(run, 3)
    learner = tiny.TinyLearner(initial=3)
    before = learner.everything()
    for path in sorted(checkpoint.checkpoint_dir(run, 3).iterdir()):
        data = path.read_bytes()
        damages = [
            data[:size] for size in (*range(0, min(len(data), 4096), 7), *range(4096, len(data), 1024), len(data) - 1)
        ]
        damages += [data[:-100] + b"\0" * 100, b"\0" * len(data), data + b"\0", b""]
        for damage in damages:
            path.write_bytes(damage)
            with pytest.raises(CheckpointError, match="damaged"):
                checkpoint.load(run, "last", learner)
        path.unlink()
        with pytest.raises(CheckpointError, match="damaged"):
            checkpoint.load(run, "last", learner)
        path.write_bytes(data)
    assert tiny.equal(learner.everything(), before)
    checkpoint.load(run, "last", learner)


def test_a_damaged_one_is_set_aside_and_the_one_before_taken(run: Run) -> None:
    saved(run, 1, 2, 3)
    (checkpoint.checkpoint_dir(run, 3) / "optimizer.safetensors").write_bytes(b"x")
    learner = tiny.TinyLearner(initial=9)
    state = checkpoint.load(run, "last", learner)
    assert state["step"] == 2
    assert "step 3 is damaged" in state["warnings"][0]
    assert "optimizer.safetensors" in state["warnings"][0]
    assert "step 2 is used" in state["warnings"][1]
    assert checkpoint.steps(run) == [1, 2]
    assert (run.folder / "checkpoints" / "00000003.damaged" / "model.safetensors").is_file()
    assert tiny.equal(learner.everything(), saved_at(2))
    assert checkpoint.resolve(run, "last") == 2


def saved_at(step: int) -> list[torch.Tensor]:
    learner = tiny.TinyLearner()
    learner.train(1, step)
    return learner.everything()


def test_a_reader_sets_nothing_aside(tmp_path: Path) -> None:
    with tiny.new_run(tmp_path) as run:
        saved(run, 1, 2)
    (checkpoint.checkpoint_dir(run, 2) / "model.safetensors").write_bytes(b"x")
    assert checkpoint.resolve(run, "last") == 1
    assert checkpoint.load_modules(run, "last", tiny.TinyLearner().model.modules)["step"] == 1
    assert checkpoint.steps(run) == [1, 2]
    with pytest.raises(CheckpointError, match="step 2 is damaged"):
        checkpoint.load_modules(run, 2, tiny.TinyLearner().model.modules)
    with pytest.raises(RunError, match="read-only"):
        saved(run, 3)


IDENTITY = {
    "run": ("key", "0" * 16), "family": ("family", "gan"), "seed": ("seed", 7), "dataset": ("dataset", {"hash": "other"}),
    "learning_rate": ("config", {"layers": 2, "learning_rate": 0.5}), "layers": ("config", {"learning_rate": 0.01}),
}  # fmt: skip


@pytest.mark.parametrize("field", IDENTITY)
def test_what_belongs_to_another_run_is_refused_by_the_fields_name(run: Run, field: str) -> None:
    saved(run, 1)
    path = run.folder / "run.json"
    key, value = IDENTITY[field]
    path.write_bytes(json.dumps(json.loads(path.read_bytes()) | {key: value}).encode())
    learner = tiny.TinyLearner(initial=4)
    before = learner.everything()
    with pytest.raises(CheckpointError, match=rf"\b{field} is "):
        checkpoint.load(run, "last", learner)
    assert tiny.equal(learner.everything(), before)
    assert checkpoint.steps(run) == [1], "another run's checkpoint is not damage"
    if key == "config":
        assert checkpoint.load(run, "last", learner, allow={field})["step"] == 1


def wider(learner: tiny.TinyLearner) -> None:
    learner.model.modules = tiny.TinyLearner(width=9).model.modules


def renamed(learner: tiny.TinyLearner) -> None:
    learner.model.modules = {"generator": learner.model.modules["model"]}


def doubled(learner: tiny.TinyLearner) -> None:
    learner.model.modules["model"].double()


def other_optimizer(learner: tiny.TinyLearner) -> None:
    learner.optimizers = {"muon": learner.optimizers["adamw"]}


def other_groups(learner: tiny.TinyLearner) -> None:
    parameters = list(learner.model.modules["model"].parameters())
    learner.optimizers = {"adamw": torch.optim.AdamW([{"params": parameters[:1]}, {"params": parameters[1:]}])}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (wider, r"model\.first\.weight has shape \(8, 8\), not \(9, 9\)"), (renamed, r"generator\.\S+ is missing"),
        (doubled, "has type torch.float32, not torch.float64"), (other_optimizer, "adamw is unexpected; muon is missing"),
        (other_groups, r"adamw has groups of \[2\] tensors, not \[1, 1\]"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_listed_and_nothing_loaded(run: Run, change: Any, said: str) -> None:
    saved(run, 1)
    learner = tiny.TinyLearner(initial=4)
    change(learner)
    before = learner.everything()
    with pytest.raises(CheckpointError, match=said):
        checkpoint.load(run, "last", learner)
    assert tiny.equal(learner.everything(), before)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_saved(run: Run, value: float) -> None:
    learner = saved(run, 1)
    model: Any = learner.model.modules["model"]
    with torch.no_grad():
        model.first.bias[3] = value
    with pytest.raises(TrainingError, match=r"model\.first\.bias"):
        checkpoint.save(run, 2, learner, {})
    with torch.no_grad():
        model.first.bias[3] = 0.0
    next(iter(learner.optimizers["adamw"].state.values()))["exp_avg"][0] = value
    with pytest.raises(TrainingError, match=r"adamw\.state\.0\.exp_avg"):
        checkpoint.save(run, 2, learner, {})
    assert checkpoint.steps(run) == [1]


def test_the_same_step_can_be_saved_again(run: Run) -> None:
    learner = saved(run, 5)
    learner.train(6, 7)
    checkpoint.save(run, 5, learner, {"elapsed": 9.0})
    again = tiny.TinyLearner(initial=2)
    assert checkpoint.load(run, 5, again)["elapsed"] == 9.0
    assert tiny.equal(again.everything(), learner.everything())
    assert [path.name for path in (run.folder / "checkpoints").iterdir()] == ["00000005"]


def test_the_best_is_the_lowest_and_the_first_of_equals(run: Run) -> None:
    learner = tiny.TinyLearner()
    assert checkpoint.best_step(run) is None
    for step, loss in ((1, 3.0), (2, 1.5), (3, 1.5), (4, float("nan")), (5, None)):
        checkpoint.save(run, step, learner, {}, loss=loss)
    assert checkpoint.best_step(run) == checkpoint.resolve(run, "best") == 2
    checkpoint.save(run, 6, learner, {"best": [1.0, 6]})
    checkpoint.save(run, 7, learner, {"best": [1.0, 6]})
    assert checkpoint.best_step(run) == 6
    (checkpoint.checkpoint_dir(run, 6) / "model.safetensors").write_bytes(b"")
    assert checkpoint.load(run, "best", learner)["step"] == 5


def test_thinning_keeps_the_first_the_best_and_the_newest_evenly(run: Run) -> None:
    learner = tiny.TinyLearner()
    for step in range(10, 1010, 10):
        checkpoint.save(run, step, learner, {}, loss=abs(step - 370.0))
    steps = checkpoint.steps(run)
    assert len(steps) == 12
    assert {10, 370, 990, 1000} <= set(steps)
    gaps = [b - a for a, b in itertools.pairwise(steps)]
    assert max(gaps) <= 3 * 1000 / 12
    assert all(not manifest.verify(checkpoint.checkpoint_dir(run, step)) for step in steps)


def test_nothing_is_thinned_beside_fewer_than_two_sound_ones(run: Run) -> None:
    saved(run, 1, 2, 3, 4, 5)
    for step in (2, 3, 4, 5):
        (checkpoint.checkpoint_dir(run, step) / "state.json").write_bytes(b"{}")
    assert checkpoint.prune(run, maximum=1) == []
    assert checkpoint.steps(run) == [1]
    assert len(list((run.folder / "checkpoints").iterdir())) == 5


def test_going_back_puts_the_later_ones_aside(run: Run) -> None:
    saved(run, 1, 2, 3, 4)
    checkpoint.rewind(run, 2)
    assert checkpoint.steps(run) == [1, 2]
    learner = tiny.TinyLearner()
    assert checkpoint.load(run, "last", learner)["step"] == 2
    learner.train(3, 9)
    for step in (8, 9):
        assert list((run.folder / "checkpoints").glob("*.rewound"))
        checkpoint.save(run, step, learner, {})
    assert not list((run.folder / "checkpoints").glob("*.rewound"))


def test_a_missing_step_names_those_there_are(run: Run) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint yet"):
        checkpoint.load(run, "last", tiny.TinyLearner())
    saved(run, 3)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(run, 4, tiny.TinyLearner())
    assert "3" in caught.value.hint
    assert [checkpoint.which(text) for text in ("last", "best", "12")] == ["last", "best", 12]
    with pytest.raises(CheckpointError, match="'-1' is not"):
        checkpoint.which("-1")


def test_a_newer_format_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "FORMAT", 2)
    saved(run, 3)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="newer version"):
        checkpoint.load(run, "last", tiny.TinyLearner())
    assert checkpoint.steps(run) == [3]


def test_a_format_number_that_only_seems_newer_is_damage(run: Run) -> None:
    saved(run, 3, 4)
    path = checkpoint.checkpoint_dir(run, 4) / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"format": 1', b'"format": 3'))
    assert checkpoint.load(run, "last", tiny.TinyLearner())["step"] == 3


def test_a_manifest_cannot_name_other_files(run: Run) -> None:
    saved(run, 3)
    path = checkpoint.checkpoint_dir(run, 3) / "manifest.json"
    body = {name: value for name, value in json.loads(path.read_bytes()).items() if name != "sha256"}
    body["files"]["../../run.json"] = {"size": 0, "sha256": ""}
    path.write_bytes(manifest._bytes(body))
    assert "do not belong to a checkpoint" in manifest.verify(path.parent)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(run: Run) -> None:
    saved(run, 3)
    run.release()
    for name in ("state.json", "manifest.json"):
        path = checkpoint.checkpoint_dir(run, 3) / name
        path.unlink()
        os.mkfifo(path)
        assert "not a file" in manifest.verify(path.parent)
        with pytest.raises(CheckpointError, match="not a file"):
            checkpoint.load(run, 3, tiny.TinyLearner())
    (run.folder / "run.json").unlink()
    os.mkfifo(run.folder / "run.json")
    assert run.info.state == "damaged"


def test_a_renamed_or_copied_folder_still_opens(run: Run, tmp_path: Path) -> None:
    learner = saved(run, 3)
    run.release()
    copy = shutil.copytree(run.folder, tmp_path / "elsewhere" / "copy")
    back = tiny.TinyLearner(initial=1)
    with Run.open(copy) as other:
        checkpoint.load(other, "last", back)
    assert tiny.equal(back.everything(), learner.everything())


def test_a_run_folder_that_went_away_is_told(run: Run) -> None:
    learner = saved(run, 1)
    moved = run.folder.rename(run.folder.with_name("moved"))
    with pytest.raises(StorageError, match="gone"):
        checkpoint.save(run, 2, learner, {})
    moved.rename(run.folder)
    checkpoint.save(run, 2, learner, {})
    assert checkpoint.steps(run) == [1, 2]


def file(header: Any, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


def entry(shape: list[Any], start: int, stop: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


TWICE = b'"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
FOUR, FIVE, SIX, EIGHT = (b"\0" * count for count in (4, 5, 6, 8))
HOSTILE = [
    b"", b"\0" * 7, struct.pack("<Q", 1 << 63), struct.pack("<Q", 100) + b"{}",
    file(b"[" * 100_000), file([]), file(b"\xff"), file({"a": 1}), file(b"{" + TWICE + b"," + TWICE + b"}"),
    file({"a": entry([1], 0, 8)}, EIGHT), file({"a": entry([1], 4, 8)}, EIGHT), file({"a": entry([1], 0, 4)}, FIVE),
    file({"a": entry([1], 0, 4), "b": entry([1], 2, 6)}, SIX), file({"a": entry([-1], 0, 4)}, FOUR),
    file({"a": entry([1 << 40] * 9, 0, 4)}, FOUR),
    file({"a": entry([1], 0, 4, "F33")}, FOUR), file({"a": entry([1.0], 0, 4)}, FOUR),
    file({"a": entry([True], 0, 4)}, FOUR),
    file({str(n): entry([0], 0, 0) for n in range(60_000)}), file({"__metadata__": 3}),
    file({"__metadata__": {"aliases": '{"b":"a"}'}}), file({"__metadata__": {"aliases": "[1]"}}),
    file({"a": {"dtype": [], "shape": [], "data_offsets": [0, 0]}}),
]  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_tensor_files_are_refused(data: bytes) -> None:
    with pytest.raises(tensors.DamagedError):
        tensors.load(data)


class Saving(RuleBasedStateMachine):
    """Saves, failing saves, damage and pruning in any order; what was acknowledged and not damaged stays."""

    @initialize()
    def begin(self) -> None:
        self.root = tempfile.TemporaryDirectory()
        self.run = tiny.new_run(Path(self.root.name)).acquire()
        self.learner = tiny.TinyLearner(width=2)
        self.step = 0
        self.sound: dict[int, list[torch.Tensor]] = {}

    def _advance(self) -> None:
        self.learner.train(self.step + 1, self.step + 1)
        self.step += 1

    @rule(loss=st.floats(0, 9), maximum=st.integers(1, 5))
    def save(self, loss: float, maximum: int) -> None:
        self._advance()
        checkpoint.save(self.run, self.step, self.learner, {}, loss=loss, maximum=maximum)
        self.sound[self.step] = self.learner.everything()

    @rule(k=st.integers(1, 60), mode=st.sampled_from(["once", "ever", "short"]), again=st.booleans())
    def save_failing(self, k: int, mode: faults.Mode, again: bool) -> None:
        if not again or not self.step:
            self._advance()
        try:
            with faults.failing(k, mode, 28):
                checkpoint.save(self.run, self.step, self.learner, {}, maximum=3)
        except StorageError:
            # what failed after the rename is not acknowledged, but it is there, and newer than what was acknowledged
            folder = checkpoint.checkpoint_dir(self.run, self.step)
            if not folder.is_dir() or manifest.verify(folder):
                return
        self.sound[self.step] = self.learner.everything()

    @rule(maximum=st.integers(1, 3))
    def prune(self, maximum: int) -> None:
        checkpoint.prune(self.run, maximum)

    @rule(newest=st.booleans(), name=st.sampled_from([*manifest.FILES, "manifest.json"]))
    def damage(self, newest: bool, name: str) -> None:
        if there := checkpoint.steps(self.run):
            step = there[-1 if newest else 0]
            path = checkpoint.checkpoint_dir(self.run, step) / name
            path.write_bytes(path.read_bytes()[:-1] + b"\0")
            self.sound.pop(step, None)

    @rule()
    def restart(self) -> None:
        self.run.release()
        self.run = Run.open(self.run.folder).acquire()

    @invariant()
    def two_are_sound_and_the_newest_loads(self) -> None:
        if not hasattr(self, "sound"):
            return
        newest = max(self.sound, default=None)
        if newest is not None:
            learner = tiny.TinyLearner(width=2, initial=8)
            assert checkpoint.load(self.run, newest, learner)["step"] == newest
            assert tiny.equal(learner.everything(), self.sound[newest])
        verified = [s for s in checkpoint.steps(self.run) if not manifest.verify(checkpoint.checkpoint_dir(self.run, s))]
        assert len(verified) >= min(2, len(self.sound))
        self.sound = {step: kept for step, kept in self.sound.items() if step in verified}

    def teardown(self) -> None:
        if hasattr(self, "run"):
            self.run.release()
            self.root.cleanup()


Saving.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSaving = Saving.TestCase
