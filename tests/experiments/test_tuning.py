"""Every contender starts from the same grid, gets the same seeds, and its own best rate inside."""

import pytest

from course_lib.experiments.report import NAMES, results_of
from course_lib.experiments.summary import by
from course_lib.experiments.tuning import (
    FINAL,
    LADDER,
    SEARCH,
    best,
    final_accuracies,
    final_results,
    grid,
    of_cell,
    tuned_plan,
    tuned_table,
)

CELLS = [{"method": "a"}, {"method": "b"}]
EPOCHS = {"search": 2, "final": 4}
RATES = [0.1, 1.0, 10.0]
# Validation accuracies after each of two epochs, for each rate.
ACCURACIES = {"a": [[0.2, 0.5], [0.9, 0.1], [0.6, 0.7]], "b": [[], [0.8, 0.8], [0.1, 0.8]]}


def done(settings):
    accuracies = ACCURACIES[settings["method"]][RATES.index(settings["lr"])]
    return {"settings": settings, "result": {"val_accuracy": accuracies, "score": settings["seed"]}}


def test_first_every_rate_then_the_best_of_each_with_every_seed():
    search = tuned_plan(CELLS, RATES, [1, 2], EPOCHS, [])
    assert [(s["method"], s["lr"]) for s in search] == [(m, lr) for m in "ab" for lr in RATES]
    assert {(s["stage"], s["seed"], s["epochs"]) for s in search} == {("search", 0, 2)}

    runs = [done(settings) for settings in search]
    final = tuned_plan(CELLS, RATES, [1, 2], EPOCHS, runs)[len(search) :]
    assert {s["epochs"] for s in final} == {4}
    assert [(s["stage"], s["method"], s["lr"], s["seed"]) for s in final] == [
        ("final", "a", 1.0, 1),  # the best epoch counts, not the last
        ("final", "a", 1.0, 2),
        ("final", "b", 1.0, 1),  # the first of two that are equal; one diverged
        ("final", "b", 1.0, 2),
    ]


def test_a_contender_whose_search_is_not_complete_has_no_final_runs():
    runs = [done(settings) for settings in tuned_plan(CELLS, RATES, [1], EPOCHS, [])[:5]]
    final = [s for s in tuned_plan(CELLS, RATES, [1], EPOCHS, runs) if s["stage"] == "final"]
    assert [s["method"] for s in final] == ["a"]


def test_final_runs_do_not_change_what_is_best():
    runs = [done(settings) for settings in tuned_plan(CELLS, RATES, [1, 2], EPOCHS, [])]
    plan = tuned_plan(CELLS, RATES, [1, 2], EPOCHS, runs)
    lucky = {"val_accuracy": [1.0], "score": 7}
    runs += [{"settings": settings, "result": lucky} for settings in plan[6:]]
    assert tuned_plan(CELLS, RATES, [1, 2], EPOCHS, runs) == plan
    assert final_results(runs, CELLS[1], "score") == [7, 7]
    assert len(of_cell(runs, "search", CELLS[1])) == 3
    assert best(of_cell(runs, "search", CELLS[0]))["settings"]["lr"] == 1.0


# The score of a rate, and those that are tried from 0.1, 1 and 10, in their order.
GROWN = [
    ("inside", lambda lr: -abs(lr - 1), [0.1, 1.0, 10.0]),
    ("above", lambda lr: -abs(lr - 100), [0.1, 1.0, 10.0, 30.0, 100.0, 300.0]),
    ("below", lambda lr: -abs(lr - 0.03), [0.1, 1.0, 10.0, 0.03, 0.01]),
    ("all alike", lambda lr: 0.1, [0.1, 1.0, 10.0, 0.03]),
    ("level at the end", lambda lr: min(lr, 10.0), [0.1, 1.0, 10.0, 30.0]),
]


@pytest.mark.parametrize(("score", "rates"), [g[1:] for g in GROWN], ids=[g[0] for g in GROWN])
def test_the_grid_grows_while_the_best_rate_stands_at_an_end(score, rates):
    tried = []
    for number, lr in enumerate(rates):
        planned = grid(tried, RATES, lambda run: score(run["settings"]["lr"]))
        assert planned == rates[: max(number + 1, len(RATES))]
        tried.append({"settings": {"lr": lr}, "result": {}})
    assert grid(tried, RATES, lambda run: score(run["settings"]["lr"])) == rates


@pytest.mark.parametrize("end", [0, -1], ids=["lowest", "highest"])
def test_a_best_rate_at_the_end_of_the_ladder_is_an_error_that_names_it(end):
    rates = LADDER[:3] if end == 0 else LADDER[-3:]
    tried = [{"settings": {"lr": lr}, "result": {}} for lr in rates]
    with pytest.raises(ValueError, match=f"The best rate is {LADDER[end]:g}, where the ladder"):
        grid(tried, rates, lambda run: float(run["settings"]["lr"] == LADDER[end]))


def test_the_plan_of_a_grown_grid_is_the_same_when_it_is_made_again():
    """Runs that were planned once are planned for good, or the file would be refused."""

    def score(run):
        return run["settings"]["lr"]

    runs = []
    for _ in range(8):
        plan = tuned_plan(CELLS[:1], RATES, [1], EPOCHS, runs, score)
        assert [run["settings"] for run in runs] == plan[: len(runs)]
        runs.append({"settings": plan[len(runs)], "result": {"val_accuracy": []}})
    tried = [run["settings"]["lr"] for run in runs]
    assert tried == [0.1, 1.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0]


TUNED = [name for name in NAMES if any("stage" in r["settings"] for r in results_of(name).runs)]


@pytest.mark.parametrize("name", TUNED)
def test_no_best_rate_of_the_book_stands_at_an_end_of_its_grid(name):
    cells = {}
    for run in results_of(name).runs:
        cell = {
            k: v for k, v in run["settings"].items() if k not in ("stage", "epochs", "lr", "seed")
        }
        cells.setdefault(str(cell), []).append(run)
    assert len(cells) > 1
    for cell, runs in cells.items():
        stages = by("stage", runs)
        tried = [run["settings"]["lr"] for run in stages[SEARCH]]
        for run in stages[FINAL]:
            assert min(tried) < run["settings"]["lr"] < max(tried), cell


def test_the_table_has_a_row_for_each_contender_with_final_runs():
    runs = [done(settings) for settings in tuned_plan(CELLS, RATES, [1, 2, 4], EPOCHS, [])[:5]]
    for settings in tuned_plan(CELLS, RATES, [1, 2, 4], EPOCHS, runs)[6:]:
        seed = settings["seed"]
        result = {"test_accuracy": seed / 10, "val_accuracy": [0.0, seed / 10 + 0.05, 0.1]}
        runs.append({"settings": settings, "result": result})
    more = {"tried, trained": lambda tried, final: f"{len(tried)}, {len(final)}"}
    cells = [{**cell, "batch_size": 2} for cell in CELLS]  # all alike, so no column
    for run in runs:
        run["settings"]["batch_size"] = 2
    assert final_accuracies(runs, ("method", "lr")) == {("a", 1.0): [0.1, 0.2, 0.4]}
    assert tuned_table(cells, more, runs).splitlines() == [
        "5 rates tried",
        "method  rate  seeds  validation  test    lowest  highest  tried, trained",
        "a       1     3      0.2500      0.2000  0.1000  0.4000   3, 3",
    ]
