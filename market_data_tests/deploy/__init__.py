"""What a deployment consists of: the image's files, compose, Kubernetes, the proxy, the workflow for CI."""
