"""What the checks make of wrong rules and of right ones, for each function to write.

Wrong rules lose points: those that the definitions list, and with ``--generated`` mutants made
from the syntax tree of every right rule. Right rules keep them: those that the definitions
list, and the oracle with its state or its result in other forms. The last line is the share of
all rules that are judged right; it should be 1.
"""

import argparse
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import torch

from grading.definitions import load, names, record
from grading.generated import GeneratedScore, generated
from grading.mutation import kept_in_other_forms, scores


def main() -> None:
    """Print the tables, and what should not be so in full."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assignments", nargs="*", metavar="ASSIGNMENT", help="default: all")
    parser.add_argument("--generated", action="store_true", help="mutants too, some minutes")
    options = parser.parse_args()
    chosen = options.assignments or names()
    for assignment in chosen:
        load(assignment)  # complains of one that there is not
    judged = _listed(chosen)
    if options.generated:
        judged = [a + b for a, b in zip(judged, _generated(chosen))]
    print(f"ratio: {judged[0] / judged[1]:.4f}")


def _listed(assignments: list[str]) -> list[int]:
    """Print the tables of listed rules; give how many are judged right, of how many."""
    print(
        f"{'assignment':<16}{'function':<24}{'wrong, caught':>16}{'right, kept':>14}{'forms':>10}"
    )
    right = total = 0
    for assignment in assignments:
        record(assignment)
        for score in scores(assignment):
            kept, refused = kept_in_other_forms(assignment, score.function)
            forms = len(kept) + len(refused)
            print(
                f"{assignment:<16}{score.function:<24}"
                f"{f'{score.caught} of {score.misconceptions}':>16}"
                f"{f'{score.kept} of {score.right}':>14}{f'{len(kept)} of {forms}':>10}"
            )
            for name in refused:
                print(f"    refused: {name}")
            right += score.caught + score.kept + len(kept)
            total += score.misconceptions + score.right + forms
    return [right, total]


def _generated(assignments: list[str]) -> list[int]:
    """Print the table of mutants; give how many are judged right, of how many."""
    start = time.perf_counter()
    print(f"\n{'assignment':<16}{'function':<24}{'mutants':>8}{'caught':>8}{'equivalent':>12}")
    right = total = 0
    reasons: Counter[str] = Counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for assignment, found in zip(assignments, pool.map(_scores, assignments)):
            for score in found:
                caught, equal = score.caught, len(score.equivalent)
                print(f"{assignment:<16}{score.function:<24}{score.total:>8}{caught:>8}{equal:>12}")
                for mutant in score.escaped:
                    print(f"    escaped: {mutant}")
                right, total = right + caught + equal, total + score.total
                reasons.update(reason for _, reason in score.equivalent)
    for reason, count in reasons.most_common():
        print(f"{count:>4} equivalent: {reason}")
    told = f"{reasons.total()} are equivalent and {total - right} escaped"
    print(f"{total:,} mutants, of which {told}, in {time.perf_counter() - start:.0f} s")
    return [right, total]


def _scores(assignment: str) -> list[GeneratedScore]:
    torch.set_num_threads(1)
    return [score.without_rules() for score in generated(assignment)]


if __name__ == "__main__":
    main()
