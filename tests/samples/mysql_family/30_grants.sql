-- Grants on the database, its tables, columns and routines.
GRANT SELECT, INSERT, TRIGGER, EVENT ON {{database}}.* TO 'harbour_definer'@'localhost';
GRANT SELECT (id, name), UPDATE (email) ON {{database}}.customer TO 'harbour_clerk'@'%';
GRANT SELECT ON {{database}}.`-h` TO 'harbour_clerk'@'%' WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION {{database}}.fee TO 'harbour_clerk'@'%';
GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE {{database}}.close_year TO 'O''Neil "quay"'@'10.0.0.%';
GRANT SELECT, SHOW VIEW ON {{database}}.rich TO harbour_reader;
GRANT harbour_reader TO 'harbour_clerk'@'%';
