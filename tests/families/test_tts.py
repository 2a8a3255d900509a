"""Text to speech: what it learns from, that letters find their place without being told, and what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from genstudio import families
from genstudio.data import shelf
from genstudio.data.datasets import AudioDataset
from genstudio.data.generators.sounds import DIGITS
from genstudio.data.work import finished
from genstudio.errors import ConfigError, DataError
from genstudio.evaluation.speaking import warped_error
from genstudio.families.abilities import MelForm
from genstudio.families.settings import rate_of
from genstudio.families.tts.config import TTSConfig
from genstudio.families.tts.data import SpokenData, from_metadata, metadata, padded, prepare
from genstudio.families.tts.doctor import RULES
from genstudio.families.tts.learner import TTSLearner
from genstudio.families.tts.model import TTSModel
from genstudio.nn.speaking import DurationSpeaker
from genstudio.nn.spectrogram import log_mel, mel_filters, wave_of
from genstudio.snapshots.sound import Sound
from genstudio.tasks.speak import heard
from genstudio.tasks.train import fitting
from genstudio.training.doctor import Window
from genstudio.training.learner import Tick

SMALL: dict[str, Any] = {"d_model": 48, "longest": 1.6, "evaluate_every": 1000}


@pytest.fixture(scope="module")
def digits() -> AudioDataset:
    found = shelf.open_dataset(shelf.find_dataset("spoken-digits", ("audio",)))
    assert isinstance(found, AudioDataset)
    return found


@pytest.fixture(scope="module")
def data(digits: AudioDataset) -> SpokenData:
    return finished(prepare(TTSConfig(**SMALL), digits))


def trained(data: SpokenData, steps: int, seed: int = 0, **values: Any) -> TTSModel:
    learner = TTSLearner(TTSModel(TTSConfig(**{**SMALL, **values}), data, "cpu", seed), seed)
    for step in range(1, steps + 1):
        torch.manual_seed(step)
        learner.training_step(learner.batch(step), step, (step - 1) / steps)
    return learner.model


@pytest.fixture(scope="module")
def speaker(data: SpokenData) -> TTSModel:
    return trained(data, 90)


def measured(model: TTSModel) -> dict[str, float]:
    return dict(list(model.evaluate(exact=True))[-1].result)


def silences(digits: AudioDataset, index: int) -> np.ndarray[Any, Any]:
    """Middles, in samples, of the silences between the words of a clip."""
    segments = digits.segments_of(index)
    quiet = segments[segments[:, 2] == digits.phones.index("sil")]
    return quiet[1:-1, :2].mean(1)


def spaces(model: TTSModel, index: int) -> np.ndarray[Any, Any]:
    """Middles, in samples, of the spaces of a clip's text, as its letters were aligned with its frames."""
    batch = padded(model.data, np.array([index]))
    ids, padding, voices, _ = model.tensors(batch)
    assert isinstance(model.network, DurationSpeaker)
    with torch.no_grad():
        _, means = model.network.encode(ids, padding, voices)
    durations = model.aligned(means, batch)[0].numpy()
    ends = np.cumsum(durations)
    text = np.array(list(f"^{model.data.text_of(index)}$"))
    return ((ends - durations / 2)[text == " "] - 0.5) * model.config.hop


def shifted(model: TTSModel, index: int) -> np.ndarray[Any, Any]:
    """The broken twin: every letter lasts as long as another."""
    frames = len(model.data.mels[index])
    text = np.array(list(f"^{model.data.text_of(index)}$"))
    return (np.flatnonzero(text == " ") + 0.5) * frames / len(text) * model.config.hop


def off(digits: AudioDataset, model: TTSModel, places: Callable[[TTSModel, int], np.ndarray[Any, Any]]) -> float:
    """Median distance in seconds of spaces from the silences that they stand for, in held-out clips."""
    found = [np.abs(places(model, index) - silences(digits, index)) for index in model.data.held.tolist()]
    return float(np.median(np.concatenate(found))) / digits.rate


@pytest.mark.thorough
def test_letters_find_their_place_in_sound_and_what_is_spoken_beats_the_nearest_recording(
    digits: AudioDataset, speaker: TTSModel
) -> None:
    """90 steps of a small model, some 6 CPU seconds. The best diagonality that such sentences have is that of their durations."""
    said = measured(speaker)
    assert said["mel_error"] < said["nearest_clip_mel_error"] < said["mean_mel_error"], said
    assert said["diagonality"] >= 0.9, said
    assert off(digits, speaker, spaces) < 0.03 < off(digits, speaker, shifted)


def test_untrained_it_is_worse_than_everything_simple(data: SpokenData) -> None:
    said = measured(TTSModel(TTSConfig(**SMALL), data, "cpu", 0))
    assert said["mel_error"] > said["nearest_clip_mel_error"]


