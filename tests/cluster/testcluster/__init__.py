"""A real Kubernetes for tests: etcd, the API server and the controllers, with fake nodes or a real one on request."""
