"""A small shop in SQLite, always the same one, and a digest over every row of a database."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

SCHEMA = """
PRAGMA journal_mode = wal;
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, city TEXT NOT NULL);
CREATE TABLE product (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, cents INTEGER NOT NULL CHECK (cents > 0), stock INTEGER NOT NULL);
CREATE TABLE purchase (
    id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER NOT NULL REFERENCES customer, bought_on TEXT NOT NULL);
CREATE TABLE item (
    purchase_id INTEGER NOT NULL REFERENCES purchase, product_id INTEGER NOT NULL REFERENCES product,
    pieces INTEGER NOT NULL, PRIMARY KEY (purchase_id, product_id)) WITHOUT ROWID;
CREATE INDEX purchase_by_customer ON purchase (customer_id, bought_on);
CREATE VIEW best_seller AS
    SELECT product.name, sum(pieces) AS pieces FROM item JOIN product ON product.id = product_id
    GROUP BY product.id ORDER BY pieces DESC LIMIT 10;
CREATE TRIGGER take_from_stock AFTER INSERT ON item BEGIN
    UPDATE product SET stock = stock - new.pieces WHERE id = new.product_id; END;
"""
FIRST = (
    "Ada",
    "Bruno",
    "Clara",
    "Elif",
    "Femi",
    "Grace",
    "Hugo",
    "Inês",
    "João",
    "Kenji",
    "Noor",
    "Olga",
    "Pavel",
    "Zoë",
)
LAST = (
    "Almeida",
    "Becker",
    "Costa",
    "Dvořák",
    "Ferreira",
    "García",
    "Hopper",
    "Ito",
    "Lima",
    "Müller",
    "Nwosu",
    "Silva",
)
CITY = ("São Paulo", "Recife", "Curitiba", "Lisboa", "Berlin", "Kraków", "Lagos", "Osaka", "Malmö", "Bogotá")
KIND = ("Mug", "Lamp", "Chair", "Notebook", "Kettle", "Blanket", "Clock", "Vase", "Basket", "Teapot", "Stool", "Mirror")
STYLE = ("plain", "blue", "oak", "linen", "copper", "striped", "folding", "tall", "small", "grey")
CUSTOMERS, PURCHASES = 400, 1500


@dataclass(frozen=True)
class Contents:
    """What a database holds, row by row."""

    tables: int
    rows: int
    digest: str


def open_shop(path: Path) -> None:
    """Write the shop; its file must not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chance = random.Random(1)  # the same shop on every machine
    with closing(sqlite3.connect(path)) as shop, shop:
        shop.executescript(SCHEMA)
        shop.executemany("INSERT INTO customer VALUES (?, ?, ?, ?)", [_customer(i, chance) for i in range(CUSTOMERS)])
        products = [(name, chance.randrange(300, 25000)) for name in (f"{kind}, {s}" for kind in KIND for s in STYLE)]
        shop.executemany("INSERT INTO product (name, cents, stock) VALUES (?, ?, 500)", products)
        for day in sorted(chance.randrange(365) for _ in range(PURCHASES)):
            _buy(shop, date(2025, 1, 1) + timedelta(day), len(products), chance)


def contents(path: Path) -> Contents:
    """Read every row of every table.

    Raises:
        sqlite3.Error: it is no database.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as database:
        schema = database.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        tables = [name for kind, name, _ in schema if kind == "table" and not name.startswith("sqlite_")]
        rows = [sorted(map(repr, database.execute(f'SELECT * FROM "{table}"'))) for table in tables]
    return Contents(len(tables), sum(map(len, rows)), hashlib.sha256(repr((schema, rows)).encode()).hexdigest())


def _customer(number: int, chance: random.Random) -> tuple[int, str, str, str]:
    first, last = chance.choice(FIRST), chance.choice(LAST)
    return number + 1, f"{first} {last}", f"customer{number + 1}@shop.example", chance.choice(CITY)


def _buy(shop: sqlite3.Connection, day: date, products: int, chance: random.Random) -> None:
    customer = chance.randrange(CUSTOMERS) + 1
    bought = shop.execute("INSERT INTO purchase (customer_id, bought_on) VALUES (?, ?)", (customer, day.isoformat()))
    for product in chance.sample(range(1, products + 1), chance.randint(1, 4)):
        shop.execute("INSERT INTO item VALUES (?, ?, ?)", (bought.lastrowid, product, chance.randint(1, 3)))
