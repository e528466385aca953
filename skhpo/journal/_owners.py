"""Runs that are open, and whether the process that opened one is alive."""

from __future__ import annotations

import os
import subprocess
import weakref
from pathlib import Path

__all__ = ["OPEN", "birth", "is_alive"]

OPEN = weakref.WeakValueDictionary()  # token of each run that this process has open -> RunLog


def is_alive(owner):
    """Whether the process that opened a run still has it open."""
    words = owner.split() if isinstance(owner, str) else []
    if len(words) != 3 or not words[0].isdecimal():
        return False
    pid, born, token = int(words[0]), *words[1:]
    return token in OPEN or (pid != os.getpid() and birth(pid) == born)


def birth(pid):
    """When a living process began, as one word, None when there is none: ids come back."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("latin-1")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("latin-1").strip()
    except OSError:
        return None if Path("/proc/self/stat").exists() else _birth_by_command(pid)
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else f"{boot}:{fields[18]}"


def _birth_by_command(pid):
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    if os.name == "nt":
        command = ["powershell", "-NoProfile", f"(Get-Process -Id {pid}).StartTime.Ticks"]
    try:
        environment = {**os.environ, "LC_ALL": "C"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    except OSError:
        return None
    words = done.stdout.split()
    return None if not words or words[0].startswith(("Z", "X")) else "_".join(words[-5:])
