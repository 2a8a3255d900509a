"""The document of the playground: what the person types, what models write, and every branch of both."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QKeyEvent, QPainter, QPaintEvent, QTextCursor
from PySide6.QtWidgets import QToolTip, QWidget

from genstudio.events import Array
from genstudio.sampling.document import Document
from genstudio.sampling.segments import Made, Segment, Written, chosen_part, merged, typed, written
from genstudio.sampling.tree import Place, Tree
from genstudio.snapshots.text import Writing
from genstudio.tasks.document import Marks
from genstudio.tasks.prompt import Prompt, Tokens
from genstudio.ui import theme
from genstudio.ui.layouts import hbox, named, single_shot, vbox
from genstudio.ui.views.editor import Editor, Span
from genstudio.ui.views.positions import Change, Positions, difference, shown, units
from genstudio.ui.views.soft_breaks import broken, mark, moved, plain, settle
from genstudio.ui.views.token_card import TokenCard
from genstudio.ui.views.view import token_text
from genstudio.ui.widgets import ElidedLabel, tooltip

SURPRISE = (0.5, 0.2, 0.05, 0.01)
TINTS = {
    "light": ("#E3ECFB", "#EEF0E2", "#FCF0D3", "#FBDDB0", "#F6C287"),
    "dark": ("#22334F", "#30343A", "#453A22", "#5C441D", "#765015"),
}
_LIMITS = np.log(np.array(SURPRISE))
_LEAVE_MS = 250
_UNTOUCHED = (1 << 62, -1)


def tint(probability: float) -> int:
    """Which of the five tints a token gets: 0 for likely ones (at least 0.5), 4 for those below 0.01."""
    return sum(not probability >= limit for limit in SURPRISE)


def tints(logprobs: Array) -> Array:
    """The same for logarithms of probabilities (n,): (n,) from 0 to 4."""
    return np.asarray((~(logprobs[:, None] >= _LIMITS)).sum(axis=1))


class Legend(QWidget):
    """What the tints mean."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("writing_legend")
        self.setAccessibleName("Tints: the model's probability of each token, from at least 50% to below 1%")
        self.setFixedHeight(20)

    def paintEvent(self, _event: QPaintEvent) -> None:
        look = theme.current()
        with QPainter(self) as painter:
            painter.setFont(theme.font(theme.SMALL, tabular=True))
            metrics = painter.fontMetrics()
            painter.setPen(look.color("quiet"))
            painter.drawText(QRectF(0, 0, self.width(), 20), Qt.AlignmentFlag.AlignVCenter, "Probability:")
            x = metrics.horizontalAdvance("Probability:") + 8.0
            words = [*(f"≥ {limit:.0%}" for limit in SURPRISE), f"< {SURPRISE[-1]:.0%}"]
            for color, word in zip(TINTS[look.name], words, strict=True):
                width = metrics.horizontalAdvance(word) + 10
                painter.fillRect(QRectF(x, 2, width, 16), QColor(color))
                painter.setPen(look.color("text"))
                painter.drawText(QRectF(x, 0, width, 20), Qt.AlignmentFlag.AlignCenter, word)
                x += width

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        words = "".join(["Probability:", *(f"≥ {limit:.0%}" for limit in SURPRISE), "< 1%"])
        return QSize(metrics.horizontalAdvance(words) + 64, 20)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


