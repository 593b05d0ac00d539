"""Every contender gets the same grid and the same seeds, and its own best rate."""

from course_lib.experiments.tuning import (
    best,
    final_accuracies,
    final_results,
    of_cell,
    tuned_plan,
    tuned_table,
)

CELLS = [{"method": "a"}, {"method": "b"}]
EPOCHS = {"search": 2, "final": 4}
RATES = [0.1, 1.0, 10.0]
# Validation accuracies after each of two epochs, for each rate.
ACCURACIES = {"a": [[0.2, 0.5], [0.9, 0.1], [0.6, 0.7]], "b": [[0.8, 0.8], [], [0.1, 0.8]]}


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
        ("final", "b", 0.1, 1),  # the first of two that are equal; one diverged
        ("final", "b", 0.1, 2),
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


def test_the_table_has_a_row_for_each_contender_with_final_runs():
    runs = [done(settings) for settings in tuned_plan(CELLS, RATES, [1, 2, 4], EPOCHS, [])[:5]]
    for settings in tuned_plan(CELLS, RATES, [1, 2, 4], EPOCHS, runs)[6:]:
        runs.append({"settings": settings, "result": {"test_accuracy": settings["seed"] / 10}})
    more = {"tried, trained": lambda tried, final: f"{len(tried)}, {len(final)}"}
    cells = [{**cell, "batch_size": 2} for cell in CELLS]  # all alike, so no column
    for run in runs:
        run["settings"]["batch_size"] = 2
    assert final_accuracies(runs, ("method", "lr")) == {("a", 1.0): [0.1, 0.2, 0.4]}
    assert tuned_table(cells, RATES, more, runs).splitlines() == [
        "5 of 6 rates tried",
        "method  rate  seeds  median  lowest  highest  tried, trained",
        "a       1     3      0.2000  0.1000  0.4000   3, 3",
    ]
