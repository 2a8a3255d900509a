"""Snapshots as pictures of a fixed size, drawn without a window: frames of a film, tiles of a sheet."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from genstudio.errors import DataError
from genstudio.events import Array, Snapshot
from genstudio.snapshots.attention import Attention
from genstudio.snapshots.confusion import Confusion
from genstudio.snapshots.filled import Filled
from genstudio.snapshots.grounding import WordLooks
from genstudio.snapshots.layers import EmbeddingMap, LayerStatistics
from genstudio.snapshots.listening import Listening
from genstudio.snapshots.matching import Meeting, Similarity
from genstudio.snapshots.network import Depth, NetworkState
from genstudio.snapshots.patches import PatchAttention
from genstudio.snapshots.samples import Bars, Histograms, Pictures, Plane
from genstudio.snapshots.sound import Sound
from genstudio.snapshots.text import Text
from genstudio.snapshots.translation import Translations

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

WHITE, TEXT, QUIET, LINE = (255, 255, 255), (28, 33, 40), (91, 100, 112), (216, 220, 226)
REAL, FAKE = (0, 114, 178), (0, 158, 115)
_CLASSES = ((0, 114, 178), (230, 159, 0), (0, 158, 115), (213, 94, 0), (204, 121, 167), (86, 180, 233))
_FAKE_SIDE, _REAL_SIDE = (224, 133, 27), (43, 127, 189)
_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "segoeui.ttf", "arial.ttf", "Arial.ttf")
_GAP, _MARGIN, _FINER, _NAMED, _LINE = 2, 8, 2, 60, 20
_ARROW = 0.08
"""Length of the longest arrow in the plane, in widths of the picture."""
_SPECTRUM = 96
"""Pixels of the height of a spectrogram."""
_NEPERS = 9.0
"""Range of the logarithms of magnitudes from the loudest, black, to white: 78 dB."""


def drawn(shown: Snapshot, size: int, caption: str = "") -> Image.Image:
    """A Pillow picture about `size` pixels wide, both sides even, with the caption under it; grey (mode L) where the
    pictures are. Pixels of pictures are repeated whole, so that they stay what they were. Raises DataError for a kind of
    snapshot that nothing draws."""
    from PIL import Image

    for kind, draw in _DRAWN.items():
        if isinstance(shown, kind):
            picture = draw(shown, size)
            break
    else:
        raise DataError(f"The channel '{shown.channel}' contains nothing to draw.", "Choose another channel.")
    high = 24 if caption else 0
    wide = picture.width + picture.width % 2
    paper = Image.new(picture.mode, (wide, picture.height + high + picture.height % 2), _color(picture.mode, WHITE))
    paper.paste(picture, (0, 0))
    if caption:
        _write(paper, caption, (_MARGIN, picture.height + 3))
    return paper


def cell(shown: Pictures, size: int) -> tuple[int, int]:
    """How often each pixel is repeated, and how many pictures stand in a row."""
    columns = _columns(shown)
    room = size - 2 * _MARGIN - _left(shown, size) - columns * _GAP
    return max(1, room // (columns * shown.pixels.shape[2])), columns


def place(shown: Pictures, size: int, index: int) -> tuple[int, int]:
    """Where the left upper corner of a picture of the grid is: x and y in pixels."""
    times, columns = cell(shown, size)
    high, wide = shown.pixels.shape[1:3]
    row, column = divmod(index, columns)
    above = _LINE * len(_heads(shown, size))
    return _MARGIN + _left(shown, size) + column * (wide * times + _GAP), _MARGIN + above + row * (high * times + _GAP)


def _columns(shown: Pictures) -> int:
    """How many stand in a row: as the classes are arranged; else as many as rows, or one more."""
    return shown.arrangement[0] or max(1, int(np.ceil(np.sqrt(len(shown.pixels)))))


def _left(shown: Pictures, size: int) -> int:
    """Room for the names of rows: at most half of it, which most captions fit into."""
    if shown.arrangement[1] != "rows" or not shown.classes:
        return 0
    return min(size // 2, max(ceil(_font().getlength(_written(name))) for name in shown.classes) + _MARGIN)


def _heads(shown: Pictures, size: int) -> tuple[tuple[str, ...], ...]:
    """The lines, at most two, of the names of columns; none where columns have no names."""
    if shown.arrangement[1] != "columns" or not shown.classes or shown.labels is None:
        return ()
    times, columns = cell(shown, size)
    wide = times * shown.pixels.shape[2]
    names = [_two_lines(shown.classes[label], wide) for label in shown.labels[:columns].tolist()]
    lines = tuple(zip(*names, strict=True))
    return lines if any(lines[1]) else lines[:1]


def _two_lines(name: str, wide: int) -> tuple[str, str]:
    """A name in one line where it fits into so many pixels, else in two of words, each as much of it as fits."""
    if _font().getlength(_written(name)) <= wide or " " not in name:
        return _shortened(name, wide), ""
    words = name.split(" ")
    fits = [n for n in range(1, len(words)) if _font().getlength(_written(" ".join(words[:n]))) <= wide]
    first = max(fits, default=1)
    return _shortened(" ".join(words[:first]), wide), _shortened(" ".join(words[first:]), wide)


def _shortened(name: str, wide: int) -> str:
    """What of a name fits into so many pixels."""
    font, text = _font(), _written(name)
    if font.getlength(text) <= wide:
        return text
    fits = (text[:end].rstrip() + "…" for end in range(len(text) - 1, 0, -1))
    return next((short for short in fits if font.getlength(short) <= wide), text[:1])


def _written(name: str) -> str:
    """In letters that Pillow's own font has too."""
    return name.translate({ord("→"): "to", ord("×"): "x"})


