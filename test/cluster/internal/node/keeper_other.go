//go:build !linux

package node

import (
	"errors"
	"os/exec"
)

// Enter does nothing: there are no nodes but on Linux.
func Enter() {}

func keeper(Options) (*exec.Cmd, error) { return nil, errors.ErrUnsupported }

// Hierarchies returns none: there are no cgroups but on Linux.
func Hierarchies() ([]string, error) { return nil, nil }
