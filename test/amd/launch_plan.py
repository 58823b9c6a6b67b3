# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Turns a launch manifest (docs/manifest.md) and a shape into kernarg bytes, a grid and a block.

Written from the document alone, not from the runtime, so that the two readers of
one contract check each other. Whatever it refuses is a BadInput of one line.
"""
import json
import struct
from pathlib import Path

FORMAT = "attn-jit.manifest.v1"
TENSORS = ("q", "k", "v", "o", "lse", "workspace")
DTYPES = ("f16", "bf16")
# kind of an argument -> (bytes, alignment, struct code)
SCALARS = {"i32": (4, 4, "<i"), "i64": (8, 8, "<q"), "f32": (4, 4, "<f"), "f64": (8, 8, "<d")}
MAX_ARGUMENT_BYTES = 4096


class BadInput(Exception):
    """A one-line refusal: the field, what was given, what is allowed."""


def _require(condition, message):
    if not condition:
        raise BadInput(message)


def _positive(document, field):
    value = document.get(field)
    _require(isinstance(value, int) and not isinstance(value, bool) and value > 0,
             f"manifest {field}: given {value!r}, allowed: a positive integer")
    return value


class Manifest:
    """The checked fields of NAME.hsaco.json that a launch of an hsaco image needs."""

    def __init__(self, path, image=None):
        try:
            document = json.loads(Path(path).read_bytes())
        except OSError as error:
            raise BadInput(f"manifest {path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise BadInput(f"manifest {path}: not JSON ({error})") from error
        _require(isinstance(document, dict), f"manifest {path}: not a JSON object")
        _require(document.get("format") == FORMAT,
                 f"manifest format: given {document.get('format')!r}, allowed: {FORMAT!r}")
        entry = document.get("image")
        entry = entry if isinstance(entry, dict) else {}
        _require(entry.get("kind") == "hsaco",
                 f"manifest image.kind: given {entry.get('kind')!r}, allowed: 'hsaco'")
        _require(document.get("dtype") in DTYPES,
                 f"manifest dtype: given {document.get('dtype')!r}, allowed: {', '.join(DTYPES)}")
        self.image = Path(image) if image else Path(path).parent / str(entry.get("file", ""))
        self.kernel = document.get("kernel")
        _require(isinstance(self.kernel, str) and self.kernel,
                 f"manifest kernel: given {self.kernel!r}, allowed: the name of a kernel")
        self.target = str(document.get("target", ""))
        # gfx942:sramecc+:xnack- names the same chip as gfx942.
        self.chip = self.target.split(":")[0]
        self.dtype = document["dtype"]
        self.head_dim = _positive(document, "head_dim")
        self.value_dim = _positive(document, "value_dim")
        _require(isinstance(document.get("causal"), bool),
                 f"manifest causal: given {document.get('causal')!r}, allowed: true, false")
        self.causal = document["causal"]
        self.schedule = str(document.get("schedule", ""))
        self.workspace_bytes = document.get("workspace_bytes", 0)
        _require(isinstance(self.workspace_bytes, int) and self.workspace_bytes >= 0,
                 f"manifest workspace_bytes: given {self.workspace_bytes!r}, allowed: an integer >= 0")
        self.shared_bytes = document.get("shared_bytes", 0)
        _require(isinstance(self.shared_bytes, int) and 0 <= self.shared_bytes <= 163840,
                 f"manifest shared_bytes: given {self.shared_bytes!r}, allowed: 0 to 163840")
        self.block = document.get("block")
        _require(isinstance(self.block, list) and len(self.block) == 3 and
                 all(isinstance(n, int) and 1 <= n <= 1024 for n in self.block),
                 f"manifest block: given {self.block!r}, allowed: three integers of 1 to 1024")
        for field in ("grid", "arguments"):
            _require(isinstance(document.get(field), list),
                     f"manifest {field}: given {document.get(field)!r}, allowed: a list")
        self.grid_rules = document["grid"]
        _require(len(self.grid_rules) == 3,
                 f"manifest grid: given {len(self.grid_rules)} rules, allowed: 3")
        self.requires = document.get("requires", [])
        _require(isinstance(self.requires, list),
                 f"manifest requires: given {self.requires!r}, allowed: a list")
        self.arguments = document["arguments"]
        _require(all(isinstance(argument, dict) for argument in self.arguments),
                 "manifest arguments: given an entry that is no object, allowed: objects with a kind")

    def takes(self, tensor):
        return any(a.get("kind") == "pointer" and a.get("tensor") == tensor for a in self.arguments)


def value_of(name, values):
    """A value name, a captured scalar or a decimal literal."""
    if isinstance(name, (int, float)) and not isinstance(name, bool):
        return name
    if name in values:
        return values[name]
    for number in (int, float):
        try:
            return number(name)
        except (TypeError, ValueError):
            pass
    raise BadInput(f"manifest value: given {name!r}, allowed: {', '.join(sorted(values))} or a number")


def _count(name, values):
    value = value_of(name, values)
    _require(isinstance(value, int), f"manifest value {name!r}: given {value!r}, allowed: an integer here")
    return value


def _only_item(rule, what):
    _require(isinstance(rule, dict) and len(rule) == 1, f"manifest {what}: given {rule!r}, allowed: one rule")
    return next(iter(rule.items()))


def _pair(operands, what):
    _require(isinstance(operands, list) and len(operands) == 2,
             f"manifest {what}: given {operands!r}, allowed: a list of two")
    return operands


def _extent(rule, values):
    kind, operand = _only_item(rule, "grid")
    if kind == "value":
        return _count(operand, values)
    if kind == "ceil_div":
        name, divisor = _pair(operand, "grid ceil_div")
        divisor = _count(divisor, values)
        _require(divisor > 0, f"manifest grid ceil_div: given divisor {divisor}, allowed: above 0")
        return -(-_count(name, values) // divisor)
    _require(kind == "product" and isinstance(operand, list),
             f"manifest grid: given {kind!r}, allowed: value, ceil_div, product")
    extent = 1
    for factor in operand:
        extent *= _extent(factor, values)
    return extent


def grid_of(manifest, values):
    return [_extent(rule, values) for rule in manifest.grid_rules]


def check_requires(manifest, values, addresses):
    """Refuses a launch that the image says it cannot run, naming the rule."""
    for rule in manifest.requires:
        kind, operand = _only_item(rule, "requires")
        left, right = _pair(operand, f"requires {kind}")
        bound = _count(right, values)
        if kind == "pointer_aligned":
            given, holds = addresses.get(left, 0), addresses.get(left, 0) % max(bound, 1) == 0
        elif kind in ("multiple", "aligned"):
            given = _count(left, values)
            holds = bound > 0 and given % bound == 0
        elif kind in ("at_most", "at_least", "equal"):
            given = _count(left, values)
            holds = {"at_most": given <= bound, "at_least": given >= bound, "equal": given == bound}[kind]
        else:
            raise BadInput(f"manifest requires: given {kind!r}, "
                           "allowed: multiple, aligned, at_most, at_least, equal, pointer_aligned")
        _require(holds, f"shape: given {left} = {given}, the image requires {kind} {right} ({bound})")


def kernarg_of(manifest, values, addresses):
    """The kernarg segment: the arguments in order, at natural C alignment."""
    block = bytearray()
    for index, argument in enumerate(manifest.arguments):
        kind = argument.get("kind")
        if kind == "pointer":
            tensor = argument.get("tensor")
            _require(tensor in TENSORS,
                     f"manifest arguments[{index}].tensor: given {tensor!r}, allowed: {', '.join(TENSORS)}")
            size, alignment, data = 8, 8, struct.pack("<Q", addresses.get(tensor, 0))
        elif kind in SCALARS:
            size, alignment, code = SCALARS[kind]
            value = value_of(argument.get("value"), values)
            try:
                data = struct.pack(code, float(value) if kind[0] == "f" else value)
            except struct.error as error:
                raise BadInput(f"manifest arguments[{index}]: given {argument.get('value')} = {value}, "
                               f"allowed: what fits {kind}") from error
        else:
            raise BadInput(f"manifest arguments[{index}].kind: given {kind!r}, "
                           f"allowed for hsaco: pointer, {', '.join(SCALARS)}")
        block += bytes(-len(block) % alignment) + data
        _require(len(block) <= MAX_ARGUMENT_BYTES,
                 f"manifest arguments: given over {MAX_ARGUMENT_BYTES} bytes, allowed: {MAX_ARGUMENT_BYTES}")
    return bytes(block)
