"""Settings declared once: default, type, range, help and source in one line; everything else reads that line."""

from __future__ import annotations

import difflib
import functools
import json
import keyword
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from genstudio.errors import ConfigError, Problem

Values = Mapping[str, Any]
"""Values of settings, by name."""


def setting(
    default: Any,
    help: str,  # noqa: A002 - the word a person reads
    *,
    low: float | None = None,
    high: float | None = None,
    source: str = "",
    group: str = "",
    label: str = "",
    main: bool = False,
    logarithmic: bool = False,
    when: str = "",
    file: str = "",
    run: str = "",
    empty: str = "",
    dataset: str = "",
    part: str = "",
    live: bool = False,
    plan: str = "",
) -> Any:
    """A field of a Config: its default, what it does, its inclusive range, and where the idea comes from.

    `plan` says in the form "a|b: the rate stays" which of its values follow the planned length of a training ("*": all but 0),
    and what happens in one without an end.

    `main` settings are shown open, the rest under "More"; `logarithmic` ones step by factors;
    `when` says in the form `other=value|value` for which other setting this one has an effect; `file` is the filter of
    names, as a dialog shows it, where the setting is the path of a file; `run` is the family of the runs, or "a|b", where it
    names one, and `empty` what none means; `dataset` is the kind of the datasets where it names one of those; `part` is
    "data", or the setting of a dataset, where it names a class or another part of that, or "attributes", where it names an
    attribute of the data; a `live` one may change while a model trains.
    """
    extra: dict[str, Any] = {
        "source": source,
        "group": group,
        "label": label,
        "main": main,
        "logarithmic": logarithmic,
        "when": when,
        "file": file,
        "run": run,
        "empty": empty,
        "dataset": dataset,
        "part": part,
        "live": live,
        "plan": plan,
    }
    return Field(default, description=help, ge=low, le=high, json_schema_extra=extra)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a form, a command line and a manual need to know of one field."""

    name: str
    label: str
    kind: Literal["bool", "int", "float", "choice", "text"]
    default: Any
    help: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    source: str
    group: str
    main: bool
    logarithmic: bool
    when: str
    file: str
    live: bool = False
    plan: str = ""
    run: str = ""
    dataset: str = ""
    part: str = ""
    empty: str = ""

    def words(self, value: Any) -> str:
        """A value of it as the screen says it: what a person typed as it is. The command line takes the value itself."""
        return str(value) if self.kind == "text" else value_words(value)

    def applies(self, values: Mapping[str, Any]) -> bool:
        """Whether the setting has an effect beside these values of the others."""
        return applies(self.when, values)

    def without_end(self, values: Mapping[str, Any]) -> str:
        """What happens in a training without an end, where this follows the planned length; else nothing."""
        wanted, _, says = self.plan.partition(": ")
        value = values.get(self.name)
        follows = bool(value) if wanted == "*" else str(value) in wanted.split("|")
        return says if self.plan and follows and self.applies(values) else ""


_NAMES = (
    "Adam", "AdamW", "Muon", "SGD", "RMSprop", "ReLU", "GELU", "SwiGLU", "LayerNorm", "RMSNorm", "RNN", "GRU", "LSTM", "CBOW",
    "MLP", "DCGAN", "U-Net", "Wasserstein", "Xavier", "He", "Gaussian", "Bernoulli", "DDPM", "DDIM", "Heun", "non-saturating",
)  # fmt: skip
"""Choices that are names: the value is the same in small letters, without hyphens."""
VALUE_WORDS: Mapping[str, str] = {name.lower().replace("-", ""): name for name in _NAMES} | {
    "relu2": "squared ReLU", "leaky_relu": "leaky ReLU", "gelu_tanh": "GELU (tanh)", "pre": "pre-norm", "post": "post-norm",
    "char": "characters", "byte": "bytes", "word": "words", "bpe": "byte pairs", "rnn-attention": "RNN with attention",
    "conv": "convolutional", "cls": "[CLS] token", "class": "class token", "pretrain": "pre-train",
    "masked": "masked patches", "views": "two views", "all": "whole model", "head": "head only", "file": "from a file",
    "two": "one per side", "clock": "time", "negative": "negative sampling", "softmax": "full softmax",
    "wasserstein_gp": "WGAN-GP", "cross_entropy": "cross-entropy", "same": "all equal", "large": "too large",
    "learnt": "learned", "x0": "clean sample (x0)",
}  # fmt: skip
"""What choices are called in the field, where that is not the value with spaces for underscores."""
_LONG = 1e9
"""Round numbers from here on are written with their power of ten."""


def number_text(value: float) -> str:
    """A short text that reads back as the same number: 0.004, 1e-7, 128.

    >>> [number_text(v) for v in (0.004, 1e-7, 128, 1000.0, -4.92e12, 3e9)]
    ['0.004', '1e-7', '128', '1000', '-4.92e12', '3e9']
    """
    text = repr(+value)  # True is 1
    if isinstance(value, float) and abs(value) >= _LONG and text.endswith("000.0"):
        text = f"{value:.15e}"  # as many digits as such a number can have
    digits, e, power = text.partition("e")
    return f"{digits.rstrip('0').removesuffix('.')}e{int(power)}" if e else digits.removesuffix(".0")


def value_words(value: Any) -> str:
    """A value of a setting in words, whatever the setting: on or off, a number in its shortest form, a choice as the field
    calls it.

    >>> [value_words(value) for value in (True, 1e-7, "least_squares", "adamw", "")]
    ['on', '1e-7', 'least squares', 'AdamW', '']
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return number_text(value)
    return VALUE_WORDS.get(str(value), str(value).replace("_", " "))


