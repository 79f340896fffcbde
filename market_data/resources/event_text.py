"""The text of Dagster's events, packed where it is long. Which files they stand in, and what an event is, others say.

Dagster writes an event of a check as 1.7 kB of JSON into three tables; of a small partition that was 91 of 127 kB. Most
of it stands in every other event, so a dictionary of that makes it 0.2 kB. Dagster's own class cannot read packed
texts: `python -m market_data.resources.event_text FOLDER` unpacks the files of an instance that is to be left to it.
"""

import base64
import sqlite3
import sys
import zlib
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

MARK = "mdz1:"
"""Begins a packed text, and names the dictionary; JSON begins otherwise."""
_BEGIN, _END = '{"__class__": "EventLogEntry"', "}"
"""Begins and ends what is packed: no statement of Dagster searches for the text of an event, or makes one of pieces."""
_SHORT = 1_000
"""Characters below which a text stays: packing the 30,000 planned events of a long range would take two seconds."""
_UNPACK = {
    "event_logs": "UPDATE event_logs SET event = unpacked(event) WHERE event GLOB ?",
    "asset_check_executions": "UPDATE asset_check_executions SET evaluation_event = unpacked(evaluation_event) "
    "WHERE evaluation_event GLOB ?",
}

# Never to be changed: files are packed with it. What is most frequent stands last; another one has another mark.
_DICTIONARY = rb"""
{"__class__": "TableMetadataEntryData", "records": [{"__class__": "TableRecord", "data": {"__class__": "JsonMetadata\
EntryData", "data": {"__class__": "UrlMetadataEntryData", "url": "https://"{"__class__": "FloatMetadataEntryData", "\
value": 0.partitions_subset": {"__class__": "DefaultPartitionsSubset", "subset": {"__set__": ["20", "20"ASSET_CHECK_\
EVALUATION_PLANNED", "logging_tags": {}, "message": " intends to execute asset check  on asset \"AssetCheckEvaluatio\
nPlanned", "asset_key"|table|check|severity|passed|measured|threshold|detail|\n|---|---|---|---|---|---|---|\n|candl\
es|dedup|info|True|0.0|0.0|{\"|score|measured|threshold|passed|\n|---|---|---|---|\n|whole|1.0000||yes|\n|completene\
ss|1.0000|0.9500|yes|\n|consistency|1.0000|0.9500|yes|\n|quality|1.0000|0.9000|yes|"}, "label": "scores"}, ![scores]\
(data:image/svg+xml;base64,1m closes\n\n![1m closes](data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vc\
mcvMjAwMC9zdmciIHdpZHRoPSI="}, "label": "plot"}, "label": "chart"}|kind|timeframe|instrument_id|publisher_id|ts_open\
|open|high|low|close|volume|quote_volume|vwap|trade_count|\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n|\
time|15m||2024-01-01T00:00:00|ts_event|ts_recv|ordinal|price|size|side|trade_id|\n|---|---|---|---|---|---|---|\n|20\
{"__class__": "EventLogEntry", "dagster_event": {"__class__": "DagsterEvent", "event_specific_data": {"__class__": "\
StepMaterializationData", "asset_lineage": [], "materialization": {"__class__": "AssetMaterialization", "asset_key":\
 {"__class__": "AssetKey", "path": ["", "quality_reports", "candles", "trades"]}, "description": null, "metadata_ent\
ries": [{"__class__": "EventMetadataEntry", "description": null, "entry_data": {"__class__": "IntMetadataEntryData",\
 "value": 0}, "label": "dagster/row_count"}, {"__class__": "EventMetadataEntry", "description": null, "entry_data": \
{"__class__": "IntMetadataEntryData", "value": 0}, "label": "rows_in"}, "label": "rows_out"}, "label": "set_aside"},\
 "label": "deduplicated"}, "label": "bytes"}, {"__class__": "EventMetadataEntry", "description": null, "entry_data":\
 {"__class__": "TextMetadataEntryData", "text": ""}, "label": "sha256"}, "label": "source"}, "text": "1 (new)"}, "la\
bel": "revision"}, {"__class__": "EventMetadataEntry", "description": null, "entry_data": {"__class__": "BoolMetadat\
aEntryData", "value": false}, "label": "fetched"}, {"__class__": "EventMetadataEntry", "description": null, "entry_d\
ata": {"__class__": "TimestampMetadataValue", "value": 17.0}, "label": "first_time"}, "label": "last_time"}, {"__cla\
ss__": "EventMetadataEntry", "description": null, "entry_data": {"__class__": "PathMetadataEntryData", "path": "/hom\
e/warehouse/_files/quality_reports/feed=/symbol=/date=20.parquet"}, "label": "path"}, {"__class__": "EventMetadataEn\
try", "description": null, "entry_data": {"__class__": "MarkdownMetadataEntryData", "md_str": "- `"}, "label": "land\
ed"}, "label": "preview"}, {"__class__": "EventMetadataEntry", "description": null, "entry_data": {"__class__": "], \
"partition": "20", "tags": {"dagster/code_version": "market-data 0.1.0", "dagster/data_version": "", "dagster/data_v\
ersion_is_user_provided": "true", "dagster/input_data_version//trades": "", "dagster/input_event_pointer//trades": "\
"}}}, "event_type_value": "ASSET_MATERIALIZATION", "logging_tags": {"job_name": "", "message": "Materialized value .\
{"__class__": "EventLogEntry", "dagster_event": {"__class__": "DagsterEvent", "event_specific_data": {"__class__": "\
AssetCheckEvaluation", "asset_key": {"__class__": "AssetKey", "path": ["", "trades"]}, "blocking": null, "check_name\
": "prices", "description": "trades, candles: passed", "metadata": {"1 trades": {"__class__": "TextMetadataEntryData\
", "text": "passed; 0 broken rules (threshold 0)"}}, "2 candles": {"__class__": "TextMetadataEntryData", "text": "pa\
ssed; 0 "}}, "partition": "20", "severity": {"__enum__": "AssetCheckSeverity.ERROR"}, "success": false, "severity": \
{"__enum__": "AssetCheckSeverity.WARN"}, "success": true, "target_materialization_data": {"__class__": "AssetCheckEv\
aluationTargetMaterializationData", "run_id": "", "storage_id": , "timestamp": 17}}, "event_type_value": "ASSET_CHEC\
K_EVALUATION", "logging_tags": {"job_name": "__ephemeral_asset_job__", "op_name": "", "resource_fn_name": "None", "r\
esource_name": "None", "run_id": "", "step_key": ""}, "message": "Asset check '' on '/trades' passed. Description: '\
trades: passed'", "pid": , "pipeline_name": "__ephemeral_asset_job__", "solid_handle": {"__class__": "SolidHandle", \
"name": "", "parent": null}, "step_handle": {"__class__": "StepHandle", "key": "", "solid_handle": {"__class__": "So\
lidHandle", "name": "", "parent": null}}, "step_key": "", "step_kind_value": "COMPUTE"}, "error_info": null, "level"\
: 10, "message": "", "pipeline_name": "__ephemeral_asset_job__", "run_id": "", "step_key": "", "timestamp": 17, "use\
r_message": "Asset check '' on '/trades' passed. Description: 'trades: passed'"}""".replace(b"\\\n", b"")


