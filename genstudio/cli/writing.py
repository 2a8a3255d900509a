"""generate, fill, classify, follows, score, attention."""

from __future__ import annotations

import argparse
import io
import itertools
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from genstudio import storage
from genstudio.cli.parser import Commands, add_model, add_precision, find_run, reference
from genstudio.cli.progress import frames, result
from genstudio.data.reading import normalised
from genstudio.errors import DataError, GenstudioError, RunError
from genstudio.events import Frame
from genstudio.paths import expanded
from genstudio.snapshots.text import AnsweredBy, BeamTree, Chosen, Writing
from genstudio.tasks.task import Task

if TYPE_CHECKING:
    from genstudio.snapshots.filled import Gap
    from genstudio.tasks.models import ModelRef

R = TypeVar("R")


def add(commands: Commands) -> None:
    """Commands that use a language model."""
    generate = commands.add("generate", _generate, "write with a trained model")
    add_model(generate)
    generate.add_argument("--prompt", metavar="TEXT", help="what the text begins with")
    generate.add_argument("--source", metavar="TEXT", help="the text to translate, for a model that translates; greedily unless "
        "a sampling option is given")
    generate.add_argument("--tokens", type=int, default=200, metavar="N")
    generate.add_argument("--temperature", type=float, metavar="T", help="default: 1")
    generate.add_argument("--top-k", type=int, default=0, metavar="K", help="0: all tokens")
    generate.add_argument("--top-p", type=float, default=1.0, metavar="P")
    generate.add_argument(
        "--min-p", type=float, default=0.0, metavar="P", help="drop tokens below P times the top probability; 0: off"
    )
    generate.add_argument("--repetition-penalty", type=float, default=1.0, metavar="F", help="1: none")
    generate.add_argument("--greedy", action="store_true")
    generate.add_argument("--seed", type=int, default=0, metavar="N")
    generate.add_argument("--stop", action="append", default=[], metavar="TEXT", help="stop before this text; may be "
        "repeated")
    generate.add_argument("--count", type=int, default=1, metavar="N", help="number of continuations, with "
        "consecutive seeds from --seed")
    generate.add_argument("--beams", type=int, default=0, metavar="B", help="beam search: find the B most probable "
        "texts instead of sampling")
    generate.add_argument("--length-penalty", type=float, default=0.0, metavar="A", help="length penalty of the beam "
        "search; 0: off")
    add_precision(generate)
    generate.add_argument("--json", action="store_true", help="print each token with its probability, rank and "
        "alternatives")

    fill = commands.add("fill", _fill, "what a masked language model puts into the gaps of a text")
    add_model(fill)
    fill.add_argument("--text", required=True, metavar="TEXT", help="with [MASK] for every gap")
    fill.add_argument("--picture", metavar="F", help="a file that is read together with the text, by a model that reads both")
    fill.add_argument("--top", type=int, default=10, metavar="K", help="number of tokens listed for each gap")
    fill.add_argument("--json", action="store_true", help="every gap with its tokens and their probabilities")

    classify = commands.add("classify", _classify, "which class a model puts a text or a picture into")
    add_model(classify)
    classify.add_argument("pictures", nargs="*", metavar="PICTURE", help="files, for a model of pictures")
    classify.add_argument("--text", action="append", metavar="TEXT", help="for a model of texts; may be repeated")
    classify.add_argument("--json", action="store_true", help="every class with its probability")

    follows = commands.add("follows", _follows, "how probable it is that one sentence follows another")
    add_model(follows)
    follows.add_argument("--first", required=True, metavar="TEXT", help="the sentence that comes first")
    follows.add_argument("--second", required=True, action="append", metavar="TEXT", help="what may follow; may be repeated")
    follows.add_argument("--json", action="store_true", help="machine-readable")

    score = commands.add("score", _score, "how well a model predicts a text, token by token")
    add_model(score)
    score.add_argument("file", metavar="FILE", help="a text in UTF-8")
    add_precision(score)
    score.add_argument("--json", action="store_true", help="every token, machine-readable")

    attention = commands.add("attention", _attention, "export the attention of all layers and heads for a text")
    add_model(attention)
    attention.add_argument("--prompt", required=True, metavar="TEXT", help="the text; only its last tokens are used, "
        "as many as fit the context")
    attention.add_argument(
        "--out", required=True, metavar="FILE.npz", help="weights (layers, heads, T, T), row = query; tokens; step"
    )


