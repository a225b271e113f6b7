"""What was measured, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.measuring import Measurement, Scenario


def table_of(scenario: Scenario, measurements: Sequence[Measurement]) -> Table:
    """One scenario: throughput, latency, ratios, and where the processor time goes."""
    table = Table(title=f"{scenario.title}, {scenario.concurrency} at a time", title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("requests/s", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("ratio", no_wrap=True)
    for heading in ("CPU µs: gateway", "service", "postgres", "all", "load"):
        table.add_column(heading, justify="right", no_wrap=True)
    for measurement in measurements:
        table.add_row(*_cells(measurement))
    return table


def _cells(measurement: Measurement) -> list[str]:
    processors = measurement.processors()
    processors["all"] = sum(processors.values()) - processors["load"]
    used = (processors.get(name) for name in ("gateway", "service", "postgres", "all", "load"))
    ratios = (f"{ratio:.2f} × {name}" for name, ratio in measurement.ratios.items())
    return [
        measurement.target.name,
        f"{measurement.per_second:,.0f}",
        f"{measurement.quantile(0.5) * 1e3:.2f}",
        f"{measurement.quantile(0.99) * 1e3:.2f}",
        "\n".join(ratios),
        *("" if seconds is None else f"{seconds * 1e6:.0f}" for seconds in used),
    ]


def write_json(path: Path, settings: dict[str, Any], results: Any) -> None:
    """Writes everything, single rounds included."""
    document = {
        "machine": {
            "platform": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
        },
        "settings": settings,
        "scenarios": [
            {
                "title": scenario.title,
                "concurrency": scenario.concurrency,
                "targets": [_json_of(measurement) for measurement in measurements],
            }
            for scenario, measurements in results
        ],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def _json_of(measurement: Measurement) -> dict[str, Any]:
    return {
        "name": measurement.target.name,
        "requests": measurement.requests,
        "per_second": round(measurement.per_second, 1),
        "per_second_by_round": [round(each.per_second, 1) for each in measurement.rounds],
        "p50_ms": round(measurement.quantile(0.5) * 1e3, 3),
        "p99_ms": round(measurement.quantile(0.99) * 1e3, 3),
        "ratios": {name: round(ratio, 3) for name, ratio in measurement.ratios.items()},
        "processor_us": {
            name: round(seconds * 1e6, 1) for name, seconds in measurement.processors().items()
        },
    }
