"""What the README and the reference pages say is so: quotes, examples, figures and links hold."""

import re
import shlex
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import manual_backprop
from manual_backprop import derive
from manual_backprop.cli import main
from scripts.capability_table import PROMISES, falsehoods, is_lower_bound, not_in_the_table
from tests.functional.checks import CONTRACT
from tests.functional.table import ROWS
from tests.verify.gallery import RIGHT, WRONG
from tests.verify.gallery.forms import RIGHT_IN_FORMS, WRONG_IN_FORMS
from tests.verify.gallery.numpy_derivations import NUMPY_RIGHT, NUMPY_WRONG

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CROSS_ENTROPY = (ROOT / "manual_backprop/functional/losses/cross_entropy.py").read_text()
PYTHON = re.compile(r"```python\n((?:.*\n)*?)```|\.\. code-block:: python\n((?: +.*\n|\n)+)")
WRITTEN_BY_THE_SITE = "capabilities.md"
FOLDER = ROOT / "tutorials" / "reference"
REFERENCE = [page for page in sorted(FOLDER.glob("*.*")) if page.name != WRITTEN_BY_THE_SITE]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "tutorials" / "index.md", *REFERENCE]


def examples(page: str) -> list[str]:
    """The Python of a page, in Markdown or in reStructuredText."""
    return [dedent(markdown or text) for markdown, text in PYTHON.findall(page)]


USE, DERIVE, VERIFY = examples(README)
COUNTS = {
    "sample calls": sum(len(row.samples) for row in ROWS),
    "wrong backwards": sum(len(row.mutants) for row in ROWS),
    "wrong derivations": len(WRONG),
    "in NumPy and other forms": len(NUMPY_WRONG) + len(WRONG_IN_FORMS),
    "right ones": len(RIGHT) + len(NUMPY_RIGHT) + len(RIGHT_IN_FORMS),
}


def linked() -> list[tuple[Path, str]]:
    """The pages, each with a link that it has to a file."""
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)#]+)\)", page.read_text())]
    return [(page, link) for page, link in links if "://" not in link]


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 200


def test_the_derivation_beside_the_code_is_the_sources() -> None:
    derivation, *_ = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    quoted = re.sub(r"\n +", " ", derivation).split("\n")  # a line of the source may take two
    quoted = [" ".join(line.split()) for line in quoted if line]
    source = [" ".join(line.split()) for line in CROSS_ENTROPY.splitlines()]
    assert len(quoted) == 5
    assert [line for line in quoted if not any(each.startswith(line) for each in source)] == []


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(USE, {})
    assert "CrossEntropyBackward" in capsys.readouterr().out


def test_the_outputs_are_what_derive_and_verify_print(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """But for the roundings, which are the machine's."""
    roundings = re.compile(r"\d+ ulp \(\S+ relative\)|residual \S+\)|difference from autograd \S+,")
    names: dict[str, object] = {}
    for example in (DERIVE, VERIFY):  # the second uses what the first has made, as in a notebook
        cell = tmp_path / f"cell_{len(names)}.py"
        cell.write_text(example)
        exec(compile(example, cell, "exec"), names)
        printed = roundings.sub("…", f"```text\n{capsys.readouterr().out}```")
        assert printed in roundings.sub("…", README)


def test_what_the_readme_says_of_a_derivation_can_be_had() -> None:
    names: dict[str, Any] = {}
    exec(DERIVE, names)
    derivation = derive(names["forward"], shapes=names["shapes"])
    elementary = derive(names["forward"], shapes=names["shapes"], depth="elementary")
    for call in re.findall(r"`\.(\w+\([^`]*\))`", README):
        assert eval(f"derivation.{call}", {"derivation": derivation})
    assert "softmax" in str(derivation)
    assert "softmax" not in str(elementary)


def test_derives_command_is_as_the_readme_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = re.findall(r"`manual-backprop (derive .*)`", README)
    file = tmp_path / "layer.py"
    file.write_text("def forward(x, W):\n    return (x @ W.T).relu()\n")
    words = command.replace("FILE", str(file)).replace("…", "(5,3) (7,3)")
    assert main(shlex.split(words)) == 0
    assert "dW = dz.T @ x" in capsys.readouterr().out


def test_the_sentence_about_the_operations_is_true() -> None:
    """As far as it can be told without measuring, which `scripts/capability_table.py --check` does."""
    assert falsehoods(README, len(ROWS), not_in_the_table()) == []


def test_the_promises_are_the_whole_contract() -> None:
    checks = [getattr(check, "func", check) for promise in PROMISES.values() for check in promise]
    assert set(checks) == set(CONTRACT)


@pytest.mark.parametrize("what", COUNTS)
def test_a_count_is_a_lower_bound_and_not_out_of_date(what: str) -> None:
    (stated,) = re.findall(rf"more than (\d+) {what}", " ".join(README.split()))
    assert is_lower_bound(int(stated), COUNTS[what]), COUNTS[what]


def test_what_is_false_of_the_operations_is_found() -> None:
    sentence = "More than 60 operations keep all 7 promises: a, `b`. Exceptions: `c` and `d`."
    assert falsehoods(sentence, 61, {"c", "d"}) == []
    assert falsehoods(sentence, 66, {"d", "c"}) == []
    for keeping, exceptions in ((60, {"c", "d"}), (67, {"c", "d"}), (61, {"c"}), (61, {"c", "d", "e"})):
        assert len(falsehoods(sentence, keeping, exceptions)) == 1
    assert falsehoods(sentence.replace("7", "8"), 61, {"c", "d"})
    assert falsehoods("", 61, set())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page: Path) -> None:
    names: dict[str, object] = {}
    for example in examples(page.read_text()):
        exec(example, names)


def test_an_unchanged_model_is_covered(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = examples((FOLDER / "use_manual_gradients.md").read_text())
    exec(example, {})
    assert example.rpartition("# ")[2] == capsys.readouterr().out


@pytest.mark.parametrize(("page", "link"), linked(), ids=lambda part: getattr(part, "name", part))
def test_links_lead_to_files(page: Path, link: str) -> None:
    assert (page.parent / link).exists() or link.endswith(WRITTEN_BY_THE_SITE)


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {manual_backprop.__version__}\n" in citation
