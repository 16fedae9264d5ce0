//go:build !linux

package registrytest

import "syscall"

func endWithParent() *syscall.SysProcAttr { return nil }
