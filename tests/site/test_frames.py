"""Recorded steps leave the page that shows them, which would be heavy with them."""

import sys
from html import escape
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("sphinx")
sys.path.insert(0, str(Path(__file__).parent.parent.parent / "scripts" / "site"))

import frames  # type: ignore[import-not-found]

STEP = '<!doctype html><p title="a">1 < 2 & "δ"</p>'


def written(body: str, folder: Path) -> str:
    context = {"body": body, "pathto": lambda name, resource: f"../{name}"}
    frames.write(SimpleNamespace(outdir=folder), "solutions/05", "page.html", context, None)
    return str(context["body"])


def test_a_frame_gets_a_file_and_keeps_its_attributes(tmp_path: Path) -> None:
    frame = f'<iframe width="100%" sandbox="allow-scripts" srcdoc="{escape(STEP)}"></iframe>'
    body = written(f"<p>before</p>{frame}<p>after</p>", tmp_path)
    (file,) = (tmp_path / "steps").iterdir()
    assert file.read_text("utf-8") == STEP
    assert "srcdoc" not in body
    assert f'<iframe width="100%" sandbox="allow-scripts" loading="lazy" src="../steps/{file.name}">' in body
    assert f'<a href="../steps/{file.name}" ' in body
    assert body.startswith("<p>before</p>")
    assert body.endswith("<p>after</p>")


def test_each_step_has_a_file_of_its_own_and_the_same_one_again(tmp_path: Path) -> None:
    one, other = (f'<iframe srcdoc="{escape(STEP + more)}"></iframe>' for more in ("", "more"))
    written(one + other + one, tmp_path)
    assert len(list((tmp_path / "steps").iterdir())) == 2


def test_other_frames_and_pages_without_text_stay_as_they_are(tmp_path: Path) -> None:
    assert (
        written('<iframe src="laboratory.html"></iframe>', tmp_path)
        == '<iframe src="laboratory.html"></iframe>'
    )
    frames.write(SimpleNamespace(outdir=tmp_path), "search", "search.html", {}, None)
    assert not (tmp_path / "steps").exists()
