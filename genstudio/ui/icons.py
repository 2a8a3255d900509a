"""Icons as SVG paths on a 16 x 16 grid, stroked in whatever colour the theme asks for."""

from __future__ import annotations

_STROKES = {
    "play": "M4.5 2.8v10.4L13 8z",
    "pause": "M5 3v10 M11 3v10",
    "stop": "M4 4h8v8H4z",
    "save": "M3 2.8h8l2.2 2.2v8.2H3z M5.2 2.8v3.4h5V2.8 M5 13.2V9.2h6v4",
    "extend": "M2 8h9 M8 4.8 11.2 8 8 11.2 M14 3.5v9",
    "open": "M2 12.8V3.6h4.2l1.6 1.8H13v2 M2 12.8 4 7.4h11l-2 5.4z",
    "trash": "M2.8 4.4h10.4 M6 4.4V2.6h4v1.8 M4.2 4.4l.6 9h6.4l.6-9 M6.8 7v4 M9.2 7v4",
    "pencil": "M3 13l.6-3L10.8 2.8l2.4 2.4L6 12.4z M9.2 4.4l2.4 2.4",
    "sun": "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6z M8 1v1.6 M8 13.4V15 M1 8h1.6 M13.4 8H15 M3 3l1.2 1.2"
    " M11.8 11.8 13 13 M3 13l1.2-1.2 M11.8 4.2 13 3",
    "moon": "M13.4 9.6A5.8 5.8 0 1 1 6.4 2.6a4.6 4.6 0 0 0 7 7z",
    "plus": "M8 3v10 M3 8h10",
    "minus": "M3 8h10",
    "close": "M4 4l8 8 M12 4l-8 8",
    "check": "M3 8.4 6.4 12 13 4.4",
    "search": "M7 2.6a4.4 4.4 0 1 1 0 8.8 4.4 4.4 0 0 1 0-8.8z M10.4 10.4 14 14",
    "menu": "M3 8h.01 M8 8h.01 M13 8h.01",
    "info": "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z M8 7.2v4 M8 4.8h.01",
    "warning": "M8 2.2 14.6 13.6H1.4z M8 6.4v3.6 M8 11.8h.01",
    "error": "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z M5.8 5.8l4.4 4.4 M10.2 5.8l-4.4 4.4",
    "copy": "M5.6 5.6h7.8v7.8H5.6z M10.4 5.4V2.6H2.6v7.8h2.8",
    "undo": "M3 6.6h6.8a3.4 3.4 0 0 1 0 6.8H6 M6 3.4 2.8 6.6 6 9.8",
    "redo": "M13 6.6H6.2a3.4 3.4 0 0 0 0 6.8H10 M10 3.4l3.2 3.2L10 9.8",
    "refresh": "M13.2 8a5.2 5.2 0 1 1-1.6-3.8 M13.4 1.8v3h-3",
    "chevron-down": "M3.6 6 8 10.4 12.4 6",
    "chevron-right": "M6 3.6 10.4 8 6 12.4",
    "chevron-left": "M10 3.6 5.6 8 10 12.4",
    "chevron-up": "M3.6 10 8 5.6 12.4 10",
    "chart": "M2.4 2.4v11.2h11.2 M4.6 5c2 5 5 5.6 8.6 5.8",
    "text": "M3 4h10 M3 8h10 M3 12h6",
    "data": "M2.6 4.2c0-2 10.8-2 10.8 0s-10.8 2-10.8 0z M2.6 4.2v7.6c0 2 10.8 2 10.8 0V4.2 M2.6 8c0 2 10.8 2 10.8 0",
    "model": "M2.6 2.6h10.8v3H2.6z M2.6 10.4h10.8v3H2.6z M8 5.6v4.8",
    "runs": "M3 4h.01 M6 4h7.4 M3 8h.01 M6 8h7.4 M3 12h.01 M6 12h7.4",
    "write": "M2.6 13.4h10.8 M4 10.6l.5-2.3 5.3-5.3 1.8 1.8-5.3 5.3z",
    "resume": "M3 3v10 M6.4 2.8v10.4L14 8z",
    "download": "M8 2.4v7.4 M4.8 6.8 8 10l3.2-3.2 M2.8 13.4h10.4",
    "zoom-reset": "M2.6 6V2.6H6 M10 2.6h3.4V6 M13.4 10v3.4H10 M6 13.4H2.6V10",
    "dice": "M3 3h10v10H3z M5.8 5.8h.01 M10.2 10.2h.01 M8 8h.01",
    "star": "M8 2l1.8 3.9 4.2.5-3.1 2.9.8 4.2L8 11.4l-3.7 2.1.8-4.2L2 6.4l4.2-.5z",
    "images": "M2.4 3h11.2v10H2.4z M5.4 6h.01 M2.8 12.4 6.4 8.6l2.4 2.4 2-2 2.6 3",
    "pairs": "M2.4 3.4h4.4v9.2H2.4z M9.2 3.4h4.4v9.2H9.2z M4 6h1.2 M10.8 6H12 M4 8.6h1.2 M10.8 8.6H12",
    "labelled": "M2.6 3.4h5.4l5.4 5.2-4.6 4.6-6.2-5.8z M5.4 6.2h.01",
    "rows": "M2.5 4h11 M2.5 8h11 M2.5 12h11 M6 2.5v11",
    "points": "M4.2 11.4h.01 M6.4 8.8h.01 M9 10.4h.01 M8 5.6h.01 M11.4 7.4h.01 M12 3.8h.01 M4.6 4.6h.01",
    "regions": "M5 2.4c0 4 6 3.6 6 7.4 0 1.6-.6 2.8-1.4 3.8 M11 2.4c0 4-6 3.6-6 7.4 0 1.6.6 2.8 1.4 3.8"
    " M5.6 4.4h4.8 M5.6 10.8h4.8",
    "audio": "M2.4 6.8v2.4 M5 4.6v6.8 M8 2.4v11.2 M11 5v6 M13.6 6.8v2.4",
    "tasks": "M2.6 4.4 4 5.8l2.2-2.6 M8.6 4.6h5 M2.6 10.6 4 12l2.2-2.6 M8.6 10.8h5",
    "paste": "M5.4 3.4H3.2v10h9.6v-10h-2.2 M5.6 2.2h4.8v2.6H5.6z",
    "folder": "M2 12.8V3.6h4.2l1.6 1.8H14v7.4z",
    "settings": "M2.4 5h5.2 M11.6 5h2 M9.6 3.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6z M2.4 11h2 M8.4 11h5.2"
    " M6.4 9.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6z",
    "dot": "M8 5.4a2.6 2.6 0 1 1 0 5.2 2.6 2.6 0 0 1 0-5.2z",
}
_FILLED = {"play", "stop", "dot", "resume"}
_HEAVY = {"menu": 2.2, "points": 2.0, "pause": 2.2, "check": 1.8}

NAMES = tuple(_STROKES)


def svg(name: str, color: str) -> bytes:
    """The icon as an SVG document in this colour. Raises KeyError for a name that is not in NAMES."""
    fill = color if name in _FILLED else "none"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
        f'<path d="{_STROKES[name]}" fill="{fill}" stroke="{color}" stroke-width="{_HEAVY.get(name, 1.4)}" '
        'stroke-linecap="round" stroke-linejoin="round"/></svg>'
    ).encode()
