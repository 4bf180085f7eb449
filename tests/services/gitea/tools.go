//go:build tools

// Package tools locks Gitea, the forge of the end-to-end tests.
package tools

import _ "code.gitea.io/gitea"
