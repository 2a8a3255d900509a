"""How everything looks: two sets of colours, the fonts, the icons, and what tells views that the colours changed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, Literal
from weakref import WeakSet

import numpy as np
from PySide6.QtCore import QByteArray, QDir, QObject, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFont, QFontDatabase, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QStyleFactory, QWidget
from shiboken6 import isValid

from genstudio import paths
from genstudio.events import Array
from genstudio.ui import icons, stylesheet

Mode = Literal["light", "dark", "system"]

SMALL, NORMAL, LARGE, HUGE = 12, 13, 16, 20

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
CYCLE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)
ROLES = {
    "training": BLUE, "validation": ORANGE, "rate": PURPLE, "norm": GREEN, "speed": SKY, "variety": PURPLE,
    "real": BLUE, "fake": GREEN, "generator": GREEN, "discriminator": VERMILION, "simple": "#6B7683",
}  # fmt: skip
"""Colours of what a line of a chart is about, the same everywhere: see `families.dashboard.Line`. What a simple method or
chance would reach is as grey as the dashed reference lines."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as #RRGGBB. `on_accent` is text on the accent; `grid` is fainter than `line`; `*_back` are banners."""

    name: Literal["light", "dark"]
    window: str
    panel: str
    raised: str
    line: str
    border: str
    grid: str
    text: str
    quiet: str
    disabled: str
    accent: str
    accent_hover: str
    accent_soft: str
    on_accent: str
    error: str
    error_back: str
    warning: str
    warning_back: str
    info_back: str

    @property
    def dark(self) -> bool:
        return self.name == "dark"

    def color(self, role: str, alpha: float = 1.0) -> QColor:
        """The colour of a field of this theme, or of a #RRGGBB text, with opacity in [0, 1]."""
        color = QColor(role if role.startswith("#") else getattr(self, role))
        color.setAlphaF(alpha)
        return color


LIGHT = Theme(
    name="light",
    window="#F6F7F9",
    panel="#FFFFFF",
    raised="#F0F2F5",
    line="#D8DCE2",
    border="#C3C9D2",
    grid="#ECEEF2",
    text="#1C2128",
    quiet="#5B6470",
    disabled="#9AA2AD",
    accent="#2B6CD9",
    accent_hover="#245CBA",
    accent_soft="#E3ECFB",
    on_accent="#FFFFFF",
    error="#B3261E",
    error_back="#FDEEEC",
    warning="#8A4F00",
    warning_back="#FFF5E3",
    info_back="#EAF1FD",
)
DARK = Theme(
    name="dark",
    window="#15181D",
    panel="#1D2127",
    raised="#272C34",
    line="#323842",
    border="#454D59",
    grid="#282D35",
    text="#E7EAEE",
    quiet="#9BA5B1",
    disabled="#626B77",
    accent="#6FA3FF",
    accent_hover="#8BB5FF",
    accent_soft="#253552",
    on_accent="#10141A",
    error="#FF9A90",
    error_back="#3A2223",
    warning="#FFBE69",
    warning_back="#372B1B",
    info_back="#1E2B43",
)


LIGHT_CONTRAST = replace(
    LIGHT, window="#FFFFFF", raised="#E9ECF0", line="#8B939E", border="#4A525D", grid="#D5DAE1", text="#000000",
    quiet="#2F363F", disabled="#5B6470", accent="#0B4FBF", accent_hover="#083E97",
)  # fmt: skip
DARK_CONTRAST = replace(
    DARK, window="#000000", panel="#0A0C0F", raised="#1B2027", line="#6C7683", border="#A5AFBB", grid="#2C333C",
    text="#FFFFFF", quiet="#D5DBE2", disabled="#9BA5B1", accent="#8FB8FF", accent_hover="#B4D0FF",
)  # fmt: skip
"""For a projector."""
ZOOMS = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)
"""Sizes of text that a person can choose, of the usual one."""


class _Notifier(QObject):
    changed = Signal(object)


class _State:
    theme: Theme = LIGHT
    mode: Mode = "system"
    following = False
    contrast = False
    zoom = 1.0
    sheet = ""
    windows: ClassVar[WeakSet[QWidget]] = WeakSet()


_notifier = _Notifier()
changed = _notifier.changed


def current() -> Theme:
    """The theme last applied; light before any was."""
    return _State.theme


def mode() -> Mode:
    """What was last asked for; `system` follows the desktop."""
    return _State.mode


