-- What only MariaDB has.
SET NAMES utf8mb4;
CREATE SEQUENCE ticket START WITH 100 INCREMENT BY 7 MINVALUE 100 MAXVALUE 9000 CACHE 1 CYCLE;
SELECT nextval(ticket), nextval(ticket), nextval(ticket);
CREATE SEQUENCE `untouched/seq` START WITH -1 INCREMENT BY -1;
CREATE TABLE ticketed (id bigint DEFAULT nextval(ticket) PRIMARY KEY, t text COMPRESSED, u uuid, a inet6, x varchar(20) DEFAULT concat('a', 'b'));
INSERT INTO ticketed (t, u, a) SELECT repeat(concat(n, ','), n), concat('00000000-0000-4000-8000-', lpad(n, 12, '0')), concat('::', n) FROM numbers WHERE n <= 50;
CREATE TABLE price (item int PRIMARY KEY, amount decimal(9,2)) WITH SYSTEM VERSIONING;
INSERT INTO price SELECT n, n FROM numbers WHERE n <= 20; UPDATE price SET amount = amount + 1 WHERE item < 6; DELETE FROM price WHERE item = 20;
CREATE TABLE booking (berth int, d1 date, d2 date, PERIOD FOR stay (d1, d2), UNIQUE (berth, stay WITHOUT OVERLAPS));
INSERT INTO booking VALUES (1, '2026-01-01', '2026-02-01'), (1, '2026-02-01', '2026-03-01');
DELIMITER ;;
CREATE AGGREGATE FUNCTION longest(x text) RETURNS text DETERMINISTIC
BEGIN
  DECLARE best text DEFAULT '';
  DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN best;
  LOOP FETCH GROUP NEXT ROW; IF length(x) > length(best) THEN SET best = x; END IF; END LOOP;
END;;
SET sql_mode = ORACLE;;
CREATE PACKAGE harbour_tools AS FUNCTION twice(n int) RETURN int; END;;
CREATE PACKAGE BODY harbour_tools AS FUNCTION twice(n int) RETURN int AS BEGIN RETURN n * 2; END; END;;
SET sql_mode = DEFAULT;;
DELIMITER ;
SET DEFAULT ROLE harbour_reader FOR 'harbour_clerk'@'%';
