"""A model of speech: what it hides, draws and measures, and that it learns; and what it writes of files."""

from __future__ import annotations

import functools
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from genstudio.cli import main
from genstudio.data import generators, shelf
from genstudio.data.audio.samples import resampled, to_int16, to_wave
from genstudio.data.datasets import AudioDataset
from genstudio.data.generators import GENERATORS
from genstudio.data.info import DatasetInfo
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError, RunError
from genstudio.families.abilities import Heard
from genstudio.families.speech.config import LETTERS, SpeechConfig
from genstudio.families.speech.data import draw, held_out, needs, others, prepare, spans
from genstudio.families.speech.learner import SpeechLearner
from genstudio.families.speech.model import SpeechModel
from genstudio.runs import Run
from genstudio.snapshots.confusion import Confusion
from genstudio.snapshots.listening import Listening
from genstudio.tasks.evaluate import Evaluate
from genstudio.tasks.models import ModelRef, Models
from genstudio.tasks.train import Train
from genstudio.tasks.transcribe import Transcribe, shown_with
from helpers import answer, result, run_task

TINY: dict[str, Any] = {
    "channels": 8, "layers": 1, "heads": 2, "d_model": 16, "batch": 4, "seconds": 0.5, "entries": 4,
    "longest": 3.0, "evaluate_every": 100,
}  # fmt: skip


@functools.cache
def dataset(name: str, count: int = 24) -> AudioDataset:
    details = GENERATORS[name].details({"count": count})
    found = generators.make(DatasetInfo("d", "Some clips", "audio", "generated", Path("x"), 0, "s", details=details))
    assert isinstance(found, AudioDataset)
    return found


def built(name: str, seed: int = 0, count: int = 24, **values: Any) -> SpeechLearner:
    config = SpeechConfig.parse({**TINY, **values})
    data = finished(prepare(config, dataset(name, count)))
    return SpeechLearner(SpeechModel(config, data, "cpu", seed), seed)


def step(learner: SpeechLearner, number: int, progress: float = 0.0) -> dict[str, float]:
    torch.manual_seed(number)
    return {name: float(value) for name, value in learner.training_step(learner.batch(number), number, progress).items()}


def test_as_much_is_hidden_as_is_asked_for_in_stretches_of_sound() -> None:
    rng = np.random.default_rng(0)
    frames = np.array([60, 20])
    hidden = np.stack([spans(rng, frames, 60, 0.4, 4) for _ in range(400)])
    assert hidden[:, 0].mean() == pytest.approx(0.4, abs=0.02) and hidden[:, 1, :20].mean() == pytest.approx(0.4, abs=0.03)
    assert not hidden[:, 1, 20:].any() and hidden.mean((0,))[0].std() < 0.04  # no place is hidden more often than another
    inner = hidden[:, 0, 8:52]
    starts = inner[:, 1:] & ~inner[:, :-1]
    assert inner.sum() / max(starts.sum(), 1) > 4
    assert not spans(rng, frames, 60, 0.0, 4).any()


def test_distractors_are_other_hidden_frames_of_the_same_clip() -> None:
    rng = np.random.default_rng(0)
    hidden = spans(rng, np.array([40, 40, 9]), 40, 0.5, 3)
    found = others(rng, hidden, 50)
    rows = np.nonzero(hidden)[0]
    assert found.shape == (len(rows), 50) and (rows[found] == rows[:, None]).all()
    assert (found != np.arange(len(rows))[:, None]).all() and len(np.unique(found)) == len(rows)


def test_a_step_is_drawn_by_its_number_and_a_measure_hides_the_same_every_time() -> None:
    config = SpeechConfig.parse(TINY)
    data = finished(prepare(config, dataset("vowels")))
    (one,), (again,), (other,) = (draw(config, data, 3, number) for number in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True)) and not np.array_equal(one.waves, other.waves)
    assert np.isin(one.clips, data.train).all() and (one.hidden.sum(1) >= 2).all() and one.shifts.max() <= 64
    held = [held_out(config, data, data.held[:2]) for _ in range(2)]
    assert np.array_equal(held[0].hidden, held[1].hidden) and not held[0].shifts.any()
    assert not (one.hidden & one.padding).any()


