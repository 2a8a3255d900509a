"""The import picture of genstudio/__init__.py, held as a dictionary."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

from helpers import LONG

ROOT = Path(__file__).parents[1] / "genstudio"
EVERYTHING = {
    "errors",
    "config",
    "events",
    "paths",
    "storage",
    "snapshots",
    "runs",
    "data",
    "nn",
    "training",
    "sampling",
    "evaluation",
    "inspection",
    "families",
    "tasks",
}
MAY_IMPORT = {
    "errors": set(),
    "config": {"errors"},
    "events": {"errors"},
    "paths": {"errors"},
    "storage": {"errors"},
    "snapshots": {"errors", "events"},
    "runs": {"errors", "events", "paths", "storage", "config", "snapshots"},
    "data": {"errors", "events", "paths", "storage", "config"},
    "nn": {"errors"},
    "training": {"errors", "config", "events", "paths", "storage", "runs", "nn", "snapshots"},
    "sampling": {"errors", "config", "events", "nn", "snapshots"},
    "inspection": {"errors", "events", "data", "nn", "sampling", "training", "snapshots"},
    "evaluation": {"errors", "config", "events", "paths", "storage", "data", "nn", "training"},
    "families": EVERYTHING - {"tasks"},
    "tasks": EVERYTHING,
    "cli": EVERYTHING | {"ui"},
    "ui": EVERYTHING,
    "__main__": {"cli"},
    "__init__": set(),
    "resources": set(),
}
ONLY_UI = {"PySide6", "pyqtgraph"}
NO_TORCH = (
    "errors",
    "config",
    "events",
    "paths",
    "storage",
    "snapshots",
    "runs",
    "data",
    "ui",
    "cli",
    "tasks",
    "families/__init__.py",
    "families/family.py",
    "families/abilities.py",
    "families/dashboard.py",
    "families/gan/dashboard.py",
    "families/gpt/dashboard.py",
    "families/autoencoder/__init__.py",
    "families/coder_setup.py",
    "families/gan/__init__.py",
    "families/gaussian/__init__.py",
    "families/rules.py",
    "families/sample_charts.py",
    "families/settings.py",
    "families/vae/__init__.py",
    "families/weights.py",
    "families/vae/doctor.py",
    "families/diffusion/__init__.py",
    "families/diffusion/doctor.py",
    "sampling/diffusion.py",
    "nn/cost.py",
    "nn/sizes.py",
    "families/gan/batches.py",
    "families/gan/config.py",
    "families/gan/cost.py",
    "families/gan/data.py",
    "families/gan/doctor.py",
    "evaluation/plane.py",
    "evaluation/distances.py",
    "evaluation/count_tables.py",
    "evaluation/ngram.py",
    "families/gan/presets.py",
    "families/gan/stages.py",
    "families/gpt/__init__.py",
    "families/gpt/config.py",
    "families/gpt/counted.py",
    "sampling/choose.py",
    "training/changes.py",
    "training/doctor.py",
    "training/learner.py",
    "training/steering.py",
    "sampling/document.py",
    "sampling/document_files.py",
    "sampling/latent.py",
    "sampling/segments.py",
    "sampling/tree.py",
    "inspection/ablation.py",
    "inspection/__init__.py",
)


@functools.cache
def modules() -> dict[str, ast.Module]:
    """All of the program, read once and not before a test asks: each process that collects tests imports this module."""
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in sorted(ROOT.rglob("*.py"))}


def imports(tree: ast.AST) -> set[str]:
    """Dotted names of everything imported anywhere, but for type checking."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def offences(path: str, tree: ast.AST) -> set[str]:
    own = path.split("/")[0].removesuffix(".py")
    names = imports(tree)
    inside = {name.split(".")[1] for name in names if name.startswith("genstudio.")} - {"__version__"}
    bad = inside - MAY_IMPORT[own] - {own}
    if own != "ui":
        bad |= {name.split(".")[0] for name in names} & ONLY_UI
    return bad


def test_imports_follow_the_picture() -> None:
    assert len(modules()) > 300
    assert {path: bad for path, tree in modules().items() if (bad := offences(path, tree))} == {}


def test_a_wrong_import_is_caught() -> None:
    tree = ast.parse("from genstudio.ui.theme import Theme\nimport PySide6.QtCore")
    assert offences("training/loop.py", tree) == {"ui", "PySide6"}


def top_level(tree: ast.Module) -> set[str]:
    nodes = [n for n in tree.body if not (isinstance(n, ast.If) and "TYPE_CHECKING" in ast.unparse(n.test))]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return set().union(*(imports(n) for n in nodes if not isinstance(n, (*functions, ast.ClassDef))), set())


def test_no_torch_at_module_level_outside_the_engine() -> None:
    light = {path: tree for path, tree in modules().items() if path.startswith(NO_TORCH)}
    assert {part for part in NO_TORCH if not any(path.startswith(part) for path in light)} == set()
    heavy = {path for path, tree in light.items() if any(name.split(".")[0] == "torch" for name in top_level(tree))}
    assert heavy == set()


