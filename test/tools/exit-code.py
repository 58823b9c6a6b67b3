"""exit-code.py CODE COMMAND..."""

import subprocess
import sys

got = subprocess.run(sys.argv[2:], capture_output=True).returncode
sys.exit(f"ended with {got}" if got != int(sys.argv[1]) else 0)
