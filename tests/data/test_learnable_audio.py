"""Clips of sound as a model learns them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genstudio.data import generators
from genstudio.data.audio.samples import to_wave
from genstudio.data.datasets import AudioDataset
from genstudio.data.generators import GENERATORS
from genstudio.data.info import DatasetInfo
from genstudio.data.learnable import audio
from genstudio.data.split import SplitSettings
from genstudio.data.work import finished
from genstudio.errors import DataError

SPLIT = SplitSettings("random", 0.25)


@pytest.fixture(scope="module")
def spoken() -> AudioDataset:
    details = GENERATORS["spoken-digits"].details({"count": 12, "most": 2})
    found = generators.make(DatasetInfo("d", "Digits", "audio", "generated", Path("x"), 0, "s", details=details))
    assert isinstance(found, AudioDataset)
    return found


def test_pieces_are_what_the_clips_hold_and_silence_behind_their_end(spoken: AudioDataset) -> None:
    data = finished(audio.prepare(spoken, SPLIT))
    assert sorted([*data.train, *data.held]) == list(range(12)) and len(data.held) == 3
    last = np.array([11, 0])
    found = data.cut(last, np.array([int(data.lengths[11]) - 100, 50]), 300)
    assert np.array_equal(found[0, :100], to_wave(spoken.clip(11)[-100:])) and not found[0, 100:].any()
    assert np.array_equal(found[1], to_wave(spoken.clip(0)[50:350]))
    whole, lengths = data.whole(np.array([3, 4]))
    assert lengths.tolist() == [len(spoken.clip(3)), len(spoken.clip(4))] and whole.shape == (2, lengths.max())
    short = int(lengths.argmin())
    assert not whole[short, lengths[short] :].any()
    assert np.array_equal(whole[short, : lengths[short]], to_wave(spoken.clip(3 + short)))


def test_the_phone_at_a_moment_is_that_of_its_segment(spoken: AudioDataset) -> None:
    data = finished(audio.prepare(spoken, SPLIT))
    for first, behind, phone in spoken.segments_of(7).tolist():
        assert data.phones_at(7, np.array([first, behind - 1])).tolist() == [phone, phone]
    assert data.phones_at(7, np.array([10**9])).tolist() == [-1]


def test_a_step_draws_pieces_by_seed_and_step_within_the_clips_that_train(spoken: AudioDataset) -> None:
    data = finished(audio.prepare(spoken, SPLIT))
    counts = np.zeros(12, int)
    for step in range(200):
        clips, starts = audio.draw(data, 4000, 8, 5, step)
        again, places = audio.draw(data, 4000, 8, 5, step)
        assert np.array_equal(clips, again) and np.array_equal(starts, places)
        assert (starts >= 0).all() and (starts <= np.maximum(data.lengths[clips] - 4000, 0)).all()
        np.add.at(counts, clips, 1)
    assert not counts[data.held].any() and counts[data.train].all()
    share, length = counts[data.train] / counts.sum(), np.maximum(data.lengths[data.train], 4000)
    assert np.abs(share - length / length.sum()).max() < 0.03
    assert not np.array_equal(audio.draw(data, 4000, 8, 5, 1)[0], audio.draw(data, 4000, 8, 6, 1)[0])
    assert set(audio.draw_clips(data, 400, 5, 1, examples=2).tolist()) == set(data.train[:2].tolist())
    with pytest.raises(DataError, match="nothing to train"):
        audio.draw(audio.from_metadata(audio.metadata(data)), 100, 1, 0, 0)


def test_transcripts_become_tokens_and_come_back_from_what_a_run_keeps(spoken: AudioDataset) -> None:
    data = finished(audio.prepare(spoken, SPLIT, transcripts=True))
    assert data.tokenizer is not None and data.texts is not None and spoken.transcripts is not None
    back = [data.tokenizer.decode(data.texts[i]) for i in range(12)]
    assert all(text == spoken.transcripts[i] for i, text in enumerate(back) if i in data.train)
    kept = audio.from_metadata(audio.metadata(data))
    assert kept.rate == 8_000 and kept.phones == spoken.phones and kept.tokenizer == data.tokenizer and not len(kept)
    with pytest.raises(DataError, match="damaged"):
        audio.from_metadata({"data.json": {"rate": 0, "phones": []}})


def test_another_rate_keeps_the_moments_at_which_phones_sound(spoken: AudioDataset) -> None:
    found = finished(audio.prepare(spoken, SPLIT, rate=16_000))
    assert found.rate == 16_000 and np.array_equal(found.lengths, 2 * spoken.lengths)
    for index in (0, 11):
        assert np.array_equal(found.segments_of(index)[:, :2], 2 * spoken.segments_of(index)[:, :2])
    seen = np.abs(np.fft.rfft(to_wave(found.clip(0))))
    assert seen[len(seen) // 2 + 200 :].max() < 0.01 * seen.max()  # nothing above the old Nyquist frequency


def test_what_is_heard_of_a_transcript_is_its_words(spoken: AudioDataset) -> None:
    assert audio.plain("  The Caf\u00c9 isn\u2019t 'open' \u2014 call 9-1-1! ") == "the caf\u00e9 isn't open call 9 1 1"
    bare = AudioDataset(spoken.info, spoken.samples, spoken.offsets, spoken.rate)
    with pytest.raises(DataError, match="no clip has a transcript"):
        finished(audio.prepare(bare, SPLIT, transcripts=True))
    one = AudioDataset(spoken.info, spoken.clip(0), np.array([0, len(spoken.clip(0))]), spoken.rate)
    with pytest.raises(DataError, match="only one clip"):
        finished(audio.prepare(one, SPLIT))