class DocumentView(QWidget):
    """An editor of a Document. What a model wrote is tinted by its surprise; a token's card offers its alternatives.

    `changed()` when the text or its branches have changed; `edited()` before that when a person did it; `moved()` when
    the cursor has; `alternative_wanted(Place, choice)` when the document should go on with another token.
    """

    changed = Signal()
    edited = Signal()
    moved = Signal()
    alternative_wanted = Signal(object, int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("document")
        self.document = Document()
        self.marks: Marks | None = None
        self._window = np.empty(0, np.int64)
        self._since: Change | None = None
        self._dimmed = 0
        self.editor = named(Editor(), "document_text", "Your text, and what the model writes after it")
        self.editor.setPlaceholderText("Type a beginning; the model continues it.")
        self.legend = Legend()
        self.legend.hide()
        self.count = named(ElidedLabel(), "token_count", "Tokens")
        self.count.setProperty("quiet", True)
        self.count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.card = TokenCard()
        self.card.setParent(self)
        self._text = ""
        self._positions = Positions("")
        self._own = False
        self._touched = _UNTOUCHED
        self._settling = single_shot(self, 0)
        self._writing: tuple[int, int] | None = None
        self._leaving = single_shot(self, _LEAVE_MS)
        self.editor.marked = self
        self._lay_out()
        self._connect()

    def text(self) -> str:
        """The text that is shown."""
        return self.document.text

    def prompt(self, run: str = "", end: int | None = None) -> Prompt:
        """The text up to a position, for a model of this run: what it wrote itself stays the tokens that it wrote."""
        parts = merged(self.document.tree.segments(end), run)
        return tuple(part if isinstance(part, str) else Tokens(*part) for part in parts)

    def caret(self) -> int:
        """Where the text cursor is, in characters."""
        return self._positions.characters(self.editor.textCursor().position())

    def set_caret(self, position: int) -> None:
        cursor = self.editor.textCursor()
        cursor.setPosition(min(self._positions.units(max(position, 0)), self._positions.length))
        self.editor.setTextCursor(cursor)

    def set_text(self, text: str) -> None:
        """Start another document with this text; undo brings the one before back."""
        self.document.reset(Tree.of(text.replace("\r\n", "\n")))
        self.show_document()

    def set_document(self, tree: Tree) -> None:
        """Show a document that was read; there is nothing to undo yet."""
        self.document = Document(tree)
        self.show_document()

    def begin_writing(self, position: int | None = None) -> None:
        """What `show_writing` brings next goes on from this position; at the end unless told."""
        self._writing = (self.document.tree.length if position is None else position, 0)

    def end_writing(self) -> None:
        """Whatever comes now was meant for a text that is no longer there."""
        self._writing = None

    def show_writing(self, writing: Writing, made: Made) -> None:
        """Add what is new of a continuation; ignored once the person has changed the text."""
        if self._writing is None or writing.chosen is None:
            return
        position, known = self._writing
        segments = segments_of(writing, made, known)
        if not segments:
            return
        if known:
            self.document.extend(segments)
        else:
            self.document.branch(position, segments)
        self._writing = (position, len(writing.pieces))
        self._follow_tree(follow=True)

    def take(self, position: int, segments: Sequence[Segment]) -> None:
        """Continue from a position with this; what was there stays as another branch. The cursor goes behind it."""
        self.edited.emit()
        self.document.branch(position, segments)
        self._follow_tree()
        self.set_caret(self.document.tree.length)

    def undo(self) -> None:
        self.edited.emit()
        if self.document.undo():
            self._follow_tree()

    def redo(self) -> None:
        self.edited.emit()
        if self.document.redo():
            self._follow_tree()

    def switch(self, key: int) -> None:
        """Show another branch."""
        self.edited.emit()
        self.document.switch(key)
        self._follow_tree()

    def walk(self, by: int) -> None:
        """To the next or the previous way to go on from the last fork before the cursor."""
        nodes, shown_one = self.document.tree.siblings(self.caret())
        if nodes:
            self.switch(nodes[(shown_one + by) % len(nodes)].id)

    def to_fork(self) -> None:
        """Put the cursor where the branch that it is in begins."""
        tree, at = self.document.tree, self.caret()
        starts = [start for start in tree.starts[1:-1] if start < at]
        self.set_caret(starts[-1] if starts else 0)

    def rename(self, key: int, name: str) -> None:
        self.document.rename(key, name)
        self._follow_tree()

    def remove(self, key: int) -> None:
        """Take a branch away; undo brings it back."""
        self.edited.emit()
        self.document.remove(key)
        self._follow_tree()

    def set_marks(self, marks: Marks | None) -> None:
        """Show where the tokens of the typed text begin, and which characters the model does not know."""
        self.marks, self._since = marks, None
        self._window = self._window_of(marks)
        self.count.setText(self._count_words())
        self._repaint(0)

    def show_document(self) -> None:
        """Everything again."""
        self._own = True
        try:
            self._text = shown(self.document.text)
            lines, breaks = broken(self._text)
            self._positions = Positions(self._text, breaks)
            self.editor.setPlainText(lines)
            if len(breaks):
                mark(self.editor.document(), breaks, 0, self._positions.length)
            self.editor.moveCursor(QTextCursor.MoveOperation.End)
        finally:
            self._own = False
        self._changed()

    def spans(self, start: int, stop: int) -> Iterator[Span]:
        tree, units = self.document.tree, self._positions.units
        first, last = self._positions.characters(start), self._positions.characters(stop) + 1
        colors = TINTS[theme.current().name]
        for at, segment in self._segments(first, last):
            low, high = _tokens_between(segment, first - at, last - at)
            kinds = tints(segment.tokens.logprobs[low:high])
            edges = np.flatnonzero(np.diff(kinds, prepend=-1, append=-1))
            for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
                left, right = int(segment.starts[low + begin]), int(segment.starts[low + end])
                yield Span(units(at + left), units(at + right), QColor(colors[int(kinds[begin])]))
        if self.marks is not None:
            for place in self._marked(self.marks.unknown, first, last).tolist():
                yield Span(units(place), units(place + 1), theme.current().color("error_back"), wavy=True)
        if self.card.isVisible() and self.card.place is not None and self.card.place.stop <= tree.length:
            yield Span(units(self.card.place.start), units(self.card.place.stop), framed=True)

    def boundaries(self, start: int, stop: int) -> Iterator[int]:
        first, last = self._positions.characters(start), self._positions.characters(stop) + 1
        for at, segment in self._segments(first, last):
            low, high = _tokens_between(segment, first - at, last - at)
            yield from self._positions.all_units(at + segment.starts[low : high + 1]).tolist()
        if self.marks is not None:
            yield from self._positions.all_units(self._marked(self.marks.starts, first, last)).tolist()

    def unseen(self) -> int:
        """Where the last tokens begin that fit the context of the model, in UTF-16 units; 0 where all do."""
        places = self._marked(self._window, 0, len(self._text)) if self.marks is not None else self._window
        return self._positions.units(int(places[0])) if len(places) else 0

    def _window_of(self, marks: Marks | None) -> Array:
        """The place of the first token that the model sees, in characters (1,); empty where it sees all of them."""
        if marks is None or marks.count <= marks.context:
            return np.empty(0, np.int64)
        written = (at + segment.starts[:-1] for at, segment in self._segments(0, len(self._text)))
        starts = np.sort(np.concatenate([marks.starts, *written]))
        return starts[-marks.context : -marks.context + 1 or None]

    def hint_at(self, position: int) -> str:
        """What is known of a typed character; empty if nothing."""
        if self.marks is None or not 0 <= position < len(self._text):
            return ""
        letter = token_text(self._text[position])
        if len(self._marked(self.marks.unknown, position, position + 1)):
            fate = f"reads {self.marks.replaced_by} instead" if self.marks.replaced_by else "skips it"
            return f"'{letter}' is not in the model's vocabulary: it {fate}."
        old = position if self._since is None else self._since.before(position)
        index = int(np.searchsorted(self.marks.starts, old, side="right")) - 1
        start = int(self.marks.starts[index]) + position - old if index >= 0 else -1
        known = start >= 0 and len(self._marked(self.marks.starts, start, start + 1))
        if not known or self.document.tree.token_at(position) is not None:
            return ""
        token = int(self.marks.ids[index])
        return f"'{token_text(self.marks.names.get(token, '?'))}'  id {token:,}"

    def _marked(self, places: Array, first: int, last: int) -> Array:
        """Those of the marks' places that are between two positions, in the text as it has become since."""
        low, high = np.searchsorted(places, (first, last))
        return places[low:high] if self._since is None else self._since.between(places, first, last)

    def open_card(self, position: int, keyboard: bool = False) -> bool:
        """Show the card of the written token at a position; whether there is one."""
        place = self.document.tree.token_at(position)
        if place is None:
            self.card.hide()
            return False
        self.card.setParent(self.window())
        box = self._box(place)
        self.card.show_token(place, box, keyboard)
        self.editor.viewport().update()
        return True

    def open_here(self) -> None:
        """Show the card of the token at the cursor, or of the one before it."""
        at = self.caret()
        if not self.open_card(at, keyboard=True):
            self.open_card(at - 1, keyboard=True)

    def close_card(self) -> None:
        if self.card.isVisible():
            self.card.hide()
            self.editor.viewport().update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.editor and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._key(event)
        if watched is self.editor and event.type() in (QEvent.Type.FocusOut, QEvent.Type.Hide):
            self.close_card()
        return False

    def hideEvent(self, event: QHideEvent) -> None:
        self.close_card()
        super().hideEvent(event)

    def _key(self, event: QKeyEvent) -> bool:
        key = event.key()
        if self.card.isVisible():
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                self.card.move_row(1 if key == Qt.Key.Key_Down else -1)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.card.take()
                return True
            if key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not event.modifiers() and self._walk_tokens(key):
                return True
            if key not in (Qt.Key.Key_Alt, Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Meta):
                self.close_card()
                if key == Qt.Key.Key_Escape:
                    return True
        return False

    def _walk_tokens(self, key: int) -> bool:
        """Open the card of the written token before or after the one whose card is open; whether there is one."""
        place = self.card.place
        at = -1 if place is None else place.start - 1 if key == Qt.Key.Key_Left else place.stop
        if self.document.tree.token_at(at) is None:
            return False
        self.set_caret(at)
        return self.open_card(self.caret(), keyboard=True)

    def _box(self, place: Place) -> QRect:
        """Where a token is in the window."""
        box = self.editor.box_of(self._positions.units(place.start)).toAlignedRect()
        corner = self.editor.viewport().mapTo(self.window(), QPoint(box.left(), box.top()))
        return QRect(corner, box.size())

    def _hovered(self, unit: int) -> None:
        position = self._positions.characters(unit) if unit >= 0 else -1
        if position < 0 or self.document.tree.token_at(position) is None:
            if self.card.isVisible() and self.card.row < 0:
                self._leaving.start()
            if position >= 0 and (hint := self.hint_at(position)):
                place = self.editor.box_of(unit).bottomLeft().toPoint()
                QToolTip.showText(self.editor.viewport().mapToGlobal(place), tooltip(hint), self.editor)
            return
        self._leaving.stop()
        if not (self.card.isVisible() and self.card.row >= 0):
            self.open_card(position)

    def _left(self) -> None:
        if not self.card.underMouse():
            self.close_card()

    def _take_alternative(self, place: Place, choice: int) -> None:
        self.close_card()
        self.alternative_wanted.emit(place, choice)

    def _segments(self, first: int, last: int) -> Iterator[tuple[int, Written]]:
        """The written segments that are seen between two positions."""
        spans = self.document.tree.spans
        index = max(0, bisect_right(spans, first, key=lambda span: span[0]) - 1)
        while index < len(spans) and spans[index][0] < last:
            at, segment = spans[index]
            if isinstance(segment, Written) and segment.texts:
                yield at, segment
            index += 1

    def _edited(self, position: int, removed: int, added: int) -> None:
        """The person changed the editor's text: the same change in the document."""
        if self._own:
            return
        old, length = self._text, self.editor.document().characterCount() - 1
        if added - removed != length - self._positions.length or position + removed > self._positions.length:
            position, removed, added = 0, self._positions.length, length
        start, end = map(self._positions.characters, (position, position + removed))
        fresh, soft = plain(self.editor.document(), position, position + added)
        breaks = moved(self._positions.breaks, position, removed, added, soft)
        if len(breaks) or len(self._positions.breaks):
            mark(self.editor.document(), breaks, position, position + added)
        skip, last, stop = difference(old[start:end], fresh)
        start, end, fresh = start + skip, start + last, fresh[skip:stop]
        self._settling.start()
        self._positions = self._positions.replaced(start, end, fresh, breaks)
        if start == end and not fresh:
            return
        self.edited.emit()
        self.document.replace(start, end, fresh)
        self._text = old[:start] + fresh + old[end:]
        self._touched = (min(self._touched[0], position), max(self._touched[1], position + added))
        self._changed((start, end, start + len(fresh)))

    def _pasted(self, text: str) -> None:
        """Much text at once, which the editor would lay out as a whole."""
        cursor = self.editor.textCursor()
        start, end = map(self._positions.characters, (cursor.selectionStart(), cursor.selectionEnd()))
        self.edited.emit()
        self.document.replace(start, end, text.replace("\r\n", "\n"))
        self._follow_tree()

    def _settle(self) -> None:
        """Keep the parts of long paragraphs neither too long nor too short."""
        first, last = self._touched
        self._touched = _UNTOUCHED
        if first > last:
            return
        self._own = True
        try:
            document = self.editor.document()
            breaks = settle(document, self._positions.breaks, min(first, self._positions.length), last)
        finally:
            self._own = False
        self._positions = self._positions.replaced(0, 0, "", breaks)

    def _follow_tree(self, follow: bool = False) -> None:
        """Show the document as it is now; the cursor goes to what has changed, or stays where it was."""
        new = shown(self.document.text)
        start, end, stop = difference(self._text, new)
        bar = self.editor.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        caret, was_last = self.editor.textCursor().position(), self.editor.textCursor().atEnd()
        begin, behind = self._positions.units(start), self._positions.units(end)
        self._text = new
        if start != end or start != stop:
            self._put(begin, behind, new[start:stop])
            if not follow:
                self.set_caret(stop)
            elif not was_last:
                place = self.editor.textCursor()
                place.setPosition(min(caret, self._positions.length))
                self.editor.setTextCursor(place)
            if follow and at_end:
                bar.setValue(bar.maximum())
        self._changed((start, end, stop))

    def _put(self, begin: int, behind: int, text: str) -> None:
        """Show this instead of what is between two positions, in units; `_text` has it already."""
        self._own = True
        try:
            document = self.editor.document()
            cursor = QTextCursor(document)
            cursor.setPosition(begin)
            cursor.setPosition(behind, QTextCursor.MoveMode.KeepAnchor)
            lines, soft = broken(text)
            cursor.insertText(lines)
            stop = begin + units(lines)
            breaks = moved(self._positions.breaks, begin, behind - begin, stop - begin, soft)
            if len(breaks) or len(self._positions.breaks):
                mark(document, breaks, begin, stop)
            breaks = settle(document, breaks, begin, stop)
        finally:
            self._own = False
        self._positions = Positions(self._text, breaks)

    def _changed(self, difference: tuple[int, int, int] | None = None) -> None:
        if self.marks is not None and difference is not None:
            self._since = Change(*difference) if self._since is None else self._since.then(*difference)
        elif difference is None:
            self.marks = None
        self.close_card()
        self.legend.setVisible(any(isinstance(segment, Written) for _, segment in self.document.tree.spans))
        self._repaint(0 if difference is None else difference[0])
        self.changed.emit()

    def _repaint(self, start: int) -> None:
        """Paint again what stands from a position on, or all of it where another part is dimmed now."""
        dimmed, self._dimmed = self._dimmed, self.unseen()
        self.editor.update_from(0 if dimmed != self._dimmed else self._positions.units(start))

    def _count_words(self) -> str:
        if self.marks is None:
            return ""
        words = f"{self.marks.count:,} token{'' if self.marks.count == 1 else 's'}"
        if self.marks.count > self.marks.context:
            words += f", sees the last {self.marks.context:,}"
        if count := len(self.marks.unknown):
            fate = f"read as {self.marks.replaced_by}" if self.marks.replaced_by else "skipped"
            words = f"{count:,} unknown: {fate}  ·  {words}"
        return words

    def _connect(self) -> None:
        self.setFocusProxy(self.editor)
        self.editor.installEventFilter(self)
        self.editor.document().contentsChange.connect(self._edited)
        self.editor.cursorPositionChanged.connect(lambda: None if self._own else self.moved.emit())
        self.editor.undo_wanted.connect(self.undo)
        self.editor.redo_wanted.connect(self.redo)
        self.editor.pasted.connect(self._pasted)
        self._settling.timeout.connect(self._settle)
        self.editor.hovered.connect(self._hovered)
        self.editor.verticalScrollBar().valueChanged.connect(lambda _: self.close_card())
        self._leaving.timeout.connect(self._left)
        self.card.left.connect(self._leaving.start)
        self.card.taken.connect(self._take_alternative)

    def _lay_out(self) -> None:
        vbox((self.editor, 1), hbox(self.legend, (self.count, 1), spacing=12), into=self, spacing=4)


def segments_of(writing: Writing, made: Made, known: int = 0) -> tuple[Segment, ...]:
    """What a model wrote as a part of a document, without the first `known` tokens.

    A last token of which only a part was wanted is typed text: its numbers are of the whole token.
    """
    if writing.chosen is None:
        return ()
    stop = len(writing.pieces) - writing.cut
    fresh = written(writing.pieces[known:stop], chosen_part(writing.chosen, known, stop), made) if stop > known else ()
    rest = "".join(writing.pieces[max(stop, known) :])
    return (*fresh, *typed(rest))


def _tokens_between(segment: Written, first: int, last: int) -> tuple[int, int]:
    """The tokens of a segment whose text lies between two positions in it."""
    low = max(0, int(np.searchsorted(segment.starts, first, side="right")) - 1)
    high = min(len(segment.texts), int(np.searchsorted(segment.starts, last, side="left")))
    return low, max(low, high)
