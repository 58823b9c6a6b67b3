#!/usr/bin/env python3
"""Compiles a description with one thing wrong at a time, and expects that thing to be refused.

    function.py SCRATCH_FOLDER

Each is refused in one line, by the command and by the pass alone.
"""

import os
import subprocess
import sys

TENSOR = "tensor<?x?x?x64xf16, #attn.layout<bshd>>"
TEXT = """!t = TENSOR
func.func @attention(%q: !t {{attn.arg = "q"}}, %k: !t {{attn.arg = "k"}}, %v: !t {{attn.arg = "v"}},
                     %scale: f32 {{attn.arg = "scale"}}{arguments}) -> !t {{
  {before}
  %o = attn.forward {operands} {regions} : !t, !t, !t -> !t
  {after}
  return {result} : !t
}}
{beside}
""".replace("TENSOR", TENSOR)
PLAIN = {"arguments": "", "before": "", "operands": "%q, %k, %v scale %scale", "regions": "", "after": "", "result": "%o",
         "beside": ""}
SCORE = "score {{ ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32): {} attn.yield %y : f32 }}"
WINDOW = """mask { ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
  %low = arith.subi %i, %w : i32
  %seen = arith.cmpi sge, %j, %low : i32
  attn.yield %seen : i1 }"""


def captured(argument):
    return {"arguments": ", " + argument, "regions": WINDOW}


ALLOWED = {
    "plain": {},
    "captured": captured('%w: i32 {attn.arg = "window"}'),
    "unused": {"before": "%u = arith.negf %q : !t"},
    "outside": {"arguments": ', %a: i32 {attn.arg = "a"}', "before": "%w = arith.addi %a, %a : i32", "regions": WINDOW},
}
REFUSED = {
    "constant-scale": ({"before": "%c = arith.constant 0.5 : f32", "operands": "%q, %k, %v scale %c"},
                       "scale: the result of 'arith.constant' given, allowed: the argument of attn.arg \"scale\""),
    "scaled-scale": ({"before": "%d = arith.addf %scale, %scale : f32", "operands": "%q, %k, %v scale %d"},
                     "scale: the result of 'arith.addf' given"),
    "negated-query": ({"before": "%n = arith.negf %q : !t", "operands": "%n, %k, %v scale %scale"},
                      "q: the result of 'arith.negf' given"),
    "swapped": ({"operands": "%v, %k, %q scale %scale"},
                'q: the argument of attn.arg "v" given, allowed: that of attn.arg "q"'),
    "scale-in-region": ({"regions": SCORE.format("%y = arith.addf %x, %scale : f32")},
                        "scale: used beside the op, allowed: a captured scalar of another name"),
    "after": ({"after": "%n = arith.negf %o : !t", "result": "%n"},
              "result: used by 'arith.negf', allowed: 'func.return'"),
    # Nobody asks for the op then: canonical form, which the command begins with, has none.
    "other-result": ({"result": "%q"}, "func.return: another value given", "description: 0 attn.forward ops given"),
    "no-name": (captured("%w: i32"), 'argument 4: attn.arg "" given, allowed: a name of letters'),
    "number": (captured('%w: i32 {attn.arg = "7"}'), 'argument 4: attn.arg "7" given'),
    "reserved": (captured('%w: i32 {attn.arg = "q_len"}'),
                 'argument 4: attn.arg "q_len" given, which the launch binds itself'),
    "twice": (captured('%w: i32 {attn.arg = "w"}, %w2: i32 {attn.arg = "w"}'),
              'argument 5: attn.arg "w" given twice'),
    "index": ({"arguments": ', %w: index {attn.arg = "w"}'}, 'argument "w": index given, allowed: i32, f32'),
    "f64": ({"arguments": ', %w: f64 {attn.arg = "w"}'}, 'argument "w": f64 given, allowed: i32, f32'),
    "call": ({"before": "func.call @other() : () -> ()", "beside": "func.func private @other()"},
             "description: 'func.func' given beside the function of the attn.forward"),
    "barrier": ({"before": "tile.barrier"}, "'tile.barrier' is not elementwise, so it cannot stand in the function"),
    "outside-op": ({"arguments": ', %a: f32 {attn.arg = "a"}', "before": "%s = math.sin %a : f32",
                    "regions": SCORE.format("%y = arith.addf %x, %s : f32")},
                   "'math.sin' cannot stand in the function, allowed of math: absf"),
    "kernel": ({"beside": 'tile.kernel @a() attributes {units = 1 : i64, grid = ["1"]} { tile.return }'},
               "module: 'func.func' given beside a tile.kernel, allowed: the kernel alone"),
}


def run(command):
    result = subprocess.run(command, capture_output=True, text=True)
    return result.returncode, result.stderr


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    failures = []

    def write(name, changes):
        path = os.path.join(folder, name + ".mlir")
        with open(path, "w") as file:
            file.write(TEXT.format(**{**PLAIN, **changes}))
        return path

    for name, changes in ALLOWED.items():
        code, text = run(["attn-jit", "compile", "--target", "cpu", "--input", write(name, changes), "--emit", "tile"])
        if code:
            failures.append(f"{name}: refused: {text}")
    for name, (changes, reason, *canonical) in REFUSED.items():
        path = write(name, changes)
        code, text = run(["attn-jit", "compile", "--target", "cpu", "--input", path, "--emit", "tile"])
        expected = canonical[0] if canonical else reason
        if code != 2 or expected not in text or text.count("\n") != 1:
            failures.append(f"{name}: exit code {code}, no '{expected}' in one line: {text}")
        code, text = run(["attn-opt", path, "--attn-to-tile=target=sm_90a"])
        if code != 1 or "error: " + reason not in text:
            failures.append(f"{name}: attn-opt: exit code {code}, no '{reason}': {text}")
    print("\n".join(failures))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
