#!/usr/bin/env python3
"""Each op of dialect/Elementwise.cpp on the CPU, one kernel of them all, against Python on the same bits.

    ops_check.py SCRATCH_FOLDER
"""

import ctypes
import fractions
import math
import os
import re
import struct
import subprocess
import sys

ROWS, COLS = 64, 16
NAN = math.nan


def f32(x):
    """Of a double or fraction, rounded."""
    try:
        return struct.unpack("f", struct.pack("f", x))[0]
    except OverflowError:
        return math.copysign(math.inf, x)


def signed(x):
    return (x + 2**31) % 2**32 - 2**31


def quotient(a, b):
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def divided(a, b):
    if b == 0:
        return NAN if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)
    return a / b


def fused(a, b, c):
    if not all(map(math.isfinite, (a, b, c))):
        return a * b + c
    exact = fractions.Fraction(a) * fractions.Fraction(b) + fractions.Fraction(c)
    return float(exact) if exact else a * b + c


def rounded(function):
    return lambda x: function(x) if math.isfinite(x) else x


def power(a, b):
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:  # 0 to a negative power, or no real number
        return (math.copysign(math.inf, a) if b % 2 == 1 else math.inf) if a == 0 else NAN


def log2(x):
    return NAN if x < 0 or math.isnan(x) else math.log2(x) if x else -math.inf


def exp2(x):
    return math.inf if x > 1e4 else 2.0**max(x, -1e4)


def larger(a, b, pick):
    if math.isnan(a) or math.isnan(b):
        return NAN
    return pick(a, b, key=lambda v: (v, math.copysign(1, v)))


def number(a, b, pick):
    return b if math.isnan(a) else a if math.isnan(b) else pick(a, b)


