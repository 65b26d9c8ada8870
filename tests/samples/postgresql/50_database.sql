-- The database's own properties; the last four settings have all broken restores.
COMMENT ON DATABASE :"DBNAME" IS 'the harbour''s "books"';
ALTER DATABASE :"DBNAME" CONNECTION LIMIT 37;
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CREATE, TEMPORARY ON DATABASE :"DBNAME" TO harbour_owner WITH GRANT OPTION;
ALTER DATABASE :"DBNAME" SET timezone = 'America/Sao_Paulo';
ALTER DATABASE :"DBNAME" SET work_mem = '7MB';
ALTER ROLE harbour_clerk IN DATABASE :"DBNAME" SET lock_timeout = '5s';
ALTER DATABASE :"DBNAME" SET search_path = harbour, "$user", public, tools;
ALTER DATABASE :"DBNAME" SET "DateStyle" = 'German, DMY';
ALTER DATABASE :"DBNAME" SET statement_timeout = '50ms';
ALTER DATABASE :"DBNAME" SET default_transaction_read_only = on;
