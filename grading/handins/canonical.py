"""The assignment's own notebook with a student's answers in it, and the code to be graded.

Points come from the source of the solution cells, and from the definitions in the student's
other cells that these need. All else is rebuilt from ``solutions/``: what a student made of it
becomes a finding, neither a crash nor a point.
"""

import ast
import copy
import re
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode, from_dict

from grading.definitions import SOLUTIONS
from grading.handins.needed import UNREADABLE, Code, Reader, Statement, imports, needed
from grading.handins.own import Assignment, Own, Role, load
from grading.results import Finding

# A cell that was split lies in so many parts, at most.
MOST_PARTS = 4
MOST_FINDINGS = 100
# What the reader calls the second of two cells with one id.
DOUBLED = re.compile(r"(.+)-\d{1,6}")
# What the student's version of a cell is called here, which stands below ours.
EDITED = re.compile(r"(.+)-edited(?:-\d{1,6})?")
PASSAGE = re.compile(
    r"\b(?:setprofile|settrace|get_objects|get_referrers|ctypes|_getframe|currentframe|f_back"
    r"|tb_frame|_exit|subprocess|socket|__builtins__|__globals__|__subclasses__|__import__"
    r"|importlib|getprofile|_thread|fork|forkpty|marshal|__code__|FunctionType)\b|\binspect\.stack\b|\btorch\.ops\b|\bsys\.modules\b"
)
GRADER = re.compile(r"\b(?:from|import)\s+(?:grading|solutions)\b")
LOCKED = (Role.CHECK, Role.GIVEN)
LIBRARY = re.compile(r"\bcourse_lib(?:\.|\s+import\s+)optim\b")


@dataclass(frozen=True)
class Cell:
    """Code to define where a hand-in is tried.

    Attributes:
        name: the grade id of a solution, else the cell's id. No two are equal.
        source: its Python, with the line numbers of the notebook.
        solution: whether it is a solution, taken whole. Else only needed definitions are in it.
    """

    name: str
    source: str
    solution: bool


@dataclass(frozen=True)
class Canonical:
    """A hand-in as it is graded.

    Attributes:
        notebook: the assignment's own, as nbgrader has it when it grades, with the answers,
            outputs and additional cells of the student.
        cells: the code to define, in the notebook's order, the setup first.
        findings: what is not as it was given out.
    """

    notebook: NotebookNode
    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]


def canonical(handin: NotebookNode, assignment: str, solutions: Path = SOLUTIONS) -> Canonical:
    """Put a student's answers into the assignment's own notebook.

    Cells are recognized by grade id, else by cell id, else by what they define or, if no code
    is asked for, by what they say. A solution that stands in several cells is the last whole
    definition, or the parts together if it was split. If a solution cell has no definition, one
    anywhere else counts. What a student added stays where it is, without metadata; so does,
    below ours, what became of a cell that may be changed.

    Args:
        handin: the notebook, as :func:`grading.handins.reading.read` gives it.
        assignment: the assignment's name.
        solutions: the folder that holds it.

    Raises:
        OSError: there is no such assignment. No hand-in raises anything.
    """
    with warnings.catch_warnings(action="ignore"):  # about the student's code
        return _Handin(load(assignment, solutions), handin).canonical()


@dataclass(eq=False)
class _Theirs:
    """A cell of the hand-in.

    Attributes:
        cell: as it came.
        own: the cell of the assignment that it is.
        edited: the cell that it is a student's version of, put below ours earlier.
        used: whether its text went into the notebook in another way, or says nothing.
    """

    cell: NotebookNode
    own: Own | None = None
    edited: Own | None = None
    used: bool = False

    @property
    def source(self) -> str:
        return str(self.cell.source)

    @property
    def is_code(self) -> bool:
        return bool(self.cell.cell_type == "code")

    @property
    def added(self) -> bool:
        return self.own is None and self.edited is None

    @property
    def settings(self) -> dict[str, object]:
        return dict(self.cell.metadata.get("nbgrader", {}))

    @property
    def name(self) -> str:
        return str(self.settings.get("grade_id") or self.cell.id)[:64]


