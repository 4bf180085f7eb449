//go:build tools

// Package tools locks the etcd of the test cluster.
package tools

import _ "go.etcd.io/etcd/server/v3"
