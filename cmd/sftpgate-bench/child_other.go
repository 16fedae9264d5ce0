//go:build !linux

package main

import "syscall"

// ownGroup has a child lead a group.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
