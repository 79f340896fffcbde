CREATE TABLE public.alerts (
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
COMMENT ON COLUMN public.alerts.key IS 'the cause''s';
COMMENT ON COLUMN public.alerts.feed IS 'null: the platform''s own';
COMMENT ON COLUMN public.alerts.partitions IS '[feed, date, symbol] of each';
COMMENT ON COLUMN public.alerts.told IS 'the last message: raised, repeated, worse, again, resolved';
COMMENT ON COLUMN public.alerts.first_ns IS 'ns since the epoch, UTC, as all that end so';
CREATE SEQUENCE public.alerts_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.alerts_id_seq OWNED BY public.alerts.id;
CREATE TABLE public.deliveries (
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
COMMENT ON COLUMN public.deliveries.channel IS 'its name; its address is never kept';
COMMENT ON COLUMN public.deliveries.state IS 'waiting, sent, superseded';
COMMENT ON COLUMN public.deliveries.next_ns IS 'when it may be tried again';
COMMENT ON COLUMN public.deliveries.claimed_until_ns IS 'a process is sending it until then; 0: none';
CREATE SEQUENCE public.deliveries_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.deliveries_id_seq OWNED BY public.deliveries.id;
CREATE TABLE public.dropped (
    id integer NOT NULL,
    feed character varying(64) NOT NULL,
    symbol character varying(64) NOT NULL,
    date date NOT NULL,
    digest character varying(64) NOT NULL,
    why text NOT NULL,
    dropped_ns bigint NOT NULL
);
COMMENT ON COLUMN public.dropped.digest IS 'SHA-256 of the record''s table, rule, place and original';
COMMENT ON COLUMN public.dropped.dropped_ns IS 'ns since the epoch, UTC';
CREATE SEQUENCE public.dropped_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.dropped_id_seq OWNED BY public.dropped.id;
CREATE TABLE public.revisions (
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
COMMENT ON COLUMN public.revisions.writer IS 'whose claim it is, while it is pending';
COMMENT ON COLUMN public.revisions.path IS 'relative to the warehouse''s root';
COMMENT ON COLUMN public.revisions.columns IS 'fingerprint of names and types';
COMMENT ON COLUMN public.revisions.first_ns IS 'first instant by the partition''s clock, ns since the epoch, UTC';
COMMENT ON COLUMN public.revisions.inputs IS 'landed files or revisions it was made of, with their hashes';
COMMENT ON COLUMN public.revisions.committed_ns IS 'ns since the epoch, UTC; of the claim while pending';
CREATE SEQUENCE public.revisions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.revisions_id_seq OWNED BY public.revisions.id;
CREATE TABLE public.spending (
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
COMMENT ON COLUMN public.spending.date IS 'the partition''s day, not that of the purchase';
COMMENT ON COLUMN public.spending.cost_usd IS 'as the vendor priced it beforehand';
COMMENT ON COLUMN public.spending.spent_ns IS 'ns since the epoch, UTC; before the first byte';
CREATE SEQUENCE public.spending_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.spending_id_seq OWNED BY public.spending.id;
ALTER TABLE ONLY public.alerts ALTER COLUMN id SET DEFAULT nextval('public.alerts_id_seq'::regclass);
ALTER TABLE ONLY public.deliveries ALTER COLUMN id SET DEFAULT nextval('public.deliveries_id_seq'::regclass);
ALTER TABLE ONLY public.dropped ALTER COLUMN id SET DEFAULT nextval('public.dropped_id_seq'::regclass);
ALTER TABLE ONLY public.revisions ALTER COLUMN id SET DEFAULT nextval('public.revisions_id_seq'::regclass);
ALTER TABLE ONLY public.spending ALTER COLUMN id SET DEFAULT nextval('public.spending_id_seq'::regclass);
INSERT INTO public.alerts VALUES (1, 'late feed', 'late', 'feed', NULL, NULL, NULL, 'error', 'A day is late', '2024-01-16', '[["feed", "2024-01-16", "1000"]]', 'open', 2, 0, 'raised', 1705363200000000000, 'error', 1705363200000000000, 1705363200000000001, NULL, NULL);
INSERT INTO public.deliveries VALUES (1, 1, 'ops', 'raised', 'error', 'A day is late', '2024-01-16', false, 'waiting', 0, 1705363200000000000, 0, NULL, 1705363200000000000, NULL);
INSERT INTO public.dropped VALUES (1, 'feed', '1000', '2024-01-15', '0000000000000000000000000000000000000000000000000000000000000000', 'a test of the vendor', 1705363200000000000);
INSERT INTO public.revisions VALUES (1, 'trades', 'feed', '1000', '2024-01-15', 1, 'superseded', '729a4165fe6e4a8a83b7b9428b988da8', '_history/trades/feed=feed/symbol=1000/date=2024-01-15/r1.parquet', 'b9d290b83aba52a7c44f67e1a5446e3fede741adefe4b185755ded58b474780a', 2147, 1, '3b5203521b7641a5', 0, 0, '{"records": 1, "accepted": 1, "deduplicated": 0, "rejected": 0}', '[]', '{}', 'test', 'test 1', 'run-1', 1795271137684055156, 1795271137738628790);
INSERT INTO public.revisions VALUES (2, 'trades', 'feed', '1000', '2024-01-15', 2, 'current', '729a4165fe6e4a8a83b7b9428b988da8', 'trades/feed=feed/symbol=1000/date=2024-01-15/data.parquet', '58cb9c2c08a016b838ca2ac5d81a81c6765c8bb9fdc2016237aa6e86f432e135', 2177, 2, '3b5203521b7641a5', 0, 1, '{"records": 2, "accepted": 2, "deduplicated": 0, "rejected": 0}', '[]', '{}', 'test', 'test 1', 'run-1', 1795271137738628790, NULL);
INSERT INTO public.spending VALUES (1, 'feed', '1000', '2024-01-15', 'trades', 'run-1', 1.25, 'trades of a day', 1705363200000000000);
SELECT pg_catalog.setval('public.alerts_id_seq', 1, true);
SELECT pg_catalog.setval('public.deliveries_id_seq', 1, true);
SELECT pg_catalog.setval('public.dropped_id_seq', 1, true);
SELECT pg_catalog.setval('public.revisions_id_seq', 2, true);
SELECT pg_catalog.setval('public.spending_id_seq', 1, true);
ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.dropped
    ADD CONSTRAINT dropped_feed_symbol_date_digest_key UNIQUE (feed, symbol, date, digest);
ALTER TABLE ONLY public.dropped
    ADD CONSTRAINT dropped_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.revisions
    ADD CONSTRAINT revisions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.revisions
    ADD CONSTRAINT revisions_table_name_feed_symbol_date_revision_key UNIQUE (table_name, feed, symbol, date, revision);
ALTER TABLE ONLY public.spending
    ADD CONSTRAINT spending_pkey PRIMARY KEY (id);
CREATE INDEX alerts_by_key ON public.alerts USING btree (key, id);
CREATE INDEX alerts_by_state ON public.alerts USING btree (state, resolved_ns);
CREATE UNIQUE INDEX alerts_of_a_cause ON public.alerts USING btree (key) WHERE ((state)::text <> 'resolved'::text);
CREATE INDEX deliveries_by_alert ON public.deliveries USING btree (alert_id, channel);
CREATE INDEX deliveries_by_state ON public.deliveries USING btree (state, channel, next_ns);
CREATE INDEX revisions_by_columns ON public.revisions USING btree (state, table_name, columns);
CREATE INDEX revisions_by_partition ON public.revisions USING btree (feed, date, symbol, table_name);
CREATE INDEX revisions_by_state ON public.revisions USING btree (state, table_name, feed, date, symbol);
CREATE INDEX spending_by_run ON public.spending USING btree (feed, run_id);
CREATE INDEX spending_by_time ON public.spending USING btree (feed, spent_ns);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alerts(id);