@lru_cache(maxsize=4)
def packed(text: str) -> str:
    """Return a text as it is stored; of an event the same text goes into three tables, one after the other."""
    packer = zlib.compressobj(zdict=_DICTIONARY)
    return MARK + base64.b64encode(packer.compress(text.encode()) + packer.flush()).decode()


def unpacked(stored: bytes) -> str:
    """Return the text that a column holds, packed or not."""
    if not stored.startswith(MARK.encode()):
        return stored.decode()
    unpacker = zlib.decompressobj(zdict=_DICTIONARY)
    return unpacker.decompress(base64.b64decode(stored[len(MARK) :])).decode()


def pack_through(engine: Engine) -> None:
    """Let an engine of SQLite write long texts of events packed, and read all of them as they were."""

    def read_unpacked(connection: sqlite3.Connection, _: object) -> None:
        connection.text_factory = unpacked

    def write_packed(_c: Connection, _u: object, statement: str, values: Any, _x: object, many: bool) -> Any:
        if statement.startswith(("INSERT", "UPDATE")):
            values = [tuple(map(_stored, each)) for each in values] if many else tuple(map(_stored, values))
        return statement, values

    event.listen(engine, "connect", read_unpacked)
    event.listen(engine, "before_cursor_execute", write_packed, retval=True)


def _stored(value: object) -> object:
    if isinstance(value, str) and len(value) >= _SHORT and value.startswith(_BEGIN) and value.endswith(_END):
        return packed(value)
    return value


def unpack_files(folder: Path) -> None:
    """Unpack all texts in the files of a folder, which no process may have open."""
    for file in sorted(folder.rglob("*.db")):
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.create_function("unpacked", 1, _unpacked_text, deterministic=True)
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table in _UNPACK.keys() & tables:
                connection.execute(_UNPACK[table], [f"{MARK}*"])


def _unpacked_text(stored: str) -> str:
    return unpacked(stored.encode())


if __name__ == "__main__":
    unpack_files(Path(sys.argv[1]))
