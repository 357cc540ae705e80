"""Which process a run lives in, so that the runs of a dead one can be told from the living.

Dagster does not watch the processes of local runs: one killed by the machine would stay "started" for ever, and hold
its pool. The mark is host, boot, process id and the process's start; another host's runs are nobody's business here.
"""

import os
import socket
from pathlib import Path

import dagster as dg

TAG = "footfall/process"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def own_mark() -> dict[str, str]:
    """Return the tag of runs in this process; none where the system does not tell (no /proc)."""
    started = _start(os.getpid())
    return {TAG: f"{socket.gethostname()} {_boot()} {os.getpid()} {started}"} if started else {}


def mark(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> None:
    """Mark the run of a step with its process, unless whoever started it did."""
    if TAG not in context.run.tags and (tag := own_mark()):
        context.instance.add_run_tags(context.run.run_id, tag)


def is_dead(run: dg.DagsterRun) -> bool:
    """Tell whether the process of a run is known to be gone."""
    host, boot, pid, started = (run.tags.get(TAG, "").split() + [""] * 4)[:4]
    if host != socket.gethostname():
        return False
    return boot != _boot() or _start(int(pid)) != started


def _boot() -> str:
    return _BOOT.read_text(encoding="ascii").strip() if _BOOT.exists() else ""


def _start(pid: int) -> str:
    """Return when a process started, in the system's own ticks; empty when there is none."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return told.rpartition(")")[2].split()[19]
