"""What `dagster_celery.app` reads in a worker's container. The run launcher's side stands in `dagster.yaml`."""

import os

broker_url = result_backend = os.environ["MARKET_DATA_REDIS_URL"]
# A worker that dies gives its run back; a run resumes from what is landed and whole.
task_acks_late = True
task_reject_on_worker_lost = True
task_track_started = True
worker_prefetch_multiplier = 1
# Redis hands a task to a second worker when it was not acknowledged for so long: more than the longest run.
broker_transport_options = {"visibility_timeout": 6 * 3600 + 600}
# Without it a worker that lost Redis while starting ends; orchestrators would only start it again.
broker_connection_retry_on_startup = True
