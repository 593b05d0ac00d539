"""Wrong rules that lose points and right ones that keep them, for each function to write.

The last line is the share of all rules that are judged right; it should be 1.
"""

from grading.definitions import names, record
from grading.mutation import scores

print(f"{'assignment':<16}{'function':<24}{'wrong, caught':>16}{'right, kept':>14}")
judged = total = 0
for assignment in names():
    record(assignment)
    for score in scores(assignment):
        caught = f"{score.caught} of {score.misconceptions}"
        kept = f"{score.kept} of {score.right}"
        print(f"{assignment:<16}{score.function:<24}{caught:>16}{kept:>14}")
        judged += score.caught + score.kept
        total += score.misconceptions + score.right
print(f"ratio: {judged / total:.3f}")
