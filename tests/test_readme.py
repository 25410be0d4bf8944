"""What the README says is so: it quotes the source, its example runs, its numbers and links hold."""

import re
from pathlib import Path

import pytest

import manual_backprop.functional as F
from tests.functional.table import ROWS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CROSS_ENTROPY = (ROOT / "manual_backprop/functional/losses/cross_entropy.py").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_quoted_derivation_is_the_sources() -> None:
    quoted = [line[2:] for line in README.splitlines() if line.startswith("> ")]
    assert len(quoted) > 5
    assert [line for line in quoted if line not in CROSS_ENTROPY.splitlines()] == []


def test_the_quoted_code_is_the_sources() -> None:
    for line in BLOCKS[0].splitlines():
        assert line in CROSS_ENTROPY


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(BLOCKS[1], {})
    assert "CrossEntropyBackward" in capsys.readouterr().out


def test_the_report_is_what_verify_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """But for the roundings, which are the machine's."""
    exec(BLOCKS[2], {})
    roundings = re.compile(r"\d+ ulp \(\S+ relative\)|residual \S+\)")
    printed = roundings.sub("…", f"```text\n{capsys.readouterr().out}```")
    assert printed in roundings.sub("…", README)


def test_the_table_has_every_operation() -> None:
    capabilities = README[
        README.index("<!-- capabilities -->") : README.index("<!-- end of capabilities -->")
    ]
    assert re.findall(r"^\| \[`(\w+)`\]", capabilities, re.MULTILINE) == [row.name for row in ROWS]


def test_every_formula_belongs_to_a_function() -> None:
    assert set(re.findall(r"^\| \[`(\w+)`\]\S+ \| \S+ = ", README, re.MULTILINE)) <= set(F.__all__)


def test_the_number_of_wrong_backwards_is_right() -> None:
    assert f"holds {sum(len(row.mutants) for row in ROWS)} wrong backwards" in " ".join(README.split())


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", README))))
def test_links_lead_to_files(link: str) -> None:
    assert (ROOT / link).exists()