def prepare(app: QApplication) -> None:
    """Style and font, before widgets are built: a layout remembers the sizes that its labels had in another font."""
    if not _State.following:
        _State.following = True
        app.setStyle(QStyleFactory.create("Fusion"))
        app.setFont(font())
        QDir.setSearchPaths("icons", [str(paths.resources() / "icons")])
        follow = app.styleHints().colorSchemeChanged
        follow.connect(lambda _: apply(app, "system") if _State.mode == "system" else None)


def apply(app: QApplication, wanted: Mode = "system") -> Theme:
    """Give the application this look and tell every view through `changed`."""
    prepare(app)
    hints = app.styleHints()
    schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
    if wanted != _State.mode:
        _State.mode = wanted
        hints.setColorScheme(schemes.get(wanted, Qt.ColorScheme.Unknown))
    dark = wanted == "dark" or (wanted == "system" and hints.colorScheme() == Qt.ColorScheme.Dark)
    theme = (DARK_CONTRAST if dark else LIGHT_CONTRAST) if _State.contrast else DARK if dark else LIGHT
    if theme is not _State.theme or not _State.sheet:
        _dress_all(app, theme)
    return theme


def set_zoom(app: QApplication, zoom: float, *, contrast: bool | None = None) -> None:
    """Show all text this many times as large as usual, and in colours of more `contrast` where that is asked for."""
    before, _State.zoom = _State.zoom, zoom
    if contrast is not None:
        _State.contrast = contrast
    app.setFont(font())
    for menus in ("QMenuBar", "QMenu"):  # some platforms give them a font of their own
        app.setFont(font(), menus)  # type: ignore[arg-type]  # the stubs say bytes, which it refuses
    for window in [window for window in _State.windows if isValid(window)]:
        for widget in window.findChildren(QWidget):
            _rescale(widget, before)
    _State.sheet = ""
    apply(app, _State.mode)


def zoom() -> float:
    """How many times as large as usual text is shown."""
    return _State.zoom


def _rescale(widget: QWidget, before: float) -> None:
    """The font that a widget was given, in the size of now; whatever has none of its own follows by itself."""
    own = widget.font()
    if widget.testAttribute(Qt.WidgetAttribute.WA_SetFont) and own.pixelSize() > 0:
        usual = widget.property("usual_px") or own.pixelSize() / before
        widget.setProperty("usual_px", usual)
        own.setPixelSize(round(usual * _State.zoom))
        widget.setFont(own)
    if wide := widget.property("usual_width"):
        widget.setFixedWidth(scaled(wide))


def _dress_all(app: QApplication, theme: Theme) -> None:
    sizes = {name: scaled(size) for name, size in (("small", SMALL), ("large", LARGE), ("huge", HUGE))}
    _State.theme, _State.sheet = theme, stylesheet.text(theme, sizes)
    windows = [window for window in _State.windows if isValid(window)]
    for window in windows:
        window.setStyleSheet("")  # replacing one sheet by another takes Qt several times as long as none in between
    app.setPalette(palette(theme))
    for window in windows:
        window.setStyleSheet(_State.sheet)
    changed.emit(theme)


def scaled(size: int) -> int:
    """A length that goes with the text, in pixels of the text size of now."""
    return round(size * _State.zoom)


def fix_width(widget: QWidget, width: int) -> None:
    """Give a widget a width that goes with the text, also when the size of that changes."""
    widget.setProperty("usual_width", width)
    widget.setFixedWidth(scaled(width))


def dress(window: QWidget) -> None:
    """Give a window the style sheet of the theme, now and whenever that changes.

    Not the application: there each layout would style all widgets in it once more as it is put into the next larger one,
    which took most of the time of building a window.
    """
    _State.windows.add(window)
    window.setStyleSheet(_State.sheet)


def palette(theme: Theme) -> QPalette:
    """The theme in Qt's roles, so that what the style sheet does not name looks right too."""
    role = QPalette.ColorRole
    result = QPalette()
    for name, value in {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.raised,
        role.Text: theme.text,
        role.PlaceholderText: theme.quiet,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.ToolTipBase: theme.panel,
        role.ToolTipText: theme.text,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Light: theme.panel,
        role.Midlight: theme.raised,
        role.Mid: theme.line,
        role.Dark: theme.border,
        role.Shadow: "#000000",
        role.Accent: theme.accent,
    }.items():
        result.setColor(name, QColor(value))
    for name in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, name, QColor(theme.disabled))
    return result


def font(size: int = NORMAL, *, bold: bool = False, tabular: bool = False) -> QFont:
    """The system's font in pixels of the 12/13/16/20 scale; `tabular` gives all digits one width."""
    result = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    result.setPixelSize(scaled(size))
    if bold:
        result.setWeight(QFont.Weight.DemiBold)
    if tabular:
        result.setFeature(QFont.Tag("tnum"), 1)
    return result