def _generate(options: argparse.Namespace) -> None:
    from genstudio.sampling.choose import SamplingOptions
    from genstudio.tasks.beam import Beam
    from genstudio.tasks.write import Generate

    if options.tokens < 1:
        raise GenstudioError(f"{options.tokens} tokens are too few.", "Ask for 1 or more with --tokens.")
    ref, length = reference(options), options.tokens
    if options.source is not None:
        if not options.source.strip():
            raise GenstudioError("The source is empty.", "Give the text to translate with --source.")
        ref, length = _translating(ref, options), _room(ref, length)
    if options.prompt is None:
        options.prompt = "" if ref.source else "\n"
    prompt, stops = (options.prompt,), tuple(options.stop)
    if options.beams:
        search = Beam(ref, prompt, options.beams, length, options.length_penalty, stops)
        _show_beams(options, _written(search, options))
        return
    sampling = SamplingOptions(
        temperature=1.0 if options.temperature is None else options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        greedy=options.greedy or (bool(ref.source) and not _samples(options)),
        min_p=options.min_p,
        repetition_penalty=options.repetition_penalty,
    )
    task = Generate(ref, prompt, length, sampling, options.seed, stops, options.count)
    if options.count == 1 and not options.json and not ref.source:
        with _asking_for_a_source(options):
            _stream(task, options.prompt)
        return
    found = _written(task, options)
    if options.json:
        said = {"source": ref.source} if ref.source else {}
        print(json.dumps({**said, "prompt": options.prompt, "continuations": _continuations(found, options.seed)}))
        return
    for index, writing in enumerate(found):
        seed = f"--- seed {options.seed + index}\n" if options.count > 1 or not ref.source else ""
        print(f"{seed}{options.prompt}{writing.text}")


def _samples(options: argparse.Namespace) -> bool:
    """Whether sampling is asked for."""
    return bool(options.temperature is not None or options.top_k or options.top_p < 1 or options.min_p or options.count > 1)


def _translating(ref: ModelRef, options: argparse.Namespace) -> ModelRef:
    """The model once it has read the source; what of that is not in its vocabulary is said. Raises RunError, DataError."""
    from genstudio.tasks.translate import ReadSource

    text = result(ReadSource(ref, options.source))
    if text.problem:
        raise GenstudioError(text.problem)
    _say_missing(text.unknown, options.source)
    return replace(ref, source=options.source)


def _room(ref: ModelRef, tokens: int) -> int:
    """Up to so many tokens, but no more than a target may have."""
    from genstudio.runs import Run

    context = Run.open(ref.run).info.config.get("context")
    return min(tokens, context) if isinstance(context, int) else tokens


def _written(task: Task[R], options: argparse.Namespace) -> R:
    with _asking_for_a_source(options):
        return _result(task, options.prompt)


@contextmanager
def _asking_for_a_source(options: argparse.Namespace) -> Iterator[None]:
    """A model that translates writes nothing without a source: the refusal says how to give it one."""
    from genstudio import families

    try:
        yield
    except RunError as error:
        family = families.find(find_run(options).info.family)
        if options.source is None and family is not None and "Translates" in family.abilities:
            raise RunError(error.message, "Give the text to translate with --source.") from None
        raise


def _stream(task: Task[object], prompt: str) -> None:
    shown = 0
    for frame in frames(task):
        _say_unknown(frame, prompt)
        for snapshot in frame.snapshots:
            if isinstance(snapshot, AnsweredBy):
                sys.stdout.write(prompt)
            elif isinstance(snapshot, Writing):
                sys.stdout.write(snapshot.text[shown:])
                sys.stdout.flush()
                shown = len(snapshot.text)
    sys.stdout.write("\n")


def _result(task: Task[R], prompt: str) -> R:
    """What a task returns; what its model cannot read is said."""
    return result(task, on_frame=lambda frame: _say_unknown(frame, prompt))


def _say_unknown(frame: Frame, prompt: str) -> None:
    for snapshot in frame.snapshots:
        if isinstance(snapshot, AnsweredBy):
            _say_missing(snapshot.unknown, prompt)


def _say_missing(unknown: Iterable[int], text: str) -> None:
    _say_skipped(sorted({text[i] for i in unknown}))


