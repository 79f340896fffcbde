"""When things run: partitions, jobs, schedules (and sensors, when there are some). No work is done here."""