# Name: of %i and %j, signed. A wrap is the caller's.
INTEGERS = {
    "addi": lambda i, j: i + j, "subi": lambda i, j: i - j, "muli": lambda i, j: i * j, "andi": lambda i, j: i & j,
    "ori": lambda i, j: i | j, "xori": lambda i, j: i ^ j, "maxsi": max, "minsi": min,
    "maxui": lambda i, j: max(i % 2**32, j % 2**32), "minui": lambda i, j: min(i % 2**32, j % 2**32),
}
SHIFTS = {"shli": lambda i, n: i << n, "shrsi": lambda i, n: i >> n, "shrui": lambda i, n: i % 2**32 >> n}
DIVISIONS = {
    "divsi": quotient, "remsi": lambda i, n: i - n * quotient(i, n), "floordivsi": lambda i, n: i // n,
    "ceildivsi": lambda i, n: -(-i // n), "divui": lambda i, n: i % 2**32 // (n % 2**32),
    "remui": lambda i, n: i % 2**32 % (n % 2**32), "ceildivui": lambda i, n: -(-(i % 2**32) // (n % 2**32)),
}
ORDERS = {"eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
          "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b}
# Name: of %x and %y, and the error allowed in units of the last place.
FLOATS = {
    "addf": (lambda x, y: x + y, 0), "subf": (lambda x, y: x - y, 0), "mulf": (lambda x, y: x * y, 0),
    "divf": (divided, 0), "maximumf": (lambda x, y: larger(x, y, max), 0), "minimumf": (lambda x, y: larger(x, y, min), 0),
    "maxnumf": (lambda x, y: number(x, y, max), 0), "minnumf": (lambda x, y: number(x, y, min), 0),
    "copysign": (math.copysign, 0),
}
# Of %x, or of %s, which is small enough for the function and of no huge slope.
UNARY = {
    "negf": ("x", lambda x: -x, 0), "absf": ("x", abs, 0), "ceil": ("s", rounded(math.ceil), 0),
    "floor": ("s", rounded(math.floor), 0), "trunc": ("s", rounded(math.trunc), 0),
    "roundeven": ("s", rounded(round), 0), "sqrt": ("x", lambda x: math.sqrt(x) if x >= 0 else NAN, 0),
    "rsqrt": ("x", lambda x: divided(1, f32(math.sqrt(x))) if x >= 0 else NAN, 1),
    "exp2": ("s", exp2, 2), "log2": ("x", log2, 3), "log": ("x", lambda x: log2(x) * math.log(2), 4),
    "exp": ("s", math.exp, 64), "tanh": ("s", math.tanh, 64),
}


def cases():
    """Name of the op, its lines that end in %r, the type of that, its function of (x, y, i, j, s), error allowed."""
    for name, f in INTEGERS.items():
        yield name, f"%r = arith.{name} %i, %j : i32", "i32", lambda x, y, i, j, s, f=f: f(i, j), 0
    for name, f in SHIFTS.items():
        text = f"%m = arith.constant 31 : i32\n%n = arith.andi %j, %m : i32\n%r = arith.{name} %i, %n : i32"
        yield name, text, "i32", lambda x, y, i, j, s, f=f: f(i, j & 31), 0
    for name, f in DIVISIONS.items():
        for by in (7, -3, 1, 2**31 - 1, -(2**31)):
            text = f"%n = arith.constant {by} : i32\n%r = arith.{name} %i, %n : i32"
            yield name, text, "i32", lambda x, y, i, j, s, f=f, by=by: f(i, by), 0
    for name, f in ORDERS.items():
        for sign in ("",) if name in ("eq", "ne") else ("s", "u"):
            text = f"%c = arith.cmpi {sign}{name}, %i, %j : i32\n%r = arith.extui %c : i1 to i32"
            wrap = 2**32 if sign == "u" else 0
            yield "cmpi", text, "i32", lambda x, y, i, j, s, f=f, w=wrap: f(i % w, j % w) if w else f(i, j), 0
        for order in "ou":
            text = f"%c = arith.cmpf {order}{name}, %x, %y : f32\n%r = arith.extsi %c : i1 to i32"
            yield "cmpf", text, "i32", lambda x, y, i, j, s, f=f, o=order: -(
                o == "u" if math.isnan(x) or math.isnan(y) else f(x, y)), 0
    for name, (f, error) in FLOATS.items():
        dialect = "math" if name == "copysign" else "arith"
        yield name, f"%r = {dialect}.{name} %x, %y : f32", "f32", lambda x, y, i, j, s, f=f: f(x, y), error
    for name, (of, f, error) in UNARY.items():
        dialect = "arith" if name == "negf" else "math"
        yield name, f"%r = {dialect}.{name} %{of} : f32", "f32", (
            lambda x, y, i, j, s, f=f, of=of: f(s if of == "s" else x)), error
    yield "fma", "%r = math.fma %x, %y, %s : f32", "f32", lambda x, y, i, j, s: fused(x, y, s), 1
    for by in (3, -2, 2.5):
        text = f"%p = arith.constant {float(by)} : f32\n%r = math.powf %s, %p : f32"
        yield "powf", text, "f32", lambda x, y, i, j, s, by=by: power(s, by), 128
    yield "absi", "%r = math.absi %i : i32", "i32", lambda x, y, i, j, s: abs(i), 0
    yield "sitofp", "%r = arith.sitofp %i : i32 to f32", "f32", lambda x, y, i, j, s: float(i), 0
    yield "uitofp", "%r = arith.uitofp %i : i32 to f32", "f32", lambda x, y, i, j, s: float(i % 2**32), 0
    yield "fptosi", "%r = arith.fptosi %s : f32 to i32", "i32", lambda x, y, i, j, s: int(s), 0
    yield "fptoui", "%a = math.absf %s : f32\n%r = arith.fptoui %a : f32 to i32", "i32", (
        lambda x, y, i, j, s: int(abs(s))), 0
    yield "bitcast", "%r = arith.bitcast %i : i32 to f32", "f32", lambda x, y, i, j, s: x, 0
    for extend, f in (("extsi", lambda b: -b), ("extui", lambda b: b)):
        text = f"%c = arith.trunci %i : i32 to i1\n%r = arith.{extend} %c : i1 to i32"
        yield "trunci", text, "i32", lambda x, y, i, j, s, f=f: f(i & 1), 0
        yield extend, text, "i32", lambda x, y, i, j, s, f=f: f(i & 1), 0
    yield "select", "%c = arith.trunci %j : i32 to i1\n%r = arith.select %c, %i, %j : i32", "i32", (
        lambda x, y, i, j, s: i if j & 1 else j), 0
    yield "constant", "%r = arith.constant 0x7F800000 : f32", "f32", lambda x, y, i, j, s: math.inf, 0


STEP, OTHER = 4199339, 2654435769  # odd: samples of every exponent and both signs


def inputs(n):
    """What INPUTS computes, for element n."""
    bits = n * STEP % 2**32
    if n >= 48 * COLS:
        bits &= 0xFF800000  # zeros, powers of two, infinities
    other = n * OTHER % 2**32
    as_float = lambda word: struct.unpack("f", struct.pack("I", word))[0]
    return as_float(bits), as_float(other), signed(bits), signed(other), (n - 512) / 64


INPUTS = f"""
%cols = arith.constant {COLS} : i32
%start = arith.muli %row, %cols : i32
%at = arith.addi %start, %col : i32
%step = arith.constant {STEP} : i32
%any = arith.muli %at, %step : i32
%mask = arith.constant {signed(0xFF800000)} : i32
%power = arith.andi %any, %mask : i32
%c48 = arith.constant 48 : i32
%late = arith.cmpi sge, %row, %c48 : i32
%i = arith.select %late, %power, %any : i32
%factor = arith.constant {signed(OTHER)} : i32
%j = arith.muli %at, %factor : i32
%x = arith.bitcast %i : i32 to f32
%y = arith.bitcast %j : i32 to f32
%c512 = arith.constant 512 : i32
%from = arith.subi %at, %c512 : i32
%near = arith.sitofp %from : i32 to f32
%part = arith.constant 0.015625 : f32
%s = arith.mulf %near, %part : f32
"""


def module(all):
    ints, floats = "!tile.frag<64x16xi32, acc>", "!tile.frag<64x16xf32, acc>"
    text = """tile.kernel @attn_fwd(%o: !tile.global<16xf32, direct> {tile.arg = "o"}, %limit: i32 {tile.arg = "q_len"})
    attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
"""
    text += f"  %rows = tile.coord %c0 dim 0 : {ints}\n  %columns = tile.coord %c0 dim 1 : {ints}\n"
    for k, (_, lines, type, _, _) in enumerate(all):
        bits = "" if type == "f32" else "%bits = arith.bitcast %r : i32 to f32\n"
        text += f"  %p{k} = tile.map %rows, %columns : ({ints}, {ints}) -> {floats} {{\n  ^bb0(%row: i32, %col: i32):\n"
        text += INPUTS + lines + f"\n{bits}tile.yield {'%r' if type == 'f32' else '%bits'} : f32\n  }}\n"
        text += f"  %to{k} = arith.constant {ROWS * k} : i32\n"
        text += f"  tile.store %p{k}, %o[%c0, %c0, %to{k}] limit %limit : {floats}, !tile.global<16xf32, direct>\n"
    return text + "  tile.return\n}\n"


def wrong(type, want, got, error):
    if type == "i32":
        return signed(int(want)) != struct.unpack("i", got)[0]
    got = struct.unpack("f", got)[0]
    if math.isnan(want) or math.isnan(got):
        return not (math.isnan(want) and math.isnan(got))
    want = f32(want)
    if error == 0 or math.isinf(want) or math.isinf(got):
        return struct.pack("f", want) != struct.pack("f", got) and not want == got == 0
    unit = 2.0 ** (max(math.frexp(want)[1], -125) - 24)
    return abs(got - want) > error * unit


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    all = list(cases())
    source, image = os.path.join(folder, "ops.mlir"), os.path.join(folder, "ops.so")
    with open(source, "w") as file:
        file.write(module(all))
    subprocess.run(["attn-jit", "compile", "--target", "cpu", "--cpu-level", "x86-64-v3", "--input", source, "-o", image],
                   check=True)
    output = ctypes.create_string_buffer(4 * ROWS * COLS * len(all))
    block = struct.pack("Qqqqi", ctypes.addressof(output), 0, 0, COLS, ROWS * len(all))
    ctypes.CDLL(image).attn_fwd(block, 0, 0, 0)
    failures = []
    for k, (name, lines, type, function, error) in enumerate(all):
        for n in range(ROWS * COLS):
            at = 4 * (ROWS * COLS * k + n)
            given, got = inputs(n), output[at : at + 4]
            want = function(*given)
            if wrong(type, want, got, error):
                failures.append(f"{lines}: of {given}: {struct.unpack(type[0], got)[0]}, not {want}")
                break
    listed = set(re.findall(r'"(\w+)"', open(sys.argv[2]).read().split("kConversions")[0]))
    listed |= set(re.findall(r'"(\w+)"', open(sys.argv[2]).read().split("kMath[] = {")[1].split("}")[0]))
    missing = listed - {case[0] for case in all}
    failures += [f"{name}: no case here" for name in sorted(missing)]
    print(f"{len(all)} cases of {len(listed)} ops: {len(failures)} wrong")
    sys.exit("\n".join(failures) if failures else 0)


if __name__ == "__main__":
    main()
