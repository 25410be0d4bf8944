"""Broken and hostile data: told in one line, in no more memory than their size, and left as they are."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from manual_backprop.training import Failure
from manual_backprop.training.data import load
from manual_backprop.training.data.idx import sizes_of
from manual_backprop.training.data.mnist import FILES
from tests.training.conftest import assert_told_in_one_line

CPU = torch.device("cpu")
IMAGES, LABELS = FILES[:2]
FUZZ = settings(deadline=None, derandomize=True, max_examples=150, database=None)


@pytest.mark.parametrize("name", [IMAGES, LABELS, FILES[2], FILES[3]])
def test_a_file_cut_anywhere_or_longer_is_damaged(name: str, write_mnist: Callable[..., Path]) -> None:
    folder = write_mnist(images=2, labels=2)
    whole = (folder / name).read_bytes()
    for keep in {*range(min(18, len(whole))), len(whole) // 2, len(whole) - 1}:
        (folder / name).write_bytes(whole[:keep])
        with pytest.raises(Failure, match=f"damaged.*{name} (has|should have)"):
            load("mnist", folder.parents[1], CPU)
    (folder / name).write_bytes(whole + b"\0")
    with pytest.raises(Failure, match=f"damaged.*{name} should have"):
        load("mnist", folder.parents[1], CPU)


@pytest.mark.parametrize("magic", [0, 0x801, 0x802, 0x903, 0xD03, 0x1803, 0xFFFFFFFF, 0x1F8B0803])
def test_another_magic_number_is_another_file(magic: int, write_mnist: Callable[..., Path]) -> None:
    file = write_mnist() / IMAGES
    file.write_bytes(struct.pack(">I", magic) + file.read_bytes()[4:])
    with pytest.raises(Failure, match=f"begins with {magic:#010x}, expected 0x00000803"):
        load("mnist", file.parents[2], CPU)


@pytest.mark.parametrize(
    "sizes",
    [
        (2**32 - 1, 28, 28),
        (2**32 - 1,) * 3,
        (2**31, 2**31, 4),
        (127_551_021, 28, 28),
        (0, 28, 28),
        (20, 0, 28),
    ],
)
def test_nothing_is_read_for_a_promise_that_is_not_kept(
    sizes: tuple[int, ...], write_mnist: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_mnist() / IMAGES
    file.write_bytes(struct.pack(">4I", 0x803, *sizes) + file.read_bytes()[16:])
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("was read"))
    with pytest.raises(Failure, match=r"damaged.*should have"):
        load("mnist", file.parents[2], CPU)


def test_nothing_is_read_of_a_file_of_100_gigabytes(
    write_mnist: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail("was read"))
    file = write_mnist() / IMAGES
    file.write_bytes(struct.pack(">4I", 0x803, 130_000_000, 28, 28))
    try:
        os.truncate(file, 16 + 130_000_000 * 784)  # without a byte on the disk
    except OSError:
        pytest.skip("needs a file system with sparse files")
    with pytest.raises(Failure, match="holds 130,000,000 examples, expected 1 to 1,000,000"):
        load("mnist", file.parents[2], CPU)


def test_images_without_contrast_cannot_be_normalised(write_mnist: Callable[..., Path]) -> None:
    file = write_mnist() / IMAGES
    file.write_bytes(file.read_bytes()[:16] + b"\x07" * (20 * 784))
    with pytest.raises(Failure, match="every pixel of the training images is 7"):
        load("mnist", file.parents[2], CPU)


@pytest.mark.usefixtures("no_download")
@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08\0", b"\x1f\x8b\x08" + b"\xff" * 100])
def test_a_damaged_archive_is_named_and_kept(content: bytes, write_mnist: Callable[..., Path]) -> None:
    folder = write_mnist()
    (folder / LABELS).unlink()
    archive = folder / f"{LABELS}.gz"
    archive.write_bytes(content)
    with pytest.raises(Failure, match=rf"{LABELS}.gz is damaged.*delete it"):
        load(None, folder.parents[1], CPU)
    assert archive.read_bytes() == content


def test_the_command_tells_broken_data_in_one_line(
    write_mnist: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_mnist(labels=19).parents[1]
    arguments = ("train", "--data-dir", str(root), "--out", str(tmp_path / "run"))
    assert "20 training images, but 19 labels" in assert_told_in_one_line(tmp_path, capsys, *arguments)


@pytest.fixture(scope="module")
def idx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idx") / "file"


@FUZZ
@given(head=st.binary(max_size=24), dimensions=st.sampled_from([1, 3]), due=st.booleans())
def test_sizes_are_those_of_the_file_or_refused(head: bytes, dimensions: int, due: bool, idx: Path) -> None:
    idx.write_bytes(struct.pack(">I", 0x800 + dimensions) + head if due else head)
    try:
        sizes = sizes_of(idx, dimensions)
    except ValueError:
        return
    assert idx.stat().st_size == 4 + 4 * dimensions + torch.Size(sizes).numel()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name in FILES:
        head = struct.pack(">4I", 0x803, 2, 28, 28) if "images" in name else struct.pack(">2I", 0x801, 2)
        (folder / name).write_bytes(head + bytes(range(3, 3 + 2)) * (784 if "images" in name else 1))
    return folder


@FUZZ
@given(name=st.sampled_from(FILES), at=st.integers(0, 20), byte=st.integers(0, 255))
def test_data_with_another_byte_are_sound_or_refused(name: str, at: int, byte: int, whole: Path) -> None:
    before = (whole / name).read_bytes()
    content = bytearray(before)
    content[min(at, len(content) - 1)] = byte
    (whole / name).write_bytes(content)
    try:
        data, _ = load("mnist", whole.parents[1], CPU)
    except Failure:
        return
    finally:
        (whole / name).write_bytes(before)
    assert data.train_images.isfinite().all()
    assert 0 <= int(data.train_labels.min()) <= int(data.train_labels.max()) <= 9
