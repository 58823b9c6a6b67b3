"""The project's own source files, for the lint tests."""

import os

ROOMS = ("dialect", "codegen", "runtime", "tools", "templates", "test", "scripts")


def sources(root, suffixes):
    for room in ROOMS:
        for folder, _, names in os.walk(os.path.join(root, room)):
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield os.path.relpath(os.path.join(folder, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()
