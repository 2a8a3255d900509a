"""What a person can choose about an import, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from genstudio.data.audio.settings import SoundSettings
from genstudio.data.images import PictureSettings
from genstudio.data.importing.numbers import Decimal
from genstudio.data.info import Kind
from genstudio.events import Array, Frozen

Form = Literal["text", "table", "parallel", "pictures", "archive", "array", "idx", "vcf", "sound"]


@dataclass(frozen=True)
class ImportOptions:
    """Everything with a default that is found out from the files.

    `columns` names one column (a text), two (pairs, or points where both are numbers), or numbers and, last, their class;
    `header` says whether the first row of a table holds names, `decimal` is the mark before decimals in its numbers,
    `delimiter` "none" reads each line as one cell; `kind` decides where files could be several things, such as "pairs" for
    two text files with equally many lines. `encoding` "auto" reads each file in the one it looks like. `skip_broken` imports
    however many pictures or sound files are broken.
    """

    name: str | None = None
    kind: Kind | None = None
    encoding: str | None = None
    columns: tuple[str, ...] = ()
    delimiter: str | None = None
    header: bool | None = None
    decimal: Decimal | None = None
    pictures: PictureSettings = field(default_factory=PictureSettings)
    sound: SoundSettings = field(default_factory=SoundSettings)
    skip_broken: bool = False


@dataclass(frozen=True, eq=False)
class Attempt(Frozen):
    """Some pictures as an import would make them: `pixels` (n, h, w, c) uint8, with the `names` of their files."""

    pixels: Array
    names: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What the sources are, before anything is copied.

    `sentence` says it in words. `encoding` is that of the text, or the likely one where it is not UTF-8;
    `encodings` are all that fit, the likely one first. `columns`, `rows` (up to 20, for a preview) and `numeric`
    (columns of numbers only) are those of a table; of sound, `columns` and `rows` say what some files are. `sizes` are the
    (width, height) of a sample of pictures with their number, `classes` the folders they lie in. `suggested` are good options
    for the import. `blocked` says why nothing can be imported; `nested` are columns that hold lists or objects.
    """

    kind: Kind
    form: Form
    sentence: str
    title: str
    files: int = 1
    bytes: int = 0
    encoding: str = ""
    encodings: tuple[str, ...] = ()
    sample: str = ""
    delimiter: str = ""
    header: bool = False
    decimal: Decimal = "."
    nested: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    sizes: tuple[tuple[tuple[int, int], int], ...] = ()
    classes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    blocked: str = ""
    suggested: ImportOptions = field(default_factory=ImportOptions)
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)