def mono(size: int = NORMAL) -> QFont:
    """The system's monospaced font, for tokens and code."""
    result = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    result.setStyleHint(QFont.StyleHint.Monospace)
    result.setPixelSize(scaled(size))
    return result


def role_color(role: str, index: int = 0) -> str:
    """The colour of a role, or of a #RRGGBB text; for others the cycle by `index`."""
    return role if role.startswith("#") else ROLES.get(role, CYCLE[index % len(CYCLE)])


def line_colors(roles: Sequence[str]) -> list[str]:
    """The colours of the lines of a chart: those without a role take what the others leave of the cycle."""
    free = [color for color in CYCLE if color not in {ROLES.get(role, role) for role in roles}] or list(CYCLE)
    unnamed = itertools.cycle(free)
    return [role_color(role) if role in ROLES or role.startswith("#") else next(unnamed) for role in roles]


def visible(color: str) -> str:
    """A series colour as it is drawn on the current panel: in the dark, dim ones are lightened to a contrast of 4."""
    look, share = current(), 0.0
    drawn = color
    while look.dark and contrast(drawn, look.panel) < 4 and share < 1:
        share += 0.08
        drawn = "#" + "".join(f"{round(int(color[i : i + 2], 16) * (1 - share) + 255 * share):02X}" for i in (1, 3, 5))
    return drawn


def icon(name: str, role: str = "text") -> QIcon:
    """A named icon in a colour of the current theme. Raises KeyError for an unknown name."""
    theme = current()
    return _icon(name, getattr(theme, role), theme.disabled)


@lru_cache(maxsize=256)
def _icon(name: str, normal: str, disabled: str) -> QIcon:
    result = QIcon()
    for state, color in ((QIcon.Mode.Normal, normal), (QIcon.Mode.Disabled, disabled)):
        drawing = QSvgRenderer(QByteArray(icons.svg(name, color)))
        for size in (16, 24, 32, 48, 80):
            pixmap = QPixmap(QSize(size, size))
            pixmap.fill(Qt.GlobalColor.transparent)
            with QPainter(pixmap) as painter:
                drawing.render(painter)
            result.addPixmap(pixmap, state)
    return result


class _IconKeeper(QObject):
    """Redraws the icon of its parent whenever the theme changes; ends with the parent."""

    def __init__(self, target: QAbstractButton | QAction | QLabel, name: str, role: str, size: int) -> None:
        super().__init__(target)
        self._target = target
        self._size = size
        self.name, self.role = name, role
        self.draw()
        changed.connect(self.draw)

    def draw(self, _theme: object = None) -> None:
        if isinstance(self._target, QLabel):
            ratio = self._target.devicePixelRatioF()
            self._target.setPixmap(icon(self.name, self.role).pixmap(QSize(self._size, self._size), ratio))
        else:
            self._target.setIcon(icon(self.name, self.role))


def set_icon(target: QAbstractButton | QAction | QLabel, name: str, role: str = "text", size: int = 16) -> None:
    """Give a button, action or label an icon that follows the theme; calling again replaces it."""
    keeper = next((child for child in target.children() if isinstance(child, _IconKeeper)), None)
    if keeper is None:
        _IconKeeper(target, name, role, size)
    elif (keeper.name, keeper.role) != (name, role):
        keeper.name, keeper.role = name, role
        keeper.draw()


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two #RRGGBB colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    bright, dim = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(color: str) -> float:
    parts = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _ramp(*anchors: str) -> Array:
    points = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in anchors], dtype=np.float64)
    at = np.linspace(0, len(anchors) - 1, 256)
    ramp = np.stack([np.interp(at, np.arange(len(anchors)), points[:, c]) for c in range(3)], axis=1)
    return ramp.round().astype(np.uint8)


VIRIDIS = _ramp(
    "#440154", "#482878", "#3E4A89", "#31688E", "#26828E", "#1F9E89", "#35B779", "#6DCD59", "#B4DE2C", "#FDE725"
)
DIVERGING = _ramp("#00447A", "#2B7FBD", "#9CC8E6", "#F8F8F8", "#F7C68B", "#E0851B", "#9A4A00")


def mapped(values: Array, low: float, high: float, table: Array = VIRIDIS) -> Array:
    """Values (...) as colours (..., 3) uint8: `low` is the first of the table's 256 colours, `high` the last."""
    scale = 255 / (high - low) if high > low else 0.0
    index = np.clip(np.nan_to_num((values - low) * scale), 0, 255).astype(np.uint8)
    return np.asarray(table[index])
