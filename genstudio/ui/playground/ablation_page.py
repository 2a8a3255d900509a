"""What heads, layers, MLPs and tokens are for: the same text without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QPlainTextEdit, QVBoxLayout

from genstudio.events import Frame
from genstudio.inspection.ablation import NOTHING_ABLATED, Ablation
from genstudio.sampling.choose import SamplingOptions
from genstudio.snapshots.attention import AblationResult, Heads
from genstudio.tasks.ablate import Ablate
from genstudio.tasks.inside import LookAtAttention
from genstudio.tasks.models import ModelRef
from genstudio.tasks.prompt import Prompt
from genstudio.ui import theme
from genstudio.ui.engine import Engine
from genstudio.ui.layouts import Flow, hbox, named, vbox
from genstudio.ui.playground.page import Page
from genstudio.ui.playground.sampler import Sampling
from genstudio.ui.views.heads import HeadsView, height_of
from genstudio.ui.views.token_bars import PairedBars
from genstudio.ui.views.token_strip import TokenStrip
from genstudio.ui.widgets import button, plain_label

_NOTHING = "nothing is off"
_HINT = "Click a head, an MLP or a whole layer to switch it off, or select it with the arrow keys and press K."


class AblationPage(Page):
    """A click in the overview switches a part off; a click on a token hides it from all others. `switches_changed(Switches)`
    goes to the other pages that read the model with parts off."""

    switches_changed = Signal(object)
    as_translated = True

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, "page_knock_out", "Knock out")
        self.switches = NOTHING_ABLATED
        self.heads = HeadsView("knock_out_heads", switching=True)
        self.strip = TokenStrip("Click a token to hide it", "knock_out_tokens", "added loss (nats)")
        self.bars = PairedBars("Next token", "knock_out_bars")
        self.scaled = QCheckBox("Scaling by 1/√d_k")
        self.causal = QCheckBox("Look-ahead mask")
        self.restore = button("Switch all on", "knock_out_restore", does=lambda: self.show_switches(NOTHING_ABLATED))
        self.loss = plain_label(wrap=True, name="knock_out_loss")
        self.texts = _text("knock_out_before", "Text written by the intact model"), _text(
            "knock_out_after", "Text written with parts switched off"
        )
        self._titles = plain_label(role="group"), plain_label(role="group")
        self._sampling = Sampling(SamplingOptions(greedy=True))
        self._looked_at: tuple[ModelRef, Prompt] | None = None
        self._shown: AblationResult | None = None
        self._build()
        for view in (self.heads, self.strip, self.bars):
            view.failed.connect(self.failed)
        self.heads.switched.connect(self.show_switches)
        self.strip.picked.connect(lambda at: self.show_switches(replace(self.switches, tokens=self.switches.tokens ^ {at})))
        self.scaled.toggled.connect(lambda on: self.show_switches(replace(self.switches, scaled=on)))
        self.causal.toggled.connect(lambda on: self.show_switches(replace(self.switches, causal=on)))

    def show_sampling(self, sampling: Sampling) -> None:
        """How both write, from the sampler under the document."""
        if (sampling.options, sampling.seed) != (self._sampling.options, self._sampling.seed):
            self._sampling = sampling
            if self.isVisible():
                self._compare()

    def look(self, model: ModelRef, prompt: Prompt) -> None:
        before, self._looked_at = self._looked_at, (model, prompt)
        if before is not None:
            self.show_switches(still_off(self.switches, before, self._looked_at))
        self.ask("heads", LookAtAttention(model, prompt), self._show)
        self._compare()

    def show_switches(self, switches: Ablation) -> None:
        """Switch exactly these parts off."""
        if switches == self.switches:
            return
        self.switches = switches
        self.heads.set_switches(switches)
        self.strip.strike(switches.tokens)
        for box, on in ((self.scaled, switches.scaled), (self.causal, switches.causal)):
            with QSignalBlocker(box):
                box.setChecked(on)
        self.restore.setEnabled(bool(switches))
        if self.isVisible():
            self._compare()
        else:
            self._missed = True
        self.switches_changed.emit(switches)

    def _compare(self) -> None:
        if self._looked_at is not None:
            options, seed = self._sampling.options, self._sampling.seed
            task = Ablate(*self._looked_at, self.switches, options=options, seed=seed)
            self.ask("knock_out", task, on_result=self._show_knocked)

    def _show(self, frame: Frame) -> None:
        for found in frame.snapshots:
            if isinstance(found, Heads):
                self.heads.setMinimumHeight(height_of(len(found.labels)))
                self.heads.show_snapshot(found)
                masked = found.causal or not self.switches.causal
                self.causal.setEnabled(masked)
                self.causal.setVisible(masked)

    def _show_knocked(self, found: AblationResult) -> None:
        self._shown = found
        (before, after), fills = found.losses, found.gap >= 0
        added = np.nan_to_num(after - before)
        words = ["marks the beginning" if fills else "the first token: there is no context to predict it from"]
        words += [
            f"{was:.3f} → {now:.3f} nats" if np.isfinite(was) else "a gap" for was, now in zip(before, after, strict=True)
        ]
        values = [0.0, *(added / 4).clip(-1, 1).tolist()]
        note = "orange: harder to predict now, blue: easier" if found.off else ""
        if found.source:
            words = ["hidden" if at in found.off.tokens else "can be hidden" for at in range(len(found.source))]
            values, note = [0.0] * len(found.source), "the source"
        self.strip.show_tokens(found.source or found.tokens, np.asarray(values), words, note)
        self.strip.strike(self.switches.tokens)
        off = describe(found.off)
        legend = "outline: intact model, bar: parts off" if found.off else _NOTHING
        self.bars.title = f"Token {found.gap + 1}, hidden" if fills else "Next token"
        self.bars.show_pair(found.pieces, found.chances[0], found.chances[1], legend)
        for text, written in zip(self.texts, found.written, strict=True):
            text.setPlainText(written)
        for label, start in zip(self._titles, ("Intact model", "With parts switched off"), strict=True):
            label.setText(f"{start}: gaps filled" if fills else start)
        count = int(np.isfinite(before).sum())
        if count:
            was, now = float(np.nanmean(before)), float(np.nanmean(after))
            these = "the translation's" if found.source else "these"
            how = ", each hidden in turn" if fills else ""
            said = f"Loss on {these} {count:,} tokens{how}: {was:.3f} → {now:.3f} nats per token ({now - was:+.3f})"
        else:
            said = "There is no token to measure a loss on" if fills else "A single token has no loss"
        self.loss.setText(f"{said}  ·  {off}  ·  step {found.step:,}")

    def _build(self) -> None:
        for box, name in ((self.scaled, "knock_out_scaled"), (self.causal, "knock_out_causal")):
            box.setObjectName(name)
            box.setAccessibleName(box.text())
            box.setChecked(True)
        self.restore.setEnabled(False)
        written = QVBoxLayout()
        written.setSpacing(4)
        for title, label, text in zip(("Intact model", "Parts switched off"), self._titles, self.texts, strict=True):
            label.setText(title)
            label.setBuddy(text)
            written.addWidget(label)
            written.addWidget(text, 1)
        self.strip.setMinimumHeight(88)
        self.heads.setToolTip(_HINT)
        above = Flow(self.scaled, self.causal, self.restore, spacing=12)
        vbox((self.heads, 5), above, (self.strip, 2), self.loss, (hbox((self.bars, 5), (written, 4)), 5), into=self)


Looked = tuple[ModelRef, Prompt]


def still_off(switches: Ablation, before: Looked, now: Looked) -> Ablation:
    """What of these is off still when another text is looked at, where tokens have other places, or the other half of a model,
    where the same numbers mean other parts."""
    (old, read), (new, text) = before, now
    if old.side != new.side:
        return NOTHING_ABLATED
    same = old.source == new.source if new.side == "encoder" else read == text
    return switches if same else replace(switches, tokens=frozenset())


def describe(switches: Ablation) -> str:
    """What is off, in words."""
    parts = [f"head {layer + 1}.{head + 1}" for layer, head in sorted(switches.heads)]
    parts += [f"MLP {layer + 1}" for layer in sorted(switches.mlps)]
    parts += [f"layer {layer + 1}" for layer in sorted(switches.layers)]
    if switches.tokens:
        parts.append("token " + ", ".join(str(at + 1) for at in sorted(switches.tokens)))
    parts += ["no scaling"] * (not switches.scaled) + ["no mask"] * (not switches.causal)
    return f"off: {', '.join(parts)}" if parts else "nothing is off"


def _text(name: str, label: str) -> QPlainTextEdit:
    text = named(QPlainTextEdit(), name, label)
    text.setReadOnly(True)
    text.setFont(theme.mono(theme.SMALL))
    text.setMinimumHeight(40)
    text.setTabChangesFocus(True)
    return text
