//go:build tools

// Package tools locks kwok, which plays the nodes of `cluster up --nodes fake`.
package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"
