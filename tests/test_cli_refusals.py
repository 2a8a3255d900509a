"""Every command that takes a run, given one that is missing, damaged, or of a kind that it cannot use: one sentence."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genstudio import cli, runs
from genstudio.runs import Run
from genstudio.tasks.train import Train
from helpers import answer, result, run_task

Said = Callable[..., tuple[int, str, str]]
GPT: dict[str, Any] = {"layers": 1, "heads": 1, "d_model": 16, "context": 8, "batch": 2, "norm": "layernorm"}
GAN: dict[str, Any] = {"width": 8, "layers": 2, "batch": 8}
COMMANDS: dict[str, tuple[str, ...]] = {
    "classify": ("--text", "anna"),
    "follows": ("--first", "anna", "--second", "bob"),
    "resume": ("--stop-after", "1"),
    "evaluate": ("--json",),
    "generate": ("--tokens", "3"),
    "score": ("FILE", "--json"),
    "attention": ("--prompt", "anna", "--out", "OUT.npz"),
    "sample": ("--out", "OUT.npz"),
    "translate": ("--out", "OUT"),
    "timeline": ("--out", "OUT.gif"),
    "export": ("--out", "OUT"),
    "fill": ("--text", "an[MASK]a"),
    "neighbours": ("anna",),
    "analogy": ("anna", "emma", "ada"),
    "search": ("--text", "anna"),
    "transcribe": ("FILE",),
    "speak": ("--text", "anna", "--out", "OUT.wav"),
    "vocode": ("FILE", "--out", "OUT.wav"),
}
ELSEWHERE = ("translate", "fill", "classify", "follows", "neighbours", "analogy", "search", "speak", "vocode")
"""Commands that neither of the two runs can serve: what they give is tested with the families that can."""
NEEDS_TEXT, NEEDS_SAMPLES = ("generate", "score", "attention", "transcribe"), ("sample", "transcribe")
EVERY = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of a GPT, `words`, and one of a GAN, `ring`."""
    place = tmp_path_factory.mktemp("refusals")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSTUDIO_HOME", str(place / "home"))
        for family, data, config, name in (("gpt", "names", GPT, "words"), ("gan", "gaussian-ring", GAN, "ring")):
            task = Train(family, data, config, steps=4, stop_after=3, runs_folder=place / "runs", name=name)
            Path(answer(run_task(task), "run")).rename(place / "runs" / name)
    return place / "runs"


