"""A command while another process holds a database for itself: locked.py DATABASE COMMAND..."""

import sqlite3
import subprocess
import sys

held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("PRAGMA locking_mode = EXCLUSIVE")
held.execute("BEGIN EXCLUSIVE")
held.execute("CREATE TABLE held (x)")
code = subprocess.run(sys.argv[2:]).returncode
held.execute("ROLLBACK")
sys.exit(code)