def test_what_it_says_is_the_text_and_not_another_one(speaker: TTSModel) -> None:
    """Sentences with their texts exchanged are far from the recordings: the broken twin of the mel error."""
    data, errors = speaker.data, []
    held = data.held.tolist()
    for index, other in zip(held, held[1:] + held[:1], strict=True):
        voice = int(data.voices.of[index])
        real = data.logarithms(data.mels[index])
        (own,), (wrong,) = (list(speaker.speak(data.letters(which), voice)) for which in (index, other))
        errors.append((warped_error(own.mels, real), warped_error(wrong.mels, real)))
    right = [own < wrong for own, wrong in errors]
    assert np.mean(right) >= 0.9, errors


def test_speed_scales_the_length_and_every_sound_has_the_length_and_level_that_it_should(speaker: TTSModel) -> None:
    letters, unknown = speaker.read_text("Three, SEVEN é")
    assert unknown == ("é",) and speaker.tokenizer.decode(letters[1:-1]) == "three seven "
    lengths = {}
    for speed in (0.5, 1.0, 2.0):
        (said,) = speaker.speak(letters, speed=speed)
        assert said.complete and said.alignment.shape == (len(letters), len(said.mels))
        assert np.array_equal(said.alignment.sum(0), np.ones(len(said.mels)))
        lengths[speed] = len(said.mels)
    assert abs(lengths[0.5] - 2 * lengths[1.0]) <= 1 and abs(2 * lengths[2.0] - lengths[1.0]) <= 2
    (said,) = speaker.speak(letters)
    config, rate = speaker.config, speaker.data.sound.rate
    sound = wave_of(np.ascontiguousarray(said.mels.T), rate, config.window, config.hop)
    assert len(sound) == (len(said.mels) - 1) * config.hop and np.abs(sound).max() < 1
    wave = torch.from_numpy(sound)
    again = log_mel(wave, mel_filters(rate, config.window, config.bands), config.window, config.hop).T.numpy()
    loud = said.mels > said.mels.max() - 5
    assert np.abs(again - said.mels)[loud].mean() * 8.686 < 3.0, "the sound has the spectrum that was asked for"


def test_a_vocoder_makes_the_sound_where_its_spectrograms_are_the_same(speaker: TTSModel) -> None:
    class Vocoder:
        mel_form = MelForm(8000, 512, 128, 40)

        def vocode(self, mels: Any) -> Any:
            return np.full((mels.shape[1] - 1) * 128, 7, np.int16)

    def opened(vocoder: Any) -> Any:
        return SimpleNamespace(open=lambda _ref, _ability: SimpleNamespace(model=vocoder, title="mine, step 9"))

    (said,) = speaker.speak(speaker.read_text("one two")[0])
    samples, made_by = heard(opened(Vocoder()), speaker, said, "mine")
    assert set(samples.tolist()) == {7} and len(samples) == (len(said.mels) - 1) * 128 and made_by == "mine, step 9"
    samples, made_by = heard(opened(Vocoder()), speaker, said)
    assert len(set(samples.tolist())) > 100 and made_by == "Griffin-Lim"
    other = Vocoder()
    other.mel_form = MelForm(8000, 256, 64, 40)
    with pytest.raises(DataError, match="windows of 256, a hop of 64"):
        heard(opened(other), speaker, said, "mine")


def test_a_voice_is_its_own(speaker: TTSModel) -> None:
    letters = speaker.data.letters(int(speaker.data.held[0]))
    (one,), (other,) = (list(speaker.speak(letters, voice)) for voice in (0, 5))
    assert one.mels.shape != other.mels.shape or np.abs(one.mels - other.mels).mean() > 0.05


@pytest.mark.thorough
def test_attention_becomes_diagonal_and_its_decoder_stops_by_itself(data: SpokenData) -> None:
    model = trained(data, 100, architecture="attention")
    values = dict(list(model.evaluate())[-1].values)
    assert values["diagonality"] >= 0.8, values
    assert values["stopped"] >= 0.5 and values["length_error"] < 0.5, values
    letters = data.letters(int(data.held[0]))
    one, two, other = (list(model.speak(letters, seed=seed))[-1] for seed in (1, 1, 2))
    assert np.array_equal(one.mels, two.mels) and one.mels.tobytes() != other.mels.tobytes()
    assert one.heads is not None and len(one.mels) == one.heads.shape[1] * model.config.together


@pytest.mark.thorough
def test_without_guidance_attention_is_not_diagonal(data: SpokenData) -> None:
    """The broken twin."""
    model = trained(data, 60, architecture="attention", guided=0.0, diagonal_start=False, prenet_dropout=0.0,
                    frame_dropout=0.0)  # fmt: skip
    assert dict(list(model.evaluate())[-1].values)["diagonality"] < 0.7


