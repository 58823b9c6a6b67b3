#!/usr/bin/env python3
"""Makes the Python environment with the S3 server of the tests (moto), once for each list of packages.

    make_venv.py BUILD_FOLDER

The packages are those of moto.txt, to the version; they lie in BUILD_FOLDER/test/moto. Exit code 1 where they cannot
be had: then `remote-s3.test` is skipped by name.
"""

import os
import shutil
import subprocess
import sys

PACKAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "moto.txt")


def folder(build):
    return os.path.join(build, "test", "moto")


def is_made(build):
    """Whether this very list was installed there."""
    try:
        with open(os.path.join(folder(build), "packages.txt")) as made, open(PACKAGES) as wanted:
            return made.read() == wanted.read()
    except OSError:
        return False


def make(build):
    there = folder(build)
    shutil.rmtree(there, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", there], check=True)
        pip = os.path.join(there, "bin", "pip")
        subprocess.run([pip, "install", "--quiet", "--no-deps", "--disable-pip-version-check", "-r", PACKAGES],
                       check=True, timeout=900)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"make_venv.py: no S3 server: {error}", file=sys.stderr)
        return 1
    # Last, so that an interrupted installation is none.
    shutil.copyfile(PACKAGES, os.path.join(there, "packages.txt"))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(0 if is_made(sys.argv[1]) else make(sys.argv[1]))
