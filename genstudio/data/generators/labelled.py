"""Texts with a class each, made from the lists that ship."""

from __future__ import annotations

import numpy as np

from genstudio.config import Config, setting
from genstudio.data.datasets import ImageDataset, LabelledDataset, PairDataset, TextDataset
from genstudio.data.generators.chance import Chance
from genstudio.data.info import DatasetInfo

LANGUAGES = {
    "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "es": "Spanish", "fi": "Finnish", "fr": "French",
    "hu": "Hungarian", "it": "Italian", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sv": "Swedish", "tr": "Turkish",
}  # fmt: skip


class SampleSettings(Config):
    seed: int = setting(0, "A different seed takes them in a different order", low=0, high=2**31 - 1)

    @property
    def most(self) -> int:
        """How many texts to take."""
        return int(self.model_dump()["count"])


class CategorySettings(SampleSettings):
    count: int = setting(1641, "How many texts to take", low=100, high=1641, logarithmic=True)


class LanguageSettings(SampleSettings):
    count: int = setting(29_134, "How many texts to take", low=100, high=29_134, logarithmic=True)


class InitialSettings(SampleSettings):
    count: int = setting(3333, "How many texts to take", low=100, high=3333, logarithmic=True)


def emoji_categories(settings: CategorySettings, info: DatasetInfo) -> LabelledDataset:
    """English names of emoji, and the category that each belongs to."""
    emoji = _opened("emoji32")
    assert isinstance(emoji, ImageDataset) and emoji.captions is not None and emoji.labels is not None
    return _sampled(settings, info, [(c, emoji.classes[n]) for c, n in zip(emoji.captions, emoji.labels, strict=True) if n >= 0])


def emoji_languages(settings: LanguageSettings, info: DatasetInfo) -> LabelledDataset:
    """Names of emoji in sixteen languages, and which language each is in; names that two languages share are left out."""
    pairs = _opened("emoji-names")
    assert isinstance(pairs, PairDataset)
    found: dict[str, set[str]] = {}
    for question, name in zip(pairs.left, pairs.right, strict=True):
        found.setdefault(name, set()).add(LANGUAGES.get(question.partition(":")[0], ""))
    return _sampled(settings, info, [(name, next(iter(of))) for name, of in found.items() if len(of) == 1 and "" not in of])


def name_initials(settings: InitialSettings, info: DatasetInfo) -> LabelledDataset:
    """First names without their first letter, which is what has to be found; what is left of several names is left out."""
    names = _opened("names")
    assert isinstance(names, TextDataset)
    found: dict[str, set[str]] = {}
    for name in names.text.split():
        found.setdefault(name[1:], set()).add(name[0])
    return _sampled(settings, info, [(rest, next(iter(of))) for rest, of in found.items() if len(of) == 1 and len(rest) > 1])


def _opened(name: str) -> object:
    from genstudio.data import shelf

    return shelf.open_dataset(shelf.find_dataset(name))


def _sampled(settings: SampleSettings, info: DatasetInfo, rows: list[tuple[str, str]]) -> LabelledDataset:
    """The rows in an order drawn with the seed."""
    order = np.argsort(Chance(settings.seed).uniform(len(rows)), kind="stable")[: settings.most]
    chosen = [rows[index] for index in order.tolist()]
    classes = tuple(sorted({label for _, label in chosen}))
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers[label] for _, label in chosen], np.int64)
    return LabelledDataset(info, tuple(text for text, _ in chosen), labels, classes)