@dataclass
class _Answer:
    """What stands in a solution cell.

    Attributes:
        source: as the notebook shows it.
        code: what is read of it, if that is possible.
        outputs: of the student's cell.
        origin: the cell that it was taken from, if that is no solution cell.
        elsewhere: another solution cell defines the function: this one, not written, would
            take it away again.
    """

    source: str
    code: Code | None
    outputs: list[NotebookNode] = field(default_factory=list)
    origin: _Theirs | None = None
    elsewhere: bool = False


class _Handin:
    def __init__(self, assignment: Assignment, handin: NotebookNode) -> None:
        self.assignment = assignment
        self.theirs = [_Theirs(cell) for cell in handin.cells]
        self.reader = Reader()
        self.findings: list[Finding] = []
        self.chosen: dict[int, _Theirs] = {}  # by the place of the assignment's cell
        self.answers: dict[int, _Answer] = {}

    def canonical(self) -> Canonical:
        self._recognize_by_name()
        self._recognize_by_content()
        self._choose()
        self._answer()
        self._find()
        cells, sources = self._assemble()
        notebook = copy.copy(self.assignment.notebook)
        notebook["metadata"] = copy.deepcopy(self.assignment.notebook.metadata)
        notebook["cells"] = cells
        suspicious_first = sorted(self.findings, key=lambda finding: not finding.suspicious)
        return Canonical(notebook, tuple(sources), tuple(suspicious_first[:MOST_FINDINGS]))

    def _report(self, kind: str, cell: str, sentence: str, suspicious: bool = False) -> None:
        self.findings.append(Finding(kind, cell, sentence, suspicious))

    # Which cell is which.

    def _named(self, name: str) -> Own | None:
        """The cell with this id, or one that an editor or the reader named after it."""
        by_id, doubled = self.assignment.by_id, DOUBLED.fullmatch(name)
        return by_id.get(name) or (by_id.get(doubled[1]) if doubled else None)

    def _recognize_by_name(self) -> None:
        for theirs in self.theirs:
            grade_id = str(theirs.settings.get("grade_id", ""))
            by_grade, by_id = self.assignment.by_grade_id.get(grade_id), self._named(theirs.cell.id)
            edited = EDITED.fullmatch(theirs.cell.id)
            theirs.own = by_grade or by_id
            if by_grade and by_id and by_grade is not by_id:
                code = self.reader.read(theirs.source)
                defined = code.binds if code else frozenset()
                is_by_id = by_id.functions & defined or self._as_given(by_id, theirs)
                theirs.own = by_id if is_by_id else by_grade
                self._report(
                    "renamed",
                    theirs.name,
                    f"The cell {theirs.cell.id} says that it is {grade_id}, which is another one. "
                    f"It was taken for {theirs.own.name}.",
                    suspicious=True,
                )
            elif grade_id and by_id and not by_grade:
                self._report(
                    "renamed",
                    by_id.name,
                    f"The cell {by_id.graded.id} calls itself {grade_id[:100]!r}. It was taken "
                    f"for {by_id.name}.",
                )
            elif edited:
                theirs.edited = self.assignment.by_id.get(edited[1])

    def _recognize_by_content(self) -> None:
        """Recognize cells that lost their names, as those of nbformat 4.4 and of Colab do."""
        left: dict[tuple[str, str], list[Own]] = defaultdict(list)
        known = {theirs.own.place for theirs in self.theirs if theirs.own}
        for own in self.assignment.cells:
            if own.place not in known:
                for key in {_plain(own.released), _plain(own.graded.source), _headline(own)}:
                    left[own.graded.cell_type, key].append(own)
        for said in (_plain, _first_line):  # all that are as they were, before any that changed
            for theirs in self.theirs:
                found = left.get((theirs.cell.cell_type, said(theirs.source)), [])
                found = [own for own in found if own.place not in known]
                if theirs.added and found:
                    theirs.own = found[0]
                    known.add(found[0].place)
        for own in self.assignment.cells:
            if own.role is Role.ANSWER and own.place not in known:
                self._recognize_answer(own)

    def _recognize_answer(self, own: Own) -> None:
        """An answer without a name is the text below its question."""
        task = own.place - 1
        places = [n for n, one in enumerate(self.theirs) if one.own and one.own.place == task]
        for theirs in self.theirs[places[-1] + 1 :] if places else []:
            if theirs.own is not None:
                return
            if theirs.added and not theirs.is_code:
                theirs.own = own
                return

    def _choose(self) -> None:
        """Of the cells that are the same one, which counts; solutions have their own way."""
        for theirs in self.theirs:
            if theirs.own is None or theirs.own.role is Role.SOLUTION:
                continue
            own, before = theirs.own, self.chosen.get(theirs.own.place)
            blank = own.role is Role.ANSWER and self._as_given(own, theirs)
            if before is None or not (blank or (own.role is Role.ANSWER and not theirs.source)):
                self.chosen[own.place] = theirs
            if before is not None:
                where = (
                    "The last one that says something" if own.role is Role.ANSWER else "The last"
                )
                self._report(
                    "doubled", own.name, f"This cell occurs several times. {where} counts."
                )

    def _as_given(self, own: Own, theirs: _Theirs) -> bool:
        """Whether a cell says what was given out, whatever its layout."""
        if _plain(theirs.source) in (_plain(own.released), _plain(own.graded.source)):
            return True
        if own.graded.cell_type != "code":
            return False
        code = self.reader.read(theirs.source)
        return code is not None and code.key in own.forms

    # What stands in the solution cells.

    def _answer(self) -> None:
        solutions = [own for own in self.assignment.cells if own.role is Role.SOLUTION]
        parts: dict[int, list[int]] = defaultdict(list)
        for place, theirs in enumerate(self.theirs):
            if theirs.own is not None and theirs.own.role is Role.SOLUTION:
                parts[theirs.own.place].append(place)
        for own in solutions:
            self._answer_from_its_cells(own, parts[own.place])
        for own in solutions:
            if own.place not in self.answers:
                self._answer_from_elsewhere(own, parts[own.place])
        for own in solutions:
            self._report_copies(own, parts[own.place])

    def _answer_from_its_cells(self, own: Own, parts: Sequence[int]) -> None:
        """The last whole definition in the cells that are this solution."""
        for end in reversed(parts):
            found = self._whole(own, end)
            if found is not None:
                places, code = found
                cells = [self.theirs[place] for place in places]
                for theirs in cells:
                    theirs.used = True
                self.chosen[own.place] = cells[-1]
                source = "\n".join(theirs.source for theirs in cells)
                self.answers[own.place] = _Answer(source, code, _outputs(cells[-1]))
                if len(cells) > 1:
                    self._report(
                        "split", own.name, f"{len(cells)} cells count together as this one."
                    )
                return

    def _whole(self, own: Own, end: int) -> tuple[range, Code] | None:
        """The fewest cells up to this one that define the function, and what they continue in."""
        alone = self.reader.read_as_ipython(self.theirs[end].source)
        if alone is not None and _defines(own, alone):
            return self._continued(own, range(end, end + 1), alone)
        if self.reader.read(self.theirs[end].source) is not None:
            return None
        for start in range(end - 1, max(end - MOST_PARTS, -1), -1):
            if not self._may_be_part(own, start):
                return None
            code = self.reader.read(self._joined(range(start, end + 1)))
            if code is not None and _defines(own, code):
                return self._continued(own, range(start, end + 1), code)
        return None

    def _continued(self, own: Own, places: range, code: Code) -> tuple[range, Code]:
        """The same with cells below that are nothing by themselves."""
        for after in range(places.stop, min(places.stop + MOST_PARTS, len(self.theirs))):
            if not self._may_be_part(own, after):
                break
            if self.reader.read(self.theirs[after].source) is not None:
                break
            longer = self.reader.read(self._joined(range(places.start, after + 1)))
            if longer is None or not _defines(own, longer):
                break
            places, code = range(places.start, after + 1), longer
        return places, code

    def _may_be_part(self, own: Own, place: int) -> bool:
        theirs = self.theirs[place]
        return not theirs.used and (theirs.own is own or (theirs.added and theirs.is_code))

    def _joined(self, places: range) -> str:
        return "\n".join(self.theirs[place].source for place in places)

    def _answer_from_elsewhere(self, own: Own, parts: Sequence[int]) -> None:
        """A definition in any other cell; else what the solution cell says, be it no answer."""
        cells = [self.theirs[place] for place in parts]
        if cells:
            self.chosen[own.place] = cells[-1]
        for theirs in cells:
            theirs.used = theirs.used or self._unwritten(theirs)
        for place, other in self.answers.items():
            if other.code and own.functions and not other.elsewhere and _defines(own, other.code):
                there = self.assignment.cells[place].name
                self.answers[own.place] = _Answer(own.released, own.code, elsewhere=True)
                self._report("moved", own.name, f"The function stands in {there}, and counts.")
                return
        origin = self._elsewhere(own) if own.functions else None
        if origin is not None:
            self._take_over(own, origin, gone=not cells)
            return
        self.answers[own.place] = self._as_it_is(own, [one for one in cells if one.is_code])
        if not cells:
            self._report("deleted", own.name, "The cell is gone. Its points are lost.")

    def _unwritten(self, theirs: _Theirs) -> bool:
        """Whether a solution cell holds no word of the student's."""
        code = self.reader.read(theirs.source)
        if code is None or not code.statements:
            return not theirs.source.strip()
        return all(map(_blank, code.statements))

    def _elsewhere(self, own: Own) -> _Theirs | None:
        """The last cell that defines the function, be it code or text."""
        for is_code in (True, False):
            for theirs in reversed(self.theirs):
                if theirs.is_code is is_code and self._may_define(own, theirs):
                    code = self.reader.read_as_ipython(theirs.source)
                    if code is not None and _defines(own, code):
                        return theirs
        return None

    def _may_define(self, own: Own, theirs: _Theirs) -> bool:
        if theirs.used or not all(name in theirs.source for name in own.functions):
            return False
        if theirs.own is None or theirs.own is own:
            return True
        ours = theirs.own.role in LOCKED or theirs.source == theirs.own.released
        return theirs.is_code and not ours

    def _take_over(self, own: Own, origin: _Theirs, gone: bool) -> None:
        """Take the function from another cell: all of that cell if nothing else is in it."""
        code = self.reader.read_as_ipython(origin.source)
        assert code is not None  # or it would not be the origin
        others = self.assignment.functions - own.functions
        (kept,), _ = needed(own.functions, [code.statements], without=others)
        if len(kept) == len(code.statements):
            origin.used = True
            self.answers[own.place] = _Answer(origin.source, code, _outputs(origin), origin=origin)
            if gone and origin.added:  # it is the solution cell, which lost its names
                origin.own = own
                self.chosen[own.place] = origin
                return
        else:
            source = code.only(kept).strip("\n")
            taken = self.reader.read(source)
            self.answers[own.place] = _Answer(source, taken, origin=origin)
        self._report(
            "moved",
            own.name,
            f"The solution cell {'is gone' if gone else 'defines nothing'}. The function stands "
            f"in the cell {origin.cell.id}, and counts.",
        )

    def _as_it_is(self, own: Own, cells: Sequence[_Theirs]) -> _Answer:
        """What the student wrote, though it does not define the function."""
        written = [one for one in cells if one.source.strip()]
        naming = [one for one in written if any(name in one.source for name in own.functions)]
        wrong = [one for one in naming or written if self.reader.read(one.source) is None]
        for theirs in (wrong or naming or written)[-1:]:
            theirs.used = True
            code = self.reader.read(theirs.source)
            return _Answer(theirs.source, code, _outputs(theirs))
        return _Answer(own.released, own.code)

    def _report_copies(self, own: Own, parts: Sequence[int]) -> None:
        left = [self.theirs[place] for place in parts]
        left = [theirs for theirs in left if not theirs.used]
        if left:
            names = ", ".join(theirs.cell.id for theirs in left[:5])
            self._report(
                "doubled",
                own.name,
                f"This cell occurs several times. The last whole definition counts; {names} "
                "is kept as a cell of the student's own.",
            )
        answer = self.answers[own.place]
        for theirs in self.theirs if not answer.elsewhere else []:
            named = theirs.is_code and any(name in theirs.source for name in own.functions)
            if named and theirs.added and not theirs.used and theirs is not answer.origin:
                code = self.reader.read(theirs.source)
                if code is not None and own.functions & code.binds:
                    self._report(
                        "doubled",
                        own.name,
                        f"The cell {theirs.cell.id} defines the function too. The solution cell "
                        "counts.",
                    )

    # What is not as it was given out.

    def _find(self) -> None:
        self._find_deleted()
        self._find_lost_metadata()
        for place, theirs in sorted(self.chosen.items()):
            own = self.assignment.cells[place]
            self._find_changed_metadata(own, theirs)
            self._find_changed_cell(own, theirs)
        self._find_added()
        self._find_shadowing()

    def _find_deleted(self) -> None:
        last: Own | None = None
        texts = 0
        for own in self.assignment.cells:
            last = own if own.role is Role.SOLUTION else last
            if own.place in self.chosen or own.role is Role.SOLUTION:
                continue
            if own.role is Role.TEXT:
                texts += 1
                continue
            # Without its exercise, a check would have brought nothing.
            there = last is None or last.place in self.chosen
            self._report(
                "deleted",
                own.name,
                "The cell is gone. It was put back.",
                suspicious=own.role is Role.CHECK and there,
            )
        if texts:
            self._report("deleted", "", f"{texts} cells of text are gone. They were put back.")

    def _find_lost_metadata(self) -> None:
        lost = [
            own.name
            for own in self.assignment.cells
            if own.settings and own.place in self.chosen and not self.chosen[own.place].settings
        ]
        if lost:
            more = f", and {len(lost) - 5} more" if len(lost) > 5 else ""
            self._report(
                "retagged",
                lost[0] if len(lost) == 1 else "",
                f"The metadata of {', '.join(lost[:5])}{more} is lost. It was put back.",
            )

    def _find_changed_metadata(self, own: Own, theirs: _Theirs) -> None:
        ours, settings = own.settings, theirs.settings
        if settings and ours:
            names = ("grade", "solution", "locked", "points")
            changed = [name for name in names if settings.get(name) != ours.get(name)]
            if settings.get("task", False) != ours.get("task", False):
                changed.append("task")
            if changed:
                values = ", ".join(
                    f"{n} is {settings.get(n)!r}, not {ours.get(n)!r}" for n in changed
                )
                self._report(
                    "retagged", own.name, f"{values[:300]}. It was put back.", suspicious=True
                )
        tags = set(theirs.cell.metadata.get("tags", [])) - set(own.graded.metadata.get("tags", []))
        if tags:
            self._report(
                "retagged",
                own.name,
                f"The cell has tags: {', '.join(sorted(map(str, tags)))[:100]}. They were removed.",
                suspicious=own.role in LOCKED,
            )

    def _find_changed_cell(self, own: Own, theirs: _Theirs) -> None:
        if theirs.cell.cell_type != own.graded.cell_type:
            self._report(
                "retyped",
                own.name,
                f"The cell is of type {theirs.cell.cell_type}, not {own.graded.cell_type}. "
                "That was put back.",
            )
        if own.role in (Role.SOLUTION, Role.ANSWER) or self._as_given(own, theirs):
            return
        if own.role in LOCKED:
            self._report(
                "edited",
                own.name,
                "A locked cell was changed. The assignment's own counts.",
                suspicious=True,
            )
        else:
            self._report(
                "edited", own.name, "The cell was changed. The student's version stands below ours."
            )

    def _find_added(self) -> None:
        added = [theirs for theirs in self.theirs if theirs.added and not theirs.used]
        if added:
            count = "1 cell was" if len(added) == 1 else f"{len(added)} cells were"
            self._report("added", added[0].cell.id if len(added) == 1 else "", f"{count} added.")

    def _find_shadowing(self) -> None:
        """Definitions that would have taken the place of what checks use."""
        assignment = self.assignment
        used = assignment.given | (assignment.checked - assignment.functions)
        ours = frozenset().union(
            *(own.keys for own in assignment.cells if own.role in (Role.SETUP, Role.GIVEN))
        )
        for theirs in self.theirs:
            own = theirs.own
            if own is not None and (own.role in LOCKED or theirs.source == own.released):
                continue
            mentioned = theirs.is_code and any(name in theirs.source for name in used)
            code = self.reader.read(theirs.source) if mentioned else None
            for statement in code.statements if code else ():
                names = statement.binds & used
                if names and not self._is_ours(statement, ours):
                    self._report(
                        "shadowing",
                        theirs.name,
                        f"The cell {theirs.cell.id} defines {', '.join(sorted(names))}, which the "
                        "checks use. Grading has its own.",
                        suspicious=True,
                    )

    def _is_ours(self, statement: Statement, ours: frozenset[str]) -> bool:
        """Whether a statement stands in a cell of ours, or imports what the setup does."""
        if statement.is_import and imports(statement) <= self.assignment.imports:
            return True
        return statement.key in ours

    def _find_passages(
        self, name: str, source: str, code: Code | None, patterns: Sequence[re.Pattern[str]]
    ) -> None:
        """What a right answer has no use for."""

        def found(text: str) -> set[str]:
            return {match[0] for pattern in patterns for match in pattern.finditer(text)}

        # Python reads such letters as their plain forms.
        if passages := found(unicodedata.normalize("NFKC", source)):
            passages = found(_said(code)) if code is not None else passages
        if passages:
            told = ", ".join(" ".join(passage.split()) for passage in sorted(passages)[:5])
            self._report("suspicious", name, f"The code mentions {told}.", suspicious=True)

    # The notebook, and the code to define.

    def _assemble(self) -> tuple[list[NotebookNode], list[Cell]]:
        below = self._below()
        order: list[Own | _Kept] = [*below[-1]]
        for own in self.assignment.cells:
            order += [own, *below[own.place]]
        notebook = [self._rebuilt(o) if isinstance(o, Own) else o.cell for o in order]
        return notebook, list(self._sources(order))

    def _below(self) -> dict[int, list["_Kept"]]:
        """What of the hand-in is kept, by the place of the assignment's cell that it is below."""
        below: dict[int, list[_Kept]] = defaultdict(list)
        names = _Names(self.assignment)
        place = -1
        for theirs in self.theirs:
            own = theirs.own
            if own is not None and self.chosen.get(own.place) is theirs:
                place = own.place
                if own.role in LOCKED or own.role is Role.ANSWER or theirs.used:
                    continue
                if own.role is not Role.SOLUTION:
                    if not self._as_given(own, theirs):
                        name = names.new(f"{own.graded.id}-edited")
                        below[place].append(_version(own, theirs, name))
                    continue
            if not theirs.used:
                ours = own is not None or self._named(theirs.cell.id) is not None
                name = names.new(theirs.cell.id, f"{theirs.cell.id}-added", usable=not ours)
                cell = _copied(theirs, name, theirs.source, _outputs(theirs))
                below[place].append(_Kept(cell, theirs.edited))
        return below

    def _rebuilt(self, own: Own) -> NotebookNode:
        """A cell of the assignment with what the student may put there."""
        cell, theirs = copy.deepcopy(own.graded), self.chosen.get(own.place)
        if own.role is Role.SOLUTION:
            answer = self.answers[own.place]
            cell["source"], cell["outputs"] = answer.source, answer.outputs
        elif own.role is Role.ANSWER and theirs is not None and theirs.source.strip():
            cell["source"] = theirs.source
            if theirs.cell.get("attachments"):
                cell["attachments"] = copy.deepcopy(theirs.cell.attachments)
        elif own.role in (Role.SETUP, Role.EXPERIMENT, Role.GIVEN) and theirs is not None:
            cell["outputs"] = _outputs(theirs)
        return cell

    def _sources(self, order: Sequence["Own | _Kept"]) -> Iterator[Cell]:
        """The code to define: the setup, then solutions and what they need, in this order."""
        assignment = self.assignment
        for own in assignment.cells:
            if own.role is Role.SETUP:
                yield Cell(own.graded.id, assignment.defined[own.place], False)
        kept = [one for one in order if isinstance(one, _Kept)]
        choice = [list(self._may_be_needed(one)) for one in kept]
        codes = [answer.code for answer in self.answers.values() if not answer.elsewhere]
        wanted = frozenset().union(*(code.uses for code in codes if code is not None))
        chosen, names = needed(wanted, choice, without=assignment.functions | assignment.given)
        statements = {one.cell.id: found for one, found in zip(kept, chosen)}
        for one in order:
            if isinstance(one, _Kept):
                code = self.reader.read(one.cell.source) if statements[one.cell.id] else None
                if code is not None:
                    source = code.only(statements[one.cell.id], names)
                    yield Cell(one.cell.id, source, False)
                    self._find_passages(one.cell.id, source, None, [PASSAGE, GRADER, LIBRARY])
                elif one.cell.cell_type == "code":
                    code = self.reader.read(one.cell.source)
                    self._find_passages(one.cell.id, one.cell.source, code, [GRADER])
            elif one.role is Role.GIVEN and assignment.defined[one.place]:
                yield Cell(one.graded.id, assignment.defined[one.place], False)
            elif one.role is Role.SOLUTION and not self.answers[one.place].elsewhere:
                answer = self.answers[one.place]
                patterns = [PASSAGE, GRADER]
                if one.functions <= assignment.checked:
                    patterns.append(LIBRARY)  # such a function is to be written, not called
                self._find_passages(one.name, answer.source, answer.code, patterns)
                yield Cell(one.name, answer.code.text if answer.code else answer.source, True)

    def _may_be_needed(self, kept: "_Kept") -> Iterator[Statement]:
        """Statements of the student's own: none of ours, and no import that the setup has."""
        code = self.reader.read(kept.cell.source) if kept.cell.cell_type == "code" else None
        own = kept.version_of
        ours = own.keys if own is not None and own.graded.cell_type == "code" else frozenset()
        for statement in code.statements if code else ():
            if not self._is_ours(statement, ours):
                yield statement


