"""A server's accounts as nobody would want them: some 220 users and roles with names, hosts, passwords and grants of
every kind, the same for the same seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.servers import MySqlServer
from vya_backup.engines.mysql.questions import identifier

USERS = 190
ROLES = 24
ODD = (
    "two words", "quo'te", "o'''''o", 'do"uble', "back\\slash", "end\\", "`tick`", "per%cent", "under_score",
    "semi;colon", "new\nline", "tab\ttab", "Ünïcode", "ключ", "名前", "a=b&c", "#hash", "--dash", "/*comment*/", "$var",
    "@at", "x@y", " lead", "DELIMITER ;;", "line\n-- {\"account\"", "UPPER", "upper", "null", "public x",
    "a\r\nb", "\\' OR 1=1", "*", "?",
)  # fmt: skip
HOSTS = (
    "%", "localhost", "127.0.0.1", "127.0.0.0/255.0.0.0", "127.%", "::1", "10.1.0.0/255.255.0.0", "fe80::%",
    "192.168.1._", "%.example.com", "db_1.example.com", "2001:db8::1", "172.16.%",
)  # fmt: skip
SETUP = """
CREATE DATABASE shop CHARACTER SET utf8mb4; CREATE DATABASE `o'dd ``db\\%` CHARACTER SET utf8mb4;
CREATE TABLE shop.item (id INT, name TEXT, price INT, `o'dd ``col` INT); CREATE VIEW shop.cheap AS SELECT 1 AS one;
CREATE TABLE `o'dd ``db\\%`.`new\nline;` (a INT, `b,c(` INT);
CREATE PROCEDURE shop.`to``tal`() SELECT 1; CREATE PROCEDURE shop.p() SELECT 1;
CREATE FUNCTION shop.f() RETURNS INT DETERMINISTIC RETURN 1;
"""
TLS = ("SSL", "X509", "SUBJECT '/CN=it''s me, \\\\o/'", "ISSUER '/O=\"x\"' AND SUBJECT 's'", "CIPHER 'AES256-SHA'")
TABLES = ("shop.item", "shop.cheap", "`o'dd ``db\\%`.`new\nline;`")
COLUMNS = ("SELECT (id, name), UPDATE (price)", "INSERT (`o'dd ``col`, id), REFERENCES (id)", "SELECT (id), DELETE")
DATABASES = (
    "shop", "`sh\\_p`", "`shop%`", "`%\\_test\\%`", "`o'dd ``db\\\\%`", "`not there`", "mysql", "`new\nline`",
)  # fmt: skip


@dataclass(frozen=True)
class Someone:
    """One account that was made, as a statement names it."""

    user: str
    host: str
    account: str
    password: str | None = field(repr=False)
    """None for roles and for whom no password lets in."""
    plugin: str = ""


def quoted(text: str) -> str:
    """Return a text as a statement has it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def populate(server: MySqlServer, seed: int = 1) -> list[Someone]:
    """Make the objects and the accounts."""
    server.load(SETUP)
    made = Population(server.engine_flavour == "mysql", random.Random(seed))
    everyone = made.everyone()
    with server.connect() as connection, connection.cursor() as cursor:
        for statement in made.statements:
            cursor.execute(statement)
    return everyone


