"""Which products of the tile IR have a line in the image's table, read from standard input.

    debug-lines.py TILE_MLIR PATTERN      the pattern's first group is a row's line
"""

import re
import sys

tile, pattern = sys.argv[1:]
products = {number for number, line in enumerate(open(tile), 1) if "tile.mma" in line}
rows = {int(number) for number in re.findall(pattern, sys.stdin.read())}
print(f"{len(products)} products, {len(products - rows)} without a line")
