"""Every string that a person can see, in one table: `python tests/words.py > table`, to be read in one sitting.

Each line is a place and a text: every string constant of the program that is a word or a sentence, with f-strings as
`{expression}` (labels, tooltips, accessible names, help of settings, presets, errors and their hints, findings of the
checks and of the doctor, help of the command line), then the glossary and the README.
"""

from __future__ import annotations

import ast
import functools
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_NO_WORDS = re.compile(
    r"[\W\d_]*"  # no letter
    r"|[a-z0-9_.\-/:;*%#<>=+\[\]{}()|^$\\]+"  # a key, a name of an object, a format
    r"|Q[A-Z]\w+|\w+\[.*\]|[\w-]+\.(py|json|svg|npz)"  # of Qt, a type, a file
)
_NOT_SHOWN = re.compile(
    r"(setObjectName|setProperty|getattr|hasattr|setattr|compile|property|connect|invokeMethod|get|pop|startswith|endswith"
    r"|encode|decode|TypeVar|Struct|removesuffix|removeprefix|fullmatch|match|search|sub|findall|finditer|einsum)$"
)
"""Calls whose first words nobody reads."""
_DATA = {"lexicon.py", "grammar.py", "languages.py", "headers.py", "names.py", "stylesheet.py"}
"""Modules whose words are data."""


def spelled(node: ast.AST) -> str:
    """A string, an f-string with its expressions in braces, or a sum of such; empty for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(spelled(value) or ast.unparse(value) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and (spelled(node.left) or spelled(node.right)):
        return (spelled(node.left) or "{…}") + (spelled(node.right) or "{…}")
    return ""


def _documentation(tree: ast.AST) -> set[int]:
    """Docstrings, and strings below a constant, by their ids."""
    alone = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return {id(value) for value in alone if isinstance(value, ast.Constant)}


def sentences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of each string of a module that reads like words."""
    skipped = _documentation(tree)
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if id(node) in skipped:
            continue
        if text := spelled(node):
            if not _NO_WORDS.fullmatch(text.strip()):
                yield node.lineno, text  # type: ignore[attr-defined]
            waiting += [part.value for part in ast.walk(node) if isinstance(part, ast.FormattedValue)]
        elif isinstance(node, ast.Call) and _NOT_SHOWN.search(ast.unparse(node.func)):
            waiting += [node.func, *(a for a in node.args if not isinstance(a, ast.Constant)), *node.keywords]
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            waiting.append(node.value)
        elif isinstance(node, ast.arg):
            continue
        else:
            waiting += [node.value] if isinstance(node, ast.AnnAssign) and node.value else ast.iter_child_nodes(node)


def of_source() -> Iterator[tuple[str, str]]:
    """(place, text) of the program and of the two commands that start and test it."""
    for path in [*sorted((ROOT / "genstudio").rglob("*.py")), ROOT / "packaging/run.py", ROOT / "packaging/test.py"]:
        if path.name in _DATA:
            continue
        place = path.relative_to(ROOT).as_posix()
        for line, text in sorted(sentences(ast.parse(path.read_text("utf-8")))):
            yield f"{place}:{line}", text


def of_readme() -> Iterator[tuple[str, str]]:
    """(place, paragraph) of the README."""
    line = 1
    for paragraph in (ROOT / "README.md").read_text("utf-8").split("\n\n"):
        yield f"README.md:{line}", paragraph
        line += paragraph.count("\n") + 2


def of_resources() -> Iterator[tuple[str, str]]:
    """(place, text) of the texts that are data."""
    for entry in json.loads((ROOT / "resources/glossary.json").read_text("utf-8")):
        yield f"resources/glossary.json: {entry['term']}", entry["text"]
    for title, page in json.loads((ROOT / "resources/pages.json").read_text("utf-8"))["pages"].items():
        yield f"resources/pages.json: {title}", f"{page['line']} {page['try']}"
    for file in sorted((ROOT / "resources/lessons").glob("*.toml")):
        lesson = tomllib.loads(file.read_text("utf-8"))
        place = f"resources/lessons/{file.name}"
        yield place, f"{lesson['title']}. {lesson['line']}"
        for number, step in enumerate(lesson["step"], 1):
            for key in ("text", "question", "answers", "reveal"):
                for text in [step[key]] if isinstance(step.get(key), str) else step.get(key, []):
                    yield f"{place}: step {number}", text


@functools.cache
def table() -> tuple[tuple[str, str], ...]:
    """(place, text) of everything."""
    return (*of_source(), *of_resources(), *of_readme())


if __name__ == "__main__":
    sys.stdout.writelines(f"{place}\t{' '.join(text.split())}\n" for place, text in table())
