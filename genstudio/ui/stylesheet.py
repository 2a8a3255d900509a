"""The style sheet of a theme. What it does not name is drawn by Fusion in the theme's palette."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genstudio.ui.theme import Theme

_SHEET = Template("""
QToolTip { background: $panel; color: $text; border: 1px solid $border; padding: 6px 8px; }
QMainWindow, QDialog { background: $window; }
QWidget[panel="true"] { background: $panel; border: 1px solid $line; border-radius: 8px; }
QLabel { background: transparent; }
QLabel[quiet="true"] { color: $quiet; font-size: ${small}px; }
QLabel[heading="true"] { font-size: ${large}px; font-weight: 600; }
QLabel[title="true"] { font-size: ${huge}px; font-weight: 600; }
QLabel[group="true"] { color: $quiet; font-size: ${small}px; font-weight: 600; }
QLabel[problem="true"] { color: $error; font-size: ${small}px; }

QPushButton { background: $panel; border: 1px solid $border; border-radius: 6px; padding: 5px 12px; min-height: 20px; outline: none; }
QPushButton:hover { background: $raised; }
QPushButton:pressed { background: $line; }
QPushButton:checked { background: $accent_soft; border-color: $accent; }
QPushButton:disabled { color: $disabled; border-color: $line; background: $window; }
QPushButton:focus { border: 2px solid $accent; padding: 4px 11px; }
QPushButton[primary="true"] { background: $accent; color: $on_accent; border: 1px solid $accent; font-weight: 600; padding: 5px 16px; }
QPushButton[primary="true"]:hover, QPushButton[primary="true"]:pressed { background: $accent_hover; border-color: $accent_hover; }
QPushButton[primary="true"]:focus { border: 2px solid $text; padding: 4px 15px; }
QPushButton[primary="true"]:disabled { background: $line; color: $disabled; border-color: $line; }
QPushButton[chip="true"] { padding: 0 6px; min-height: 18px; font-size: ${small}px; border-top-right-radius: 0; border-bottom-right-radius: 0; }
QPushButton[card="true"] { border-color: $line; border-radius: 8px; padding: 0; }
QPushButton[card="true"]:hover { border-color: $accent; background: $panel; }
QPushButton[card="true"]:focus { border: 2px solid $accent; }
QPushButton[answer="right"]:disabled { background: $accent_soft; border: 2px solid $accent; }
QPushButton[answer="wrong"]:disabled { background: $warning_back; border: 2px solid $warning; }
#lesson_panel QPushButton QLabel:disabled { color: $text; }
QMainWindow::separator { width: 0; height: 0; background: transparent; }
QPushButton[flat="true"] { background: transparent; border: 1px solid transparent; }
QPushButton[flat="true"]:hover { background: $raised; }
QPushButton[flat="true"]:focus { border: 2px solid $accent; }

QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 3px; }
QToolButton[chip="true"] { padding: 0; }
QToolButton:hover { background: $raised; }
QToolButton:pressed, QToolButton:checked { background: $accent_soft; }
QToolButton:focus { border-color: $accent; }
QToolButton::menu-indicator { image: none; }
QToolButton[section="true"] { font-weight: 600; text-align: left; padding: 5px 4px; color: $text; background: transparent; }
QToolButton[section="true"]:hover { background: $raised; }

QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit, QTextEdit {
  background: $panel; color: $text; border: 1px solid $border; border-radius: 6px;
  placeholder-text-color: $quiet; selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit, QAbstractSpinBox, QComboBox { min-height: 20px; padding: 3px 7px; }
QAbstractSpinBox { padding-right: 20px; min-height: 17px; }
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus { border: none; padding: 0; min-height: 0; background: transparent; }
QLineEdit:hover, QAbstractSpinBox:hover, QComboBox:hover { border-color: $quiet; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus, QTextEdit:focus { border: 2px solid $accent; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus { padding: 2px 6px; }
QAbstractSpinBox:focus { padding-right: 19px; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { color: $disabled; background: $window; border-color: $line; }
QLineEdit[problem="true"], QAbstractSpinBox[problem="true"], QComboBox[problem="true"] { border: 1px solid $error; background: $error_back; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { subcontrol-origin: border; width: 18px; border: none; background: transparent; }
QAbstractSpinBox::up-button { subcontrol-position: top right; margin: 2px 2px 0 0; border-top-right-radius: 4px; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; margin: 0 2px 2px 0; border-bottom-right-radius: 4px; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: $raised; }
QAbstractSpinBox::up-arrow { image: url(icons:chevron-up-$name.svg); width: 8px; height: 8px; }
QAbstractSpinBox::down-arrow { image: url(icons:chevron-down-$name.svg); width: 8px; height: 8px; }
QComboBox { padding-right: 22px; combobox-popup: 0; }
QComboBox::drop-down { subcontrol-origin: border; subcontrol-position: center right; width: 22px; border: none; }
QComboBox::down-arrow { image: url(icons:chevron-down-$name.svg); width: 10px; height: 10px; }
QComboBox QAbstractItemView { background: $panel; border: 1px solid $border; selection-background-color: $accent_soft; selection-color: $text; outline: none; padding: 4px; }

QCheckBox, QRadioButton { spacing: 8px; background: transparent; padding: 2px; border: 1px solid transparent; border-radius: 4px; }
QCheckBox:focus, QRadioButton:focus { border-color: $accent; }
QCheckBox:disabled, QRadioButton:disabled { color: $disabled; }
QCheckBox::indicator { width: 16px; height: 16px; border: 1px solid $border; border-radius: 4px; background: $panel; }
QCheckBox::indicator:hover { border-color: $quiet; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url(icons:check-$name.svg); }
QCheckBox::indicator:disabled { background: $window; border-color: $line; }
QCheckBox::indicator:checked:disabled { background: $line; }

QSlider { min-height: 20px; background: transparent; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $line; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: $accent; }
QSlider::sub-page:horizontal:disabled { background: $line; }
QSlider::handle:horizontal { width: 14px; height: 14px; margin: -6px 0; border-radius: 8px; background: $panel; border: 1px solid $quiet; }
QSlider::handle:horizontal:hover { border-color: $accent; }
QSlider::handle:horizontal:focus { border: 2px solid $accent; width: 12px; height: 12px; }
QSlider::handle:horizontal:disabled { background: $window; border-color: $line; }

QTabWidget::pane { border: none; border-top: 1px solid $line; }
QTabBar { qproperty-drawBase: 0; background: transparent; }
QTabBar::tab { background: transparent; color: $quiet; padding: 8px 4px 7px 4px; margin: 0 12px; border: none; border-bottom: 2px solid transparent; font-weight: 500; }
QTabBar[dense="true"]::tab { margin: 0 4px; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:selected:focus { color: $accent; background: $accent_soft; border-top-left-radius: 6px; border-top-right-radius: 6px; }

QSplitter::handle { background: transparent; }
QSplitter::handle:horizontal { width: 7px; margin: 0 3px; }
QSplitter::handle:vertical { height: 7px; margin: 3px 0; }
QSplitter::handle:hover { background: $line; }
QSplitter::handle:pressed { background: $accent; }

QScrollArea { background: transparent; border: none; }
QScrollArea#checks_scroll { border: 1px solid transparent; border-radius: 6px; }
QScrollArea#checks_scroll:focus { border-color: $accent; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: $border; border-radius: 3px; margin: 3px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::handle:hover { background: $quiet; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QProgressBar { background: $line; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; text-align: center; color: transparent; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }

QMenuBar { background: $window; padding: 2px 4px; }
QMenuBar::item { padding: 4px 10px; border-radius: 6px; background: transparent; }
QMenuBar::item:selected { background: $raised; }
QMenu { background: $panel; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 6px 28px 6px 12px; border-radius: 4px; }
QMenu::icon { padding-left: 8px; }
QMenu::item:selected { background: $accent_soft; color: $text; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QMenu::indicator { width: 14px; height: 14px; margin-left: 6px; }

QStatusBar { background: $window; border-top: 1px solid $line; color: $quiet; }
QStatusBar::item { border: none; }

QListView, QTreeView, QTableView { background: $panel; alternate-background-color: $window; border: 1px solid $line; border-radius: 8px; outline: none; gridline-color: $grid; }
QListView::item, QTreeView::item, QTableView::item { padding: 4px 8px; }
QListView::item:hover, QTreeView::item:hover, QTableView::item:hover { background: $raised; color: $text; }
QListView::item:selected, QTreeView::item:selected, QTableView::item:selected { background: $accent_soft; color: $text; }
QListView:focus, QTreeView:focus, QTableView:focus { border-color: $accent; }
QListView[rail="true"] { background: transparent; border: 1px solid transparent; border-radius: 8px; }
QListView[rail="true"]:focus { border-color: $accent; }
QListView[rail="true"]::item { border-radius: 6px; padding: 2px 8px; }
QListView[rail="true"]::item:disabled { color: $quiet; padding-left: 8px; background: transparent; }
QHeaderView { background: $panel; border: none; }
QHeaderView::section { background: $panel; color: $quiet; border: none; border-bottom: 1px solid $line; padding: 6px 8px; font-size: ${small}px; }
QTableCornerButton::section { background: $panel; border: none; }

QFrame[toast="true"] { background: $window; border-radius: 8px; }
QFrame[banner="error"] { background: $error_back; border: 1px solid $error; border-radius: 8px; }
QFrame[banner="warning"] { background: $warning_back; border: 1px solid $warning; border-radius: 8px; }
QFrame[banner="info"] { background: $info_back; border: 1px solid $accent; border-radius: 8px; }
""")  # noqa: E501


def text(theme: Theme, sizes: Mapping[str, int]) -> str:
    """The whole sheet in this theme's colours, with the `small`, `large` and `huge` sizes of text in pixels."""
    return _SHEET.substitute({name: getattr(theme, name) for name in theme.__slots__}, **sizes)