class Templates:
    """A recogniser that the model knows nothing of: the word whose recordings by the same voice are the nearest (dynamic time
    warping, Sakoe & Chiba 1978), of two from the training part each."""

    def __init__(self, digits: AudioDataset, data: SpokenData) -> None:
        self.filters, self.known = mel_filters(digits.rate, 512, 40), dict[tuple[int, str], list[Any]]()
        self.rest = list[tuple[int, str, Any]]()
        quiet, held = digits.phones.index("sil"), set(data.held.tolist())
        for index in (*data.train.tolist(), *data.held.tolist()):
            segments, clip, voice = digits.segments_of(index), digits.clip(index), int(data.voices.of[index])
            places = np.flatnonzero(segments[:, 2] == quiet)
            for word, first, last in zip((digits.transcripts or ())[index].split(), places[:-1], places[1:], strict=True):
                wave = clip[segments[first, 1] : segments[last, 0]].astype(np.float32) / 32767
                if index in held:
                    self.rest.append((voice, word, wave))
                elif len(self.known.setdefault((voice, word), [])) < 2:
                    self.known[voice, word].append(self.mels(wave))

    def mels(self, wave: Any) -> Any:
        found = log_mel(torch.from_numpy(wave), self.filters, 512, 128).T.numpy()
        return found - found.mean()

    def hears(self, voice: int, wave: Any) -> str:
        mels = self.mels(wave)
        own = [(warped_error(mels, one), word) for (who, word), some in self.known.items() if who == voice for one in some]
        return min(own)[1]


def loud(wave: Any) -> Any:
    """Without the silence at both ends."""
    levels = np.array([np.sqrt(np.mean(wave[at : at + 160] ** 2)) for at in range(0, max(len(wave) - 160, 1), 80)])
    on = np.flatnonzero(levels > 0.1 * levels.max())
    return wave[on[0] * 80 : on[-1] * 80 + 160]


@pytest.mark.thorough
def test_spoken_digits_are_understood_by_a_recogniser_that_heard_recordings_alone(digits: AudioDataset) -> None:
    """500 steps: 30 of 30 words of three voices, by the sound that Griffin-Lim makes of them."""
    data = finished(prepare(TTSConfig(), digits))
    model, ears = trained(data, 500, d_model=96, longest=5.0), Templates(digits, data)
    real = ears.rest[:40]
    assert np.mean([ears.hears(voice, wave) == word for voice, word, wave in real]) >= 0.95
    untrained = TTSModel(model.config, data, "cpu", 0)
    assert understood(model, ears, digits.rate) >= 27 and understood(untrained, ears, digits.rate) <= 9


def understood(model: TTSModel, ears: Templates, rate: int) -> int:
    """How many digits of three voices, ten each, are heard as what they should be."""
    right = 0
    for voice in (0, 3, 6):
        for word in DIGITS:
            (said,) = model.speak(model.read_text(word)[0], voice)
            right += ears.hears(voice, loud(wave_of(np.ascontiguousarray(said.mels.T), rate, 512, 128))) == word
    return right


def test_a_preview_shows_and_sounds_held_out_sentences_and_ones_own(speaker: TTSModel) -> None:
    learner = TTSLearner(speaker, 0)
    (recorded,) = learner.opening(0)
    assert isinstance(recorded, Sound) and recorded.sound() and len(recorded.tracks) == 3
    learner.watch({"sentence": "eight one"})
    spoken = [shown for shown in learner.preview() if not isinstance(shown, Tick)]
    assert isinstance(spoken[0], Sound) and spoken[0].sound() and [track.clip for track in spoken[0].tracks[1:]] == [
        track.clip for track in recorded.tracks
    ]
    assert spoken[0].tracks[0].transcript == "eight one" and all(len(track.codes) for track in spoken[0].tracks)
    learner.watch({"sentence": "€ " * 500})
    assert len(next(s for s in learner.preview() if isinstance(s, Sound)).tracks) == 3


def test_own_recordings_need_transcripts_and_clips_that_are_short_enough(digits: AudioDataset) -> None:
    family = families.get("tts")
    for wrong, words in (
        (dataclasses.replace(digits, transcripts=None), "no clip has a transcript"),
        (dataclasses.replace(digits, transcripts=("one",) + ("",) * (len(digits.lengths) - 1)), "one clip has a transcript"),
    ):
        with pytest.raises(DataError, match=words):
            finished(family.prepare(TTSConfig(), wrong))
    with pytest.raises(DataError, match="too few clips"):
        finished(family.prepare(TTSConfig(longest=0.2), digits))
    with pytest.raises(ConfigError, match="8 voices"):
        finished(family.prepare(TTSConfig(voices=3, longest=1.0), digits))
    long = ("a" * 500,) + (digits.transcripts or ())[1:]
    left = finished(prepare(TTSConfig(longest=1.0), dataclasses.replace(digits, transcripts=long)))
    assert 0 not in (*left.train, *left.held) and left.left_out > 0


