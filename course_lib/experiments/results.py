"""The file of an experiment's results: its runs, and where they come from."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from course_lib.data import FashionMNIST
from course_lib.files import replacing
from course_lib.machine import description

Settings = dict[str, Any]
Run = dict[str, Any]
"""One run: its ``settings``, its ``result``, and the ``seconds`` that it took."""

FOLDER = Path(__file__).resolve().parents[2] / "book" / "results"

# What must be the same for all runs of a file.
_FIXED = ("experiment", "data", "data_checksum", "device", "torch")


@dataclass
class Results:
    """The runs of one experiment, and what they were made with.

    Args:
        path: the file.
        provenance: experiment, command, data and their checksum, device, version of torch,
            the days of the first and of the last run, the seeds, and the ``machines``
            (:func:`course_lib.machine.description`) in the order in which they came to it.
        runs: in the order in which they were made.
    """

    path: Path
    provenance: dict[str, Any]
    runs: list[Run] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, name: str, data: FashionMNIST) -> "Results":
        """The results of an experiment, to be continued with ``data``; empty if there is no file.

        Raises:
            ValueError: the file is damaged, or was made with something else.
        """
        provenance = {
            "experiment": name,
            "command": f"python -m course_lib.experiments run {name}",
            "data": data.size,
            "data_checksum": data.checksum,
            "device": _device_name(data.train.images.device),
            "torch": torch.__version__,
            "begun": _today(),
        }
        if not path.exists():
            return cls(path, provenance)
        results = cls.read(path)
        for key in _FIXED:
            was, now = results.provenance.get(key), provenance[key]
            if was != now:
                raise ValueError(
                    f"{path.name} was made with {key} {was!r}, and this run would be with {now!r}: "
                    "move the file away to begin anew, or write to another folder."
                )
        return results

    @classmethod
    def read(cls, path: Path) -> "Results":
        """The results in a file.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is damaged.
        """
        if not path.exists():
            raise FileNotFoundError(
                f"There are no results in {path.name} yet: "
                f"python -m course_lib.experiments run {path.stem}"
            )
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            provenance, runs = content["provenance"], content["runs"]
            intact = isinstance(provenance, dict) and all(
                run.keys() == {"settings", "result", "seconds"} for run in runs
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            intact = False
        if not intact:
            raise ValueError(f"{path.name} is damaged: restore it, or move it away to begin anew.")
        return cls(path, provenance, runs)

    def add(self, run: Run) -> None:
        """Append a run, and replace the file by one that has it, in one step."""
        self.runs.append(run)
        self.provenance["seeds"] = sorted({run["settings"].get("seed", 0) for run in self.runs})
        self.provenance["last_run"] = _today()
        machines = self.provenance.setdefault("machines", [])
        machine = description()
        if machine not in machines:
            machines.append(machine)
        # One line a run: a diff shows what was added.
        lines = ",\n".join(f"  {json.dumps(run, allow_nan=False)}" for run in self.runs)
        provenance = json.dumps(self.provenance, indent=1)
        text = f'{{"provenance": {provenance},\n"runs": [\n{lines}\n]}}\n'
        with replacing(self.path) as file:
            file.write(text.encode())


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
