-- Accounts of the harbour office; they belong to the server. Running it twice changes nothing.
CREATE USER IF NOT EXISTS 'harbour_definer'@'localhost' IDENTIFIED BY 'definer #1';
CREATE USER IF NOT EXISTS 'harbour_clerk'@'%' IDENTIFIED BY 'it''s "so" 100% \\o/' ACCOUNT LOCK;
CREATE USER IF NOT EXISTS 'O''Neil "quay"'@'10.0.0.%' IDENTIFIED BY 'x' WITH MAX_QUERIES_PER_HOUR 7;
CREATE ROLE IF NOT EXISTS harbour_reader;
