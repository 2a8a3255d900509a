"""What listens (wav2vec 2.0, Baevski et al. 2020): units of sound before fine-tuning, letters by CTC after it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genstudio.data.learnable.audio import Integers
from genstudio.data.tokenizers import CharTokenizer
from genstudio.evaluation.recognition import character_error_rate, purity, word_error_rate
from genstudio.events import Array
from genstudio.families import start
from genstudio.families.abilities import Heard
from genstudio.families.speech.config import ENTRY, MEL_BANDS, WIDTH, SpeechConfig
from genstudio.families.speech.data import Drawn, SpeechData, held_out, whole
from genstudio.families.stack_training import architecture_for
from genstudio.nn import speech
from genstudio.nn.modes import evaluating
from genstudio.sampling import ctc
from genstudio.training.learner import Measured

_SAMPLED, _TOGETHER = 48, 8
"""Clips of a usual measure, and clips between two chances for others: fixed, so that two measures add up the same."""
_SHUFFLED = 20_200_612


class Listened(NamedTuple):
    """What a model made of hidden frames: the contrastive `scores` (n, 1 + K), and of all frames their `units` (m, groups), the
    logits of these (m, groups, entries) and which `clips` and `places` (m,) they are."""

    scores: Tensor
    units: Tensor
    logits: Tensor
    clips: Integers
    places: Integers


class SpeechModel:
    """An encoder of waves with what its task stands on it: units and a comparison, or letters."""

    def __init__(self, config: SpeechConfig, data: SpeechData, device: str, seed: int) -> None:
        """Raises CheckpointError where the run that is started from cannot be read."""
        self.config, self.data, self.device = config, data, torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            arch = architecture_for(config, 1, config.context, causal=False)
            self.encoder = speech.SpeechEncoder(arch, config.channels, _front(config))
            pretrains = config.task == "pretrain"
            letters = 0 if pretrains else _letters(data).size
            self.quantiser = (
                speech.Quantiser(config.channels, config.groups, config.entries, ENTRY, WIDTH) if pretrains else None
            )
            self.compared = nn.Linear(config.d_model, WIDTH) if pretrains else None
            self.letters = nn.Linear(config.d_model, letters + 1) if letters else None
            if self.letters is not None:
                nn.init.normal_(self.letters.weight, 0.0, 0.02)
                nn.init.zeros_(self.letters.bias)
        more = {"quantiser": self.quantiser, "compared": self.compared, "letters": self.letters}
        self.modules: Mapping[str, nn.Module] = {
            "model": self.encoder, **{name: module for name, module in more.items() if module is not None}
        }  # fmt: skip
        if data.started is not None:
            start.take(data.started.weights(), self.modules)
        for module in self.modules.values():
            module.to(self.device).eval()

    @property
    def rate(self) -> int:
        """Samples per second that it hears."""
        return self.config.rate

    @property
    def longest(self) -> int:
        """Samples that it reads at once."""
        return self.config.most_samples

    @property
    def alphabet(self) -> str:
        """The letters that it writes; none where it was not trained to."""
        return "" if self.letters is None else _letters(self.data).alphabet

    @property
    def blank(self) -> int:
        """The class behind the letters, which says nothing."""
        return len(self.alphabet)

    def on(self, data: SpeechData) -> SpeechModel:
        """The same with other clips."""
        other = copy.copy(self)
        other.data = data
        return other

    def tensors(self, drawn: Drawn) -> tuple[Tensor, Tensor, Tensor | None]:
        """Waves (B, T) at a root mean square of 1, which frames are hidden (B, N), and which are no sound (B, N), None where all
        are."""
        waves = torch.from_numpy(drawn.waves).to(self.device)
        waves = speech.levelled(waves, torch.from_numpy(drawn.lengths).to(self.device))
        padding = drawn.padding
        return waves, torch.from_numpy(drawn.hidden).to(self.device), (
            torch.from_numpy(padding).to(self.device) if padding.any() else None
        )  # fmt: skip

    def listen(self, drawn: Drawn, temperature: float | None = None) -> Listened:
        """What it makes of hidden frames; units are drawn at a temperature of the Gumbel noise, or the likeliest."""
        assert self.quantiser is not None and self.compared is not None
        waves, hidden, padding = self.tensors(drawn)
        frames, context = self.encoder(waves, hidden, padding)
        if drawn.shifts.any():
            frames = self.encoder.tokens(speech.shifted(waves, torch.from_numpy(drawn.shifts).to(self.device)))
        there = ~drawn.padding
        seen = frames[torch.from_numpy(there).to(self.device)]
        vectors, units, logits = self.quantiser(seen, temperature)
        mine = torch.from_numpy(drawn.hidden[there]).to(self.device)
        scores = speech.contrastive_scores(
            self.compared(context[hidden]), vectors[mine], units[mine], torch.from_numpy(drawn.distractors).to(self.device),
            self.config.contrast_temperature,
        )  # fmt: skip
        rows, places = np.nonzero(there)
        return Listened(scores, units, logits, drawn.clips[rows], places)

    def letter_scores(self, drawn: Drawn) -> Tensor:
        """Log-probabilities of letters and the blank at every frame: (B, N, letters + 1)"""
        assert self.letters is not None
        waves, hidden, padding = self.tensors(drawn)
        _, context = self.encoder(waves, hidden if bool(hidden.any()) else None, padding)
        scores: Tensor = self.letters(context).float().log_softmax(-1)
        return scores

    def ctc_nats(self, scores: Tensor, drawn: Drawn) -> Tensor:
        """Log-probabilities (B, N, letters + 1) -> nats of each clip's transcript (B,)."""
        assert self.data.texts is not None
        wanted = [self.data.texts[clip] for clip in drawn.clips.tolist()]
        lengths = torch.tensor([len(ids) for ids in wanted])
        targets = torch.from_numpy(np.concatenate([*wanted, np.zeros(0, np.int32)]).astype(np.int64))
        return F.ctc_loss(
            scores.transpose(0, 1), targets, torch.from_numpy(drawn.frames), lengths, blank=self.blank, reduction="none",
            zero_infinity=True,
        )  # fmt: skip

    def heard(self, scores: NDArray[np.float64], beams: int = 0) -> Heard:
        """Log-probabilities (N, letters + 1) -> the text, with the frames of each letter."""
        beams = beams or self.config.beams
        if beams == 1:
            ids, spans = ctc.greedy(scores, self.blank)
            logprob = ctc.log_probability(scores, ids, self.blank)
        else:
            best = ctc.beam_search(scores, self.blank, beams)[0]
            ids, logprob = best.ids, best.logprob
            spans = ctc.align(scores, ids, self.blank)
        letters = tuple(self.alphabet[token] for token in ids)
        return Heard("".join(letters), letters, spans, logprob, self.config.hop / self.rate)

    @torch.no_grad()
    def units(self, clips: Integers) -> Iterator[tuple[Drawn, Listened]]:
        """What it makes of clips, some at a time, with the same frames hidden every time."""
        for first in range(0, len(clips), _TOGETHER):
            drawn = held_out(self.config, self.data, clips[first : first + _TOGETHER])
            with evaluating(self.encoder):
                found = self.listen(drawn)
            yield drawn, found

    def unit_numbers(self, units: Tensor) -> Integers:
        """Units (m, groups) as one number each, from 0: (m,)"""
        found = np.zeros(len(units), np.int64)
        for group in units.cpu().numpy().T:
            found = found * self.config.entries + group
        return found

    def phones_of(self, clips: Integers, places: Integers) -> Integers:
        """The phone that sounds in the middle of what frames see, of clips (m,) and at places (m,); -1 where none is known."""
        found = np.full(len(clips), -1, np.int64)
        for clip in np.unique(clips).tolist():
            mine = clips == clip
            found[mine] = self.data.phones_at(clip, places[mine] * self.config.hop + self.config.field // 2)
        return found

    def evaluate(self, exact: bool = False) -> Iterator[Measured]:
        """How good it is on held-out clips, on some or, when `exact`, on all; the last one is the result."""
        clips = self.data.held
        if not exact:
            clips = clips[:_SAMPLED]
        if not len(clips):
            return
        yield from self._evaluate_units(clips) if self.config.task == "pretrain" else self._evaluate_letters(clips)

    def _evaluate_units(self, clips: Integers) -> Iterator[Measured]:
        config = self.config
        nats, chance, right, guessed, hidden = 0.0, 0.0, 0, 0.0, 0
        units, phones, chosen = list[Integers](), list[Integers](), list[NDArray[Any]]()
        done = 0
        for drawn, found in self.units(clips):
            scores = found.scores
            offered = torch.isfinite(scores).sum(1).double()
            nats += float((scores.logsumexp(-1) - scores[:, 0]).double().sum())
            chance += float(offered.log().sum())
            right += int((scores.argmax(-1) == 0).sum())
            guessed += float((1 / offered).sum())
            hidden += len(scores)
            units.append(self.unit_numbers(found.units))
            phones.append(self.phones_of(found.clips, found.places))
            chosen.append(found.units.cpu().numpy())
            done += len(drawn.clips)
            yield Measured(done=0.95 * done / len(clips))
        if not hidden:
            return
        numbers, sounds, entries = np.concatenate(units), np.concatenate(phones), np.concatenate(chosen)
        used = [np.bincount(group, minlength=config.entries) / len(entries) for group in entries.T]
        values = {
            "val_loss": nats / hidden, "chance_loss": chance / hidden, "loss_above_guessing": (nats - chance) / hidden,
            "contrastive_accuracy": right / hidden,
            "chance_accuracy": guessed / hidden,
            "codebook_perplexity": float(np.mean([np.exp(-(p[p > 0] * np.log(p[p > 0])).sum()) for p in used])),
        }  # fmt: skip
        answer: dict[str, Any] = {**values, "units_used": len(np.unique(numbers)), "frames": len(numbers), "clips": len(clips)}
        known = sounds >= 0
        if known.any():
            numbers, sounds = numbers[known], sounds[known]
            shuffled = purity(np.random.default_rng(_SHUFFLED).permutation(numbers), sounds)
            measured = {"phone_purity": purity(numbers, sounds), "chance_purity": shuffled}
            values, answer = {**values, **measured}, {**answer, **measured}
        yield Measured(values, answer=answer)

    @torch.no_grad()
    def letters_of(self, clips: Integers) -> Iterator[tuple[Drawn, NDArray[np.float64], NDArray[np.float64]]]:
        """Log-probabilities (B, N, letters + 1) of some clips at a time, and the nats of each transcript (B,)."""
        for first in range(0, len(clips), _TOGETHER):
            drawn = held_out(self.config, self.data, clips[first : first + _TOGETHER])
            with evaluating(self.encoder):
                scores = self.letter_scores(drawn)
                nats = self.ctc_nats(scores, drawn)
            yield drawn, scores.cpu().double().numpy(), nats.cpu().double().numpy()

    def _evaluate_letters(self, clips: Integers) -> Iterator[Measured]:
        if self.data.texts is None:
            return
        pairs, total, letters, done = list[tuple[str, str]](), 0.0, 0, 0
        for drawn, scores, nats in self.letters_of(clips):
            for row, clip in enumerate(drawn.clips.tolist()):
                pairs.append((self.heard(scores[row, : drawn.frames[row]]).text, self.data.written[clip]))
                letters += len(self.data.texts[clip])
            total += float(nats.sum())
            done += len(drawn.clips)
            yield Measured(done=0.95 * done / len(clips))
        values = {
            "val_loss": total / max(letters, 1), "cer": character_error_rate(pairs), "wer": word_error_rate(pairs),
        }  # fmt: skip
        silent = sum(not made for made, _ in pairs) / len(pairs)
        answer = {"loss_nats": values["val_loss"], "cer": values["cer"], "wer": values["wer"], "clips": len(pairs),
                  "characters": letters, "empty": silent, "exact": sum(a == b for a, b in pairs) / len(pairs)}  # fmt: skip
        yield Measured({**values, "empty": silent}, answer=answer)

    def clip_drawn(self, clip: int) -> Drawn:
        """A clip with nothing hidden."""
        return whole(self.config, self.data, np.array([clip]), np.random.default_rng(0))


class Transcriber(SpeechModel):
    """What was trained to write letters."""

    @torch.no_grad()
    def transcribe(self, wave: Array, beams: int = 0) -> Heard:
        """A wave (T,) in [-1, 1] of `rate` samples per second, `longest` of them at most -> what is spoken, with `beams`
        beginnings kept (0: as the settings say). Raises ValueError for a longer one."""
        if len(wave) > self.longest:
            raise ValueError(f"{len(wave)} samples are more than {self.longest}")
        frames = self.config.frames(len(wave))
        if not frames:
            return Heard("", (), np.zeros((0, 2), np.int64), 0.0, self.config.hop / self.rate)
        lengths, nothing = np.array([len(wave)]), np.zeros((1, frames), bool)
        drawn = Drawn(
            wave[None].astype(np.float32), lengths, np.array([frames]), nothing, np.zeros((0, 0), np.int64),
            *(np.zeros(1, np.int64) for _ in range(2)),
        )
        with evaluating(self.encoder):
            scores = self.letter_scores(drawn)[0].cpu().double().numpy()
        return self.heard(scores, beams)


def built(config: SpeechConfig, data: SpeechData, device: str, seed: int) -> SpeechModel:
    """The model of a task. Raises CheckpointError where the run that is started from cannot be read."""
    return (Transcriber if config.task == "transcribe" else SpeechModel)(config, data, device, seed)


def _front(config: SpeechConfig) -> speech.WaveEncoder | speech.MelEncoder:
    if config.features == "wave":
        return speech.WaveEncoder(config.channels, config.steps, config.first == "energy")
    return speech.MelEncoder(config.channels, config.rate, config.hop, config.field, MEL_BANDS)


def _letters(data: SpeechData) -> CharTokenizer:
    assert isinstance(data.tokenizer, CharTokenizer)
    return data.tokenizer
