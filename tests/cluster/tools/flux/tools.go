//go:build tools

// Package tools locks the controllers of Flux that the benchmark of peers runs against the test cluster.
package tools

import (
	_ "github.com/fluxcd/kustomize-controller"
	_ "github.com/fluxcd/source-controller"
)