class Population:
    """The statements that make it."""

    def __init__(self, is_mysql: bool, chance: random.Random) -> None:
        self.is_mysql = is_mysql
        self.chance = chance
        self.statements: list[str] = []
        self.roles: list[str] = []

    def everyone(self) -> list[Someone]:
        """Make roles, then users, then what they may."""
        found = [self.role(number) for number in range(ROLES)]
        found += [self.user(number) for number in range(USERS)]
        for number, role in enumerate(self.roles):
            self.grant(role, number)
            if number:
                self.statements.append(f"GRANT {self.roles[number // 2]} TO {role}")
        for number, someone in enumerate(found[ROLES:]):
            self.grant(someone.account, number)
            self.join(someone.account)
        self.proxies([one.account for one in found[ROLES:]])
        if not self.is_mysql:
            self.statements += [f"GRANT {self.roles[0]} TO PUBLIC", "GRANT SELECT ON shop.* TO PUBLIC"]
        return found

    def name(self, number: int, longest: int) -> str:
        """Return a name that nobody else has; some as long as can be."""
        if number < len(ODD):
            return ODD[number]
        name = f"{self.chance.choice(ODD).strip()}{number}"
        return name + "x" * (longest - len(name)) if number % 7 == 0 else name

    def role(self, number: int) -> Someone:
        """Make a role."""
        name = f"r{self.name(number, 30 if self.is_mysql else 78).strip()}"
        host = self.chance.choice(("%", "localhost", "%.example.com"))
        account = f"{identifier(name)}@{quoted(host)}" if self.is_mysql else identifier(name)
        self.roles.append(account)
        self.statements.append(f"CREATE ROLE {account}")
        return Someone(name, host if self.is_mysql else "", account, None)

    def user(self, number: int) -> Someone:
        """Make a user."""
        name, host = self.name(number, 32 if self.is_mysql else 80), HOSTS[number % len(HOSTS)]
        password = f"{self.chance.choice(ODD)} pass\\'\"{number}"
        account = f"{quoted(name)}@{quoted(host)}"
        proof, plugin, known = self.proof(number, password)
        more = self.options(number)
        self.statements.append(f"CREATE USER {account} {proof} {more}")
        known = known and not (self.is_mysql and name.startswith(" "))  # whom MySQL never lets in
        return Someone(name, host, account, password if known else None, plugin)

    def proof(self, number: int, password: str) -> tuple[str, str, bool]:
        """Return how one logs in, the plugin, and whether the password lets in."""
        if self.is_mysql:
            if number % 19 == 0:
                return "", "caching_sha2_password", False
            plugin = "sha256_password" if number % 11 == 0 else "caching_sha2_password"
            return f"IDENTIFIED WITH {plugin} BY {quoted(password)}", plugin, True
        native = f"mysql_native_password USING PASSWORD({quoted(password)})"
        kinds = {
            3: ("IDENTIFIED VIA unix_socket", "unix_socket", False),
            5: (f"IDENTIFIED VIA unix_socket OR {native}", "mysql_native_password", True),
            7: ("IDENTIFIED VIA mysql_native_password USING 'invalid'", "mysql_native_password", False),
            9: (f"IDENTIFIED VIA ed25519 USING PASSWORD({quoted(password)}) OR {native}", "ed25519", True),
            11: ("", "mysql_native_password", False),
            13: (f"IDENTIFIED VIA ed25519 USING PASSWORD({quoted(password)})", "ed25519", True),
        }
        return kinds.get(number % 17, (f"IDENTIFIED BY {quoted(password)}", "mysql_native_password", True))

    def options(self, number: int) -> str:
        """Return TLS, limits, expiry and the rest."""
        said = [f"REQUIRE {self.chance.choice(TLS)}"] if number % 3 == 0 else []
        if number % 5 == 0:
            more = "" if self.is_mysql else " MAX_STATEMENT_TIME 12.5"
            said.append(f"WITH MAX_QUERIES_PER_HOUR {number + 20} MAX_USER_CONNECTIONS 7{more}")
        said += ["ACCOUNT LOCK"] if number % 13 == 0 else []
        said += [self.chance.choice(("PASSWORD EXPIRE", "PASSWORD EXPIRE NEVER", "PASSWORD EXPIRE INTERVAL 9 DAY"))] * (
            number % 4 == 0
        )
        if self.is_mysql:
            said += ["PASSWORD HISTORY 4 PASSWORD REUSE INTERVAL 8 DAY"] if number % 6 == 0 else []
            said += ["PASSWORD REQUIRE CURRENT OPTIONAL"] if number % 10 == 0 else []
            said += ["FAILED_LOGIN_ATTEMPTS 9 PASSWORD_LOCK_TIME UNBOUNDED"] if number % 8 == 0 else []
            said += [
                self.chance.choice(("COMMENT 'it''s; \\\\ a\nb'", 'ATTRIBUTE \'{"a": {"b": [1, "x\\\\"y"]}}\''))
            ] * (number % 9 == 0)
        return " ".join(said)

    def grant(self, account: str, number: int) -> None:
        """Give some of everything."""
        option = " WITH GRANT OPTION" if number % 4 == 1 else ""
        for what in list(self.choices(number)):
            self.statements.append(f"GRANT {what} TO {account}{option}")
        if self.is_mysql and number % 12 == 5:
            self.statements.append(f"GRANT SELECT, UPDATE ON *.* TO {account}")
            self.statements.append(f"REVOKE UPDATE ON mysql.* FROM {account}")

    def choices(self, number: int) -> Iterator[str]:
        """Yield what is granted."""
        yield from self.parts(number)
        yield from self.wholes(number)

    def parts(self, number: int) -> Iterator[str]:
        """Yield grants on databases and what is in them."""
        chance = self.chance
        if number % 2 == 0:
            yield f"SELECT, {chance.choice(('INSERT', 'SHOW VIEW', 'LOCK TABLES'))} ON {chance.choice(DATABASES)}.*"
        if number % 3 == 0:
            yield f"{chance.choice(('SELECT, UPDATE', 'ALL PRIVILEGES', 'TRIGGER'))} ON {chance.choice(TABLES)}"
        if number % 5 == 0:
            yield f"{chance.choice(COLUMNS)} ON shop.item"
        if number % 5 == 1:
            yield "SELECT (`b,c(`, a) ON `o'dd ``db\\%`.`new\nline;`"
        if number % 7 == 0:
            yield chance.choice(("EXECUTE ON PROCEDURE shop.`to``tal`", "ALTER ROUTINE, EXECUTE ON FUNCTION shop.f"))

    def wholes(self, number: int) -> Iterator[str]:
        """Yield grants of everything, or on everything."""
        if number % 11 == 0:
            yield "ALL PRIVILEGES ON shop.*"
        if number % 13 == 1:
            yield "PROCESS, RELOAD, CREATE USER ON *.*"
        if number % 13 == 2:
            yield "BACKUP_ADMIN, CONNECTION_ADMIN ON *.*" if self.is_mysql else "BINLOG MONITOR, READ_ONLY ADMIN ON *.*"
        if number % 29 == 3:
            yield "ALL PRIVILEGES ON *.*"
        if number % 17 == 4:
            yield "USAGE ON *.*"

    def join(self, account: str) -> None:
        """Make a member of some roles; one of them the default."""
        chosen = self.chance.sample(self.roles, self.chance.choice((0, 0, 1, 2, 3)))
        for role in chosen:
            self.statements.append(f"GRANT {role} TO {account}" + self.chance.choice(("", " WITH ADMIN OPTION")))
        if chosen and self.chance.random() < 0.5:
            word = "TO" if self.is_mysql else "FOR"
            self.statements.append(f"SET DEFAULT ROLE {chosen[0]} {word} {account}")

    def proxies(self, accounts: list[str]) -> None:
        """Let some stand for others."""
        for number in range(0, len(accounts) - 1, 23):
            option = " WITH GRANT OPTION" if number % 2 else ""
            self.statements.append(f"GRANT PROXY ON {accounts[number + 1]} TO {accounts[number]}{option}")
