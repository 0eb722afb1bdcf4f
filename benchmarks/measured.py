"""A figure beside its limit, and where figures of a process come from."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    measured: float
    limit: float
    unit: str

    @property
    def is_met(self) -> bool:
        return self.measured <= self.limit


def memory_of(pid: int, which: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{which}:"))


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(row: Row) -> None:
    mark = "met" if row.is_met else "MISSED"
    print(f"{row.what:<88} {row.measured:>9.4g}  ≤ {row.limit:<6.4g} {row.unit:<12} {mark}", flush=True)
