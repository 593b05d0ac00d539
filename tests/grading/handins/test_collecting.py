import io
import json
import os
import stat
import struct
import time
import zipfile
from datetime import UTC, datetime

import pytest

from grading.definitions import EXERCISES, names
from grading.handins import collecting
from grading.handins.collecting import Found, Placed, collect, find, safe, shown

SGD = (EXERCISES / "sgd" / "sgd.ipynb").read_bytes()
MOMENTUM = (EXERCISES / "momentum" / "momentum.ipynb").read_bytes()
OTHER = SGD.replace(b"Your code here", b"My code here")
assert OTHER != SGD
CUT = SGD[:5000]
FEW = json.dumps(json.loads(SGD) | {"cells": json.loads(SGD)["cells"][:6]}).encode()
MOODLE = "{}_{}_assignsubmission_file_"


def changed(raw=SGD, **fields):
    """The notebook with these fields of every cell replaced; None takes one away."""
    whole = json.loads(raw)
    for cell in whole["cells"]:
        cell |= fields
        for name in [name for name, value in fields.items() if value is None]:
            del cell[name]
    return json.dumps(whole).encode()


def zipped(files, when=(2026, 11, 2, 12, 0, 0), flags=0):
    """The bytes of a zip; a file is bytes, or bytes and a time, and a dict is a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            content, time_ = content if isinstance(content, tuple) else (content, when)
            info = zipfile.ZipInfo(name, time_)
            info.filename = name  # as it is, whatever it would be made to
            content = zipped(content) if isinstance(content, dict) else content
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


@pytest.fixture
def put(tmp_path):
    """Collects files from a zip, or a folder, that is made for it."""

    def collected(files, roster=None, assignment="sgd", folder=False, name="export.zip"):
        source = tmp_path / name
        if folder:
            for path, content in files.items():
                (source / path).parent.mkdir(parents=True, exist_ok=True)
                content = zipped(content) if isinstance(content, dict) else content
                (source / path).write_bytes(content)
        else:
            source.write_bytes(files if isinstance(files, bytes) else zipped(files))
        if roster is not None:
            (tmp_path / "roster.csv").write_text(roster, encoding="utf-8-sig")
            roster = tmp_path / "roster.csv"
        return collect(source, assignment, tmp_path / "submitted", roster)

    return collected


@pytest.fixture
def submitted(tmp_path):
    return tmp_path / "submitted"


def there(submitted):
    """All files below the folder, and what is in them."""
    files = [path for path in submitted.rglob("*") if path.is_file()]
    return {str(path.relative_to(submitted)): path.read_bytes() for path in files}


def students(collected):
    return {one.student for one in collected.placed}


A, B = MOODLE.format("Zoë Ångström", 11), MOODLE.format("Bo O'Brien, Jr.", 12)
ILIAS = "Sheet 1/Abgaben"
SOURCES = {
    "Moodle's folders": (
        {f"{A}/sgd.ipynb": SGD, f"{B}/sgd.ipynb": OTHER},
        {"Zoë Ångström", "Bo O'Brien, Jr."},
    ),
    "Moodle's flat files": (
        {f"{A}sgd.ipynb": SGD, f"{B}sgd.ipynb": OTHER},
        {"Zoë Ångström", "Bo O'Brien, Jr."},
    ),
    "Moodle without names": (
        {f"Participant_{n}_assignsubmission_file_/sgd.ipynb": SGD for n in (1, 2)},
        {"Participant_1", "Participant_2"},
    ),
    "Canvas": (
        {"doejane_12_345_sgd.ipynb": SGD, "bo_LATE_13_346_sgd-1.ipynb": SGD},
        {"doejane_12", "bo_13"},
    ),
    "Canvas in a folder": (
        {"submissions/doejane_12_345_sgd.ipynb": SGD, "submissions/bo_13_346_a.ipynb": SGD},
        {"doejane_12", "bo_13"},
    ),
    "Canvas with zips": (
        {"doejane_12_345_work.zip": {"work/sgd.ipynb": SGD}, "bo_13_346_sgd.ipynb": SGD},
        {"doejane_12", "bo_13"},
    ),
    "ILIAS": (
        {f"{ILIAS}/Doe_Jane_jdoe_7/sgd.ipynb": SGD, f"{ILIAS}/Von_der_Au_Bo_bo_8/x.ipynb": SGD},
        {"Doe_Jane_jdoe_7", "Von_der_Au_Bo_bo_8"},
    ),
    "ILIAS with a team": ({f"{ILIAS}/Team 3/Doe_Jane_jdoe_7/sgd.ipynb": SGD}, {"Doe_Jane_jdoe_7"}),
    "a folder for each": ({"ann/sgd.ipynb": SGD, "bo/sgd/sgd.ipynb": SGD}, {"ann", "bo"}),
    "one student": ({"ann/sgd/sgd.ipynb": SGD}, {"ann"}),
    "all in a folder": ({"week 2/ann/sgd.ipynb": SGD, "week 2/bo/sgd.ipynb": SGD}, {"ann", "bo"}),
    "one in a known folder": ({"submitted/ann/sgd/sgd.ipynb": SGD}, {"ann"}),
    "below the assignment": ({"sgd/ann/sgd.ipynb": SGD, "sgd/bo/a.ipynb": SGD}, {"ann", "bo"}),
    "several assignments": (
        {"ann/sgd/sgd.ipynb": SGD, "ann/momentum/momentum.ipynb": MOMENTUM},
        {"ann"},
    ),
    "a zip for each": (
        {"ann.zip": {"sgd.ipynb": SGD}, "bo.ZIP": {"a/sgd.ipynb": SGD}},
        {"ann", "bo"},
    ),
    "Moodle's in a zip": ({"all.zip": {f"{A}/sgd.ipynb": SGD}}, {"Zoë Ångström"}),
    "zips in a zip in a zip": ({"all.zip": {"ann.zip": {"sgd.ipynb": SGD}}}, {"all"}),
    "deep": ({"ann/a/b/c/d/e/my work.IPYNB": SGD}, {"ann"}),
    "as a browser saves it": ({"ann/sgd.ipynb.txt": SGD, "bo/sgd.ipynb.json": SGD}, {"ann", "bo"}),
}


@pytest.mark.parametrize("folder", [False, True], ids=["zip", "folder"])
@pytest.mark.parametrize("files, expected", SOURCES.values(), ids=SOURCES)
def test_each_students_notebook_is_placed(put, submitted, files, expected, folder):
    collected = put(files, folder=folder)
    assert students(collected) == expected
    assert not collected.left
    kept = {path: raw for path, raw in there(submitted).items() if path.endswith(".ipynb")}
    assert set(kept) == {f"{student}/sgd/sgd.ipynb" for student in expected}
    assert set(kept.values()) <= {SGD, OTHER}


CARRIED = {
    "as it is": SGD,
    "a mark": b"\xef\xbb\xbf" + SGD,
    "without metadata": changed(metadata={}),
    "without metadata and ids": changed(metadata={}, id=None),
}


@pytest.mark.parametrize("raw", CARRIED.values(), ids=CARRIED)
def test_it_is_known_by_its_cells_and_placed_byte_by_byte(put, submitted, raw):
    collected = put({"ann/My work (final).ipynb": raw, "ann/notes.ipynb": MOMENTUM})
    assert collected.placed == (Placed("ann", "new", "It was called My work (final).ipynb."),)
    assert there(submitted) == {"ann/sgd/sgd.ipynb": raw}


@pytest.mark.parametrize("assignment", names())
def test_no_assignment_is_taken_for_another(put, assignment):
    files = {f"a/{n}.ipynb": (EXERCISES / n / f"{n}.ipynb").read_bytes() for n in names()}
    collected = put(files, assignment=assignment)
    assert collected.placed == (Placed("a", "new"),)


def test_little_of_the_assignment_is_enough_and_noted(put):
    collected = put({"ann/sgd.ipynb": FEW})
    assert collected.placed == (Placed("ann", "new", "It has only 10% of the cells of sgd."),)


T1, T2 = (2026, 11, 2, 12, 0, 0), (2026, 11, 2, 12, 5, 0)
CHOSEN = {
    "handed in last": ({"a.ipynb": (SGD, T1), "sgd.ipynb": (OTHER, T2)}, OTHER),
    "handed in last, under a lower number": (
        {"sgd-1.ipynb": (SGD, T2), "sgd.ipynb": (OTHER, T1)},
        SGD,
    ),
    "the highest number": ({"sgd (9).ipynb": SGD, "sgd (10).ipynb": OTHER}, OTHER),
    "a number and none": ({"sgd.ipynb": SGD, "sgd-1.ipynb": OTHER}, OTHER),
    "the right name": ({"sgd.ipynb": SGD, "try.ipynb": OTHER}, SGD),
    "the same twice": ({"a.ipynb": SGD, "b/c.ipynb": SGD}, SGD),
    "all of it and a part": (
        {
            "a.ipynb": SGD,
            "b.ipynb": FEW,
        },
        SGD,
    ),
    "a readable one": ({"sgd.ipynb": CUT, "a.ipynb": SGD}, SGD),
}


@pytest.mark.parametrize("files, expected", CHOSEN.values(), ids=CHOSEN)
def test_of_several_the_last_one_counts(put, submitted, files, expected):
    collected = put({f"{A}/{name}": content for name, content in files.items()})
    assert not collected.left
    assert there(submitted)["Zoë Ångström/sgd/sgd.ipynb"] == expected


LEFT = {
    "two that could count": (
        {"ann/a.ipynb": SGD, "ann/b.ipynb": OTHER},
        "ann: has 2 notebooks with the cells of sgd, and nothing says which counts: "
        "ann/a.ipynb, ann/b.ipynb.",
    ),
    "another assignment": (
        {"ann/sgd.ipynb": MOMENTUM},
        "ann: has no notebook with the cells of sgd: ann/sgd.ipynb (the file has none).",
    ),
    "no notebook": ({"ann/report.pdf": b"%PDF"}, "ann: has no notebook, but ann/report.pdf."),
    "nobody's": ({"sgd.ipynb": SGD}, "sgd.ipynb: nothing in its path says whose it is."),
    "cut off, under another name": ({"ann/a.ipynb": CUT}, "(the file is cut off: "),
    "two of one name": (
        {f"{MOODLE.format('Jo Li', n)}/sgd.ipynb": SGD for n in (1, 2)},
        "Jo Li: Jo Li (Moodle 1) and Jo Li (Moodle 2) would get this one folder: a roster",
    ),
    "names that some systems confuse": (
        {"ann/sgd.ipynb": SGD, "Ann/sgd.ipynb": SGD},
        "ann and Ann would get this one folder",
    ),
    "too deep": (
        {"a.zip": {"b.zip": {"c.zip": {"sgd.ipynb": SGD}}}},
        "a/b/c.zip: zips in zips in zips are not opened.",
    ),
    "a damaged zip": ({"ann.zip": b"PK\x03\x04 and so on"}, "ann.zip: it cannot be opened (BadZip"),
}


@pytest.mark.parametrize("files, sentence", LEFT.values(), ids=LEFT)
def test_what_cannot_be_placed_is_listed_and_the_others_are(put, submitted, files, sentence):
    collected = put(files | {"zed/sgd.ipynb": SGD})
    assert students(collected) == {"zed"}
    (line,) = collected.left
    assert sentence in line
    assert set(there(submitted)) == {"zed/sgd/sgd.ipynb"}
    assert f"Not placed (1):\n  {line}" in collected.report()


def test_a_file_that_is_cut_off_is_placed_under_its_name_but_takes_no_place(put, submitted):
    note = "It cannot be graded: the file is cut off: "
    (one,) = put({"ann/sgd.ipynb": CUT}).placed
    assert one.note.startswith(note)
    (one,) = put({"ann/sgd.ipynb": SGD}).placed
    assert one.state == "replaced"
    collected = put({"ann/sgd.ipynb": CUT})
    assert not collected.placed and "what was there stays" in collected.left[0]
    assert there(submitted)["ann/sgd/sgd.ipynb"] == SGD


def stamp(submitted, student="Zoë Ångström"):
    return there(submitted).get(f"{student}/sgd/timestamp.txt", b"").decode()


@pytest.fixture
def in_berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_time_of_a_zip_is_local_time(put, submitted, in_berlin):
    put({f"{A}/sgd.ipynb": (SGD, (2026, 7, 1, 12, 0, 0))})
    assert stamp(submitted) == "2026-07-01 10:00:00 UTC\n"


def test_a_time_in_utc_counts_more(put, submitted, tmp_path, in_berlin):
    info = zipfile.ZipInfo(f"{A}/sgd.ipynb", (2026, 7, 1, 12, 0, 0))
    moment = int(datetime(2026, 7, 1, 9, 30, tzinfo=UTC).timestamp())
    info.extra = struct.pack("<HH", 0x9999, 2) + b"xx" + struct.pack("<HHBl", 0x5455, 5, 1, moment)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, SGD)
    put(buffer.getvalue())
    assert stamp(submitted) == "2026-07-01 09:30:00 UTC\n"


def test_ilias_writes_the_time_before_the_name(put, submitted, in_berlin):
    collected = put({f"{ILIAS}/Doe_Jane_jdoe_7/20260701120000_sgd.ipynb": SGD})
    assert collected.placed == (Placed("Doe_Jane_jdoe_7", "new"),)
    assert stamp(submitted, "Doe_Jane_jdoe_7") == "2026-07-01 10:00:00 UTC\n"


def test_an_archive_that_tells_when_it_was_made_tells_no_time_of_a_hand_in(put, submitted):
    put({f"{A}/sgd.ipynb": (SGD, T1), f"{B}/sgd.ipynb": (SGD, T2)})
    assert not stamp(submitted)
    put({f"{A}/sgd.ipynb": (SGD, T1), f"{B}/sgd.ipynb": (SGD, (2026, 11, 2, 12, 10, 0))})
    assert stamp(submitted).startswith("2026-11-02 ")


@pytest.mark.parametrize("name", ["bo_LATE_13_346_sgd.ipynb", "bo_13/sgd.ipynb"])
def test_other_archives_tell_no_time(put, submitted, name):
    put({name: SGD})
    assert set(there(submitted)) == {"bo_13/sgd/sgd.ipynb"}


def test_an_older_one_never_takes_the_place_of_a_newer_one(put, submitted):
    put({f"{A}/sgd.ipynb": (SGD, T2)})
    before = there(submitted)
    (one,) = put({f"{A}/sgd.ipynb": (OTHER, T1)}).placed
    assert (one.state, there(submitted)) == ("kept", before)
    (one,) = put({f"{A}/sgd.ipynb": (OTHER, T2)}).placed  # as one that was mended by hand
    assert (one.state, there(submitted)) == ("kept", before)


def test_a_newer_one_takes_its_place_and_nothing_is_lost(put, submitted):
    put({f"{A}/sgd.ipynb": (SGD, T1)})
    (one,) = put({f"{A}/sgd.ipynb": (OTHER, T2)}).placed
    assert one.state == "replaced"
    files = there(submitted)
    assert files["Zoë Ångström/sgd/sgd.ipynb"] == OTHER
    assert SGD in files.values()
    at = datetime(*T2).astimezone(UTC)
    assert stamp(submitted) == f"{at:%Y-%m-%d %H:%M:%S} UTC\n"


def test_the_same_one_is_left_untouched(put, submitted):
    put({f"{A}/sgd.ipynb": (SGD, T1)})
    path = submitted / "Zoë Ångström" / "sgd" / "sgd.ipynb"
    before = path.stat()
    (one,) = put({f"{A}/sgd.ipynb": (SGD, T2)}).placed
    assert (one.state, path.stat().st_ino) == ("unchanged", before.st_ino)
    assert len(there(submitted)) == 2


@pytest.mark.parametrize("text", ["", "yesterday", "\xff", "2015-02-02 15:58:23.9 America/Nowhere"])
def test_a_timestamp_that_is_none_is_replaced(put, submitted, text):
    put({f"{A}/sgd.ipynb": (SGD, T1)})
    (submitted / "Zoë Ångström" / "sgd" / "timestamp.txt").write_bytes(text.encode("latin-1"))
    (one,) = put({f"{A}/sgd.ipynb": (OTHER, T2)}).placed
    assert one.state in ("replaced", "kept")
    assert OTHER in there(submitted).values() or one.state == "kept"


def test_a_student_cannot_choose_the_time(put, submitted, in_berlin):
    early, late = (2020, 1, 1, 0, 0, 0), (2026, 7, 1, 12, 0, 0)
    inner = zipped({"20200101000000_sgd.ipynb": SGD}, early)
    put({f"{A}/work.zip": (inner, late)})
    files = {
        f"{ILIAS}/A_A_a_1/20200101000000_sgd.ipynb": (SGD, late),
        f"{ILIAS}/B_B_b_2/sgd.ipynb": (SGD, T1),
        f"{ILIAS}/C_C_c_3/work.zip": (inner, late),
    }
    put(files)
    told = {stamp(submitted, student) for student in ("Zoë Ångström", "A_A_a_1", "C_C_c_3")}
    assert told == {"2026-07-01 10:00:00 UTC\n"}


BY_ANOTHER = {
    "Moodle": (f"{A}/work.zip", "Zoë Ångström", f"{MOODLE.format('Zed', 1)}/sgd.ipynb"),
    "Canvas": ("doejane_12_345_work.zip", "doejane_12", "zed_14_9_sgd.ipynb"),
    "ILIAS": (f"{ILIAS}/D_J_j_7/work.zip", "D_J_j_7", f"{ILIAS}/Z_Z_zed_9/sgd.ipynb"),
    "a folder": ("ann/work.zip", "ann", "zed/sgd.ipynb"),
    "a folder in a known one": ("submissions/ann/a.zip", "ann", "submissions/zed/sgd.ipynb"),
    "a zip": ("ann.zip", "ann", "zed/sgd.ipynb"),
}
INSIDE = [f"{B}/sgd.ipynb", f"{ILIAS}/Foe_Bo_bo_8/sgd.ipynb", "bo_13_346_sgd.ipynb"]
INSIDE += ["Foe_Bo_bo_8/sgd.ipynb", "Team 3/Foe_Bo_bo_8/sgd.ipynb"]


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("path, student, beside", BY_ANOTHER.values(), ids=BY_ANOTHER)
def test_a_student_cannot_hand_in_for_another(put, path, student, beside, inside):
    collected = put({path: {inside: SGD}, beside: OTHER})
    first, second = sorted(students(collected), key=lambda one: "zed" in one.casefold())
    assert first == student and "zed" in second.casefold()


ESCAPES = [
    "../../{}/sgd.ipynb",
    "/{}/sgd.ipynb",
    "C:\\{}\\sgd.ipynb",
    "C:/{}/sgd.ipynb",
    "..\\..\\{}\\sgd.ipynb",
    "\\\\server\\{}/sgd.ipynb",
    "./{}/./sgd.ipynb",
]


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_of_an_archive_leads_out(put, tmp_path, path):
    outside = tmp_path / "course"
    outside.mkdir()
    files = zipped({path.format("ann"): SGD, path.format("bo"): SGD})
    collect_from = outside / "export.zip"
    collect_from.write_bytes(files)
    collect(collect_from, "sgd", outside / "submitted")
    found = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.ipynb")}
    assert found == {f"course/submitted/{who}/sgd/sgd.ipynb" for who in ("ann", "bo")}


def test_a_link_in_a_zip_is_listed_and_not_followed(put, submitted):
    link = zipfile.ZipInfo("ann/sgd.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO(zipped({"bo/sgd.ipynb": SGD}))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(link, str(EXERCISES / "sgd" / "sgd.ipynb"))
    collected = put(buffer.getvalue())
    assert students(collected) == {"bo"}
    assert "ann/sgd.ipynb: links are not followed." in collected.left


def test_a_link_in_a_folder_is_listed_and_not_followed(put, tmp_path):
    (tmp_path / "export.zip" / "ann").mkdir(parents=True)
    (tmp_path / "export.zip" / "ann" / "sgd.ipynb").symlink_to(EXERCISES / "sgd" / "sgd.ipynb")
    collected = put({"bo/sgd.ipynb": SGD}, folder=True)
    assert students(collected) == {"bo"}
    assert "ann/sgd.ipynb: links are not followed." in collected.left


@pytest.mark.parametrize("flag", [False, True], ids=["UTF-8 unsaid", "cp437"])
def test_names_in_other_encodings(put, flag):
    raw = zipped({"Zo??/sgd.ipynb": SGD, "bo/sgd.ipynb": SGD})
    raw = raw.replace(b"Zo??", b"Zo\x89x" if flag else "Zoë".encode())
    assert students(put(raw)) == {"Zoëx" if flag else "Zoë", "bo"}


def test_an_encrypted_member_is_listed(put):
    raw = zipped({"ann/sgd.ipynb": SGD, "bo/sgd.ipynb": SGD})
    for start, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.index(start) + offset
        raw = raw[:place] + b"\x01" + raw[place + 1 :]
    collected = put(raw)
    assert students(collected) == {"bo"}
    assert "ann" in collected.left[0] and "encrypted" in collected.left[0]


def test_a_damaged_member_is_listed(put):
    raw = bytearray(zipped({"ann/sgd.ipynb": SGD, "bo/sgd.ipynb": SGD}))
    raw[500:600] = bytes(100)
    collected = put(bytes(raw))
    assert students(collected) == {"bo"}
    assert "ann" in collected.left[0] and "cannot be unpacked" in collected.left[0]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"some text"])
def test_a_source_that_is_no_archive_is_refused(put, content):
    with pytest.raises(ValueError, match="is no zip that can be read"):
        put(content)


def test_a_source_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="There is no folder and no zip"):
        collect(tmp_path / "none", "sgd", tmp_path)


def test_an_unknown_assignment_is_refused(put):
    with pytest.raises(ValueError, match="There is no assignment 'sdg': there are "):
        put({"ann/sgd.ipynb": SGD}, assignment="sdg")


BOMBS = {
    "a large notebook": ({"ann/sgd.ipynb": bytes(30_000_000)}, {}, "is larger than 20 MB"),
    "many files": (
        {"ann.zip": {f"{i}.txt": b"" for i in range(20)}},
        {"MAX_FILES_INSIDE": 10},
        "ann: it has 20 files, too many",
    ),
    "much inside": (
        {"ann.zip": {"a.ipynb": bytes(2_000_000), "b.ipynb": bytes(2_000_000)}},
        {"MAX_BYTES_INSIDE": 3_000_000},
        "ann.zip: it unpacks to too much",
    ),
    "a large zip": (
        {"ann.zip": os.urandom(100_000)},
        {"MAX_BYTES_INSIDE": 90_000},
        "ann.zip: it is too large",
    ),
    "all of it": (
        {"ann.zip": {"sgd.ipynb": bytes(2_000_000)}},
        {"MAX_BYTES": 1_000_000},
        "all files together are too large",
    ),
}


@pytest.mark.parametrize("files, limits, sentence", BOMBS.values(), ids=BOMBS)
def test_what_unpacks_to_too_much_is_listed_and_the_others_placed(
    put, monkeypatch, files, limits, sentence
):
    for name, limit in limits.items():
        monkeypatch.setattr(collecting, name, limit)
    collected = put(files | {"zed/sgd.ipynb": SGD})
    assert "zed" in students(collected)
    told = collected.report()
    assert sentence in told and "ann" in told


ROSTER = """Student_ID;Name;Email;Login;Moodle ID;Canvas ID
s1;Ångström, Zoë Maria;zoe@uni.edu;zang;Participant 11;501
s2;Jürgen Groß;jg@uni.edu;j_gross;;502
s3;Jo Li;jo.li@uni.edu;jo;;503
s4;Jo Li;jo.li2@uni.edu;jo2;14;504
"""
BY_ROSTER = {
    "Moodle's number": ("X Y_11_assignsubmission_file_/sgd.ipynb", "s1"),
    "a name": ("zoe maria angstrom_99_assignsubmission_file_/sgd.ipynb", "s1"),
    "a name turned around": ("JÜRGEN GROSS_99_assignsubmission_file_/a.ipynb", "s2"),
    "umlauts spelled out": ("Juergen Gross_99_assignsubmission_file_/a.ipynb", "s2"),
    "Canvas' number": ("someone_502_345_sgd.ipynb", "s2"),
    "Canvas' name": ("angstromzoemaria_999_345_sgd.ipynb", "s1"),
    "a login with a line in it": (f"{ILIAS}/Gross_Jurgen_j_gross_99/sgd.ipynb", "s2"),
    "ILIAS' name": (f"{ILIAS}/Gross_Juergen_other_99/sgd.ipynb", "s2"),
    "a folder called as the student": ("S1/sgd.ipynb", "s1"),
    "a folder called as the login": ("jo/sgd.ipynb", "s3"),
    "a folder called as the address": ("jo.li@uni.edu/sgd.ipynb", "s3"),
    "a number tells two apart": ("Jo Li_14_assignsubmission_file_/sgd.ipynb", "s4"),
}


@pytest.mark.parametrize("path, student", BY_ROSTER.values(), ids=BY_ROSTER)
def test_a_roster_says_who_it_is(put, path, student):
    assert students(put({path: SGD}, roster=ROSTER)) == {student}


NOT_BY_ROSTER = [
    ("Jo Li_99_assignsubmission_file_/sgd.ipynb", "several of the roster are called so: s3, s4."),
    ("nobody/sgd.ipynb", "nobody: nobody of the roster is called so."),
]


@pytest.mark.parametrize("path, sentence", NOT_BY_ROSTER)
def test_whom_a_roster_does_not_know_is_listed(put, submitted, path, sentence):
    collected = put({path: SGD}, roster=ROSTER)
    assert not collected.placed and not there(submitted)
    assert sentence in collected.left[0]


def test_two_hand_ins_of_one_student_of_the_roster_are_listed(put):
    files = {"zang/sgd.ipynb": SGD, "zoe@uni.edu/sgd.ipynb": OTHER}
    assert "s1: zang and zoe@uni.edu would get this one folder." in put(files, ROSTER).left


BAD_ROSTERS = [
    ("", "has no column student_id"),
    ("name\nJo\n", "has no column student_id in its first line: 'name'"),
    ("student_id,name\n,Jo\n", "a row has no student_id: , Jo"),
    ("student_id\na\na\n", "these are in it twice: a"),
]


@pytest.mark.parametrize("text, sentence", BAD_ROSTERS)
def test_a_roster_that_cannot_be_used_is_refused(put, text, sentence):
    with pytest.raises(ValueError, match=sentence):
        put({"ann/sgd.ipynb": SGD}, roster=text)


def test_a_roster_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        collect(tmp_path, "sgd", tmp_path, tmp_path / "none.csv")


SAFE = [
    ("Zoë O'Brien, Jr. (2)", "Zoë O'Brien, Jr. (2)"),
    ("李 明", "李 明"),
    ("  a   b ", "a b"),
    ("Zoe\u0308", "Zoë"),
]
UNSAFE = ["", ".", "..", "a+b", "a/b", "a\\b", "C:", "a\nb", ".a", "-rf", "a*", "[a]", "a" * 300]
UNSAFE += ["\ud800", "a\u202eb", "{a}", "ä" * 60]


@pytest.mark.parametrize("name, expected", SAFE)
def test_a_name_that_can_be_a_folder_stays(name, expected):
    assert safe(name) == expected


@pytest.mark.parametrize("name", UNSAFE, ids=ascii)
def test_another_is_made_safe_and_stays_apart(tmp_path, name):
    made = safe(name)
    assert made == safe(name) != name
    assert not set('/\\+:*?"<>|[]{}\n') & set(made)
    assert not made.startswith((".", "-")) and len(made.encode()) <= 120
    (tmp_path / made).mkdir()
    assert [path.name for path in tmp_path.iterdir()] == [made]
    assert len({safe(other) for other in UNSAFE}) == len(UNSAFE)


def test_a_hostile_name_cannot_draw_on_the_terminal(put):
    report = put({"a\x1b[2Jb/c\nd.ipynb": SGD, "zed/sgd.ipynb": SGD}).report()
    assert "\x1b" not in report and "c\nd" not in report
    assert len(shown("a" * 10_000)) < 250


FOUND = {
    "sgd/sgd.ipynb": (SGD, "sgd/sgd.ipynb", ""),
    "sgd/sgd (1).ipynb": (SGD, "sgd/sgd (1).ipynb", "Taken from sgd/sgd (1).ipynb. It was called"),
    "sgd.ipynb": (SGD, "sgd.ipynb", "Taken from sgd.ipynb."),
    "SGD/Sgd.ipynb": (SGD, "SGD/Sgd.ipynb", "Taken from SGD/Sgd.ipynb."),
    "sgd/week 2/a.ipynb": (SGD, "sgd/week 2/a.ipynb", "Taken from sgd/week 2/a.ipynb."),
    "momentum/momentum.ipynb": (SGD, "momentum/momentum.ipynb", "Taken from momentum/"),
    "a/b/sgd.ipynb.txt": (SGD, "a/b/sgd.ipynb.txt", "Taken from a/b/sgd.ipynb.txt."),
    "sgd/sgd-2.ipynb": (CUT, "sgd/sgd-2.ipynb", "It cannot be graded: the file is cut off"),
    "sgd/a.ipynb": (MOMENTUM, None, "has no notebook with the cells of sgd"),
    "sgd/report.pdf": (b"%PDF", None, "the folder has no notebook."),
    "sgd": (b"", None, "sgd is a file, and should be a folder"),
    "momentum/sgd-notes.ipynb": (MOMENTUM, "nothing of it", ""),
    "momentum/a.ipynb": (CUT, "nothing of it", ""),
}


@pytest.mark.parametrize("path", FOUND)
def test_the_notebook_is_found_wherever_it_was_put(submitted, path):
    raw, place, note = FOUND[path]
    (submitted / "ann" / path).parent.mkdir(parents=True)
    (submitted / "ann" / path).write_bytes(raw)
    before = there(submitted)
    found = find(submitted, "sgd")
    assert there(submitted) == before
    if place == "nothing of it":
        assert found == {}
        return
    assert found["ann"].path == (None if place is None else submitted / "ann" / place)
    assert note in found["ann"].note and bool(note) == bool(found["ann"].note)


def test_the_right_place_counts_whatever_lies_beside_it_or_in_it(submitted):
    (submitted / "ann" / "sgd").mkdir(parents=True)
    (submitted / "ann" / "sgd" / "sgd.ipynb").write_bytes(CUT)
    (submitted / "ann" / "sgd" / "sgd (1).ipynb").write_bytes(SGD)
    (submitted / ".hidden" / "sgd").mkdir(parents=True)
    assert find(submitted, "sgd") == {"ann": Found(submitted / "ann" / "sgd" / "sgd.ipynb")}


def test_what_could_be_anybodys_is_told(submitted):
    (submitted / "sgd").mkdir(parents=True)
    (submitted / "sgd" / "ann.ipynb").write_bytes(SGD)
    (submitted / "loose.ipynb").write_bytes(SGD)
    (submitted / "other.ipynb").write_bytes(MOMENTUM)
    (submitted / "bo" / "sgd" / "sgd.ipynb").mkdir(parents=True)
    found = find(submitted, "sgd")
    assert {name: one.path for name, one in found.items()} == dict.fromkeys(
        ["bo", "loose.ipynb", "sgd"]
    )
    assert "lies in submitted/ itself" in found["loose.ipynb"].note
    assert "is called as an assignment" in found["sgd"].note


@pytest.mark.parametrize("linked", ["", "sgd", "sgd/sgd.ipynb", "sgd/a.ipynb"])
def test_links_are_not_followed(submitted, linked):
    link = submitted / "ann" / linked
    link.parent.mkdir(parents=True)
    target = EXERCISES / "sgd" / "sgd.ipynb" if linked.endswith("ipynb") else EXERCISES / "sgd"
    link.symlink_to(target)
    assert find(submitted, "sgd")["ann"].path is None


def test_nothing_is_found_where_nothing_is(tmp_path):
    assert find(tmp_path / "none", "sgd") == {}


def test_a_report_counts_and_says_what_to_look_at(put):
    report = put({"ann/a.ipynb": SGD, "bo/sgd.ipynb": SGD, "cy/x.pdf": b""}).report()
    assert report == (
        "2 hand-ins of sgd: 2 new.\n"
        "Look at:\n  ann: It was called a.ipynb.\n"
        "Not placed (1):\n  cy: has no notebook, but cy/x.pdf."
    )
