"""Batches on their way to a device: on CUDA, the next one is uploaded while one is measured."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from acn_eval.inputs import InputSpec, ShownBatch

__all__ = ["uploaded"]


def uploaded(
    spec: InputSpec[Any], content: Any, size: int, device: torch.device
) -> Iterator[ShownBatch]:
    """Yield content in batches of a size, as corruptions see them, on a device.

    On CUDA another thread pins and copies the next batch in a stream of its own, whatever the
    stream of the caller waits for; at most one is ahead.
    """
    spans = [slice(start, start + size) for start in range(0, len(content), size)]
    if device.type != "cuda":
        yield from (spec.upload(content[span], device) for span in spans)
        return
    here = torch.cuda.current_stream(device)
    aside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def upload(span: slice) -> Any:
        with torch.cuda.stream(aside):
            batch = spec.upload(content[span], device)
        aside.synchronize()
        return batch

    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(upload, spans[0])
        for after in (*spans[1:], None):
            batch = coming.result()
            if after is not None:
                coming = thread.submit(upload, after)
            if isinstance(batch, torch.Tensor):  # its memory must not be taken while it is read
                batch.record_stream(here)
            yield batch
