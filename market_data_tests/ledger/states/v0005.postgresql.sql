CREATE SCHEMA market_data_ledger;
CREATE TABLE market_data_ledger.alerts (
    id integer NOT NULL,
    key character varying(512) NOT NULL,
    kind character varying(64) NOT NULL,
    feed character varying(64),
    table_name character varying(64),
    symbol character varying(64),
    name character varying(256),
    severity character varying(16) NOT NULL,
    title text NOT NULL,
    text text NOT NULL,
    partitions json NOT NULL,
    state character varying(16) NOT NULL,
    occurrences integer NOT NULL,
    reopened integer NOT NULL,
    told character varying(16),
    told_ns bigint NOT NULL,
    told_severity character varying(16) NOT NULL,
    first_ns bigint NOT NULL,
    last_ns bigint NOT NULL,
    acknowledged_ns bigint,
    resolved_ns bigint
);
COMMENT ON COLUMN market_data_ledger.alerts.key IS 'the cause''s';
COMMENT ON COLUMN market_data_ledger.alerts.feed IS 'null: the platform''s own';
COMMENT ON COLUMN market_data_ledger.alerts.partitions IS '[feed, date, symbol] of each';
COMMENT ON COLUMN market_data_ledger.alerts.told IS 'the last message: raised, repeated, worse, again, resolved';
COMMENT ON COLUMN market_data_ledger.alerts.first_ns IS 'ns since the epoch, UTC, as all that end so';
CREATE SEQUENCE market_data_ledger.alerts_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE market_data_ledger.alerts_id_seq OWNED BY market_data_ledger.alerts.id;
CREATE TABLE market_data_ledger.deliveries (
    id integer NOT NULL,
    alert_id integer NOT NULL,
    channel character varying(64) NOT NULL,
    event character varying(16) NOT NULL,
    severity character varying(16) NOT NULL,
    title text NOT NULL,
    text text NOT NULL,
    is_good boolean NOT NULL,
    state character varying(16) NOT NULL,
    tries integer NOT NULL,
    next_ns bigint NOT NULL,
    claimed_until_ns bigint NOT NULL,
    error text,
    created_ns bigint NOT NULL,
    sent_ns bigint
);
COMMENT ON COLUMN market_data_ledger.deliveries.channel IS 'its name; its address is never kept';
COMMENT ON COLUMN market_data_ledger.deliveries.state IS 'waiting, sent, superseded';
COMMENT ON COLUMN market_data_ledger.deliveries.next_ns IS 'when it may be tried again';
COMMENT ON COLUMN market_data_ledger.deliveries.claimed_until_ns IS 'a process is sending it until then; 0: none';
CREATE SEQUENCE market_data_ledger.deliveries_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE market_data_ledger.deliveries_id_seq OWNED BY market_data_ledger.deliveries.id;
CREATE TABLE market_data_ledger.dropped (
    id integer NOT NULL,
    feed character varying(64) NOT NULL,
    symbol character varying(64) NOT NULL,
    date date NOT NULL,
    digest character varying(64) NOT NULL,
    why text NOT NULL,
    dropped_ns bigint NOT NULL
);
COMMENT ON COLUMN market_data_ledger.dropped.digest IS 'SHA-256 of the record''s table, rule, place and original';
COMMENT ON COLUMN market_data_ledger.dropped.dropped_ns IS 'ns since the epoch, UTC';
CREATE SEQUENCE market_data_ledger.dropped_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE market_data_ledger.dropped_id_seq OWNED BY market_data_ledger.dropped.id;
CREATE TABLE market_data_ledger.ledger_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE market_data_ledger.makings (
    revision_id integer NOT NULL,
    seconds double precision,
    inputs json,
    run_id character varying(64) NOT NULL,
    made_ns bigint NOT NULL
);
COMMENT ON COLUMN market_data_ledger.makings.seconds IS 'from the first request to the commit; of the making that gave the revision';
COMMENT ON COLUMN market_data_ledger.makings.inputs IS 'of the latest making that gave the same bytes from others; null: the revision''s';
COMMENT ON COLUMN market_data_ledger.makings.run_id IS 'of the latest making that is noted';
COMMENT ON COLUMN market_data_ledger.makings.made_ns IS 'ns since the epoch, UTC; likewise';
CREATE TABLE market_data_ledger.repairs (
    id integer NOT NULL,
    feed character varying(64) NOT NULL,
    symbol character varying(64) NOT NULL,
    date date NOT NULL,
    reason character varying(16) NOT NULL,
    requested_ns bigint NOT NULL,
    mended_ns bigint
);
COMMENT ON COLUMN market_data_ledger.repairs.requested_ns IS 'ns since the epoch, UTC';
COMMENT ON COLUMN market_data_ledger.repairs.mended_ns IS 'when nothing was wrong with the partition any more';
CREATE SEQUENCE market_data_ledger.repairs_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE market_data_ledger.repairs_id_seq OWNED BY market_data_ledger.repairs.id;
CREATE TABLE market_data_ledger.revisions (
    id integer NOT NULL,
    table_name character varying(64) NOT NULL,
    feed character varying(64) NOT NULL,
    symbol character varying(64) NOT NULL,
    date date NOT NULL,
    revision integer NOT NULL,
    state character varying(16) NOT NULL,
    writer character varying(64) NOT NULL,
    path character varying(512) NOT NULL,
    sha256 character varying(64) NOT NULL,
    size_bytes bigint NOT NULL,
    rows bigint NOT NULL,
    columns character varying(16) NOT NULL,
    first_ns bigint,
    last_ns bigint,
    account json NOT NULL,
    inputs json NOT NULL,
    notes json NOT NULL,
    source character varying(64) NOT NULL,
    code_version character varying(64) NOT NULL,
    run_id character varying(64) NOT NULL,
    committed_ns bigint NOT NULL,
    superseded_ns bigint
);
COMMENT ON COLUMN market_data_ledger.revisions.writer IS 'whose claim it is, while it is pending';
COMMENT ON COLUMN market_data_ledger.revisions.path IS 'relative to the warehouse''s root';
COMMENT ON COLUMN market_data_ledger.revisions.columns IS 'fingerprint of names and types';
COMMENT ON COLUMN market_data_ledger.revisions.first_ns IS 'first instant by the partition''s clock, ns since the epoch, UTC';
COMMENT ON COLUMN market_data_ledger.revisions.inputs IS 'landed files or revisions it was made of, with their hashes';
COMMENT ON COLUMN market_data_ledger.revisions.committed_ns IS 'ns since the epoch, UTC; of the claim while pending';
CREATE SEQUENCE market_data_ledger.revisions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE market_data_ledger.revisions_id_seq OWNED BY market_data_ledger.revisions.id;
CREATE TABLE market_data_ledger.spending (
    id integer NOT NULL,
    feed character varying(64) NOT NULL,
    symbol character varying(64) NOT NULL,
    date date NOT NULL,
    table_name character varying(64) NOT NULL,
    run_id character varying(64) NOT NULL,
    cost_usd double precision NOT NULL,
    what character varying(256) NOT NULL,
    spent_ns bigint NOT NULL
);
COMMENT ON COLUMN market_data_ledger.spending.date IS 'the partition''s day, not that of the purchase';
COMMENT ON COLUMN market_data_ledger.spending.cost_usd IS 'as the vendor priced it beforehand';
COMMENT ON COLUMN market_data_ledger.spending.spent_ns IS 'ns since the epoch, UTC; before the first byte';
CREATE SEQUENCE market_data_ledger.spending_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE market_data_ledger.spending_id_seq OWNED BY market_data_ledger.spending.id;
ALTER TABLE ONLY market_data_ledger.alerts ALTER COLUMN id SET DEFAULT nextval('market_data_ledger.alerts_id_seq'::regclass);
ALTER TABLE ONLY market_data_ledger.deliveries ALTER COLUMN id SET DEFAULT nextval('market_data_ledger.deliveries_id_seq'::regclass);
ALTER TABLE ONLY market_data_ledger.dropped ALTER COLUMN id SET DEFAULT nextval('market_data_ledger.dropped_id_seq'::regclass);
ALTER TABLE ONLY market_data_ledger.repairs ALTER COLUMN id SET DEFAULT nextval('market_data_ledger.repairs_id_seq'::regclass);
ALTER TABLE ONLY market_data_ledger.revisions ALTER COLUMN id SET DEFAULT nextval('market_data_ledger.revisions_id_seq'::regclass);
ALTER TABLE ONLY market_data_ledger.spending ALTER COLUMN id SET DEFAULT nextval('market_data_ledger.spending_id_seq'::regclass);
INSERT INTO market_data_ledger.alerts VALUES (1, 'late feed', 'late', 'feed', NULL, NULL, NULL, 'error', 'A day is late', '2024-01-16', '[["feed", "2024-01-16", "1000"]]', 'open', 2, 0, 'raised', 1705363200000000000, 'error', 1705363200000000000, 1705363200000000001, NULL, NULL);
INSERT INTO market_data_ledger.deliveries VALUES (1, 1, 'ops', 'raised', 'error', 'A day is late', '2024-01-16', false, 'waiting', 0, 1705363200000000000, 0, NULL, 1705363200000000000, NULL);
INSERT INTO market_data_ledger.dropped VALUES (1, 'feed', '1000', '2024-01-15', '0000000000000000000000000000000000000000000000000000000000000000', 'a test of the vendor', 1705363200000000000);
INSERT INTO market_data_ledger.ledger_version VALUES ('0005');
INSERT INTO market_data_ledger.makings VALUES (2, 0.5, 'null', 'run-1', 1705363200000000000);
INSERT INTO market_data_ledger.repairs VALUES (1, 'feed', '1000', '2024-01-15', 'missing', 1705363200000000000, NULL);
INSERT INTO market_data_ledger.revisions VALUES (1, 'trades', 'feed', '1000', '2024-01-15', 1, 'superseded', 'c8e8ba1c23054df5a2d771137feef6a4', '_history/trades/feed=feed/symbol=1000/date=2024-01-15/r1.parquet', 'b9d290b83aba52a7c44f67e1a5446e3fede741adefe4b185755ded58b474780a', 2147, 1, '3b5203521b7641a5', 0, 0, '{"records": 1, "accepted": 1, "deduplicated": 0, "rejected": 0}', '[]', '{}', 'test', 'test 1', 'run-1', 1795271148530275943, 1795271148577186370);
INSERT INTO market_data_ledger.revisions VALUES (2, 'trades', 'feed', '1000', '2024-01-15', 2, 'current', 'c8e8ba1c23054df5a2d771137feef6a4', 'trades/feed=feed/symbol=1000/date=2024-01-15/data.parquet', '58cb9c2c08a016b838ca2ac5d81a81c6765c8bb9fdc2016237aa6e86f432e135', 2177, 2, '3b5203521b7641a5', 0, 1, '{"records": 2, "accepted": 2, "deduplicated": 0, "rejected": 0}', '[]', '{}', 'test', 'test 1', 'run-1', 1795271148577186370, NULL);
INSERT INTO market_data_ledger.spending VALUES (1, 'feed', '1000', '2024-01-15', 'trades', 'run-1', 1.25, 'trades of a day', 1705363200000000000);
SELECT pg_catalog.setval('market_data_ledger.alerts_id_seq', 1, true);
SELECT pg_catalog.setval('market_data_ledger.deliveries_id_seq', 1, true);
SELECT pg_catalog.setval('market_data_ledger.dropped_id_seq', 1, true);
SELECT pg_catalog.setval('market_data_ledger.repairs_id_seq', 1, true);
SELECT pg_catalog.setval('market_data_ledger.revisions_id_seq', 2, true);
SELECT pg_catalog.setval('market_data_ledger.spending_id_seq', 1, true);
ALTER TABLE ONLY market_data_ledger.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY market_data_ledger.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY market_data_ledger.dropped
    ADD CONSTRAINT dropped_feed_symbol_date_digest_key UNIQUE (feed, symbol, date, digest);