def test_only_data_with_transcripts_are_offered_and_the_refusal_says_so_in_words() -> None:
    family = families.get("tts")
    infos = {info.id: info for info in shelf.list_datasets() if info.kind == "audio"}
    assert {name for name, info in infos.items() if family.takes(info)} == {"telephone-voice", "spoken-digits"}
    with pytest.raises(DataError) as caught:
        fitting(family, "tones")
    assert "it needs sound with transcripts, and this dataset holds sound without transcripts" in caught.value.message
    assert caught.value.path is None, "a file of the program is no place to look"
    assert all(family.takes(info) and family.kind_of(info) == "transcribed" for info in (infos["spoken-digits"],))


def test_a_vocoder_of_the_usual_settings_makes_the_sound_of_what_is_spoken_by_usual_settings() -> None:
    """For each dataset with transcripts, and for recordings of one's own at any rate."""
    tts, vocoder = families.get("tts"), families.get("vocoder")
    own = dataclasses.replace(shelf.find_dataset("telephone-voice"), id="mine", origin="imported")
    for info in (*(shelf.find_dataset(name) for name in ("telephone-voice", "spoken-digits")), own):
        forms = []
        for family in (tts, vocoder):
            assert family.preset_for is not None
            name = family.preset_for(info, family.presets[0].name)
            preset = next(each for each in family.presets if each.name == name)
            config = family.config.parse(preset.values)
            rate = rate_of(config.rate) or (44_100 if info is own else 8_000)
            forms.append({"rate": rate, "window": config.window, "hop": config.hop, "bands": config.bands})
        assert forms[0] == forms[1], info.id


def test_clips_are_brought_to_the_rate_that_was_chosen(digits: AudioDataset) -> None:
    few = dataclasses.replace(digits, samples=digits.samples[: digits.offsets[6]], offsets=digits.offsets[:7],
                              transcripts=(digits.transcripts or ())[:6], attributes={}, segments=None)  # fmt: skip
    found = finished(prepare(TTSConfig(**{**SMALL, "longest": 5.0, "rate": "16000", "voices": 1}), few))
    usual = finished(prepare(TTSConfig(**{**SMALL, "longest": 5.0, "voices": 1}), few))
    assert found.sound.rate == 16_000 and usual.sound.rate == digits.rate
    assert all(abs(len(found.mels[i]) - 2 * len(usual.mels[i])) <= 2 for i in usual.train.tolist())


def test_settings_that_do_not_fit_each_other_are_named() -> None:
    named = {problem.field for problem in TTSConfig.problems({"d_model": 33, "heads": 2, "hop": 400, "bands": 200})}
    assert named == {"heads", "d_model", "hop", "bands"}


def test_what_a_run_keeps_is_checked(data: SpokenData) -> None:
    kept = metadata(data)
    again = from_metadata(TTSConfig(), kept)
    assert metadata(again) == kept and again.deviation == data.deviation
    for broken in ({}, {**kept["mel.json"], "deviation": -1}, {**kept["mel.json"], "mean": [["x"]]}, "no"):
        with pytest.raises(DataError, match="damaged"):
            from_metadata(TTSConfig(), {**kept, "mel.json": broken})


@pytest.mark.parametrize(
    ("name", "values", "settings"),
    [
        ("not_diagonal", {"diagonality": 0.4}, {"architecture": "attention", "guided": 0.0}),
        ("skips", {"diagonality": 0.9, "coverage": 0.4, "going_back": 0.0}, {"architecture": "attention"}),
        ("skips", {"diagonality": 0.9, "coverage": 1.0, "going_back": 0.3}, {"architecture": "attention"}),
        ("never_stops", {"stopped": 0.2}, {"architecture": "attention", "stop_weight": 1.0}),
        ("left_out", {"left_out": 0.4}, {"longest": 2.0}),
    ],
)
def test_the_doctor_says_what_went_wrong(name: str, values: dict[str, float], settings: dict[str, Any]) -> None:
    (rule,) = (rule for rule in RULES if rule.name == name)
    window = Window(values)
    window.step, window.settings = 1000, {**TTSConfig().model_dump(), **settings}
    found = rule.judge(window)
    assert found is not None and found.advice and found.evidence
    healthy = Window({"diagonality": 0.95, "coverage": 1.0, "going_back": 0.0, "stopped": 1.0, "left_out": 0.0})
    healthy.step, healthy.settings = 1000, window.settings
    assert rule.judge(healthy) is None
    window.settings = {**window.settings, "architecture": "durations"}
    assert name == "left_out" or rule.judge(window) is None
