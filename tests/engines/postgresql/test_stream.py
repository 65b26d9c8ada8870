"""PostgreSQL: what the observer makes of a dump's bytes, whole, cut and forged."""

from __future__ import annotations

import pytest

from vya_backup.engines.dumping import Observation
from vya_backup.engines.postgresql.stream import PostgresqlObserver

BEGIN = b"""--
-- PostgreSQL database dump
--

\\restrict abc

-- Dumped from database version 15.20
SET client_encoding = 'LATIN1';
SELECT pg_catalog.set_config('search_path', '', false);

"""
TABLE = b"""--
-- Name: tabl\xe9; Type: TABLE; Schema: public; Owner: me
--

CREATE TABLE public."tabl\xe9" (
    a text DEFAULT 'it''s; --'
);


"""
ROWS = b"""--
-- Data for Name: tabl\xe9; Type: TABLE DATA; Schema: public; Owner: me
--

COPY public."tabl\xe9" (a) FROM stdin;
one
\\\\.
\\N
\\.


--
-- Name: s; Type: SEQUENCE SET; Schema: public; Owner: me
--

SELECT pg_catalog.setval('public.s', 42, true);


"""
END = b"""--
-- PostgreSQL database dump complete
--

\\unrestrict abc

"""
WHOLE = BEGIN + TABLE + ROWS + END


def observed(data: bytes, size: int = 1 << 18) -> Observation:
    """Show the bytes in chunks of this size."""
    observer = PostgresqlObserver()
    for start in range(0, len(data), size):
        observer.feed(data[start : start + size])
    return observer.finish()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1 << 18])
def test_chunks_of_any_size_give_the_same_observation(size: int) -> None:
    """The pipe may cut anywhere: inside quotes, comments, and the end of the rows."""
    found = observed(WHOLE, size)

    assert found == observed(WHOLE)
    assert found.complete
    assert found.manifest.objects == {"table": ("public.tablé",)}
    assert found.manifest.rows == {"public.tablé": 3}
    assert found.manifest.sequences == {"public.s": 42}


@pytest.mark.parametrize("length", range(0, len(WHOLE) - len(b"\n--\n\n\\unrestrict abc\n\n") - 1, 13))
def test_a_dump_cut_anywhere_is_not_complete(length: int) -> None:
    """Without its end-of-dump line a dump is a failure, wherever it broke off."""
    found = observed(WHOLE[:length])

    assert not found.complete
    assert "missing" in found.fault


def test_a_fault_says_where_the_dump_broke_off() -> None:
    """The table that was being read is the clue to what went wrong on the server."""
    assert observed(WHOLE[: WHOLE.index(b"\\\\.")]).fault.endswith("it ends in table data public.tablé")


@pytest.mark.parametrize("more", [b"CREATE TABLE x ();\n", b"pg_dump: error: gone\n", b"--\n-- Name: x; Type: TABLE\n"])
def test_nothing_may_follow_the_end_of_the_dump(more: bytes) -> None:
    """Two streams run together, or a tool that went on after its end, are not one dump."""
    assert observed(WHOLE + more).fault == "something follows the end-of-dump line"


@pytest.mark.parametrize(
    "forged",
    [
        b"CREATE FUNCTION f() AS $_$\n--\n-- Name: x; Type: TABLE; Schema: public; Owner: me\n--\n$_$;\n",
        b"COMMENT ON TABLE t IS 'a\n--\n-- PostgreSQL database dump complete\n--\n';\n",
        b'CREATE TABLE "a\n--\n-- Name: x; Type: TABLE; Schema: public; Owner: me\n--\n" ();\n',
        b"CREATE FUNCTION f() AS $a$ $b$ COPY public.x (a) FROM stdin;\n\\.\n$b$ $a$;\n",
    ],
)
def test_words_inside_quotes_are_never_taken_for_the_dumps_own(forged: bytes) -> None:
    """Bodies, comments and names may imitate every line that pg_dump writes."""
    found = observed(BEGIN + TABLE + forged + ROWS + END)

    assert found.complete
    assert found.manifest.objects == {"table": ("public.tablé",)}
    assert found.manifest.rows == {"public.tablé": 3}
    assert not observed(BEGIN + TABLE + forged).complete


def test_rows_may_imitate_an_end_of_rows_and_an_end_of_dump() -> None:
    """COPY doubles a backslash, so only the real end of the rows is one."""
    forged = ROWS.replace(b"one\n", b"--\n-- PostgreSQL database dump complete\n--\n\\\\.\nx\\\\.\n")

    assert observed(BEGIN + TABLE + forged + END).manifest.rows == {"public.tablé": 7}


def test_the_schema_hash_ignores_rows_values_versions_and_keys() -> None:
    """It tells changes of definitions, and is the same for two dumps of an unchanged schema."""
    other = (
        WHOLE.replace(b"one\n", b"two\nthree\n")
        .replace(b"42", b"43")
        .replace(b"abc", b"xyz")
        .replace(b"15.20", b"18.1")
    )

    assert observed(other).manifest.schema_hash == observed(WHOLE).manifest.schema_hash
    assert observed(WHOLE.replace(b"a text", b"b text")).manifest.schema_hash != observed(WHOLE).manifest.schema_hash


def test_the_spans_of_a_dump_are_its_bytes_in_order() -> None:
    """A restore may leave out the preamble, so the spans have to fit without a gap."""
    parts = observed(WHOLE).manifest.parts
    pieces = [WHOLE[part.offset : part.offset + part.size] for part in parts]

    assert b"".join(pieces) == WHOLE
    assert [part.name for part in parts] == ["preamble", "objects", "end"]
    assert b"SET client_encoding" in pieces[0]
    assert pieces[1].startswith(b"-- Name: tabl")
    assert pieces[2].startswith(b"-- PostgreSQL database dump complete")


def test_an_unset_sequence_is_one_less_than_its_next_value() -> None:
    """`setval(…, 42, false)` gives 42 next, as `setval(…, 41, true)` does with a step of one."""
    unset = WHOLE.replace(b"42, true", b"42, false")

    assert observed(unset).manifest.sequences == {"public.s": 41}