def _say_skipped(letters: Sequence[str]) -> None:
    if letters:
        print(f"genstudio: skipped, not in the vocabulary: {' '.join(map(repr, letters))}", file=sys.stderr)


def _continuations(found: Iterable[Writing], seed: int) -> list[dict[str, Any]]:
    return [
        {
            "seed": seed + index,
            "step": writing.step,
            "text": writing.text,
            "ended_by": writing.reason,
            "tokens": [{"text": p, **t} for p, t in zip(writing.pieces, _tokens(writing.chosen), strict=True)],
        }
        for index, writing in enumerate(found)
    ]


def _tokens(chosen: Chosen | None) -> list[dict[str, Any]]:
    """Plain data of each token; a number that there is none of is null."""
    if chosen is None:
        return []
    return [
        {
            "id": int(chosen.ids[i]),
            "piece": chosen.pieces[i],
            "probability": _number(chosen.probabilities[i]),
            "logprob": _number(chosen.logprobs[i]),
            "rank": int(chosen.ranks[i]) or None,
            "entropy": _number(chosen.entropies[i]),
            "alternatives": [
                {"id": k, "piece": chosen.names[k], "before": _number(before), "after": _number(after)}
                for k, before, after in zip(
                    chosen.alternatives[i].tolist(), chosen.before[i], chosen.after[i], strict=True
                )
            ],
        }
        for i in range(len(chosen))
    ]


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _show_beams(options: argparse.Namespace, tree: BeamTree) -> None:
    if not options.json:
        for node, text in zip(tree.best, tree.texts, strict=True):
            print(f"--- score {tree.scores[node]:.4f}\n{options.prompt}{text}")
        return
    nodes = [
        {
            "parent": int(tree.parents[i]),
            "id": int(tree.ids[i]),
            "piece": tree.pieces[i],
            "logprob": float(tree.logprobs[i]),
            "score": float(tree.scores[i]),
            "depth": int(tree.depths[i]),
            "state": tree.STATES[tree.states[i]],
        }
        for i in range(len(tree.ids))
    ]
    best = [
        {"node": node, "score": float(tree.scores[node]), "text": text}
        for node, text in zip(tree.best, tree.texts, strict=True)
    ]
    said = {} if options.source is None else {"source": options.source}
    print(json.dumps({**said, "prompt": options.prompt, "step": tree.step, "best": best, "nodes": nodes}))


def _fill(options: argparse.Namespace) -> None:
    from genstudio.tasks.fill import Fill

    if options.top < 1:
        raise GenstudioError(f"{options.top} tokens are too few.", "Ask for 1 or more with --top.")
    gaps_found: tuple[Gap, ...]
    further: dict[str, float] = {}
    if options.picture:
        from genstudio.tasks.together import ReadTogether

        read = result(ReadTogether(reference(options), options.text, str(expanded(options.picture))))
        if read.unknown:
            print(f"Not in the vocabulary: {', '.join(read.unknown)}", file=sys.stderr)
        further["match"] = read.look.match
        tokens, step, gaps_found = read.look.words, read.step, read.look.gaps
    else:
        found = result(Fill(reference(options), (options.text,), options.top))
        _say_missing(found.unknown, options.text)
        tokens, step, gaps_found = found.tokens, found.step, found.gaps
    if not gaps_found:
        raise DataError("There is no gap in this text.", "Write [MASK] where the model is to fill something in.")
    gaps = [
        {
            "position": gap.position,
            "tokens": [
                {"id": index, "piece": piece, "probability": share}
                for index, piece, share in _best(gap, options.top)
            ],
        }
        for gap in gaps_found
    ]
    if options.json:
        print(json.dumps({"text": options.text, "step": step, "tokens": list(tokens), "gaps": gaps, **further}))
        return
    if further:
        print(f"picture and text belong together with a probability of {further['match']:.1%}")
    for number, gap in enumerate(gaps_found, 1):
        print(f"gap {number}, token {gap.position}")
        for _, piece, share in _best(gap, options.top):
            print(f"  {share:>7.2%}  {piece}")


def _best(gap: Gap, most: int) -> Iterator[tuple[int, str, float]]:
    rows = zip(gap.ids.tolist(), gap.pieces, gap.probabilities.tolist(), strict=True)
    return itertools.islice(rows, most)


