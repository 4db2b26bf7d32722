"""Columns of bad tables: what is wrong costs its own row, is counted, and never shifts a cell."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.errors import InputError
from ocrtune.synth.texts.labels import Fault, clean, find_fault
from ocrtune.synth.texts.table import RECORD_LINES, find_delimiter, read_table

OPEN_FOOD_FACTS = (
    "code\tproduct_name\tbrands\tingredients_text\n"
    "1\tMelk 1 %\tTine\tmelk\n"
    '2\t"Gammel" ost\tTine\t' + "x" * 200_000 + "\n"  # over the limit of the csv module
    '3\t12" pizza\t\tmel, "ost\n'
    "4\tbroken by a\n"
    "line end\tx\ty\n"
    "5\tone\tcell\ttoo\tmany\n"
    "6\tMelk 1 %\tQ-Meieriene\t\n"
    "7\t\t\t\n"
)


def write(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_text(content, encoding=encoding, newline="")
    return path


def counts(left_out: Any) -> dict[Fault, int]:
    return {left.fault: left.count for left in left_out}


def test_the_open_food_facts_export(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "off.csv", OPEN_FOOD_FACTS), ["product_name", "brands"])
    assert table.strings == ("Melk 1 %", "Tine", '"Gammel" ost', '12" pizza', "Q-Meieriene")
    assert counts(table.left_out) == {Fault.EMPTY: 3, Fault.MALFORMED_ROW: 3, Fault.DUPLICATE: 2}
    malformed = next(left for left in table.left_out if left.fault is Fault.MALFORMED_ROW)
    assert [example.rpartition("off.csv:")[2] for example in malformed.examples] == [
        "5: malformed row: 2 cells, the header has 4",
        "6: malformed row: 3 cells, the header has 4",
        "7: malformed row: 5 cells, the header has 4",
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_under_which_the_columns_are_there(tmp_path: Path, delimiter: str) -> None:
    rows = [["id, or so; perhaps", "name", "x|y"], ["1", "Melk, lett; 1 l|", "a\tb"]]
    path = tmp_path / "x.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    assert read_table(path, ["name"]).strings == ("Melk, lett; 1 l|",)


def test_a_delimiter_may_be_given(tmp_path: Path) -> None:
    path = write(tmp_path / "x.txt", "name^price\nmelk^12\n")
    assert read_table(path, ["price", "name"], "^").strings == ("12", "melk")
    with pytest.raises(InputError, match=r"the delimiter '\^\^' is not one symbol"):
        read_table(path, ["name"], "^^")
    assert find_delimiter("name;price,NOK", ["name"]) == ";"


def test_quoted_cells_may_hold_delimiters_marks_and_line_ends(tmp_path: Path) -> None:
    content = 'name,n\n"Ost, gul",1\n"12"" pizza",2\n"to\nlinjer",3\nMelk "lett",4\n'
    table = read_table(write(tmp_path / "x.csv", content), ["name"])
    assert table.strings == ("Ost, gul", '12" pizza', 'Melk "lett"')
    assert table.left_out[0].examples[0].endswith(r"x.csv:4: control character: 'to\nlinjer'")


def test_a_mark_that_is_never_closed_costs_its_own_row(tmp_path: Path) -> None:
    content = (
        'name,n\n"open,1\n' + "".join(f"w{i},2\n" for i in range(2 * RECORD_LINES)) + '"open again,1\nlast,5'
    )
    table = read_table(write(tmp_path / "x.csv", content), ["name"])
    assert table.strings == (*(f"w{i}" for i in range(2 * RECORD_LINES)), "last")
    (malformed,) = table.left_out
    assert malformed.count == 2
    assert malformed.examples[0].endswith("x.csv:2: malformed row: quotation marks do not match")


def test_marks_that_do_not_fit_cost_their_own_row(tmp_path: Path) -> None:
    content = 'name,n\n"a" b,1\nc,"2"\n"d"" e,3\n"f",4\n'
    table = read_table(write(tmp_path / "x.csv", content), ["name"])
    assert table.strings == ("c", "f")
    assert [example.rpartition("x.csv:")[2][0] for example in table.left_out[0].examples] == ["2", "4"]


def test_the_limit_of_the_csv_module_stays_as_it_is(tmp_path: Path) -> None:
    content = f'name,text\nmelk,"{"x" * 200_000}"\nost,"y"\n'
    before = csv.field_size_limit()
    table = read_table(write(tmp_path / "x.csv", content), ["name"])
    assert table.strings == ("ost",)
    assert counts(table.left_out) == {Fault.MALFORMED_ROW: 1}
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, encoding: str) -> None:
    assert read_table(write(tmp_path / "x.csv", "name\r\nbrød\r\n", encoding), ["name"]).strings == ("brød",)


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
            min_size=2,
            max_size=2,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_whatever_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("table") / "x.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
            [["name", "kept"], *rows, ["", "k"]]
        )
    cells = dict.fromkeys(clean(row[1]) for row in rows)
    expected = [cell for cell in cells if find_fault(cell) is None]
    assert list(read_table(path, ["kept"]).strings) == list(dict.fromkeys([*expected, "k"]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["name"], "x.csv has no column 'name'; it has 'id', 'product_name', 'brands'"),
        (["id", ""], "x.csv has no column ''; it has 'id'"),
        ([], "x.csv: name at least one column"),
    ],
)
def test_a_missing_column_names_those_there_are(tmp_path: Path, columns: list[str], message: str) -> None:
    path = write(tmp_path / "x.csv", "id, product_name ,brands\n1,a,b\n")
    with pytest.raises(InputError) as caught:
        read_table(path, columns)
    assert message in str(caught.value)


def test_columns_of_one_name_and_many_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two columns named 'a'"):
        read_table(write(tmp_path / "x.csv", "a,a\n1,2\n"), ["a"])
    path = write(tmp_path / "x.csv", ",".join(f"c{i}" for i in range(200)) + "\n")
    with pytest.raises(InputError, match=r"'c39' and 160 more$"):
        read_table(path, ["name"])


def test_a_table_without_texts(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "name\n")
    with pytest.raises(InputError, match=r"x\.csv has no string to make lines of; write"):
        read_table(path, ["name"])
    with pytest.raises(InputError, match=r"x\.csv has no column 'name'; it has ''"):
        read_table(write(path, ""), ["name"], encoding="utf-8")
    with pytest.raises(InputError, match=r"y\.csv is missing, or no file"):
        read_table(tmp_path / "y.csv", ["name"])


def test_parquet_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.parquet", "")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InputError, match=r"x\.parquet needs pyarrow; install it: pip install pyarrow"):
        read_table(path, ["name"])


def test_parquet(tmp_path: Path) -> None:
    pyarrow: Any = pytest.importorskip("pyarrow")
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "x.PARQUET"
    columns = {
        "name": pyarrow.array(["melk", None, "ost", "melk"]).dictionary_encode(),
        "price": [12, 30, None, 12],
        "tags": [["a"], [], [], []],
    }
    parquet.write_table(pyarrow.table(columns), path)
    table = read_table(path, ["name", "price"])
    assert table.strings == ("melk", "12", "30", "ost")
    assert counts(table.left_out) == {Fault.EMPTY: 2, Fault.DUPLICATE: 2}
    assert table.left_out[0].examples[0].endswith("x.PARQUET:2: empty: ''")
    with pytest.raises(InputError, match="no column 'brand'; it has 'name', 'price', 'tags'"):
        read_table(path, ["brand"])
    with pytest.raises(InputError, match=r"column 'tags' holds list<.*>, not texts"):
        read_table(path, ["tags"])
    with pytest.raises(InputError, match="has neither delimiter nor encoding; leave it out"):
        read_table(path, ["name"], ";")
    path.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(InputError, match="is not a Parquet table: "):
        read_table(path, ["name"])
