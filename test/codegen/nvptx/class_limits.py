#!/usr/bin/env python3
"""Are the limits of classes by which scripts/choose_defaults.py sorts measurements the compiler's own?

    class_limits.py ROOT
"""

import pathlib
import re
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    sys.path.insert(0, str(root / "scripts"))
    import choose_defaults as chooser

    classes = (root / "dialect/attn/CallClass.h").read_text()
    schedule = (root / "dialect/attn/Schedule.h").read_text()

    def constant(name):
        product = re.search(rf"{name} = (\d+)(?: \* (\d+))?[,;]", classes)
        return int(product[1]) * int(product[2] or 1)

    few = re.search(r"fewKeysUpTo\(\) const {\s*return .* <= (\d+) \? (\d+) : (\d+);", schedule)
    own = {"FEW_ROWS": constant("kFewRows"), "WAVE_ROWS": constant("kWaveRows"), "LONG_KEYS": constant("kLongKeys"),
           "NARROW": int(few[1]), "FEW_KEYS_NARROW": int(few[2]), "FEW_KEYS": int(few[3])}
    for name, value in own.items():
        if getattr(chooser, name) != value:
            print(f"{name}: {getattr(chooser, name)} in scripts/choose_defaults.py, {value} in dialect/attn")
            return 1
    print(f"{len(own)} limits agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