def test_the_ctc_loss_is_torchs_and_that_of_the_forward_recursion() -> None:
    from genstudio.sampling import ctc

    model = built("spoken-digits", task="transcribe").model
    drawn = held_out(model.config, model.data, model.data.held[:2])
    with torch.no_grad():
        scores = model.letter_scores(drawn)
        nats = model.ctc_nats(scores, drawn)
    assert model.data.texts is not None
    for row, clip in enumerate(drawn.clips.tolist()):
        ids = model.data.texts[clip].tolist()
        mine = scores[row, : drawn.frames[row]]
        assert -ctc.log_probability(mine.double().numpy(), ids, model.blank) == pytest.approx(float(nats[row]), rel=1e-4)
        plain = F.ctc_loss(mine[:, None], torch.tensor([ids]), torch.tensor([len(mine)]), torch.tensor([len(ids)]),
                           blank=model.blank, reduction="sum")  # fmt: skip
        assert float(plain) == pytest.approx(float(nats[row]), rel=1e-5)


def test_a_hidden_frame_says_nothing_of_itself() -> None:
    """What the transformer makes of hidden frames stays the same whatever sounds there, as far as no seen frame hears it; it does
    not where nothing is hidden (the broken twin)."""
    model = built("vowels").model
    drawn = held_out(model.config, model.data, model.data.held[:1])
    hidden = np.zeros_like(drawn.hidden)
    hidden[:, 10:20] = True
    inside = slice(11 * model.config.hop + model.config.field, 19 * model.config.hop)  # no seen frame reaches into this
    other = drawn.waves.copy()
    other[:, inside] = np.random.default_rng(0).normal(0, 0.2, other[:, inside].shape)
    power = np.sqrt(np.square(drawn.waves).sum() / np.square(other).sum())
    with torch.no_grad():
        heard = []
        for mask in (hidden, np.zeros_like(hidden)):
            waves = [model.tensors(drawn._replace(waves=w, hidden=mask)) for w in (drawn.waves, other)]
            scaled = waves[1][0] / float(power)  # the loudness of the whole is no secret
            heard.append([model.encoder(w, h, p)[1] for (_, h, p), w in zip(waves, (waves[0][0], scaled), strict=True)])
    assert torch.allclose(*heard[0], atol=1e-4) and not torch.allclose(*heard[1], atol=1e-2)


def test_transcripts_that_do_not_fit_are_left_out_and_refused_where_none_do() -> None:
    assert needs(np.array([1, 1, 2])) == 4 and needs(np.array([], np.int64)) == 0
    found = finished(prepare(SpeechConfig.parse({**TINY, "task": "transcribe"}), dataset("spoken-digits")))
    assert found.tokenizer is not None and found.tokenizer.size == len(LETTERS)
    with pytest.raises(DataError, match="too short for their transcripts"):
        finished(prepare(SpeechConfig.parse({**TINY, "task": "transcribe", "longest": 0.5}), dataset("spoken-digits")))
    with pytest.raises(DataError, match="no clip has a transcript"):
        finished(prepare(SpeechConfig.parse({**TINY, "task": "transcribe"}), dataset("vowels")))
    with pytest.raises(ConfigError, match="a head alone needs a run"):
        SpeechConfig.parse({**TINY, "task": "transcribe", "trained": "head"})
    for wrong in ("", "5, x", "0", "40", "32, 32, 32"):
        problems = SpeechConfig.problems({**TINY, "features": "wave", "strides": wrong})
        assert {problem.field for problem in problems} == {"strides"}


