//go:build tools

// Package tools locks the kustomize that builds are compared with.
package tools

import _ "sigs.k8s.io/kustomize/kustomize/v5"
