-- Views, routines, triggers and events, with bodies that break naive tools.
SET NAMES utf8mb4, time_zone = '+00:00';
DELIMITER ;;
CREATE DEFINER='harbour_definer'@'localhost' FUNCTION fee(weight decimal(12,3), `the rate` decimal(5,2)) RETURNS decimal(14,3)
  DETERMINISTIC NO SQL SQL SECURITY INVOKER COMMENT 'what it costs; "quoted" ''twice'''
BEGIN
  -- a comment with ; and 'quotes' and a `backtick`
  # another one; DELIMITER $$
  RETURN weight * `the rate`; /* a third */
END;;
CREATE FUNCTION grüße(n int) RETURNS varchar(50) CHARACTER SET utf8mb4 DETERMINISTIC RETURN concat('Grüße 😀 ', n);;
CREATE PROCEDURE close_year(IN `year` int, INOUT closed int, OUT words text) READS SQL DATA
BEGIN
  DECLARE done int DEFAULT 0;
  DECLARE each_kind varchar(5);
  DECLARE kinds CURSOR FOR SELECT DISTINCT kind FROM movement ORDER BY kind;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = 1;
  SET words = '';
  OPEN kinds;
  again: LOOP
    FETCH kinds INTO each_kind;
    IF done THEN LEAVE again; END IF;
    SET words = concat(words, each_kind, ';');
  END LOOP;
  SELECT count(*) INTO closed FROM movement WHERE year(at) = `year`;
END;;
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES';;
CREATE PROCEDURE "ansi ""proc""" () MODIFIES SQL DATA INSERT INTO audit (at, "what") VALUES (now(), 'a' || '\');;
SET sql_mode = DEFAULT;;
CREATE TRIGGER ship_before BEFORE INSERT ON ship FOR EACH ROW SET NEW.name = trim(NEW.name);;
CREATE TRIGGER `ship, also before` BEFORE INSERT ON ship FOR EACH ROW FOLLOWS ship_before
BEGIN
  -- set in a comment; with 'quotes'
  IF NEW.owner = 0 THEN SET NEW.owner = NULL; END IF;
END;;
CREATE DEFINER='harbour_definer'@'localhost' TRIGGER ship_after AFTER UPDATE ON ship FOR EACH ROW INSERT INTO audit VALUES (now(6), concat('ship ', OLD.id, ' → ', NEW.id));;
CREATE TRIGGER customer_gone AFTER DELETE ON customer FOR EACH ROW INSERT INTO {{database}}.audit VALUES (now(6), 'gone');;
CREATE ALGORITHM=MERGE DEFINER='harbour_definer'@'localhost' SQL SECURITY INVOKER VIEW rich AS SELECT id, name FROM customer WHERE id > 500 WITH CASCADED CHECK OPTION;;
CREATE VIEW `a view of "rich"` AS SELECT r.name, fee(r.id, 1.5) AS `the fee`, grüße(r.id) AS g FROM rich r;;
CREATE ALGORITHM=TEMPTABLE VIEW aaa_first AS SELECT count(*) AS n FROM `a view of "rich"`;;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 02:00:00' ON COMPLETION PRESERVE COMMENT 'with a qualified body'
  DO BEGIN DELETE FROM {{database}}.audit WHERE at < now() - INTERVAL 1 YEAR; INSERT INTO {{database}}.audit VALUES (now(), 'swept'); END;;
CREATE DEFINER='harbour_definer'@'localhost' EVENT `switched off` ON SCHEDULE EVERY 90 SECOND STARTS '2020-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE DO DELETE FROM audit;;
CREATE EVENT once ON SCHEDULE AT '2036-12-31 23:59:59' ON COMPLETION NOT PRESERVE DO INSERT INTO audit VALUES (now(), 'new year');;
DELIMITER ;