def test_torch_at_module_level_is_caught() -> None:
    code = "import torch\nif TYPE_CHECKING:\n    import torch.nn\ndef later():\n    import torch.cuda"
    assert top_level(ast.parse(code)) == {"torch"}


def test_the_window_needs_no_torch_to_be_imported() -> None:
    code = (
        "import sys, genstudio.ui.app, genstudio.ui.window, genstudio.tasks, genstudio.cli\n"
        "heavy = {'torch', 'safetensors.torch', 'tokenizers', 'transformers'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr == ""


def test_the_first_picture_does_without_what_reads_data_and_runs() -> None:
    late = (
        "data.generators", "data.importing", "data.shelf", "data.tokenizers", "snapshots.codec", "tasks.datasets",
        "tasks.models", "tasks.runs", "tasks.train", "tasks.evaluate", "ui.train.panel",
    )  # fmt: skip
    code = (
        "import sys, genstudio.ui.app, genstudio.ui.tabs.lessons\n"
        f"found = {{'pyqtgraph', 'PIL', *('genstudio.' + name for name in {late})}} & set(sys.modules)\n"
        "sys.exit(str(found) if found else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr == ""


WAITS = {"waitActive", "waitExposed", "waitSignal", "waitSignals", "waitUntil", "waitCallback"}  # of pytest-qt, in ms
SECONDS = {"communicate", "join", "run", "wait"}


def short_waits(tree: ast.AST) -> list[str]:
    """Waits that give up before the guard `LONG`, in source text."""
    found = []
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        least = LONG if call.func.attr in WAITS else LONG / 1000 if call.func.attr in SECONDS else 0
        limits = [k.value.value for k in call.keywords if k.arg == "timeout" and isinstance(k.value, ast.Constant)]
        found += [ast.unparse(call) for limit in limits if limit < least]
    return found


def test_no_test_gives_up_waiting_on_a_busy_machine() -> None:
    tests = [path for path in Path(__file__).parent.rglob("*.py") if path.parent.name != "bench"]
    limited = {path: text for path in tests if "timeout" in (text := path.read_text("utf-8"))}
    assert limited
    assert {str(path): waits for path, text in limited.items() if (waits := short_waits(ast.parse(text)))} == {}


def test_a_short_wait_is_caught() -> None:
    code = "qtbot.waitUntil(ready, timeout=5000)\nprocess.communicate(timeout=60)\nqtbot.waitUntil(ready, timeout=LONG)"
    assert len(short_waits(ast.parse(code))) == 2


KNOWS_A_FAMILY = {
    "ui/remember.py": {"names 'gan'"},  # keys under which the version before remembered its tabs
    "ui/rooms.py": {"names 'gan'"},  # the room
    "ui/window.py": {"names 'gan'"},
    "inspection/anatomy.py": {"names 'mlp'"},  # here and below a block of a transformer, or a kind of dense layers
    "nn/cost.py": {"names 'mlp'"},
    "nn/dense.py": {"names 'mlp'"},
    "ui/views/anatomy.py": {"names 'mlp'"},
    "ui/views/layers.py": {"names 'mlp'"},
}
"""What above families/ still knows of one of them. It may only shrink; tasks/ and cli/ know none."""


def known_families(tree: ast.AST, names: frozenset[str]) -> set[str]:
    """Where code names a family, imports one, or guesses from attributes or kinds of data what a model can do."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in names:
            found.add(f"names '{node.value}'")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("genstudio.families."):
            if (node.module or "").split(".")[2] in names:
                found.add(f"imports {node.module}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("hasattr", "getattr"):
            if {"learner", "model"} & set(re.findall("[a-z]+", ast.unparse(node.args[0]))):
                found.add(ast.unparse(node))
        elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant) and "data_kinds" in ast.unparse(node):
            found.add(ast.unparse(node))
    return found


def test_nothing_above_families_knows_one_of_them() -> None:
    from genstudio.families import NAMES

    above = {path: tree for path, tree in modules().items() if not path.startswith("families/")}
    found = {path: known_families(tree, frozenset(NAMES)) - KNOWS_A_FAMILY.get(path, set()) for path, tree in above.items()}
    assert {path: known for path, known in found.items() if known} == {}


def test_who_knows_a_family_is_caught() -> None:
    code = (
        "from genstudio.families.toy.learner import Toy\nif family == 'toy': pass\nhasattr(opened.learner, 'view')\n"
        "if 'text' in family.data_kinds: pass\nfamilies.get(name).abilities\nhasattr(job, 'adjust')"
    )
    assert len(known_families(ast.parse(code), frozenset({"toy"}))) == 4


def outliving(tree: ast.AST) -> list[int]:
    """Lines where a lambda is connected to the theme: it is called for the rest of the program, also once its widget is gone; a
    bound method of a widget is let go of with it."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "theme.changed.connect"]
    return [call.lineno for call in calls if any(isinstance(given, ast.Lambda) for given in call.args)]


def test_nothing_that_is_gone_follows_the_theme() -> None:
    assert {path: found for path, tree in modules().items() if (found := outliving(tree))} == {}
    assert outliving(ast.parse("x = 1\ntheme.changed.connect(lambda _: self.draw())\ntheme.changed.connect(self.draw)")) == [2]
