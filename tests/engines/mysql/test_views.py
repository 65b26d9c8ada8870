"""The half of a dump's views that makes them by name only: cut from statements, whatever their names look like."""

from __future__ import annotations

from vya_backup.engines.mysql.views import names_only

PREAMBLE = b"""-- MySQL dump 10.13
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;

"""
STAND_IN = b"""--
-- Temporary view structure for view `%(comment)s`
--

/*!50001 DROP VIEW IF EXISTS `%(name)s`*/;
SET @saved_cs_client     = @@character_set_client;
/*!50001 CREATE VIEW `%(name)s` AS SELECT
 1 AS `a`*/;
SET character_set_client = @saved_cs_client;

"""
QUERY = b"""--
-- Final view structure for view `%(comment)s`
--

/*!50001 DROP VIEW IF EXISTS `%(name)s`*/;
/*!50001 SET character_set_client      = utf8mb4 */;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */
/*!50001 VIEW `%(name)s` AS select `t`.`a` AS `a` from `other`.`t` */;
"""
FINAL_AS_A_NAME = b"v;\n/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50001 VIEW `` AS select 1 */;\n-- "


def part(*names: bytes) -> bytes:
    """Return the part of a dump with these views."""
    views = [{b"name": name, b"comment": name.replace(b"\n", b" ")} for name in names]
    halves = [half % view for half in (STAND_IN, QUERY) for view in views]
    return PREAMBLE + b"".join(halves) + b"-- Dump completed\n"


def test_stand_ins_stay_and_no_query_does() -> None:
    """Also the drop of the first stand-in, which stands before its query, is left out."""
    half = names_only(part(b"v", b"w"))

    assert half.count(b"CREATE VIEW") == 2
    assert b"VIEW `v` AS select" not in half
    assert half.count(b"DROP VIEW") == 2


def test_a_name_that_looks_like_a_query_is_a_name() -> None:
    """Names may hold lines, semicolons and comments."""
    half = names_only(part(FINAL_AS_A_NAME, b"w"))

    assert half.count(b"CREATE VIEW") == 2


def test_a_carriage_return_in_a_name_ends_no_line() -> None:
    """Only a line feed does, also in the tool's comments, which hold names as they are."""
    half = names_only(part(b"a\r/*!50001 CREATE ALGORITHM=MERGE */ /*!50001 VIEW `` ", b"w"))

    assert half.count(b"CREATE VIEW") == 2
    assert b" from `other`" not in half


def test_without_any_query_all_of_it_stays() -> None:
    """There is nothing to cut off."""
    assert names_only(PREAMBLE) == PREAMBLE
