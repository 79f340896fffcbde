"""Uploads in parts that never ended: their parts cost money and show in no listing.

Only S3's are looked for, through boto3, since obstore cannot list them. Azure forgets them after a week; for Google
the bucket needs a lifecycle rule.
"""

import datetime as dt
from typing import Any
from urllib.parse import urlsplit


def abort_unfinished(url: str, endpoint: str | None, before: dt.datetime) -> int:
    """Abort those below `url` that began before that moment; how many there were."""
    parts = urlsplit(url)
    if parts.scheme != "s3":
        return 0
    import boto3  # noqa: PLC0415

    client: Any = boto3.client("s3", endpoint_url=endpoint)
    listed = client.get_paginator("list_multipart_uploads").paginate(
        Bucket=parts.netloc, Prefix=f"{parts.path.strip('/')}/".lstrip("/")
    )
    uploads = [each for page in listed for each in page.get("Uploads", ()) if each["Initiated"] < before]
    for each in uploads:
        client.abort_multipart_upload(Bucket=parts.netloc, Key=each["Key"], UploadId=each["UploadId"])
    return len(uploads)
