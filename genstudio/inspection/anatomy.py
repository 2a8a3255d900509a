"""The way of a text through a transformer, stage by stage, with the names and formulas of the lecture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from genstudio.inspection import stages
from genstudio.inspection.stages import Floats, StageMaker
from genstudio.sampling.choose import entropy, softmax
from genstudio.snapshots.layers import Stage

WANTED = (
    "embedded", "positions", "residual", "normed", "q", "k", "v", "scores", "weights", "mixed", "attention_out", "middle",
    "cross_weights", "crossed", "normed2", "hidden", "mlp_out", "last_norm", "logits",
)  # fmt: skip
_ACTIVATIONS = {
    "relu": "max(0, x)",
    "relu2": "max(0, x)²",
    "gelu": "x Φ(x)",
    "gelu_tanh": "x Φ(x), by tanh",
    "swiglu": "SiLU(gate) · value",
}


class Anatomist(StageMaker):
    """Makes the stages of one layer and head."""

    def stages(self) -> Iterator[Stage]:
        """From the tokens to the probabilities of the next one, or to what an encoder hands on."""
        yield from self._input()
        yield from self._attention()
        yield from self._after_attention()
        yield from self._across()
        yield from self._feed_forward()
        yield from self._output()

    def _input(self) -> Iterator[Stage]:
        ids, arch = self.seen.ids, self.architecture
        shown = self._columns(np.unique(ids))
        left = self.architecture.vocabulary - len(shown)
        part = "Input"
        yield self._stage(
            "one_hot", "one-hot", "", "x = one-hot(token)", "TV", "Each token is a row with a single 1, in the column "
            "of its id.", ids[:, None] == shown, part=part, columns=self._named(shown),
            note=f"{left:,} more columns are 0 in every row" if left else "", kind="share", role="input",
        )  # fmt: skip
        table = self._numpy(self.model.tokens.weight)
        tied = " The output layer uses the same table." if arch.tied else ""
        yield self._stage(
            "table", "W_E", "×", "W_E", "VC", "The embedding table: one learned vector for each token of the vocabulary." + tied,
            table[shown], part=part, rows=self._named(shown), note=f"{left:,} more rows are not shown" if left else "",
            role="weight",
        )  # fmt: skip
        scaled = arch.positions == "sinusoidal"
        factor = float(np.sqrt(arch.d_model)) if scaled else 1.0
        none = {
            "none": " No positions are added: only the mask hints at the order of the tokens.",
            "rotary": " No positions are added here: they rotate queries and keys later.",
        }.get(arch.positions, "")
        yield self._stage(
            "embedded", "embedding", "=", "x W_E √C" if scaled else "x W_E", "TC", "The one-hot rows select their "
            "tokens' vectors from the table." + (f" They are multiplied by √C = {factor:.3g}." if scaled else "") + none,
            self.seen["embedded"] * factor, part=part, sources=("one_hot", "table"), role="input",
        )  # fmt: skip
        if arch.positions in ("learned", "sinusoidal"):
            what = {
                "learned": ("P (learned)", "One learned vector for each position."),
                "sinusoidal": ("sin(p / b^(2i/C)), cos(p / b^(2i/C))", "Sines and cosines of increasing wavelength, "
                    "as in Vaswani et al. 2017."),
            }[arch.positions]
            yield self._stage(
                "positions", "positions", "+", what[0], "TC", what[1] + " They tell the model the order of the tokens.",
                self.seen["positions"], part=part, role="weight",
            )  # fmt: skip
            yield self._stage(
                "stream_0", "stream", "=", "x W_E + P", "TC", "The residual stream starts here: one vector per token, "
                "which every layer reads and adds to.", self.seen["residual"][0], part=part,
                sources=("embedded", "positions"),
            )  # fmt: skip

    def _attention(self) -> Iterator[Stage]:
        arch, head, at = self.architecture, self.head, self.at
        stream = f"stream_{self.layer}"
        before = f"stream_{self.layer}" if arch.positions in ("learned", "sinusoidal") or self.layer else "embedded"
        if self.layer:
            passed = "layer 1 has" if self.layer == 1 else f"layers 1 to {self.layer} have"
            yield self._stage(
                stream, "stream", f"layers 1–{self.layer}" if self.layer > 1 else "layer 1", f"x after layer {self.layer}",
                "TC", f"The residual stream after {passed} added to it, as shown here for layer {self.layer + 1}.",
                self.seen["residual"][self.layer],
            )  # fmt: skip
        read = self.seen["residual"][self.layer]
        if arch.norm_place == "pre":
            read = at["normed"]
            yield self._norm("normed", read, "Each token's vector is normalised before attention reads it.", before)
        source = "normed" if arch.norm_place == "pre" else before
        raw = self._projected(read)
        for name, sentence, role in (
            ("Q", "What each token looks for: its query.", "query"),
            ("K", "What each token can be found by: its key.", "key"),
            ("V", "What each token passes on to the tokens that attend to it: its value.", "value"),
        ):
            yield self._stage(
                name, name, "× W_Q, W_K, W_V" if name == "Q" else "", f"{name} = x W_{name}" + (" + b" if arch.bias else ""),
                "TD", sentence, raw[name], role=role, stack="qkv", sources=(source,),
            )  # fmt: skip
        yield from self._used()
        yield from self._scores()
        weights = self._numbers(at["weights"][head])
        yield self._stage(
            "weights", "attention", "softmax", "A = softmax(S), by rows", "TT", "Each row shows how much its token "
            "attends to every other token; it sums to 1."
            + (" Masked entries are exactly 0." if self.causal and arch.causal else ""),
            weights, columns=self.tokens, kind="share", role="attention", sources=(self._last_scores,), note=self._looks(),
        )  # fmt: skip
        yield self._stage(
            "mixed", "A V", "× V", "A V", "TD", "Each token collects the values of the tokens it attends to, weighted "
            "by the attention.",
            at["mixed"][head], role="value", sources=("weights", "V"),
        )  # fmt: skip

    def _used(self) -> Iterator[Stage]:
        """Queries and keys as they are compared, where that is not how they were arch."""
        arch, at = self.architecture, self.at
        rotary = arch.positions == "rotary"
        self._compared = ("Q", "K")
        if not (rotary or arch.qk_norm):
            return
        self._compared = ("Q'", "K'")
        op = " + ".join(word for word, is_so in (("norm", arch.qk_norm), ("turn", rotary)) if is_so)
        steps = " and ".join(
            words for words, is_so in (
                ("normalised to the same length", arch.qk_norm),
                ("rotated, pair by pair, by the angles of its position, so that a score depends on the distance",
                    rotary),
            ) if is_so
        )  # fmt: skip
        for name, values, role in (("Q", at["q"], "query"), ("K", at["k"], "key")):
            inner = f"{name} / rms({name})" if arch.qk_norm else name
            yield self._stage(
                f"{name}'", f"{name}′", op if name == "Q" else "", f"R(p) [{inner}]" if rotary else inner, "TD",
                f"Each {'query' if name == 'Q' else 'key'} is {steps}.", values[self.head], role=role, stack="used",
                sources=(name, "angles") if rotary else (name,),
            )  # fmt: skip
        if rotary:
            angles = self.seen["positions"]
            yield self._stage(
                "angles", "rotation", "", "cos(p / b^(2i/D))", ("T", "D/2"), "The angle by which each pair of values "
                f"is rotated at position p; b is {arch.position_base:g}. Position 1 is not rotated.", np.cos(angles),
                role="weight",
                stack="used",
            )  # fmt: skip

    def _scores(self) -> Iterator[Stage]:
        q, k = self._compared
        size, scores = self.architecture.d_head, self.at["scores"][self.head]
        raw = self._numbers(self.at["q"][self.head] @ self.at["k"][self.head].T)
        yield self._stage(
            "products", "Q Kᵀ", "Q Kᵀ", f"{q} {k}ᵀ".replace("'", "′"), "TT",
            "Every query is compared with every key: the larger the dot product, the better they match.", raw,
            columns=self.tokens, role="attention", sources=(q, k), note=f"standard deviation {raw.std():.2f}",
        )  # fmt: skip
        root = float(np.sqrt(size))
        if self.scaled:
            what = (
                "÷ √d_k",
                f"Q Kᵀ / √{size}",
                f"Divided by √d_k = {root:.2f}: a sum of {size} products grows with d_k, and a softmax of large "
                "scores attends to a single token.",
            )
        else:
            what = ("no scaling", "Q Kᵀ", f"Scaling is off: the scores are {root:.2f} times those seen in training.")
        yield self._stage(
            "scores", "scores", what[0], what[1], "TT", what[2], scores, columns=self.tokens, role="attention",
            sources=("products",), note=f"standard deviation {scores.std():.2f}",
        )  # fmt: skip
        self._last_scores = "scores"
        if self.architecture.causal:
            hidden = np.triu(np.ones(scores.shape, bool), 1) & self.causal
            self._last_scores = "masked"
            yield self._stage(
                "masked", "masked", "mask" if self.causal else "no mask", "S, −∞ where key > query" if self.causal else "S",
                "TT", "No token may attend to later tokens, because those are what it has to predict."
                if self.causal else "The mask is off: every token attends to future tokens, which never happened in "
                "training.",
                np.where(hidden, np.nan, scores), columns=self.tokens, role="attention", sources=("scores",),
            )  # fmt: skip

    def _after_attention(self) -> Iterator[Stage]:
        arch, at = self.architecture, self.at
        inner, first = arch.heads * arch.d_head, self.head * arch.d_head + 1
        last = first + arch.d_head - 1
        joined = at["mixed"].transpose(1, 0, 2).reshape(len(self.tokens), inner)
        yield self._stage(
            "joined", "all heads", "join", "[A₁V₁, A₂V₂, …]", "TI",
            f"The outputs of all {arch.heads} heads, side by side; this head's are columns {first} to {last}.",
            joined, role="value", sources=("mixed",),
        )  # fmt: skip
        yield self._stage(
            "attention_out", "output", "× W_O", "[…] W_O" + (" + b" if arch.bias else ""), "TC",
            "Projected back to the size of the stream.", at["attention_out"], role="attention", sources=("joined",),
        )  # fmt: skip
        stream = self.seen["residual"][self.layer] + at["attention_out"]
        yield self._stage(
            "middle_sum", "stream", "+ stream", "x + attention(x)", "TC", "Added to the residual stream, so nothing "
            "is lost.", stream, sources=("attention_out", self._stream_key(self.layer)),
        )  # fmt: skip
        if arch.norm_place == "post":
            yield self._norm("normed", at["normed"], "Normalised after the sum, as in the original transformer.",
                "middle_sum")

    def _across(self) -> Iterator[Stage]:
        """What a decoder takes from the source, where it has read one."""
        if "crossed" not in self.at:
            return
        before = "middle_sum" if self.architecture.norm_place == "pre" else "normed"
        weights = self._numbers(self.at["cross_weights"][self.head])
        yield self._stage(
            "cross_weights", "cross-attention", "× source", "A = softmax(Q Kᵀ / √d_k), K of the source", "TS",
            "Queries of the target are compared with keys of the source: each row shows how much a target token takes from every "
            "source token, and sums to 1. There is no mask, because the whole source is known.",
            weights, columns=self.source, kind="share", role="attention", sources=(before,),
            note=f"mean entropy of a row {entropy(weights).mean():.2f} bits",
        )  # fmt: skip
        yield self._stage(
            "crossed", "stream", "+ stream", "x + cross-attention(x, source)", "TC",
            "The values of the source, collected by all heads and added to the stream."
            + ("" if self.architecture.norm_place == "pre" else " Normalised after the sum."),
            self.at["crossed"], sources=("cross_weights", before),
        )  # fmt: skip

    def _feed_forward(self) -> Iterator[Stage]:
        arch, at = self.architecture, self.at
        before = "middle_sum" if arch.norm_place == "pre" else "normed"
        before = "crossed" if "crossed" in at else before
        if arch.norm_place == "pre":
            yield self._norm("normed2", at["normed2"], "Normalised before the feed-forward layer.", before)
        act = _ACTIVATIONS[arch.activation]
        zeros = float((at["hidden"] == 0).mean())
        yield self._stage(
            "hidden", "hidden", "× W_up, φ", f"φ(x W_up), φ = {act}", "TF", "A wide layer and a non-linearity, "
            "applied to each token separately.", at["hidden"], role="mlp",
            sources=("normed2" if arch.norm_place == "pre" else before,),
            note=f"{zeros:.0%} are exactly 0" if zeros else "",
        )  # fmt: skip
        yield self._stage(
            "mlp_out", "MLP", "× W_down", "h W_down" + (" + b" if arch.bias else ""), "TC",
            "Projected back to the size of the stream.",
            at["mlp_out"], role="mlp", sources=("hidden",),
        )  # fmt: skip
        stream = at.get("crossed", at["middle"]) + at["mlp_out"]
        last = self.layer + 1 == arch.layers
        yield self._stage(
            "layer_sum" if arch.norm_place == "post" else f"stream_{self.layer + 1}", "stream", "+ stream", "x + MLP(x)", "TC",
            "Added to the stream. This was the last part of the layer." if last else "Added to the stream, which the "
            "next layer reads.", stream,
            sources=("mlp_out", before),
        )  # fmt: skip
        if arch.norm_place == "post":
            yield self._norm("normed2", at["normed2"], "Normalised after the sum.", "layer_sum")

    def _output(self) -> Iterator[Stage]:
        arch, part = self.architecture, "Output"
        before = f"stream_{self.layer + 1}" if arch.norm_place == "pre" else "normed2"
        if self.layer + 1 < arch.layers:
            first, last = self.layer + 2, arch.layers
            passed = f"layers {first}–{last}" if first < last else f"layer {last}"
            yield self._stage(
                f"stream_{last}", "stream", passed, f"x after layer {last}", "TC",
                "The residual stream after the remaining layers.", self.seen["residual"][-1], part=part,
                sources=(before,),
            )  # fmt: skip
            before = f"stream_{last}"
        if arch.norm_place == "pre":
            read = "" if "logits" in self.seen.stages else " The decoder's cross-attention makes its keys and values of this."
            yield self._norm("last_norm", self.seen["last_norm"], "The final norm." + read, before, part)
            before = "last_norm"
        if "logits" not in self.seen.stages:
            return
        logits, tau = self._numbers(self.seen["logits"]), self.temperature
        chances = softmax(logits / tau)
        order = np.argsort(-chances[-1], kind="stable")
        shown = self._columns(np.sort(order[: stages.MOST]))
        left = f"{logits.shape[1] - len(shown):,} less probable tokens are not shown" if len(shown) < logits.shape[1] else ""
        head = "W_Eᵀ" if arch.tied else "W_out"
        columns = self._named(shown)
        yield self._stage(
            "logits", "logits", f"× {head}", f"x {head}", "TV",
            "One score for every token of the vocabulary: how well it fits as the next token.", logits[:, shown],
            part=part,
            columns=columns, role="output", sources=(before,), note=left,
        )  # fmt: skip
        yield self._stage(
            "tempered", "logits / τ", f"÷ {tau:g}", f"logits / τ, τ = {tau:g}", "TV", "A temperature below 1 "
            "increases the differences and makes the choice more certain; above 1 it makes the choice more random.",
            logits[:, shown] / tau, part=part,
            columns=columns, role="output", sources=("logits",),
        )  # fmt: skip
        yield self._stage(
            "probabilities", "p(next)", "softmax", "softmax(logits / τ)", "TV", "Each row sums to 1 over the whole "
            "vocabulary. The last row is the prediction for the next token.", chances[:, shown], part=part,
            columns=columns, kind="share",
            role="output", sources=("tempered",), note=self._next(chances[-1]),
        )  # fmt: skip

    def _projected(self, read: Floats) -> dict[str, Floats]:
        """Queries, keys and values (T, D) of the head as W_Q, W_K and W_V give them."""
        layer, size, heads = self.block.attention.qkv, self.architecture.d_head, self.architecture.heads
        weight = self._numpy(layer.weight)
        bias = None if layer.bias is None else self._numpy(layer.bias)
        found = {}
        for index, name in enumerate("QKV"):
            rows = slice((index * heads + self.head) * size, (index * heads + self.head + 1) * size)
            found[name] = read @ weight[rows].T + (0 if bias is None else bias[rows])
        return found

    def _looks(self) -> str:
        """How spread the rows are, and what of them lies in the future; before and after where something is off."""
        now, plain = self.at["weights"][self.head], self.plain_at["weights"][self.head]
        future = float(np.triu(now, 1).sum() / len(now))
        note = f"mean entropy of a row {entropy(now).mean():.2f} bits"
        if self.seen is not self.plain:
            note = f"mean entropy of a row {entropy(plain).mean():.2f} → {entropy(now).mean():.2f} bits"
        leak = f", {future:.1%} goes to the future" if not (self.architecture.causal and self.causal) and len(now) > 1 else ""
        return note + leak

    def _next(self, chances: Floats) -> str:
        top = np.argsort(-chances, kind="stable")[:3]
        named = list(zip(self._named(top), top.tolist(), strict=True))
        if self.seen is self.plain:
            return "next: " + ", ".join(f"'{name}' {chances[i]:.1%}" for name, i in named)
        plain = softmax(self._numbers(self.plain["logits"][-1:]) / self.temperature)[0]
        return "next: " + ", ".join(f"'{name}' {plain[i]:.1%} → {chances[i]:.1%}" for name, i in named)
