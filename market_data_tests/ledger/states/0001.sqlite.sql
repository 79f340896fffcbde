BEGIN TRANSACTION;
CREATE TABLE revisions (
	id INTEGER NOT NULL, 
	table_name VARCHAR(64) NOT NULL, 
	feed VARCHAR(64) NOT NULL, 
	symbol VARCHAR(64) NOT NULL, 
	date DATE NOT NULL, 
	revision INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	writer VARCHAR(64) NOT NULL, 
	path VARCHAR(512) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	rows BIGINT NOT NULL, 
	columns VARCHAR(16) NOT NULL, 
	first_ns BIGINT, 
	last_ns BIGINT, 
	account JSON NOT NULL, 
	inputs JSON NOT NULL, 
	notes JSON NOT NULL, 
	source VARCHAR(64) NOT NULL, 
	code_version VARCHAR(64) NOT NULL, 
	run_id VARCHAR(64) NOT NULL, 
	committed_ns BIGINT NOT NULL, 
	superseded_ns BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (table_name, feed, symbol, date, revision)
);
INSERT INTO "revisions" VALUES(1,'trades','feed','1000','2024-01-15',1,'superseded','dcb547c38fd74e4aa08ef46d62d99376','_history/trades/feed=feed/symbol=1000/date=2024-01-15/r1.parquet','b9d290b83aba52a7c44f67e1a5446e3fede741adefe4b185755ded58b474780a',2147,1,'3b5203521b7641a5',0,0,'{"records": 1, "accepted": 1, "deduplicated": 0, "rejected": 0}','[]','{}','test','test 1','run-1',1795271127698121115,1795271127744524531);
INSERT INTO "revisions" VALUES(2,'trades','feed','1000','2024-01-15',2,'current','dcb547c38fd74e4aa08ef46d62d99376','trades/feed=feed/symbol=1000/date=2024-01-15/data.parquet','58cb9c2c08a016b838ca2ac5d81a81c6765c8bb9fdc2016237aa6e86f432e135',2177,2,'3b5203521b7641a5',0,1,'{"records": 2, "accepted": 2, "deduplicated": 0, "rejected": 0}','[]','{}','test','test 1','run-1',1795271127744524531,NULL);
CREATE INDEX revisions_by_partition ON revisions (feed, date, symbol, table_name);
CREATE INDEX revisions_by_state ON revisions (state, table_name, feed, date, symbol);
CREATE INDEX revisions_by_columns ON revisions (state, table_name, columns);
COMMIT;
