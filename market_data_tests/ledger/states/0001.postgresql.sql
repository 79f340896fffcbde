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
ALTER TABLE ONLY public.revisions ALTER COLUMN id SET DEFAULT nextval('public.revisions_id_seq'::regclass);
INSERT INTO public.revisions VALUES (1, 'trades', 'feed', '1000', '2024-01-15', 1, 'superseded', 'b02aaf8d672f456da85d7f2c8ddcfdb0', '_history/trades/feed=feed/symbol=1000/date=2024-01-15/r1.parquet', 'b9d290b83aba52a7c44f67e1a5446e3fede741adefe4b185755ded58b474780a', 2147, 1, '3b5203521b7641a5', 0, 0, '{"records": 1, "accepted": 1, "deduplicated": 0, "rejected": 0}', '[]', '{}', 'test', 'test 1', 'run-1', 1795271129723509125, 1795271129797148175);
INSERT INTO public.revisions VALUES (2, 'trades', 'feed', '1000', '2024-01-15', 2, 'current', 'b02aaf8d672f456da85d7f2c8ddcfdb0', 'trades/feed=feed/symbol=1000/date=2024-01-15/data.parquet', '58cb9c2c08a016b838ca2ac5d81a81c6765c8bb9fdc2016237aa6e86f432e135', 2177, 2, '3b5203521b7641a5', 0, 1, '{"records": 2, "accepted": 2, "deduplicated": 0, "rejected": 0}', '[]', '{}', 'test', 'test 1', 'run-1', 1795271129797148175, NULL);
SELECT pg_catalog.setval('public.revisions_id_seq', 2, true);
ALTER TABLE ONLY public.revisions
    ADD CONSTRAINT revisions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.revisions
    ADD CONSTRAINT revisions_table_name_feed_symbol_date_revision_key UNIQUE (table_name, feed, symbol, date, revision);
CREATE INDEX revisions_by_columns ON public.revisions USING btree (state, table_name, columns);
CREATE INDEX revisions_by_partition ON public.revisions USING btree (feed, date, symbol, table_name);
CREATE INDEX revisions_by_state ON public.revisions USING btree (state, table_name, feed, date, symbol);