@pytest.fixture
def said(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Call a command with a run: exit code, standard output and error."""
    file = tmp_path / "text.txt"
    file.write_text("anna\n")

    def call(command: str, run: object, *more: str) -> tuple[int, str, str]:
        filled = [word.replace("FILE", str(file)).replace("OUT", str(tmp_path / "out")) for word in COMMANDS[command]]
        code = cli.main([command, str(run), *filled, "--runs", str(made), *more])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def sentence(result: tuple[int, str, str]) -> str:
    """The one sentence of a refusal, after the progress of what has taken long enough to show one."""
    code, out, err = result
    err = err[err.rfind("genstudio: ") :] if "…\n" in err else err
    assert (code, out) == (2, "") and err.startswith("genstudio: ") and err.count("\n") == 1, err
    return err


def test_the_list_of_commands_is_whole() -> None:
    parsers = next(action for action in cli._parser()._actions if isinstance(action.choices, dict)).choices
    assert isinstance(parsers, dict)
    taking = {name for name, parser in parsers.items() if any(action.metavar == "RUN" for action in parser._actions)}
    assert taking == set(COMMANDS)


@EVERY
@pytest.mark.parametrize("run", ["nothing-like-this", "", "x" * 5000, "/dev/null", "~nobody-of-this-name/run"])
def test_a_run_that_is_not_there(said: Said, command: str, run: str) -> None:
    assert "There is no run" in sentence(said(command, run))


@EVERY
@pytest.mark.parametrize("name", ["words", "ring"])
def test_a_run_of_any_kind(said: Said, made: Path, tmp_path: Path, command: str, name: str) -> None:
    run = shutil.copytree(made / name, tmp_path / "copies" / name)
    if command in (*ELSEWHERE, *(NEEDS_TEXT if name == "ring" else NEEDS_SAMPLES)):
        assert "Choose" in sentence(said(command, run))
    else:
        code, out, err = said(command, run)
        assert code == 0 and out, err


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("resume", "timeline", *ELSEWHERE)])
@pytest.mark.parametrize(("which", "words"), [("77", "Available: 3"), ("-1", "not a checkpoint"), ("newest", "Use last")])
def test_a_checkpoint_that_is_not_there(said: Said, command: str, which: str, words: str) -> None:
    name = "ring" if command == "sample" else "words"
    assert words in sentence(said(command, name, f"--checkpoint={which}"))


def _spoil_json(run: Path, rng: random.Random) -> None:
    (run / "run.json").write_bytes(rng.choice([b"{", b"[]", b"", b'{"format": 99}', bytes(rng.randbytes(40))]))


def _spoil_config(run: Path, rng: random.Random) -> None:
    said = json.loads((run / "run.json").read_text())
    said["config"] = rng.choice([{"layers": 1e9}, {"no_such_setting": 1}])
    (run / "run.json").write_text(json.dumps(said))


def _spoil_family(run: Path, rng: random.Random) -> None:
    said = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(said | {"family": rng.choice(["", "diffusion", "../gpt"])}))


def _spoil_weights(run: Path, rng: random.Random) -> None:
    for path in (run / "checkpoints").glob("*/*.safetensors"):
        path.write_bytes(rng.randbytes(rng.randint(0, 300)))


def _no_checkpoint(run: Path, _: random.Random) -> None:
    shutil.rmtree(run / "checkpoints")


def _no_kept_file(run: Path, rng: random.Random) -> None:
    for name in Run.open(run).info.kept:
        (run / name).write_bytes(rng.choice([b"{", b"\xff"]))


def _spoil_changes(run: Path, rng: random.Random) -> None:
    rows = [[], {}, {"step": 1, "saved": True, "values": {"batch": "many"}}]
    (run / "changes.json").write_text(json.dumps([rng.choice(rows[1:])]))


def _folder_for_json(run: Path, _: random.Random) -> None:
    (run / "run.json").unlink()
    (run / "run.json").mkdir()


DAMAGE = (
    _spoil_json, _spoil_config, _spoil_family, _spoil_weights, _no_checkpoint, _no_kept_file, _spoil_changes,
    _folder_for_json,
)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
@EVERY
def test_a_run_that_is_damaged(said: Said, made: Path, tmp_path: Path, command: str, damage: Any) -> None:
    for name in ("words", "ring"):
        run = shutil.copytree(made / name, tmp_path / "copies" / name)
        damage(run, random.Random(f"{command} {damage.__name__}"))
        code, out, err = said(command, run)
        assert code == 2 or (command == "timeline" and code == 0), (name, out, err)  # it needs no weights
        if code:
            sentence((code, out, err))


def test_a_damaged_run_is_listed_with_its_reason_and_can_be_deleted(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from genstudio.tasks.runs import EmptyTrash, ListRuns, TrashRuns

    for damage in (_spoil_json, _folder_for_json, _spoil_family):
        run = shutil.copytree(made / "words", tmp_path / "copies" / "20260101-120000_gpt_words")
        damage(run, random.Random(1))
        assert cli.main(["runs", "--runs", str(run.parent)]) == 0
        out = capsys.readouterr().out
        assert run.name in out and (damage is _spoil_family or "run.json" in out or "newer version" in out)
        assert len(result(TrashRuns((str(run),)))) == 1
        assert result(ListRuns(run.parent)) == () and result(EmptyTrash(run.parent)) == 1
    other = tmp_path / "copies" / "holiday"
    other.mkdir()
    with pytest.raises(runs.run.RunError, match="not the folder of a run"):
        run_task(TrashRuns((str(other),)))
    assert other.is_dir()


def test_runs_that_cannot_be_listed_are_no_empty_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    assert cli.main(["runs", "--runs", str(tmp_path / "file")]) == 2
    assert f"{tmp_path / 'file'} cannot be listed" in capsys.readouterr().err
    assert cli.main(["runs", "--runs", str(tmp_path / "not there")]) == 0


def test_a_home_that_cannot_be_made_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "file"
    home.write_text("x")
    monkeypatch.setenv("GENSTUDIO_HOME", str(home))
    settings = [f"{name}={value}" for name, value in GPT.items()]
    for command in (["train", "gpt", "--data", "names", "--steps", "1", "--set", *settings], ["import", str(home)]):
        assert cli.main(command) == 2
        err = capsys.readouterr().err
        assert f"{home} is a file" in err and "GENSTUDIO_HOME" in err
    assert cli.main(["runs"]) == 2 and str(home) in capsys.readouterr().err
    assert home.read_text() == "x"


def test_a_text_with_characters_that_the_model_never_saw_is_scored(
    said: Said, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.txt"
    file.write_text("anna Ω\nzoë\n", encoding="utf-8")
    for options in ((), ("--json",)):
        assert cli.main(["score", "words", str(file), "--runs", str(made), *options]) == 0
        out, err = capsys.readouterr()
        assert "'Ω'" in err and "'ë'" in err
        if options:
            text = file.read_text(encoding="utf-8")
            assert {text[place] for place in json.loads(out)["unknown"]} == {" ", "Ω", "ë"}
