"""Words that look at pictures: attention of a word laid over a picture, and what is filled in where one is masked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from genstudio.events import Array
from genstudio.snapshots.filled import Gap
from genstudio.snapshots.grounding import WordLook, WordLooks
from genstudio.ui import theme
from genstudio.ui.views.chart import percent
from genstudio.ui.views.patches import MEAN, LayeredPage, PatchFigure, overlay, part_of, patch_at, tile
from genstudio.ui.views.picture_grid import picture
from genstudio.ui.views.pointed import moved
from genstudio.ui.views.view import Lines, Table, paint_empty, paint_title, token_text, write_quietly

ALL = -1
_LINE, _PAD, _FIRST = 21.0, 4.0, 4.0
_FEWEST, _ALONE, _MOST = 3, 5, 7
"""Lines of words under each picture: at least, under a single one, and at most where the pictures are no smaller for it."""


class Spot(NamedTuple):
    """A picture, and one of its words, or of its patches; -1 is none. All from 0."""

    picture: int
    word: int = -1
    patch: int = -1


def word_shares(look: WordLook, layer: int, head: int) -> Array:
    """How much each word looks at each patch, (T, N): of the mean over all layers where `layer` is ALL, of the mean over the
    heads where `head` is MEAN."""
    if layer == ALL:
        return np.asarray(look.weights.mean((0, 1)))
    return np.asarray(look.weights[layer].mean(0) if head == MEAN else look.weights[layer, head])


class WordView(PatchFigure[WordLooks, Spot]):
    """Pictures with their words under them. The patches are tinted by how much the word under the pointer looks at each, without
    one the first that was masked; of a patch under the pointer the words are tinted that look at it. A masked word is replaced by
    the most probable one. `taken(picture, word, patch)` when one was clicked, Enter or Space."""

    taken = Signal(int, int, int)
    empty = "Waiting for the model to be read"

    def __init__(self, title: str = "Words and patches", name: str = "words") -> None:
        super().__init__(title, name)
        self.layer, self.head = ALL, MEAN

    def prepare(self, snapshot: WordLooks) -> None:
        self._pictures = []
        if self.hover is not None and (self.hover.picture >= len(snapshot.looks)
                                       or self.hover.word >= len(snapshot.looks[self.hover.picture].words)):
            self.hover = None
        self.setAccessibleDescription("; ".join(self.sentence(look) for look in snapshot.looks))

    def choose(self, layer: int, head: int) -> None:
        """Lay this layer (ALL: the mean over them) and head (MEAN: all) over the pictures."""
        self.layer, self.head = layer, head
        self.redraw()

    def sentence(self, look: WordLook) -> str:
        """The text with the most probable word in each gap."""
        return " ".join(self.shown_word(look, place) for place in range(1, len(look.words)))

    def shown_word(self, look: WordLook, place: int) -> str:
        """A word, or what is filled in for it; [CLS] is a star."""
        if place == 0:
            return "✱"
        gap = gap_at(look, place)
        return plain(look.words[place] if gap is None else gap.pieces[0])

    def box(self, index: int) -> QRectF:
        """Where a picture is drawn."""
        return self._box(index, self._lines())

    def _box(self, index: int, lines: int) -> QRectF:
        assert self.snapshot is not None
        looks = self.snapshot.looks
        high, wide = looks[index].picture.shape[:2]
        return tile(QRectF(self.rect()), len(looks), index, _LINE * lines + _FIRST, (wide, high))

    def _lines(self) -> int:
        """Lines of words under each picture."""
        assert self.snapshot is not None
        least, count = self._box(0, _FEWEST).width(), len(self.snapshot.looks)
        if count == 1:  # its words have the whole width, whatever the picture's is
            return min(self._needed(0, 1), _ALONE)
        fitting = [n for n in range(_FEWEST + 1, _MOST + 1) if self._box(0, n).width() >= least]
        lines, most = _FEWEST, fitting[-1] if fitting else _FEWEST
        return max(lines, *(min(self._needed(index, most), most) for index in range(count)))

    def _needed(self, index: int, lines: int) -> int:
        """Lines that the words of a picture take where there is room for so many under it."""
        whole = self._box(index, lines)
        return round((self._flow(index, whole)[-1].top() - whole.bottom() - _FIRST) / _LINE) + 1

    def word_boxes(self, index: int) -> list[QRectF]:
        """Where the words of a picture are drawn, in lines under it; those for which there is no room are nowhere."""
        lines = self._lines()
        whole = self._box(index, lines)
        last = whole.bottom() + _FIRST + lines * _LINE
        return [box if box.bottom() < last else QRectF() for box in self._flow(index, whole)]

    def _flow(self, index: int, whole: QRectF) -> list[QRectF]:
        """The words of a picture in as many lines as they need under it."""
        assert self.snapshot is not None
        look, metrics = self.snapshot.looks[index], QFontMetricsF(theme.font(theme.SMALL))
        count = len(self.snapshot.looks)
        room = QRectF(self.rect()) if count == 1 else whole
        edge = 12 if count == 1 else 0
        left, right, x, line, found = room.left() + edge, room.right() - edge, 0.0, 0, list[QRectF]()
        for place in range(len(look.words)):
            wide = metrics.horizontalAdvance(self.shown_word(look, place)) + 2 * _PAD
            if x and left + x + wide > right:
                x, line = 0.0, line + 1
            top = whole.bottom() + _FIRST + line * _LINE
            found.append(QRectF(left + x, top, min(wide, right - left), _LINE - 2))
            x += wide + 1
        return found

    def table(self) -> Table:
        shown = self.snapshot
        if shown is None:
            return (), ()
        rows = [
            (number + 1, word, place // self.grid(look)[1] + 1, place % self.grid(look)[1] + 1, float(share))
            for number, look in enumerate(shown.looks)
            for word, row in zip(look.words, word_shares(look, self.layer, self.head), strict=True)
            for place, share in enumerate(row.tolist())
        ]  # fmt: skip
        return ("picture", "word", "row", "column", "attention"), rows

    def paint_figure(self, painter: QPainter, area: QRectF) -> None:
        shown = self.snapshot
        paint_title(painter, self.title, "" if shown is None else self._note(shown), area)
        if shown is None:
            paint_empty(painter, area, self.empty)
            return
        if not self._pictures:
            self._pictures = [picture(look.picture) for look in shown.looks]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for index, look in enumerate(shown.looks):
            whole, shares = self.box(index), word_shares(look, self.layer, self.head)
            painter.drawImage(whole, self._pictures[index])
            word = self._word(index)
            if word >= 0:
                painter.drawImage(whole, overlay(shares[word], *self.grid(look)))
            patch = self.hover.patch if self.hover is not None and self.hover.picture == index else -1
            self._paint_words(painter, index, look, word, None if patch < 0 else shares[:, patch])

    def _word(self, index: int) -> int:
        """The word whose attention is laid over a picture; -1 where a patch is pointed at."""
        assert self.snapshot is not None
        if self.hover is not None and self.hover.picture == index:
            return self.hover.word
        gaps = self.snapshot.looks[index].gaps
        return gaps[0].position if gaps else 0

    def _paint_words(self, painter: QPainter, index: int, look: WordLook, word: int, looks: Array | None) -> None:
        now = theme.current()
        write_quietly(painter)
        for place, box in enumerate(self.word_boxes(index)):
            if box.isEmpty():
                continue
            gap, ink = gap_at(look, place), now.color("text")
            if looks is not None:
                share = float(looks[place]) / max(float(looks.max()), 1e-9)
                painter.fillRect(box, now.color(theme.visible(theme.ORANGE), 0.7 * share))
            elif gap is not None:
                right = is_right(look, gap)
                hue = theme.BLUE if right is None else theme.GREEN if right else theme.VERMILION
                painter.fillRect(box, now.color(theme.visible(hue), 0.15 + 0.5 * float(gap.probabilities[0])))
            painter.setPen(ink)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.shown_word(look, place))
            if place == word:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(now.color(theme.visible(theme.ORANGE)), 1.6))
                painter.drawRect(box)

    def paint_hover(self, painter: QPainter) -> None:
        if self.hover is None or self.snapshot is None:
            return
        if self.hover.patch >= 0:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.current().color("accent"), 2))
            look = self.snapshot.looks[self.hover.picture]
            painter.drawRect(part_of(self.box(self.hover.picture), *self.grid(look), self.hover.patch))
        super().paint_hover(painter)

    def mark_at(self, point: QPointF) -> Spot | None:
        if self.snapshot is None:
            return None
        for index, look in enumerate(self.snapshot.looks):
            if self.box(index).contains(point):
                return Spot(index, patch=patch_at(self.box(index), *self.grid(look), point))
            for place, box in enumerate(self.word_boxes(index)):
                if box.contains(point):
                    return Spot(index, place)
        return None

    def beside(self, mark: Spot | None, right: int, down: int) -> Spot | None:
        """Left and right walk the words, on to the next picture; up from a word leads into the picture, down out of it."""
        if self.snapshot is None:
            return None
        looks = self.snapshot.looks
        if mark is None:
            return Spot(0, 0)
        rows, columns = self.grid(looks[mark.picture])
        if mark.patch >= 0:
            row, column = divmod(mark.patch, columns)
            if row + down >= rows:
                return Spot(mark.picture, 0)
            return Spot(mark.picture, patch=moved(row, down, rows) * columns + moved(column, right, columns))
        if down < 0:
            return Spot(mark.picture, patch=(rows - 1) * columns + columns // 2)
        word, last = mark.word + right, len(looks[mark.picture].words) - 1
        if abs(right) == 1 and not 0 <= word <= last and 0 <= mark.picture + right < len(looks):
            return Spot(mark.picture + right, 0 if right > 0 else len(looks[mark.picture - 1].words) - 1)
        return Spot(mark.picture, moved(mark.word, right, last + 1))

    def card(self, mark: Spot) -> tuple[QPointF, Lines, str]:
        assert self.snapshot is not None
        look = self.snapshot.looks[mark.picture]
        shares, columns = word_shares(look, self.layer, self.head), self.grid(look)[1]
        if mark.patch >= 0:
            at = part_of(self.box(mark.picture), *self.grid(look), mark.patch)
            best = int(shares[:, mark.patch].argmax())
            lines: Lines = [(None, "looked at most by", self.shown_word(look, best)),
                            (None, "share", percent(float(shares[best, mark.patch])))]  # fmt: skip
            if look.hidden[mark.patch]:
                lines = [(None, "masked", ""), *lines]
            return at.center(), lines, f"row {mark.patch // columns + 1}, column {mark.patch % columns + 1}"
        row, gap = shares[mark.word], gap_at(look, mark.word)
        best = int(row.argmax())
        lines = [
            (None, "looks most at", f"row {best // columns + 1}, column {best % columns + 1}"),
            (None, "share", percent(float(row[best]))), (None, "at all patches", percent(float(row.sum()))),
        ]  # fmt: skip
        if gap is not None:
            pairs = zip(gap.pieces[:4], gap.probabilities.tolist(), strict=False)
            lines = [*((None, plain(piece), percent(share)) for piece, share in pairs), *lines]
        true = truth_of(look, gap)
        if true:
            lines = [(None, "in the caption", plain(true)), *lines]
        title = "the text as a whole" if not mark.word else "masked" if gap is not None else self.shown_word(look, mark.word)
        return self.word_boxes(mark.picture)[mark.word].center(), lines, title

    def take(self, mark: Spot) -> None:
        self.taken.emit(*mark)

    def _note(self, shown: WordLooks) -> str:
        what = "mean over all layers" if self.layer == ALL else f"layer {self.layer + 1}"
        if self.layer != ALL:
            what += ", mean over the heads" if self.head == MEAN else f", head {self.head + 1}"
        who = "the framed word" if self.hover is None or self.hover.patch < 0 else "each word"
        return f"step {shown.step:,}: where {who} looks, {what}"


def plain(piece: str) -> str:
    """A token as it is read in a sentence: without the mark of the space before it."""
    return token_text(piece).replace("␣", "") or token_text(piece)


def gap_at(look: WordLook, place: int) -> Gap | None:
    """The gap at this place of a text, if there is one."""
    return next((gap for gap in look.gaps if gap.position == place), None)


def truth_of(look: WordLook, gap: Gap | None) -> str:
    """What stood in a gap; empty where that is not known."""
    return look.truth[look.gaps.index(gap)] if gap is not None and look.truth else ""


def is_right(look: WordLook, gap: Gap) -> bool | None:
    """Whether the most probable word is the one that stood there; None where that is not known."""
    true = truth_of(look, gap)
    return gap.pieces[0] == true if true else None


class WordPage(LayeredPage):
    """Pictures and their words, and which attention is laid over them."""

    def __init__(self, title: str = "Words and patches", name: str = "words") -> None:
        super().__init__(
            WordView(title, name), name, "Mean of all layers", "Attention of words to patches in one co-attention block, or "
            "the mean over all blocks", "Point at a word, or at a patch",
        )  # fmt: skip
