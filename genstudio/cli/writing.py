"""generate."""

from __future__ import annotations

import argparse
import sys

from genstudio.cli.parser import Commands, add_model, reference
from genstudio.cli.progress import frames
from genstudio.errors import GenstudioError
from genstudio.events import Answer, Writing


def add(commands: Commands) -> None:
    """Commands that write and look inside."""
    generate = commands.add("generate", _generate, "write with a trained model")
    add_model(generate)
    generate.add_argument("--prompt", default="\n", metavar="TEXT")
    generate.add_argument("--tokens", type=int, default=200, metavar="N")
    generate.add_argument("--temperature", type=float, default=1.0, metavar="T")
    generate.add_argument("--top-k", type=int, default=0, metavar="K", help="0: all tokens")
    generate.add_argument("--top-p", type=float, default=1.0, metavar="P")
    generate.add_argument("--greedy", action="store_true")
    generate.add_argument("--seed", type=int, default=0, metavar="N")


def _generate(options: argparse.Namespace) -> None:
    from genstudio.sampling.choose import SamplingOptions
    from genstudio.tasks.write import Generate

    sampling = SamplingOptions(
        temperature=options.temperature, top_k=options.top_k, top_p=options.top_p, greedy=options.greedy
    )
    if options.tokens < 1:
        raise GenstudioError(f"{options.tokens} tokens are too few.", "Ask for 1 or more with --tokens.")
    shown = 0
    for frame in frames(Generate(reference(options), (options.prompt,), options.tokens, sampling, options.seed)):
        for snapshot in frame.snapshots:
            if isinstance(snapshot, Answer) and snapshot.channel == "model":
                sys.stdout.write(options.prompt)
            elif isinstance(snapshot, Writing):
                sys.stdout.write("".join(snapshot.pieces[shown:]))
                sys.stdout.flush()
                shown = len(snapshot.pieces)
            elif isinstance(snapshot, Answer) and snapshot.channel == "unknown" and snapshot.value:
                letters = sorted({options.prompt[i] for i in snapshot.value})
                print(f"genstudio: left out, not in the vocabulary: {' '.join(map(repr, letters))}", file=sys.stderr)
    sys.stdout.write("\n")
