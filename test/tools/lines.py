"""Each file has fewer lines than that: lines.py MOST FILE..."""

import sys

for path in sys.argv[2:]:
    count = sum(1 for _ in open(path))
    if count >= int(sys.argv[1]):
        sys.exit(f"{path}: {count} lines")