def test_what_is_shown_is_a_clip_with_its_units_and_which_phones_they_meet() -> None:
    learner = built("vowels")
    step(learner, 1)
    shown = {snapshot.channel: snapshot for snapshot in learner.preview() if hasattr(snapshot, "channel")}
    listening, phones = shown["listening"], shown["phones"]
    assert isinstance(listening, Listening) and isinstance(phones, Confusion) and listening.sound() and phones.sound()
    data, look = learner.model.data, listening.looks[0]
    assert len(look.units) == learner.config.frames(len(look.codes)) and look.units.max() < 4
    assert np.array_equal(look.segments, data.segments_of(look.clip))
    numbers = np.concatenate([learner.model.unit_numbers(found.units) for _, found in learner.model.units(data.held)])
    assert phones.counts.sum() == len(numbers) and phones.counts.shape == (len(data.phones), len(phones.columns))


def test_what_is_kept_fixed_does_not_move() -> None:
    for trained, moves in (("all", {"tokens", "blocks"}), ("transformer", {"blocks"})):  # the head alone needs a run
        learner = built("spoken-digits", task="transcribe", trained=trained)
        before = {name: value.clone() for name, value in learner.model.encoder.state_dict().items()}
        step(learner, 1)
        changed = {name.split(".")[0] for name, value in learner.model.encoder.state_dict().items()
                   if not torch.equal(value, before[name])}  # fmt: skip
        assert changed & {"tokens", "blocks"} == moves


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that found units, `units`, and one that started from it and writes, `letters`."""
    place = tmp_path_factory.mktemp("speech")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place))
        folder = place / "runs"
        task = Train("speech", "spoken-digits", TINY, steps=6, runs_folder=folder, name="units")
        units = answer(run_task(task), "run")
        values = {**TINY, "task": "transcribe", "start": units, "channels": 24, "validation_share": 0.4}
        run_task(Train("speech", "spoken-digits", values, steps=3, runs_folder=folder, name="letters"))
    return place


@pytest.fixture
def home(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENSTUDIO_HOME", str(runs))
    return runs / "runs"


def ref(home: Path, name: str) -> ModelRef:
    return ModelRef(str(next(path for path in home.iterdir() if path.name.endswith(name))))


def test_a_run_that_starts_from_another_has_its_size_its_weights_and_its_split(home: Path) -> None:
    config = Run.open(ref(home, "letters").run).info.config
    assert config["channels"] == 8 and config["validation_share"] == 0.1 and config["task"] == "transcribe"
    models = Models()
    units, letters = (models.get(ref(home, name)).model for name in ("units", "letters"))
    assert isinstance(units, SpeechModel) and isinstance(letters, SpeechModel)
    settings = SpeechConfig.parse({**TINY, "task": "transcribe", "start": ref(home, "units").run})
    data = finished(prepare(settings, shelf.open_dataset(shelf.find_dataset("spoken-digits", ("audio",)))))
    fresh = SpeechModel(settings, data, "cpu", 9)
    for name, value in units.encoder.state_dict().items():
        assert torch.equal(value, fresh.encoder.state_dict()[name]), name
    with pytest.raises(ConfigError, match="starts from one of speech"):
        gaussian = Train("gaussian", "gaussian-ring", {}, steps=1, runs_folder=home, name="other")
        SpeechConfig.parse({**TINY, "start": answer(run_task(gaussian), "run")})
        run_task(Train("speech", "vowels", {**TINY, "start": "other"}, steps=1, runs_folder=home))


def test_measures_have_their_names(home: Path) -> None:
    units = result(Evaluate(ref(home, "units")))
    wanted = {"contrastive_accuracy", "chance_accuracy", "codebook_perplexity", "phone_purity", "chance_purity"}
    assert wanted <= units.keys() and units["clips"] == 30 and 0 < units["phone_purity"] <= 1
    letters = result(Evaluate(ref(home, "letters")))
    assert {"cer", "wer", "loss_nats", "clips"} <= letters.keys() and letters["cer"] > 0


def saved(path: Path, samples: np.ndarray, rate: int, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples[:, None], channels, 1).astype("<i2").tobytes())
    return path


def test_files_are_heard_at_the_rate_of_the_model_and_long_ones_in_parts(home: Path, tmp_path: Path) -> None:
    clip = dataset("spoken-digits", 10).clip(0)
    plain = saved(tmp_path / "plain.wav", clip, 8_000)
    loud = saved(tmp_path / "loud.wav", to_int16(resampled(to_wave(clip), 8_000, 44_100)), 44_100, channels=2)
    long = saved(tmp_path / "long.wav", np.tile(clip, 12), 8_000)
    found = result(Transcribe(ref(home, "letters"), (str(plain), str(loud), str(long)), beams=1))
    one, two, three = found.files
    assert one.seconds == pytest.approx(len(clip) / 8_000) and one.parts == 1 and not one.notes
    assert two.rate == 44_100 and "resampled" in two.notes[0] and two.seconds == pytest.approx(one.seconds, abs=0.01)
    assert three.parts == -(-12 * len(clip) // 24_000) and "parts" in three.notes[-1]
    assert all(0 <= first < last <= three.seconds + 0.1 for _, first, last in three.letters)
    model = Models().get(ref(home, "letters")).model
    assert isinstance(model, SpeechModel) and model.transcribe(to_wave(clip), 1).text == one.text


def test_what_cannot_be_transcribed_is_refused_in_a_sentence(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(200))
    (tmp_path / "empty.wav").write_bytes(b"")
    saved(tmp_path / "nothing.wav", np.zeros(0, np.int16), 8_000)
    saved(tmp_path / "short.wav", np.zeros(20, np.int16), 8_000)
    good = saved(tmp_path / "good.wav", dataset("spoken-digits", 10).clip(1), 8_000)
    letters, units = ref(home, "letters").run, ref(home, "units").run
    for name, words in (
        ("gone.wav", "cannot be read"), ("film.mp4", "MP4"), ("empty.wav", "is empty"), ("nothing.wav", "no sound"),
        ("short.wav", "no sound"),
    ):  # fmt: skip
        assert main(["transcribe", letters, str(tmp_path / name)]) == 2
        said = capsys.readouterr().err
        assert words in said and "Traceback" not in said, said
    assert main(["transcribe", units, str(good)]) == 2 and "transcribe speech" in capsys.readouterr().err
    assert main(["transcribe", letters, str(good), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["step"] == 3 and told["files"][0]["rate"] == 8_000
    assert "".join(each["letter"] for each in told["files"][0]["letters"]) == told["files"][0]["text"]
    with pytest.raises(RunError, match="cannot transcribe speech"):
        gan = Train("gan", "gaussian-ring", {"width": 8, "layers": 2}, steps=1, runs_folder=tmp_path / "runs", name="gan")
        result(Transcribe(ModelRef(answer(run_task(gan), "run")), (str(good),)))


def test_letters_are_shown_where_they_are_said() -> None:
    """Each from its first frame on, with room for its name where the next one leaves it."""
    heard = Heard("a ba", ("a", " ", "b", "a"), np.array([[2, 3], [10, 12], [13, 40], [45, 46]]), -1.0, 0.02)
    sound = shown_with(np.full(8_000, 9, np.int16), 8_000, heard, "a file", 7)
    (track,) = sound.tracks
    assert sound.sound() and sound.units == ("a", "\u2423", "b") and track.transcript == "a ba"
    assert track.segments is not None
    assert track.segments.tolist() == [[320, 1280, 0], [1600, 2080, 1], [2080, 6400, 2], [7200, 8000, 0]]
    nothing = shown_with(np.full(8_000, 9, np.int16), 8_000, Heard("", (), np.zeros((0, 2), np.int64), 0.0, 0.02), "a file", 7)
    assert nothing.sound() and not nothing.tracks[0].transcript
