"""Choosing a device, and recognising that memory ran out."""

import pytest
import torch

from genstudio.errors import DeviceError
from genstudio.training import device


def with_cuda(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_auto_takes_the_best_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cuda(monkeypatch, 0)
    assert device.choose("auto") == device.choose("cpu") == "cpu"
    with_cuda(monkeypatch, 2)
    assert device.choose("auto") == device.choose("cuda") == "cuda:0"
    assert device.choose("cuda:1") == "cuda:1" and device.choose("cpu") == "cpu"
    with_cuda(monkeypatch, 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert device.choose("auto") == "mps"


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "cuda:x", "tpu", "cuda:1 ", ""])
def test_what_is_not_there_is_refused_with_what_is(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with_cuda(monkeypatch, 0)
    with pytest.raises(DeviceError) as caught:
        device.choose(name)
    assert "cpu" in str(caught.value) and caught.value.hint.startswith("Choose auto")


def test_a_gpu_that_does_not_exist_is_refused_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cuda(monkeypatch, 1)
    with pytest.raises(DeviceError, match=r"no GPU number 3.*cuda:0, cpu"):
        device.choose("cuda:3")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError("CUDA error: out of memory"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_out_of_memory_is_recognised(error: BaseException) -> None:
    assert device.out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2"), ValueError("out of memory"), OSError(28, "full")])
def test_other_errors_are_not_taken_for_it(error: BaseException) -> None:
    assert not device.out_of_memory(error)


def test_a_real_allocation_that_is_too_large_is_recognised() -> None:
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        torch.empty(2**58, dtype=torch.uint8)
    assert device.out_of_memory(caught.value)


def test_the_cpu_is_described() -> None:
    assert device.describe("cpu").startswith("CPU") and "thread" in device.describe("cpu")


def test_threads_are_as_before_afterwards() -> None:
    before = torch.get_num_threads()
    with pytest.raises(KeyError), device.threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyError
    with device.threads(None):
        assert torch.get_num_threads() == before
    assert torch.get_num_threads() == before


def test_this_computer_says_how_much_memory_is_free() -> None:
    assert 10 << 20 < device.free_bytes("cpu") < 1 << 46
