"""runs, families, export, import-model."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from genstudio import families, paths
from genstudio.cli.parser import Commands, add_model, plain, reference
from genstudio.cli.progress import result


def add(commands: Commands) -> None:
    """Commands that list models and exchange them with other programs."""
    commands.add("runs", _runs, "list the runs").add_argument("--json", action="store_true")
    bench = commands.add("bench", _bench, "measure how fast this computer trains, writes and imports, in about two minutes")
    bench.add_argument("--json", action="store_true")

    listed = commands.add("families", _families, "list the families, their presets and settings")
    listed.add_argument("--json", action="store_true")

    export = commands.add("export", _export, "export a model for other programs into a new folder")
    add_model(export)
    export.add_argument("--format", choices=("hf", "safetensors"), default="safetensors", help="hf: a GPT-2 style folder")
    export.add_argument("--out", required=True, metavar="DIR")

    adopt = commands.add("import-model", _import_model, "turn a GPT-2 style folder into a run; the run's folder is "
        "printed")
    adopt.add_argument("folder", metavar="DIR", help="with config.json, model.safetensors and a tokenizer")
    adopt.add_argument("--name", default="", metavar="NAME")


def _runs(options: argparse.Namespace) -> None:
    from genstudio import runs
    from genstudio.families import dashboard
    from genstudio.runs.info import hint

    found = runs.list_runs(options.runs or paths.runs())
    if options.json:
        print(json.dumps([plain(info) for info in found]))
        return
    if not found:
        first = families.all_families()[0]
        data = first.presets[0].data or first.usual_data
        print(f"There are no runs yet. Start one with: genstudio train {first.name} --data {data}")
    for info in found:
        measures = families.get(info.family).dashboard.result if info.family in families.NAMES else ()
        good, _ = dashboard.result(measures, info) or ("", 0.0)
        print(f"{info.id:44}  {info.state:12}  step {info.step:>8,}  {good:26}  {info.name}")
        if info.reason:
            print(f"{'':44}  {info.reason} {hint(info)}")


def _bench(options: argparse.Namespace) -> None:
    from genstudio.evaluation.figures import table
    from genstudio.tasks.bench import Bench

    found = result(Bench(), quiet=options.json or None)
    if options.json:
        print(json.dumps([asdict(figure) for figure in found]))
    else:
        print("\n".join(table(found)))


def _families(options: argparse.Namespace) -> None:
    found = families.all_families()
    if options.json:
        print(json.dumps([_family(family) for family in found]))
        return
    for family in found:
        print(f"{family.name}: {family.title} (on {' or '.join(family.data_kinds)})")
        for preset in family.presets:
            print(f"  preset {preset.name:12} {preset.title}: {preset.expect}")
        for setting in family.config.settings():
            allowed = "|".join(setting.choices) or (
                f"{setting.low:g}..{setting.high:g}" if setting.low is not None else ""
            )
            print(f"  {setting.name:16} {setting.default!s:>10}  {setting.help}{f' [{allowed}]' if allowed else ''}")


def _family(family: families.AnyFamily) -> dict[str, Any]:
    return {
        "name": family.name,
        "title": family.title,
        "room": family.room,
        "data": list(family.data_kinds),
        "abilities": list(family.abilities),
        "measures": [asdict(measure) for measure in family.dashboard.result],
        "presets": [
            {"name": p.name, "title": p.title, "expect": p.expect, "data": p.data or family.usual_data, "values": dict(p.values),
             "sizes": [asdict(size) for size in p.sizes]}
            for p in family.presets
        ],
        "settings": [asdict(setting) for setting in family.config.settings()],
    }


def _export(options: argparse.Namespace) -> None:
    from genstudio.tasks.exchange import ExportModel

    print(result(ExportModel(reference(options), options.out, options.format)))


def _import_model(options: argparse.Namespace) -> None:
    from genstudio.tasks.exchange import ImportModel

    task = ImportModel(options.folder, options.name, runs_folder=options.runs)
    adopted = result(task)
    for note in adopted.notes:
        print(f"genstudio: {note}", file=sys.stderr)
    print(adopted.folder)
