"""A whole instance to be lost: databases that look into each other, with owners, definers and default privileges."""

from __future__ import annotations

from typing import Any

from tests.samples import SHARED, build_pagila, build_sakila
from tests.servers import MySqlServer, PostgresqlServer, TestServer

MYSQL = """
CREATE USER 'harbour_master'@'%' IDENTIFIED BY 'tide tables 7';
CREATE USER 'clerk'@'%' IDENTIFIED BY 'ink & paper 8';
CREATE DATABASE harbour CHARACTER SET utf8mb4; CREATE DATABASE town CHARACTER SET utf8mb4;
GRANT ALL PRIVILEGES ON harbour.* TO 'harbour_master'@'%';
GRANT SELECT, EXECUTE, SHOW VIEW ON town.* TO 'harbour_master'@'%';
CREATE TABLE harbour.ships (id int PRIMARY KEY AUTO_INCREMENT, name varchar(50), captain int, log json);
CREATE TABLE town.people (id int PRIMARY KEY, name varchar(50));
INSERT INTO town.people VALUES (1, 'Ana'), (2, 'Bjørn'), (3, '陳');
INSERT INTO harbour.ships (name, captain, log) VALUES ('Freya', 2, '{"port": "Oslo"}'), ('Gaivota', 1, '{}');
CREATE DEFINER='harbour_master'@'%' SQL SECURITY DEFINER VIEW town.names AS SELECT id, name FROM town.people;
CREATE DEFINER='harbour_master'@'%' VIEW harbour.captains AS
    SELECT s.name AS ship, n.name AS captain, s.log FROM harbour.ships s JOIN town.names n ON n.id = s.captain;
CREATE VIEW town.sailing AS SELECT c.captain, c.log->>'$.port' AS port FROM harbour.captains c;
CREATE VIEW harbour.abroad AS SELECT captain FROM town.sailing WHERE port IS NOT NULL;
CREATE VIEW town.afar AS SELECT captain FROM harbour.abroad;
CREATE DEFINER='harbour_master'@'%' FUNCTION harbour.fleet() RETURNS int READS SQL DATA
    RETURN (SELECT count(*) FROM harbour.ships);
CREATE VIEW town.harbour_size AS SELECT harbour.fleet() AS ships;
CREATE DEFINER='harbour_master'@'%' TRIGGER harbour.ship_named BEFORE INSERT ON harbour.ships
    FOR EACH ROW SET NEW.name = trim(NEW.name);
CREATE EVENT harbour.yearly ON SCHEDULE EVERY 1 YEAR DO DELETE FROM town.people WHERE id < 0;
GRANT SELECT (name) ON harbour.ships TO 'clerk'@'%';
GRANT SELECT ON harbour.abroad TO 'clerk'@'%';
GRANT EXECUTE ON FUNCTION harbour.fleet TO 'clerk'@'%';
"""
"""Views in a chain through both databases; the first of each, by name, needs the other database's to be there."""

POSTGRESQL_ROLES = """
CREATE ROLE harbour_master LOGIN PASSWORD 'tide tables 7';
CREATE ROLE clerk LOGIN PASSWORD 'ink & paper 8';
CREATE DATABASE harbour OWNER harbour_master; CREATE DATABASE town;
ALTER ROLE clerk IN DATABASE harbour SET work_mem = '8MB';
REVOKE CONNECT ON DATABASE town FROM PUBLIC; GRANT CONNECT ON DATABASE town TO clerk;
"""
POSTGRESQL_HARBOUR = """
SET ROLE harbour_master;
CREATE SCHEMA quay;
ALTER DEFAULT PRIVILEGES IN SCHEMA quay GRANT SELECT ON TABLES TO clerk;
CREATE TABLE quay.ships (id serial PRIMARY KEY, name text);
INSERT INTO quay.ships (name) VALUES ('Freya'), ('Gaivota');
CREATE VIEW quay.names AS SELECT name FROM quay.ships;
"""
POSTGRESQL_TOWN = "CREATE TABLE people (id int PRIMARY KEY, name text); INSERT INTO people VALUES (1, 'Ana');"


def build_instance(server: TestServer) -> list[str]:
    """Build it on an empty server and return its databases: also Pagila or Sakila, where they are at hand."""
    names = ["harbour", "town"]
    if isinstance(server, PostgresqlServer):
        server.load(POSTGRESQL_ROLES)
        server.load(POSTGRESQL_HARBOUR, "harbour")
        server.load(POSTGRESQL_TOWN, "town")
        if SHARED.is_dir():
            build_pagila(server, "pagila")
            names.append("pagila")
        return names
    assert isinstance(server, MySqlServer)
    text = MYSQL if server.engine == "mysql" else MYSQL.replace("c.log->>'$.port'", "json_value(c.log, '$.port')")
    server.load(text)
    if SHARED.is_dir() and server.engine == "mariadb":  # once is enough for what the family has in common
        build_sakila(server)
        names.append("sakila")
    return names


def access_rights(server: TestServer) -> dict[str, Any]:
    """Return who may do what, as the server itself says it."""
    if isinstance(server, PostgresqlServer):
        roles = server.sql("SELECT rolname, rolcanlogin, rolpassword FROM pg_authid WHERE rolname !~ '^(pg_|postgres)'")
        settings = server.sql(
            "SELECT d.datname, r.rolname, s.setconfig FROM pg_db_role_setting s LEFT JOIN pg_database d"
            " ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole"
        )
        return {"roles": sorted(roles), "settings": sorted(settings)}
    names = ["'harbour_master'@'%'", "'clerk'@'%'"]
    said = {name: server.sql(f"SHOW GRANTS FOR {name}") for name in names}
    return {name: sorted(line for (line,) in lines) for name, lines in said.items()}