@cache
def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """One of the system, for Pillow's own has no accents, and translations have; else that."""
    from PIL import ImageFont

    for name in _FONTS:
        try:
            return ImageFont.truetype(name, 13)
        except OSError:  # it is not installed
            continue
    return ImageFont.load_default(14)


def _grid(shown: Pictures, size: int) -> Image.Image:
    from PIL import Image

    count, high, wide, channels = shown.pixels.shape
    times, columns = cell(shown, size)
    rows, left, heads = -(-count // columns), _left(shown, size), _heads(shown, size)
    mode = "L" if channels == 1 else "RGB"
    across, down = columns * (wide * times + _GAP) - _GAP, rows * (high * times + _GAP) - _GAP
    paper = Image.new(mode, (2 * _MARGIN + left + across, 2 * _MARGIN + _LINE * len(heads) + down), _color(mode, WHITE))
    for line, names in enumerate(heads):
        for column, name in enumerate(names):
            x = place(shown, size, column)[0] + (wide * times - round(_font().getlength(name))) // 2
            _write(paper, name, (x, _MARGIN + line * _LINE))
    for row, label in enumerate(shown.labels[::columns] if left and shown.labels is not None else ()):
        y = place(shown, size, row * columns)[1] + (high * times - 16) // 2
        _write(paper, _shortened(shown.classes[label], left - _MARGIN), (_MARGIN, y))
    large = shown.pixels.repeat(times, 1).repeat(times, 2)
    for index in range(count):
        tile = large[index, :, :, 0] if channels == 1 else large[index]
        paper.paste(Image.fromarray(np.ascontiguousarray(tile)), place(shown, size, index))
    return paper


def _plane(shown: Plane, size: int) -> Image.Image:
    """Drawn twice as fine and made smaller, so that dots and lines are smooth."""
    from PIL import Image, ImageDraw

    fine = size * _FINER
    x0, x1, y0, y1 = shown.extent
    ground = np.full((1, 1, 3), 255, np.uint8) if shown.field is None else _colors(shown, shown.field)
    field = Image.fromarray(ground[::-1].copy()).resize((fine, fine), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(field, "RGBA")

    def at(points: Array) -> Array:
        return np.stack([(points[..., 0] - x0) / (x1 - x0), (y1 - points[..., 1]) / (y1 - y0)], -1) * fine

    if shown.mesh is not None:
        lines = at(np.clip(shown.mesh.astype(np.float64), x0 - (x1 - x0), x1 + (x1 - x0)))
        for line in (*lines, *lines.transpose(1, 0, 2)):
            draw.line([tuple(point) for point in line.tolist()], (*FAKE, 110), _FINER)
    for line in () if shown.paths is None else at(shown.paths.astype(np.float64)):
        draw.line([tuple(point) for point in line.tolist()], (*FAKE, 110), _FINER)
    for points, color in ((shown.real, REAL), (shown.fake, FAKE)):
        for x, y in at(points).tolist():
            if 0 <= x <= fine and 0 <= y <= fine:
                draw.ellipse([x - 5, y - 5, x + 5, y + 5], (*color, 255), WHITE)
    if shown.arrows is not None:
        _arrows(draw, at(shown.fake[: len(shown.arrows)].astype(np.float64)), shown.arrows, fine)
    return field.resize((size, size), Image.Resampling.BOX)


def _arrows(draw: ImageDraw.ImageDraw, starts: Array, pushes: Array, fine: int) -> None:
    """Lines with heads from (n, 2) in pixels the way of (n, 2), whose second number points up; the longest has a fixed length."""
    vectors = pushes.astype(np.float64) * [1, -1]
    longest = float(np.hypot(*vectors.T).max(initial=0.0))
    if not 0 < longest < np.inf:
        return
    for (x, y), (right, down) in zip(starts.tolist(), (vectors * (_ARROW * fine / longest)).tolist(), strict=True):
        end, length = (x + right, y + down), float(np.hypot(right, down))
        if length < _FINER:
            continue
        draw.line([(x, y), end], TEXT, _FINER)
        along = right / length * 5 * _FINER, down / length * 5 * _FINER
        if length > 5 * _FINER:
            for side in (-0.5, 0.5):
                draw.line([end, (end[0] - along[0] + side * along[1], end[1] - along[1] - side * along[0])], TEXT, _FINER)


def _colors(shown: Plane, field: Array) -> Array:
    """The value of each cell as colours (rows, columns, 3): orange is low, white in the middle, blue high."""
    values = field.astype(np.float64)
    far = 1.0 if shown.bounded else float(np.abs(values).max()) or 1.0
    share = np.clip(values * 2 - 1 if shown.bounded else values / far, -1, 1)[..., None]
    ends = np.where(share < 0, np.array(_FAKE_SIDE, np.float64), np.array(_REAL_SIDE, np.float64))
    strength = np.abs(share) * 0.8
    return np.asarray(((1 - strength) * 255 + strength * ends).round().astype(np.uint8))


def _write(paper: Image.Image, text: str, corner: tuple[int, int]) -> None:
    from PIL import ImageDraw

    ImageDraw.Draw(paper).text(corner, text, _color(paper.mode, TEXT), _font())


def _color(mode: str, color: tuple[int, int, int]) -> int | tuple[int, int, int]:
    return color if mode == "RGB" else round(sum(color) / 3)


def _text(shown: Text, size: int) -> Image.Image:
    """The prompt and what was written after it, in lines as wide as the picture."""
    return _lines(shown.prompt + shown.text, size)


def _filled(shown: Filled, size: int) -> Image.Image:
    """The tokens, and below them what fits into each gap."""
    gaps = [", ".join(f"{p} {c:.0%}" for p, c in zip(g.pieces[:5], g.probabilities, strict=False)) for g in shown.gaps]
    return _lines("\n".join([" ".join(shown.tokens), *gaps]), size)


def _confusion(shown: Confusion, size: int) -> Image.Image:
    """A square for every two classes, a row for each true one; dark is frequent in its row, or in its column where columns are
    something else."""
    from PIL import Image

    shares = shown.counts / np.maximum(shown.counts.sum(0 if shown.columns else 1, keepdims=True), 1)
    times = max(1, size // max(*shares.shape, 1))
    grey = np.kron(255 - np.round(255 * shares), np.ones((times, times))).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _lines(text: str, size: int) -> Image.Image:
    from PIL import Image

    high = size * 3 // 4
    paper = Image.new("RGB", (size, high), WHITE)
    wide = max(8, (size - 2 * _MARGIN) // 8)
    lines = [piece for line in text.split("\n") for piece in (textwrap.wrap(line, wide) or [""])]
    _write(paper, "\n".join(lines[: max(1, (high - 2 * _MARGIN) // 18)]), (_MARGIN, _MARGIN))
    return paper


def _translations(shown: Translations, size: int) -> Image.Image:
    """Each source, and under it its translation: tokens where the reference has them in blue, others in orange."""
    from PIL import Image, ImageDraw

    font, line = _font(), 20
    high = 2 * _MARGIN + len(shown.sentences) * 2 * line
    paper = Image.new("RGB", (size, high), WHITE)
    draw = ImageDraw.Draw(paper)
    for number, sentence in enumerate(shown.sentences):
        top = _MARGIN + number * 2 * line
        _write(paper, _spaced(sentence.source), (_MARGIN, top))
        x = float(_MARGIN)
        for piece, right in zip(sentence.made, sentence.right.tolist(), strict=True):
            text = _spaced((piece,))
            draw.text((x, top + line - 2), text, REAL if right else _FAKE_SIDE, font)
            x += font.getlength(text)
    return paper


def _spaced(pieces: Iterable[str]) -> str:
    """Printable pieces as text."""
    return "".join(pieces).replace("␣", " ")


def _attention(shown: Attention, size: int) -> Image.Image:
    """A square for every head, a row for every layer; dark is attended to."""
    layers, heads = shown.weights.shape[:2]
    maps = shown.weights.reshape(layers * heads, *shown.weights.shape[2:])
    return _grid(Pictures("", 0, _dark(maps), np.tile(np.arange(heads), layers) if layers > 1 else None), size)


def _layers(shown: LayerStatistics, size: int) -> Image.Image:
    """How the activations of every layer are spread: a row for each."""
    counts = shown.activations.counts / np.maximum(shown.activations.counts.max(1, keepdims=True), 1)
    return _grid(Pictures("", 0, _dark(counts[None])), size)


def _histograms(shown: Histograms, size: int) -> Image.Image:
    """Bars of each quantity, behind each other."""
    from PIL import Image, ImageDraw

    paper = Image.new("RGB", (size, size // 2), WHITE)
    draw, most = ImageDraw.Draw(paper, "RGBA"), max((int(counts.max()) for counts in shown.counts.values()), default=1) or 1
    for counts, color in zip(shown.counts.values(), (REAL, FAKE), strict=False):
        wide, high = (size - 2 * _MARGIN) / len(counts), size // 2 - 2 * _MARGIN
        for index, count in enumerate(counts.tolist()):
            left, top = _MARGIN + index * wide, _MARGIN + high * (1 - count / most)
            draw.rectangle([left, top, left + wide - 1, _MARGIN + high], (*color, 150))
    return paper


def _bars(shown: Bars, size: int) -> Image.Image:
    """A bar for each number, its name on it."""
    from PIL import Image, ImageDraw

    high = size * 3 // 4
    paper = Image.new("RGB", (size, high), WHITE)
    draw, far = ImageDraw.Draw(paper), float(np.abs(shown.values).max(initial=0.0)) or 1.0
    for index, (name, value) in enumerate(zip(shown.names, shown.values.tolist(), strict=True)):
        top = _MARGIN + 20 * index
        if top + 18 > high:
            break
        wide = (size - 2 * _MARGIN) * abs(value) / far
        draw.rectangle([_MARGIN, top, _MARGIN + wide, top + 17], LINE)
        _write(paper, f"{value:.3g}  {name}", (_MARGIN + 4, top))
    return paper


def _map(shown: EmbeddingMap, size: int) -> Image.Image:
    """The points, with the names of those that come first."""
    from PIL import Image, ImageDraw

    paper = Image.new("RGB", (size, size), WHITE)
    draw, points = ImageDraw.Draw(paper), shown.points.astype(np.float64)
    middle, half = (points.min(0) + points.max(0)) / 2, max(float(np.ptp(points, axis=0).max()) / 2, 1e-12)
    room = size / 2 - 4 * _MARGIN
    for index, (x, y) in enumerate(((points - middle) / half * [room, -room] + size / 2).tolist()):
        draw.ellipse([x - 2, y - 2, x + 2, y + 2], REAL)
        if index < _NAMED:
            _write(paper, shown.names[index], (round(x) + 4, round(y) - 8))
    return paper


def _similarity(shown: Similarity, size: int) -> Image.Image:
    """A square for each text (rows) and each picture (columns): dark is alike."""
    from PIL import Image

    times = max(1, size // max(len(shown.texts), 1))
    grey = np.kron(255 - np.round(255 * np.clip(shown.cosines, 0, 1)), np.ones((times, times))).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _meeting(shown: Meeting, size: int) -> Image.Image:
    """A dot for each picture and each caption, joined where they belong together."""
    from PIL import Image, ImageDraw

    paper = Image.new("RGB", (size, size), WHITE)
    draw, both = ImageDraw.Draw(paper), np.concatenate([shown.pictures, shown.captions]).astype(np.float64)
    middle, half = (both.min(0) + both.max(0)) / 2, max(float(np.ptp(both, axis=0).max()) / 2, 1e-12)
    room = size / 2 - 2 * _MARGIN
    pictures, captions = np.split((both - middle) / half * [room, -room] + size / 2, 2)
    for (x, y), (u, v) in zip(pictures.tolist(), captions.tolist(), strict=True):
        draw.line([x, y, u, v], LINE)
        draw.rectangle([x - 2, y - 2, x + 2, y + 2], REAL)
        draw.ellipse([u - 2, v - 2, u + 2, v + 2], _FAKE_SIDE)
    return paper


def _patches(shown: PatchAttention, size: int) -> Image.Image:
    """The pictures, tinted by how much of each patch reaches the class token, or all patches on average."""
    tinted = []
    for look in shown.looks:
        shares = np.zeros((look.picture.shape[0] // shown.patch) * (look.picture.shape[1] // shown.patch), np.float64)
        rows = look.rollout[0] if look.special else look.rollout.mean(0)
        shares[look.seen] = rows[look.special :]
        tinted.append(_tinted(look.picture, shares, shown.patch))
    return _grid(Pictures("", 0, np.stack(tinted)), size)


def _words(shown: WordLooks, size: int) -> Image.Image:
    """The pictures, tinted by how much the first masked word of each looks at each patch, and below them their texts with what is
    filled in."""
    from PIL import Image

    tinted, said = [], []
    for number, look in enumerate(shown.looks, 1):
        word = look.gaps[0].position if look.gaps else 0
        tinted.append(_tinted(look.picture, look.weights.mean((0, 1))[word].astype(np.float64), shown.patch))
        made = {gap.position: f"[{gap.pieces[0].strip('␣ ')} {gap.probabilities[0]:.0%}]" for gap in look.gaps}
        said.append(f"{number}: " + " ".join(made.get(at, piece.strip("␣ ")) for at, piece in enumerate(look.words) if at))
    grid, text = _grid(Pictures("", 0, np.stack(tinted)), size), _lines("\n".join(said), size)
    paper = Image.new("RGB", (max(grid.width, text.width), grid.height + text.height), WHITE)
    paper.paste(grid.convert("RGB"), (0, 0))
    paper.paste(text, (0, grid.height))
    return paper


def _tinted(picture: Array, shares: Array, patch: int) -> Array:
    """A picture (h, w, c) in colour, the more orange the larger the share (n,) of a patch beside the others."""
    rows, columns = picture.shape[0] // patch, picture.shape[1] // patch
    levels = 0.7 * shares / max(float(shares.max()), 1e-12)
    strength = levels.reshape(rows, columns).repeat(patch, 0).repeat(patch, 1)[..., None]
    colour = np.broadcast_to(picture, (*picture.shape[:2], 3)).astype(np.float64)
    return np.asarray((colour * (1 - strength) + strength * np.array(_FAKE_SIDE, np.float64)).round().astype(np.uint8))


def _network(shown: NetworkState, size: int) -> Image.Image:
    """The points with their classes over what the network says of every place; without a plane, the weights of the first layer,
    a square for each neuron: orange is negative, blue positive."""
    from PIL import Image, ImageDraw

    first = shown.weights[: shown.sizes[0] * shown.sizes[1]].reshape(shown.sizes[1], -1).astype(np.float64)
    if shown.extent is None or shown.field is None:
        high, wide, channels = shown.picture or (1, shown.sizes[0], 1)
        maps = first.reshape(-1, high, wide, channels).mean(-1)
        far = float(np.abs(maps).max()) or 1.0
        share = (maps / far)[..., None]
        ends = np.where(share < 0, np.array(_FAKE_SIDE, np.float64), np.array(_REAL_SIDE, np.float64))
        return _grid(Pictures("", 0, (255 * (1 - np.abs(share)) + np.abs(share) * ends).round().astype(np.uint8)), size)
    fine, (x0, x1, y0, y1) = size * _FINER, shown.extent
    hues = np.array([_CLASSES[number % len(_CLASSES)] for number in range(len(shown.classes))], np.float64)
    ground = 255 + 0.5 * (np.tensordot(shown.field[:, ::-1].astype(np.float64), hues, (0, 0)) - 255)
    picture = Image.fromarray(ground.clip(0, 255).astype(np.uint8)).resize((fine, fine), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(picture, "RGBA")
    places = (shown.inputs[:, :2] * shown.scale[:2] + shown.mean[:2]).astype(np.float64)
    for (px, py), label in zip(places.tolist(), shown.labels.tolist(), strict=True):
        x, y = (px - x0) / (x1 - x0) * fine, (y1 - py) / (y1 - y0) * fine
        draw.ellipse([x - 5, y - 5, x + 5, y + 5], (*_CLASSES[label % len(_CLASSES)], 255), WHITE)
    return picture.resize((size, size), Image.Resampling.BOX)


def _depth(shown: Depth, size: int) -> Image.Image:
    """How large the slopes of each layer are, as a bar of their order of magnitude."""
    known = np.log10(np.maximum(np.nan_to_num(shown.slopes), 1e-30))
    names = tuple(f"layer {number}, slope {slope:.2g}" for number, slope in enumerate(shown.slopes.tolist(), 1))
    return _bars(Bars("", 0, (known + 31).astype(np.float32), names), size)


def _sound(shown: Sound, size: int) -> Image.Image:
    """The mels of each track below each other on one time axis, low frequencies at the bottom."""
    from PIL import Image

    wide = size - 2 * _MARGIN
    longest = max(track.mels.shape[1] for track in shown.tracks)
    loudest = max(float(track.mels.max()) for track in shown.tracks)
    high = 2 * max(len(shown.edges) - 1, 20)
    paper = Image.new("L", (size, 2 * _MARGIN + len(shown.tracks) * (high + _LINE)), 255)
    for row, track in enumerate(shown.tracks):
        top = _MARGIN + row * (high + _LINE)
        _write(paper, _shortened(f"{track.clip}, {track.version}", wide), (_MARGIN, top))
        shares = np.clip((track.mels[::-1] - loudest) / _NEPERS + 1, 0, 1)
        grey = Image.fromarray(np.ascontiguousarray(_dark(shares[None])[0, :, :, 0]))
        across = max(round(wide * track.mels.shape[1] / longest), 1)
        paper.paste(grey.resize((across, high), Image.Resampling.NEAREST), (_MARGIN, top + _LINE))
    return paper


def _listening(shown: Listening, size: int) -> Image.Image:
    """The spectrogram of each clip, with its units in stripes of colour above, or what was heard."""
    from PIL import Image, ImageDraw

    wide, strip = size - 2 * _MARGIN, 10
    groups = max((look.units.shape[1] for look in shown.looks), default=0)
    high = 3 * _LINE + strip * groups + _SPECTRUM
    paper = Image.new("RGB", (size, 2 * _MARGIN + len(shown.looks) * high), WHITE)
    draw = ImageDraw.Draw(paper)
    for row, look in enumerate(shown.looks):
        top, scale = _MARGIN + row * high, wide / max(len(look.codes), 1)
        _write(paper, _shortened(f"clip {look.clip + 1}{f': {look.spoken}' if look.spoken else ''}", wide), (_MARGIN, top))
        if len(look.units):
            for place, group in np.ndindex(*look.units.shape):
                x, y = _MARGIN + place * shown.hop * scale, top + _LINE + group * strip
                colour = _CLASSES[int(look.units[place, group]) % len(_CLASSES)]
                draw.rectangle([x, y, x + shown.hop * scale, y + strip - 2], colour)
        else:
            _write(paper, _shortened(f"heard: {''.join(look.letters) or '(nothing)'}", wide), (_MARGIN, top + _LINE))
        grey = Image.fromarray(255 - look.spectrum[::-1])
        below = top + _LINE + (strip * groups if len(look.units) else _LINE) + 2
        paper.paste(grey.resize((wide, _SPECTRUM), Image.Resampling.BILINEAR).convert("RGB"), (_MARGIN, below))
    return paper


def _dark(shares: Array) -> Array:
    """Shares (n, h, w) of 0 to 1 as pictures (n, h, w, 1), dark where they are large."""
    return np.asarray(255 - np.clip(shares.astype(np.float32), 0, 1) * 255).astype(np.uint8)[..., None]


_DRAWN: Mapping[type[Snapshot], Callable[[Any, int], Image.Image]] = {
    Plane: _plane,
    Pictures: _grid,
    Text: _text,
    Filled: _filled,
    Translations: _translations,
    Confusion: _confusion,
    Attention: _attention,
    LayerStatistics: _layers,
    Histograms: _histograms,
    Bars: _bars,
    EmbeddingMap: _map,
    NetworkState: _network,
    Similarity: _similarity,
    Meeting: _meeting,
    Depth: _depth,
    PatchAttention: _patches,
    WordLooks: _words,
    Sound: _sound,
    Listening: _listening,
}
