"""Rows of INSERT statements, counted in the stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vya_backup.engines.mysql.stream import Observer

HEAD = b"-- MySQL dump 10.13\n\nCREATE TABLE `t` (\n  `a` int\n);\n"
TAIL = b"\n-- Dump completed\n"
VALUES = st.one_of(
    st.integers().map(lambda n: str(n).encode()),
    st.just(b"NULL"),
    st.binary(max_size=6).map(lambda b: b"0x" + b.hex().encode() if b else b"''"),
    st.text(alphabet="ab'\"\\(),;\n`-", max_size=12).map(
        lambda text: b"'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").encode() + b"'"
    ),
)
ROWS = st.lists(
    st.lists(VALUES, min_size=1, max_size=4).map(lambda v: b"(" + b",".join(v) + b")"), min_size=1, max_size=8
)


def observed(content: bytes, size: int) -> Observer:
    """Feed a dump in chunks."""
    observer = Observer()
    for start in range(0, len(content), size):
        observer.feed(content[start : start + size])
    return observer


@given(rows=ROWS, size=st.integers(1, 40), lines=st.booleans(), column_list=st.booleans())
def test_counts_every_row_whatever_its_values_and_wherever_the_chunks_end(
    rows: list[bytes], size: int, lines: bool, column_list: bool
) -> None:
    """Both tools' ways of writing rows, with strings that look like rows."""
    columns = b" (`a`, `b (`, row_end)" if column_list else b""
    separator = b"\n" if lines and not column_list else b" "
    insert = b"INSERT INTO `t`" + columns + b" VALUES" + separator + (b",\n" if lines else b",").join(rows) + b";\n"
    observation = observed(HEAD + insert + insert + TAIL, size).finish()
    assert observation.complete
    assert observation.manifest.rows == {"t": 2 * len(rows)}


def test_a_dump_cut_inside_its_rows_is_not_complete() -> None:
    """The connection was lost in the middle of a table."""
    content = HEAD + b"INSERT INTO `t` VALUES (1,'-- Dump completed\\n'),(2,'x"
    assert not observed(content, 16).finish().complete


def test_text_in_rows_and_bodies_never_passes_for_a_statement_or_a_trailer() -> None:
    """Statements inside a procedure's body and inside strings create nothing."""
    body = (
        b"DELIMITER ;;\nCREATE DEFINER=`a`@`b` PROCEDURE `p`()\nbegin\nCREATE TABLE `fake` (a int);\n"
        b"INSERT INTO `fake` VALUES (1);\n-- Dump completed\nend ;;\nDELIMITER ;\n"
    )
    observer = observed(HEAD + body, 7)
    observer.end_part("routines")
    observation = observer.finish()
    assert observation.manifest.objects == {"procedure": ("p",), "table": ("t",)}
    assert observation.manifest.rows == {"t": 0}
    assert not observation.complete


def test_the_schema_hash_stands_for_structure_not_for_rows_or_counters() -> None:
    """Two dumps of one structure have one hash; another column has another."""
    more = b"INSERT INTO `t` VALUES (1);\n"
    plain = observed(HEAD + b"ALTER TABLE x;\n" + TAIL, 99).finish().manifest.schema_hash
    assert observed(HEAD + more + b"ALTER TABLE x;\n" + TAIL, 99).finish().manifest.schema_hash == plain
    assert observed(HEAD + b"ALTER TABLE y;\n" + TAIL, 99).finish().manifest.schema_hash != plain
