#!/usr/bin/env python3
"""Lists ops, types, attributes, enums, passes and options of our .td files that do not say what they are.

    described.py ROOT
"""

import json
import os
import shutil
import subprocess
import sys

FILES = {"dialect/attn/AttnOps.td": "Attn_", "dialect/tile/TileOps.td": "Tile_", "codegen/Passes.td": ""}
MUST_EXPLAIN = {"TypeDef", "Dialect"}  # a summary alone is too little for these


def records(root, path):
    tool = shutil.which("llvm-tblgen")
    include = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(tool))), "include")
    command = [tool, "--dump-json", "-I", root, "-I", include, os.path.join(root, path)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main():
    root = sys.argv[1]
    silent, seen = [], 0
    for path, prefix in FILES.items():
        for name, record in records(root, path).items():
            if not isinstance(record, dict) or name.startswith("!"):
                continue
            classes = set(record.get("!superclasses", []))
            ours = name.startswith(prefix) if prefix else bool(classes & {"Pass", "PassBase"})
            if not ours or not classes & {"Op", "TypeDef", "Dialect", "EnumInfo", "PassBase"}:
                continue
            seen += 1
            if not record.get("summary"):
                silent.append(f"{path}: {name} has no summary")
            if classes & MUST_EXPLAIN and name.startswith("Tile_") and not record.get("description"):
                silent.append(f"{path}: {name} has no description")
            for option in record.get("options", []):
                entry = option.get("def")
                if entry and not records(root, path)[entry].get("description"):
                    silent.append(f"{path}: an option of {name} has no description")
    print("\n".join(silent) if silent else f"{seen} records, each described")
    return 1 if silent or seen < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
