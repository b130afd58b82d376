"""How long decord and PyAV take to read the given frames of a video as RGB, at its own size. One JSON line.

Arguments: decord | av-seek | av-through, the file, the frames' indices in order of presentation as JSON.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np


def with_decord(file: str, indices: list[int]) -> np.ndarray:
    return decord.VideoReader(file).get_batch(indices).asnumpy()


def with_av(file: str, indices: list[int], seek: bool) -> np.ndarray:
    """`seek`: by the times of the frames, which are looked up in the packets first; else reading through."""
    with av.open(file) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        frames = []
        if not seek:
            wanted = set(indices)
            for i, frame in enumerate(container.decode(stream)):
                if i in wanted:
                    frames.append(frame.to_ndarray(format="rgb24"))
                if i == indices[-1]:
                    break
            return np.stack(frames)
        times = sorted(packet.pts for packet in container.demux(stream) if packet.pts is not None)
        for index in indices:
            container.seek(times[index], stream=stream)
            for frame in container.decode(stream):
                if frame.pts >= times[index]:
                    frames.append(frame.to_ndarray(format="rgb24"))
                    break
        return np.stack(frames)


peer, path, which = sys.argv[1:]
if peer == "decord":
    import decord
else:
    import av
chosen = json.loads(which)
started = time.perf_counter()
read = with_decord(path, chosen) if peer == "decord" else with_av(path, chosen, seek=peer == "av-seek")
seconds = time.perf_counter() - started
assert len(read) == len(chosen), (len(read), len(chosen))
print(json.dumps({"seconds": seconds, "mean": float(read.mean())}))
