-- Tables of every make that MySQL and MariaDB share, with a few thousand rows; all of them InnoDB.
SET NAMES utf8mb4, sql_mode = '', time_zone = '+00:00', foreign_key_checks = 0;
CREATE TABLE numbers (n int PRIMARY KEY) COMMENT 'helps to fill the others';
INSERT INTO numbers WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 1000) SELECT n FROM up;

CREATE TABLE customer (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name varchar(120) NOT NULL COMMENT 'with \'quotes\', "both" kinds; and a \\ backslash',
  email varchar(120) CHARACTER SET ascii COLLATE ascii_bin UNIQUE,
  parent int unsigned, favourite int unsigned,
  initial char(1) AS (left(name, 1)) VIRTUAL,
  shout varchar(120) AS (upper(name)) STORED,
  secret varchar(40) INVISIBLE DEFAULT 'hidden',
  changed timestamp(6) NOT NULL DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6),
  CONSTRAINT `name isn't blank` CHECK (trim(name) <> ''),
  CONSTRAINT own_parent FOREIGN KEY (parent) REFERENCES customer (id) ON DELETE SET NULL,
  CONSTRAINT `favourite/ship` FOREIGN KEY (favourite) REFERENCES ship (id) ON UPDATE CASCADE,
  KEY by_name (name(20)), FULLTEXT KEY words (name)
) ENGINE=InnoDB AUTO_INCREMENT=100 DEFAULT CHARSET=utf8mb4 COMMENT='who pays — 😀';
CREATE TABLE ship (
  id int unsigned NOT NULL PRIMARY KEY, name varchar(60) COLLATE utf8mb4_unicode_ci NOT NULL, owner int unsigned,
  berthed point NOT NULL, area geometry, SPATIAL KEY somewhere (berthed),
  CONSTRAINT owned FOREIGN KEY (owner) REFERENCES customer (id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;
INSERT INTO ship SELECT n, concat('MS "', n, '" 😀'), 100 + n, point(n / 7, -n / 3), ST_GeomFromText(concat('POLYGON((0 0,', n, ' 0,', n, ' 1,0 0))')) FROM numbers WHERE n <= 300;
INSERT INTO customer (id, name, email, parent, favourite, secret, changed)
  SELECT 99 + n, concat('Kunde ', n, CASE n % 4 WHEN 0 THEN ' 😀' WHEN 1 THEN '\t\\N' WHEN 2 THEN '\nzweite; Zeile' ELSE ' ''x'' -- y' END),
    concat('kunde', n, '@example.org'), IF(n > 10, 99 + n - 10, NULL), 1 + n % 300, NULL, timestamp('2026-01-01') + INTERVAL n MINUTE FROM numbers WHERE n <= 900;

CREATE TABLE `all types` (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, tiny tinyint(1), u bigint unsigned, dec_ decimal(65,30), d double, bits bit(13),
  dt date, dtt datetime(6), ti time(6), y year, e enum('a','it''s','ü','') CHARACTER SET latin1, s set('x','y','z'),
  vb varbinary(300), b blob, t text CHARACTER SET latin1, lt longtext, j json, c char(4), bin binary(4), z int(5) unsigned zerofill, g geometrycollection
);
INSERT INTO `all types` (tiny, u, dec_, d, bits, dt, dtt, ti, y, e, s, vb, b, t, lt, j, c, bin, z, g) VALUES
  (1, 18446744073709551615, '12345678901234567890123456789012345.000000000000000000000000000001', 1.7976931348623157e308, b'1010101010101', '0000-00-00',
   '0000-00-00 00:00:00', '-838:59:59', 1901, 'it''s', 'x,z', x'00ff275c0a0d1a22', x'', 'grün', repeat('😀', 200), '{"a": [1, null, "ü😀", 1e-7], "": "\\""}', 'ab', 'ab', 42,
   ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))')),
  (0, 0, 0, 4.9406564584124654e-324, 0, '2024-00-31', '9999-12-31 23:59:59.999999', '838:59:58.999999', 0, '', '', NULL, NULL, NULL, '', '[]', '', '', 0, NULL),
  (-1, NULL, -0.1, -0, NULL, '1000-01-01', '2026-03-29 02:30:00', '00:00:00.000001', 2155, NULL, NULL, '', 'NULL', '\\N', '''; DROP TABLE x; --', 'null', NULL, NULL, NULL, NULL),
  (2, 1, 1, 0.30000000000000004, 1, '9999-12-31', NULL, NULL, NULL, 'ü', 'y', char(0, 1, 2, 26, 34, 39, 92), char(0, 10, 13), '`', '/*! SELECT 1 */ DELIMITER ;;', '"x"', 'x', x'00', 7, NULL);
INSERT INTO `all types` (vb, j) SELECT unhex(sha2(n, 256)), json_object('n', n, 'text', repeat('x', n % 50)) FROM numbers WHERE n <= 500;

CREATE TABLE movement (id int NOT NULL, at date NOT NULL, kind varchar(5) NOT NULL, weight decimal(12,3), PRIMARY KEY (id, at))
  PARTITION BY RANGE (year(at)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2
  (PARTITION p2025 VALUES LESS THAN (2026), PARTITION p2026 VALUES LESS THAN (2027) COMMENT = 'this year', PARTITION rest VALUES LESS THAN MAXVALUE);
INSERT INTO movement SELECT a.n * 10 + b.n, date('2025-01-01') + INTERVAL (a.n * 3 + b.n) % 900 DAY, elt(1 + a.n % 3, 'in', 'out', 'i''n'), a.n / 8 FROM numbers a JOIN numbers b ON b.n < 4;
CREATE TABLE by_list (k int, v varchar(9)) PARTITION BY LIST COLUMNS (v) (PARTITION `p'1` VALUES IN ('a', 'b''c'), PARTITION p2 VALUES IN (NULL, 'ü'));
INSERT INTO by_list VALUES (1, 'a'), (2, 'b''c'), (3, NULL), (4, 'ü');
CREATE TABLE latin_table (t varchar(20) DEFAULT 'ü') DEFAULT CHARSET=latin1 COLLATE=latin1_german1_ci;
INSERT INTO latin_table VALUES ('ß'), (DEFAULT), (NULL);
CREATE TABLE without_key (a int, b varchar(9)); INSERT INTO without_key VALUES (1, 'same'), (1, 'same'), (NULL, NULL);
CREATE TABLE empty_but_counting (id int NOT NULL AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT=4711;
CREATE TABLE audit (at datetime(6), what varchar(200));

-- FLOAT is dumped with six digits: the values of `singles` come back, those of `singles_lost` cannot.
CREATE TABLE singles (id int PRIMARY KEY, f float); INSERT INTO singles VALUES (1, 0.1), (2, -0.5), (3, 1.17549e-38), (4, NULL), (5, 123456);
CREATE TABLE singles_lost (id int PRIMARY KEY, f float); INSERT INTO singles_lost VALUES (1, 16777216), (2, 3.4028235e38), (3, 0.3333333);

-- Names of any kind.
CREATE TABLE `-h` (`select` int, `per%cent` int, `back``tick` int, `quo"te` int, `it's` int, `new
line` int, `ünïcödé` int, `a/b` int, `..` int, `back\slash` int);
INSERT INTO `-h` VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
CREATE TABLE `a/b` (x int); INSERT INTO `a/b` VALUES (1);
CREATE TABLE `..` (x int); CREATE TABLE `per%cent` (x int); CREATE TABLE `back``tick` (x int); CREATE TABLE `quo"te it's` (x int);
CREATE TABLE `two
lines` (x int); CREATE TABLE `таблица ünï` (x int); CREATE TABLE `x234567890123456789012345678901234567890123456789012345678901234` (x int);
CREATE TABLE `--where=1` (x int); CREATE TABLE `Case` (x int); CREATE TABLE `case` (x int, y int); CREATE TABLE `a.b` (x int);