@dataclass(frozen=True)
class _Kept:
    """A cell of the student's own in the new notebook; of which cell of ours it is a version."""

    cell: NotebookNode
    version_of: Own | None = None


class _Names:
    """Ids for cells that are kept: none of them twice, and none of the assignment's."""

    def __init__(self, assignment: Assignment) -> None:
        self._taken = {*assignment.by_id, *assignment.by_grade_id}

    def new(self, name: str, instead: str = "", usable: bool = True) -> str:
        """The name if it is usable and free, else another like it."""
        instead = (instead or name)[-56:]
        number = 1
        found = name if usable else instead
        while found in self._taken:
            found = instead if number == 1 else f"{instead}-{number}"
            number += 1
        self._taken.add(found)
        return found


def _version(own: Own, theirs: _Theirs, name: str) -> _Kept:
    """What became of a cell of ours. Of text, what was added, if nothing else was changed."""
    source = theirs.source
    if not theirs.is_code and source.startswith(own.released):
        source = source.removeprefix(own.released).strip("\n")
    return _Kept(_copied(theirs, name, source, []), own)


def _copied(
    theirs: _Theirs, name: str, source: str, outputs: Sequence[NotebookNode]
) -> NotebookNode:
    """A cell without metadata."""
    cell = {"cell_type": theirs.cell.cell_type, "id": name, "source": source}
    if theirs.is_code:
        cell |= {"execution_count": None, "outputs": outputs}
    elif theirs.cell.get("attachments"):
        cell["attachments"] = copy.deepcopy(theirs.cell.attachments)
    copied: NotebookNode = from_dict({**cell, "metadata": {}})
    return copied


