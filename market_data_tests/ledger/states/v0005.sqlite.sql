BEGIN TRANSACTION;
CREATE TABLE alerts (
	id INTEGER NOT NULL, 
	"key" VARCHAR(512) NOT NULL, 
	kind VARCHAR(64) NOT NULL, 
	feed VARCHAR(64), 
	table_name VARCHAR(64), 
	symbol VARCHAR(64), 
	name VARCHAR(256), 
	severity VARCHAR(16) NOT NULL, 
	title TEXT NOT NULL, 
	text TEXT NOT NULL, 
	partitions JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	occurrences INTEGER NOT NULL, 
	reopened INTEGER NOT NULL, 
	told VARCHAR(16), 
	told_ns BIGINT NOT NULL, 
	told_severity VARCHAR(16) NOT NULL, 
	first_ns BIGINT NOT NULL, 
	last_ns BIGINT NOT NULL, 
	acknowledged_ns BIGINT, 
	resolved_ns BIGINT, 
	PRIMARY KEY (id)
);
INSERT INTO "alerts" VALUES(1,'late feed','late','feed',NULL,NULL,NULL,'error','A day is late','2024-01-16','[["feed", "2024-01-16", "1000"]]','open',2,0,'raised',1705363200000000000,'error',1705363200000000000,1705363200000000001,NULL,NULL);
CREATE TABLE deliveries (
	id INTEGER NOT NULL, 
	alert_id INTEGER NOT NULL, 
	channel VARCHAR(64) NOT NULL, 
	event VARCHAR(16) NOT NULL, 
	severity VARCHAR(16) NOT NULL, 
	title TEXT NOT NULL, 
	text TEXT NOT NULL, 
	is_good BOOLEAN NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	tries INTEGER NOT NULL, 
	next_ns BIGINT NOT NULL, 
	claimed_until_ns BIGINT NOT NULL, 
	error TEXT, 
	created_ns BIGINT NOT NULL, 
	sent_ns BIGINT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(alert_id) REFERENCES alerts (id)
);
INSERT INTO "deliveries" VALUES(1,1,'ops','raised','error','A day is late','2024-01-16',0,'waiting',0,1705363200000000000,0,NULL,1705363200000000000,NULL);
CREATE TABLE dropped (
	id INTEGER NOT NULL, 
	feed VARCHAR(64) NOT NULL, 
	symbol VARCHAR(64) NOT NULL, 
	date DATE NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	why TEXT NOT NULL, 
	dropped_ns BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (feed, symbol, date, digest)
);
INSERT INTO "dropped" VALUES(1,'feed','1000','2024-01-15','0000000000000000000000000000000000000000000000000000000000000000','a test of the vendor',1705363200000000000);
CREATE TABLE ledger_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT ledger_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "ledger_version" VALUES('0005');
CREATE TABLE makings (
	revision_id INTEGER NOT NULL, 
	seconds FLOAT, 
	inputs JSON, 
	run_id VARCHAR(64) NOT NULL, 
	made_ns BIGINT NOT NULL, 
	PRIMARY KEY (revision_id)
);
INSERT INTO "makings" VALUES(2,0.5,'null','run-1',1705363200000000000);
CREATE TABLE repairs (
	id INTEGER NOT NULL, 
	feed VARCHAR(64) NOT NULL, 
	symbol VARCHAR(64) NOT NULL, 
	date DATE NOT NULL, 
	reason VARCHAR(16) NOT NULL, 
	requested_ns BIGINT NOT NULL, 
	mended_ns BIGINT, 
	PRIMARY KEY (id)
);
INSERT INTO "repairs" VALUES(1,'feed','1000','2024-01-15','missing',1705363200000000000,NULL);
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
INSERT INTO "revisions" VALUES(1,'trades','feed','1000','2024-01-15',1,'superseded','dd1a5860c04f4ed0b39628d37ea332b5','_history/trades/feed=feed/symbol=1000/date=2024-01-15/r1.parquet','b9d290b83aba52a7c44f67e1a5446e3fede741adefe4b185755ded58b474780a',2147,1,'3b5203521b7641a5',0,0,'{"records": 1, "accepted": 1, "deduplicated": 0, "rejected": 0}','[]','{}','test','test 1','run-1',1795271145659356498,1795271145685670314);
INSERT INTO "revisions" VALUES(2,'trades','feed','1000','2024-01-15',2,'current','dd1a5860c04f4ed0b39628d37ea332b5','trades/feed=feed/symbol=1000/date=2024-01-15/data.parquet','58cb9c2c08a016b838ca2ac5d81a81c6765c8bb9fdc2016237aa6e86f432e135',2177,2,'3b5203521b7641a5',0,1,'{"records": 2, "accepted": 2, "deduplicated": 0, "rejected": 0}','[]','{}','test','test 1','run-1',1795271145685670314,NULL);
CREATE TABLE spending (
	id INTEGER NOT NULL, 
	feed VARCHAR(64) NOT NULL, 
	symbol VARCHAR(64) NOT NULL, 
	date DATE NOT NULL, 
	table_name VARCHAR(64) NOT NULL, 
	run_id VARCHAR(64) NOT NULL, 
	cost_usd FLOAT NOT NULL, 
	what VARCHAR(256) NOT NULL, 
	spent_ns BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "spending" VALUES(1,'feed','1000','2024-01-15','trades','run-1',1.25,'trades of a day',1705363200000000000);
CREATE INDEX revisions_by_partition ON revisions (feed, date, symbol, table_name);
CREATE INDEX revisions_by_state ON revisions (state, table_name, feed, date, symbol);
CREATE INDEX revisions_by_columns ON revisions (state, table_name, columns);
CREATE INDEX spending_by_run ON spending (feed, run_id);
CREATE INDEX spending_by_time ON spending (feed, spent_ns);
CREATE UNIQUE INDEX alerts_of_a_cause ON alerts ("key") WHERE state <> 'resolved';
CREATE INDEX alerts_by_key ON alerts ("key", id);
CREATE INDEX alerts_by_state ON alerts (state, resolved_ns);
CREATE INDEX repairs_by_feed ON repairs (feed, mended_ns);
CREATE INDEX deliveries_by_alert ON deliveries (alert_id, channel);
CREATE INDEX deliveries_by_state ON deliveries (state, channel, next_ns);
COMMIT;
