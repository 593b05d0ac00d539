"""Whether a sentence of the book is more than luck: every claim, measured again.

A claim (:mod:`course_lib.claims`) is measured once when its page is built: with one seed, on one
processor. Here each chapter is run again under other conditions, and what every claim measured
is kept in ``book/measured/CHAPTER.json``:

- :mod:`~course_lib.evidence.conditions`: what is varied;
- :mod:`~course_lib.evidence.sources`: what a chapter is made from, as a digest;
- :mod:`~course_lib.evidence.measure`: one chapter run once, without a notebook's kernel;
- :mod:`~course_lib.evidence.records`: the records, and when a claim stands;
- :mod:`~course_lib.evidence.robust`: all chapters under all conditions, in parallel;
- :mod:`~course_lib.evidence.page`: the page of the book that lists all claims.

``python -m course_lib.evidence`` does it; ``make robust`` calls it.
"""