ALTER TABLE ONLY market_data_ledger.dropped
    ADD CONSTRAINT dropped_pkey PRIMARY KEY (id);
ALTER TABLE ONLY market_data_ledger.ledger_version
    ADD CONSTRAINT ledger_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY market_data_ledger.makings
    ADD CONSTRAINT makings_pkey PRIMARY KEY (revision_id);
ALTER TABLE ONLY market_data_ledger.repairs
    ADD CONSTRAINT repairs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY market_data_ledger.revisions
    ADD CONSTRAINT revisions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY market_data_ledger.revisions
    ADD CONSTRAINT revisions_table_name_feed_symbol_date_revision_key UNIQUE (table_name, feed, symbol, date, revision);
ALTER TABLE ONLY market_data_ledger.spending
    ADD CONSTRAINT spending_pkey PRIMARY KEY (id);
CREATE INDEX alerts_by_key ON market_data_ledger.alerts USING btree (key, id);
CREATE INDEX alerts_by_state ON market_data_ledger.alerts USING btree (state, resolved_ns);
CREATE UNIQUE INDEX alerts_of_a_cause ON market_data_ledger.alerts USING btree (key) WHERE ((state)::text <> 'resolved'::text);
CREATE INDEX deliveries_by_alert ON market_data_ledger.deliveries USING btree (alert_id, channel);
CREATE INDEX deliveries_by_state ON market_data_ledger.deliveries USING btree (state, channel, next_ns);
CREATE INDEX repairs_by_feed ON market_data_ledger.repairs USING btree (feed, mended_ns);
CREATE INDEX revisions_by_columns ON market_data_ledger.revisions USING btree (state, table_name, columns);
CREATE INDEX revisions_by_partition ON market_data_ledger.revisions USING btree (feed, date, symbol, table_name);
CREATE INDEX revisions_by_state ON market_data_ledger.revisions USING btree (state, table_name, feed, date, symbol);
CREATE INDEX spending_by_run ON market_data_ledger.spending USING btree (feed, run_id);
CREATE INDEX spending_by_time ON market_data_ledger.spending USING btree (feed, spent_ns);
ALTER TABLE ONLY market_data_ledger.deliveries
    ADD CONSTRAINT deliveries_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES market_data_ledger.alerts(id);
