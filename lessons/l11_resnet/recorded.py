"""Errors of the runs that come with the course, for the lesson's first figure."""

import json
from pathlib import Path

RECORDED = Path(__file__).resolve().parents[2] / "data" / "recorded"


def recorded_errors(name: str, epochs: int) -> dict[str, list[float]]:
    """Errors in % after each of a run's first epochs: "training" and "test"."""
    run = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    rows = run["epochs"][:epochs]
    return {
        "training": [100 * (1 - row["train_accuracy"]) for row in rows],
        "test": [100 * (1 - row["test_accuracy"]) for row in rows],
    }


def recorded_data(name: str) -> str:
    """The data that a run was trained on, worded for a title."""
    return json.loads((RECORDED / f"{name}.json").read_text("utf-8"))["data"]["title"]