def _classify(options: argparse.Namespace) -> None:
    from genstudio.tasks.classify import Classify, ClassifyPictures

    if bool(options.pictures) == bool(options.text):
        both = "either pictures or texts" if options.pictures else "a picture, or a text with --text"
        raise GenstudioError(f"This command classifies {both}.", "See genstudio classify --help.")
    ref, quiet = reference(options), options.json or None
    if options.pictures:
        seen = result(ClassifyPictures(ref, tuple(str(expanded(path)) for path in options.pictures)), quiet=quiet)
        names, kind, step, classes, shares = seen.paths, "picture", seen.step, seen.classes, seen.probabilities
    else:
        found = result(Classify(ref, tuple(options.text)), quiet=quiet)
        _say_skipped(found.unknown)
        names, kind, step, classes, shares = found.texts, "text", found.step, found.classes, found.probabilities
    rows = [sorted(zip(classes, row.tolist(), strict=True), key=lambda pair: -pair[1]) for row in shares]
    if options.json:
        each = [{kind: name, "class": row[0][0], "classes": dict(row)} for name, row in zip(names, rows, strict=True)]
        print(json.dumps({"step": step, f"{kind}s": each}))
        return
    for name, row in zip(names, rows, strict=True):
        print(name)
        for title, share in row[:10]:
            print(f"  {share:>7.2%}  {title}")


def _follows(options: argparse.Namespace) -> None:
    from genstudio.tasks.classify import ScoreNext

    found = result(ScoreNext(reference(options), options.first, tuple(options.second)), quiet=options.json or None)
    _say_skipped(found.unknown)
    pairs = list(zip(found.seconds, found.probabilities.tolist(), strict=True))
    if options.json:
        seconds = [{"text": text, "probability": share} for text, share in pairs]
        print(json.dumps({"first": found.first, "step": found.step, "seconds": seconds}))
        return
    for text, share in pairs:
        print(f"{share:>7.2%}  {text}")


def _score(options: argparse.Namespace) -> None:
    from genstudio.tasks.score import LARGEST, Score

    parts, size = list[bytes](), 0
    for _, part in normalised(expanded(options.file)):
        parts.append(part)
        size += len(part)
        if size > 4 * LARGEST:
            raise DataError(f"A text of more than {LARGEST:,} characters is too large.", "Score a part of it.", options.file)
    text = b"".join(parts).decode("utf-8")
    found = _result(Score(reference(options), text), text)
    if options.json:
        each = [{"start": int(s), **t} for s, t in zip(found.starts, _tokens(found.tokens), strict=False)]
        totals = {
            "step": found.step,
            "perplexity": found.perplexity,
            "bits_per_character": found.bits_per_character,
            "nats": found.nats,
            "scored": found.scored,
            "characters": found.characters,
            "unknown": list(found.unknown),
            "worst": list(found.worst),
        }
        print(json.dumps({**totals, "tokens": each}))
        return
    print(f"perplexity     {found.perplexity:.4f} per token (step {found.step:,})")
    print(f"compression    {found.bits_per_character:.4f} bits per character")
    print(f"tokens scored  {found.scored:,} of {len(found.tokens):,}, {found.characters:,} characters")
    if found.unknown:
        print(f"unknown        {len(found.unknown):,} characters missing from the vocabulary")
    print("least probable character  probability      rank  token")
    tokens = found.tokens
    for place in found.worst:
        print(
            f"{'':15}{found.starts[place]:>9,}  {tokens.probabilities[place]:>11.2e}  {tokens.ranks[place]:>8,}"
            f"  {tokens.pieces[place]}"
        )


def _attention(options: argparse.Namespace) -> None:
    from genstudio.tasks.compare import AttentionTo

    out = expanded(options.out)
    if out.suffix != ".npz" or out.is_dir():
        raise DataError(f"{out} is not a valid file name.", "Give one that ends with .npz.", out)
    everything = AttentionTo(reference(options), (options.prompt,), limit=1 << 30, entries=1 << 60)
    found = _result(everything, options.prompt)
    with io.BytesIO() as buffer:
        np.savez_compressed(
            buffer, weights=found.weights, tokens=np.array(found.tokens, np.str_), step=np.int64(found.step)
        )
        storage.write_atomic(out, buffer.getvalue())
    layers, heads, size, _ = found.weights.shape
    print(f"{out}: {layers} layers, {heads} heads, {size} tokens")
