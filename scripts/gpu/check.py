"""Checks what scripts/gpu/record.mjs wrote against the kernels that TensorFlow has for CUDA.

    pip install tensorflow          # the wheel for Linux on x86-64, which has them; it loads without a GPU
    node scripts/gpu/record.mjs > operations.json && python scripts/gpu/check.py operations.json

Every operation has to have a GPU kernel for its types. Says also which inputs TensorFlow would copy to the device for each
call, since they lie on the host (int32 tensors do), and how many launches a decoded token takes in a layer.
"""

from __future__ import annotations

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
from tensorflow.python.framework import kernels, op_def_registry

INT32, RESOURCE = tf.int32.as_datatype_enum, tf.resource.as_datatype_enum

recorded = json.load(open(sys.argv[1]))
gpu: dict[str, list] = {}
for kernel in kernels.get_all_registered_kernels().kernel:
    if kernel.device_type in ("GPU", "DEFAULT"):
        gpu.setdefault(kernel.op, []).append(kernel)


def arguments(op_def, inputs: list[tuple[int, bool]], types: dict[str, int]) -> list[tuple[str, int, bool]]:
    """Name and type of each input, and whether it was computed; types that follow from inputs are added to `types`."""
    found, at = [], 0
    for arg in op_def.input_arg:
        count = len(inputs) - len(op_def.input_arg) + 1 if arg.number_attr else 1
        for dtype, is_computed in inputs[at : at + count]:
            found.append((arg.name, dtype or arg.type, is_computed))
            if arg.type_attr and dtype:
                types.setdefault(arg.type_attr, dtype)
        at += count
    for attr in op_def.attr:
        if attr.type == "type" and attr.HasField("default_value"):
            types.setdefault(attr.name, attr.default_value.type)
    return found


def fits(kernel, types: dict[str, int]) -> bool:
    return all(types.get(one.name) in (None, *one.allowed_values.list.type) for one in kernel.constraint)


missing, uploaded, back = set(), set(), set()
for line in recorded["operations"]:
    op_def = op_def_registry.get(line["op"])
    if op_def is None:
        missing.add(f"{line['op']}: no operation of TensorFlow's")
        continue
    types = dict(line["attributes"])
    named = arguments(op_def, line["inputs"], types)
    fitting = [kernel for kernel in gpu.get(line["op"], []) if fits(kernel, types)]
    if not fitting:
        names = {name: tf.dtypes.as_dtype(value).name for name, value in types.items()}
        missing.add(f"{line['op']} {names}")
        continue
    host = set(fitting[0].host_memory_arg)
    for name, dtype, is_computed in named:
        if dtype == INT32 and name not in host and not is_computed:
            uploaded.add(f"{line['op']}.{name}")
        if is_computed and name in host and dtype != RESOURCE:
            back.add(f"{line['op']}.{name}")

operations = sorted({line["op"] for line in recorded["operations"]})
print(f"TensorFlow {tf.__version__}: {len(operations)} operations, {len(recorded['operations'])} with their types")
for name in sorted(missing):
    print(f"NO GPU KERNEL: {name}")
for name in sorted(back):
    print(f"COMPUTED ON THE GPU, WANTED ON THE HOST: {name}")
for name in sorted(uploaded):
    print(f"int32 input, copied from the host for each call: {name}")
print("a token, by layer (embedding and head included):")
for line in recorded["per_token"]:
    print(f"  {line['family']:11} {line['dtype']:9} {line['weights']:6} {line['launches']:6.1f} launches {line['uploads']:4.1f} uploads")
sys.exit(len(missing) + len(back) > 0)
