-- Tables that no transaction protects: a dump of them is recorded as not consistent.
CREATE TABLE isam (id int AUTO_INCREMENT PRIMARY KEY, t varchar(99), FULLTEXT KEY (t)) ENGINE=MyISAM;
INSERT INTO isam (t) VALUES ('one'), ('two'), ('three');
CREATE TABLE in_memory (id int PRIMARY KEY, v varchar(20)) ENGINE=MEMORY;
INSERT INTO in_memory VALUES (1, 'gone after a restart');
CREATE TABLE commas (id int NOT NULL, v varchar(20) NOT NULL) ENGINE=CSV;
INSERT INTO commas VALUES (1, 'a,"b"'), (2, 'c\nd');
CREATE TABLE safe (id int PRIMARY KEY) ENGINE=InnoDB;
INSERT INTO safe VALUES (1), (2);
