"""Stop texts do not care how the text was cut into pieces."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from genstudio.sampling.stops import StopTexts, stop_problems

LETTERS = st.text("abé🙂", max_size=30)


@given(st.lists(st.text("abé🙂", max_size=4), max_size=12), st.lists(st.text("abé🙂", min_size=1, max_size=4), max_size=3))
@settings(deadline=None)
def test_the_first_stop_text_is_found_wherever_the_pieces_are_cut(pieces: list[str], stops: list[str]) -> None:
    watch, text, found = StopTexts(stops), "", None
    for piece in pieces:
        found = watch.add(piece)
        text += piece
        if found is not None:
            break
        assert not any(stop in text for stop in stops)
        held = max((n for n in range(1, 4) for s in stops if n < len(s) and text.endswith(s[:n])), default=0)
        assert watch.held == held
    places = [text.find(stop) for stop in stops if stop in text]
    assert found == (min(places) if places else None)


def test_what_cannot_be_a_stop_text_is_named() -> None:
    assert not list(stop_problems(("\n", "END")))
    assert [p.field for p in stop_problems(("", "x" * 2000))] == ["stop_texts", "stop_texts"]
    assert [p.field for p in stop_problems(("x",) * 100)] == ["stop_texts"]