def applies(when: str, values: Mapping[str, Any]) -> bool:
    """Whether a condition in the form `name=value|value` holds of these values, or several with `&` between; an empty one
    does."""
    parts = (part.partition("=") for part in when.split("&"))
    return not when or all(str(values.get(name)) in wanted.split("|") for name, _, wanted in parts)


_BUILDING = threading.Lock()
"""One thread at a time builds what validates a config: the window and the engine may both come to it first."""


class Config(BaseModel):
    """Frozen, typed settings. `Config.parse` gives all problems at once."""

    # what validates is built at the first use: a room has a dozen configs, and the first picture needs that of one
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)
    older: ClassVar[Values] = {}
    """What settings meant before there were any, where that is not their default: for runs of older versions, which name all
    others."""

    def rules(self) -> Iterator[Problem]:
        """What no single field can say; families override it."""
        yield from ()

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """The config of these values. Raises ConfigError with every problem there is."""
        if cls.older and cls.model_fields.keys() - cls.older.keys() <= values.keys():
            values = {**cls.older, **values}
        if not cls.__pydantic_complete__:
            with _BUILDING:
                cls.model_rebuild()
        try:
            config = cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigError(list(_explain(cls, error))) from None
        if problems := list(config.rules()):
            raise ConfigError(problems)
        return config

    @classmethod
    def problems(cls, values: Mapping[str, Any]) -> tuple[Problem, ...]:
        """Everything that is wrong with these values; empty when they can be used."""
        try:
            cls.parse(values)
        except ConfigError as error:
            return error.problems
        return ()

    @classmethod
    def settings(cls) -> tuple[Setting, ...]:
        """Every field in the order of declaration, those of inherited groups behind its own and what it restates."""
        return _settings(cls)

    def override(self, assignments: Sequence[str]) -> Self:
        """This config with `key=value` texts applied. Raises ConfigError; a wrong key suggests the near one."""
        values: dict[str, Any] = self.model_dump()
        problems: list[Problem] = []
        for assignment in assignments:
            key, equals, text = assignment.partition("=")
            key = key.strip().replace("-", "_")
            key += "_" * keyword.iskeyword(key)  # a setting called `from` is a field `from_`
            if not equals:
                problems.append(Problem(key, f"'{assignment}' does not have the form key=value"))
            elif key not in type(self).model_fields:
                problems.append(Problem(key, _unknown(key, type(self).model_fields)))
            else:
                values[key] = text.strip()
        if problems:
            raise ConfigError(problems)
        return type(self).parse(values)

    def changes(self, other: Config) -> dict[str, tuple[Any, Any]]:
        """Fields whose value differs: name -> (mine, theirs)."""
        mine, theirs = self.model_dump(), other.model_dump()
        return {name: (mine[name], theirs.get(name)) for name in mine if mine[name] != theirs.get(name)}

    def to_json(self) -> str:
        return json.dumps(self.model_dump(), indent=1)


def _unknown(key: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"there is no setting '{key}'" + (f"; did you mean '{near[0]}'?" if near else "")


@functools.cache
def _settings(config: type[Config]) -> tuple[Setting, ...]:
    groups = [group for group in config.__mro__ if issubclass(group, Config)]
    names = dict.fromkeys(name for group in groups for name in group.__annotations__ if name in config.model_fields)
    return tuple(_setting(name, config.model_fields[name]) for name in names)


def _setting(name: str, info: FieldInfo) -> Setting:
    extra: dict[str, Any] = dict(info.json_schema_extra) if isinstance(info.json_schema_extra, dict) else {}
    low = next((m.ge for m in info.metadata if getattr(m, "ge", None) is not None), None)
    high = next((m.le for m in info.metadata if getattr(m, "le", None) is not None), None)
    choices = tuple(str(c) for c in get_args(info.annotation)) if get_origin(info.annotation) is Literal else ()
    kinds: dict[Any, Literal["bool", "int", "float", "text"]] = {bool: "bool", int: "int", float: "float", str: "text"}
    return Setting(
        name=name,
        label=extra.get("label") or name.replace("_", " ").capitalize(),
        kind="choice" if choices else kinds[info.annotation],
        default=info.default,
        help=info.description or "",
        low=low,
        high=high,
        choices=choices,
        source=extra.get("source", ""),
        group=extra.get("group", ""),
        main=bool(extra.get("main")),
        logarithmic=bool(extra.get("logarithmic")),
        when=extra.get("when", ""),
        file=extra.get("file", ""),
        live=bool(extra.get("live")),
        plan=extra.get("plan", ""),
        run=extra.get("run", ""),
        dataset=extra.get("dataset", ""),
        part=extra.get("part", ""),
        empty=extra.get("empty", ""),
    )


def _explain(cls: type[Config], error: ValidationError) -> Iterator[Problem]:
    known = {setting.name: setting for setting in cls.settings()}
    for item in error.errors(include_url=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        found = known.get(name)
        if found is None:
            yield Problem(name, _unknown(name, known))
        else:
            yield Problem(name, _sentence(found, item["type"], item["input"]))


def _sentence(setting: Setting, kind: str, value: Any) -> str:
    if kind in ("greater_than_equal", "less_than_equal") and setting.low is not None and setting.high is not None:
        return f"{value} is outside {setting.low:g} to {setting.high:g}"
    if kind == "greater_than_equal":
        return f"{value} is below {setting.low:g}"
    if kind == "less_than_equal":
        return f"{value} is above {setting.high:g}"
    if setting.kind == "choice":
        near = difflib.get_close_matches(str(value), setting.choices, n=1, cutoff=0.5)
        return f"'{value}' is not one of {', '.join(setting.choices)}" + (f"; did you mean '{near[0]}'?" if near else "")
    wanted = {"bool": "yes or no", "int": "a whole number", "float": "a number", "text": "text"}[setting.kind]
    return f"'{value}' is not {wanted}"
