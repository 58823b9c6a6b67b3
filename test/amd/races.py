# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads the reports of the emulator's race detector and sets the impossible ones apart.

Dual-issue moves leave an operand field of their encoding unused, and the detector takes it
for a read of v0. An instruction whose text does not name the register cannot read it, so
such a report counts as spurious; LDS and SGPR reports always count.
"""
import re
from pathlib import Path

END = "END_RACE"
REGISTER = re.compile(r"Race on VGPR v(\d+)\b")
NAMED = re.compile(r"\bv(?:(\d+)|\[(\d+):(\d+)\])")


def _names(instruction, register):
    for single, first, last in NAMED.findall(instruction):
        low, high = (int(single), int(single)) if single else (int(first), int(last))
        if low <= register <= high:
            return True
    return False


def is_spurious(report):
    register = REGISTER.search(report)
    marked = [line for line in report.splitlines() if line.lstrip().startswith("==>")]
    # The accessing instruction comes last and carries a lane.
    if not register or not marked or " lane " not in marked[-1]:
        return False
    return not _names(marked[-1].split(";")[0], int(register.group(1)))


def read_reports(folder):
    """(real, spurious) reports of the logs in a folder; None when the detector never ran."""
    logs = sorted(path for path in Path(folder).glob("*.log") if "race" in path.name)
    if not logs:
        return None
    text = "".join(path.read_text(errors="replace") for path in logs)
    real, spurious = [], []
    for report in text.split(END)[:-1]:
        (spurious if is_spurious(report) else real).append(report.strip())
    return real, spurious
