"""Files as .gz, compressed by anyone: unpacked, and judged by what they hold."""

import gzip
import hashlib
import struct
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch

from manual_backprop.training import Failure
from manual_backprop.training.data import load, mnist
from manual_backprop.training.data.mnist import FILES, PUBLISHED
from tests.training.conftest import snapshot

CPU = torch.device("cpu")


@pytest.fixture
def published(write_mnist: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a small data set in place of Fashion-MNIST; what it holds is what was published."""
    folder = write_mnist(kind="FashionMNIST")
    sums = tuple(hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES)
    monkeypatch.setitem(mnist.PUBLISHED, "fashion-mnist", sums)
    return folder


def pack(file: Path, level: int = 9) -> Path:
    archive = file.with_name(f"{file.name}.gz")
    archive.write_bytes(gzip.compress(file.read_bytes(), level, mtime=0))
    file.unlink()
    return archive


@pytest.mark.parametrize("packed", [FILES, FILES[:1], FILES[1:]], ids=["all", "one", "three"])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_recompressed_archives_are_the_data(packed: tuple[str, ...], level: int, published: Path) -> None:
    due, _ = load("fashion-mnist", published.parents[1], CPU)
    for name in packed:
        pack(published / name, level)
    before = snapshot(published)
    data, notice = load("fashion-mnist", str(published.parents[1]), CPU)
    assert notice is None
    assert torch.equal(data.train_images, due.train_images)
    assert torch.equal(data.test_labels, due.test_labels)
    assert snapshot(published) == before  # nothing is unpacked there, and nothing written over


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[:-1] + b"\x05", "its numbers are not the published ones of fashion-mnist"),
        (lambda content: b"PK\x03\x04" + content[4:], "begins with 0x504b0304"),
        (lambda content: content[:-1], "should have"),
        (lambda content: content + b"\0", "should have"),
        (lambda content: content[:3], "too few for a header"),
        (lambda content: struct.pack(">4I", 0x803, 2**31, 28, 28) + content[16:], "should have"),
    ],
)
@pytest.mark.parametrize("name", [FILES[0], FILES[3]])
def test_an_archive_of_something_else_is_named_and_kept(
    name: str, change: Callable[[bytes], bytes], reason: str, published: Path
) -> None:
    content = change((published / name).read_bytes())
    (published / name).write_bytes(content)
    archive = pack(published / name)
    before = archive.read_bytes()
    with pytest.raises(Failure, match=rf"{name}.gz is damaged, or another file \(.*delete it") as failure:
        load("fashion-mnist", published.parents[1], CPU)
    assert reason in str(failure.value) or name == FILES[3]
    assert archive.read_bytes() == before


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_half_an_archive_is_damaged(share: float, published: Path) -> None:
    archive = pack(published / FILES[0])
    archive.write_bytes(archive.read_bytes()[: int(share * archive.stat().st_size)])
    with pytest.raises(Failure, match=rf"{FILES[0]}.gz is damaged"):
        load("fashion-mnist", published.parents[1], CPU)


def test_an_archive_is_not_unpacked_beyond_what_it_may_hold(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a few kilobytes that would unpack to gigabytes."""
    monkeypatch.setattr(mnist, "LONGEST", 1000)
    file = published / FILES[0]
    file.write_bytes(bytes(10_000_000))
    pack(file)
    sizes: list[int] = []
    parse = mnist.idx.parse

    def watched(name: str, content: bytes, dimensions: int) -> torch.Tensor:
        sizes.append(len(content))
        return parse(name, content, dimensions)

    monkeypatch.setattr(mnist.idx, "parse", watched)
    with pytest.raises(Failure, match="is damaged"):
        load("fashion-mnist", published.parents[1], CPU)
    assert sizes == [1001]


def test_what_is_known_of_mnist_is_what_it_holds(full_mnist: Path) -> None:
    for name, due in zip(FILES, PUBLISHED["mnist"], strict=True):
        assert hashlib.sha256((full_mnist / "MNIST" / "raw" / name).read_bytes()).hexdigest() == due


@pytest.mark.slow
def test_mnist_as_archives_is_mnist(full_mnist: Path, tmp_path: Path) -> None:
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name in FILES:
        content = (full_mnist / "MNIST" / "raw" / name).read_bytes()
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, 1))
    due, data = (load("mnist", root, CPU)[0] for root in (full_mnist, tmp_path))
    assert torch.equal(data.train_images, due.train_images)
    assert torch.equal(data.test_labels, due.test_labels)


def test_misplaced_archives_are_named_with_their_right_place(tmp_path: Path) -> None:
    """As Debian installs them."""
    (tmp_path / "fashion-mnist").mkdir()
    found = tmp_path / "fashion-mnist" / f"{FILES[0]}.gz"
    found.write_bytes(b"")
    with pytest.raises(
        Failure, match=f"found {found}.*read from .*FashionMNIST/raw: move the four files there"
    ):
        load("fashion-mnist", tmp_path, CPU)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a server on this machine, and the folder that it serves."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}/", folder
    server.shutdown()
    server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


def test_a_download_writes_over_nothing(
    published: Path, mirror: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    address, served = mirror
    resources = []
    for name in FILES:
        content = gzip.compress((published / name).read_bytes(), 6)
        (served / f"{name}.gz").write_bytes(content)
        resources.append((f"{name}.gz", hashlib.md5(content, usedforsecurity=False).hexdigest()))
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [address])
    monkeypatch.setattr(datasets.FashionMNIST, "resources", resources)
    pack(published / FILES[0], 1)
    (published / FILES[2]).unlink()
    before = snapshot(published)
    load("fashion-mnist", published.parents[1], CPU)
    after = snapshot(published)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {str(published / FILES[2])}