def _outputs(theirs: _Theirs) -> list[NotebookNode]:
    return copy.deepcopy(list(theirs.cell.get("outputs", []))) if theirs.is_code else []


def _defines(own: Own, code: Code) -> bool:
    """Whether all functions of a solution are written there."""
    if not own.functions <= code.binds:
        return False
    last = {name: one for one in code.statements for name in one.binds & own.functions}
    return not any(_blank(statement) for statement in last.values())


def _blank(statement: Statement) -> bool:
    """Whether it is a function with nothing in it but words and ``raise NotImplementedError``."""
    match statement.nodes:
        case (ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body),):
            return all(map(_says_nothing, body))
    return False


def _says_nothing(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(exc=ast.Name("NotImplementedError")):
            return True
        case ast.Raise(exc=ast.Call(func=ast.Name("NotImplementedError"))):
            return True
    return False


def _said(code: Code) -> str:
    """The code without comments and docstrings."""
    try:
        tree = ast.parse(code.text)
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                body[:] = [one for one in body if not _is_word(one)] or [ast.Pass()]
        return ast.unparse(tree)
    except UNREADABLE:
        return code.text


def _is_word(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _plain(source: str) -> str:
    """A source without white space at the end of its lines, and around it."""
    return "\n".join(line.rstrip() for line in source.strip().split("\n"))


def _first_line(source: str) -> str:
    return source.strip().partition("\n")[0].rstrip()


def _headline(own: Own) -> str:
    """The first line by which an edited cell is recognized; checks and solutions are not."""
    if own.role in (Role.SOLUTION, Role.ANSWER, *LOCKED):
        return _plain(own.released)
    return _first_line(own.released)
