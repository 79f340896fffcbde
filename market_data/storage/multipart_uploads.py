"""Uploads in parts that never ended: their parts cost money and show in no listing.

Only S3's are looked for, through boto3, since obstore cannot list them. Azure forgets them after a week; for Google
the bucket needs a lifecycle rule.
"""

import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit


def abort_unfinished(url: str, endpoint: str | None, age: dt.timedelta, now: dt.datetime | None = None) -> int:
    """Abort those below `url` that began so long ago or longer; how many there were.

    Args:
        now: when it is; by default as the service says, whose clock the uploads' times are by.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3":
        return 0
    import boto3  # noqa: PLC0415

    client: Any = boto3.client("s3", endpoint_url=endpoint)
    listed = client.get_paginator("list_multipart_uploads").paginate(
        Bucket=parts.netloc, Prefix=f"{parts.path.strip('/')}/".lstrip("/")
    )
    uploads = [
        each
        for page in listed
        for each in page.get("Uploads", ())
        if each["Initiated"] < (now or _answered_at(page)) - age
    ]
    for each in uploads:
        client.abort_multipart_upload(Bucket=parts.netloc, Key=each["Key"], UploadId=each["UploadId"])
    return len(uploads)


def _answered_at(page: Any) -> dt.datetime:
    """By the service's clock."""
    return parsedate_to_datetime(page["ResponseMetadata"]["HTTPHeaders"]["date"])
