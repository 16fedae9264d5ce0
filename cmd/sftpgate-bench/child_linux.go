package main

import "syscall"

// ownGroup has a child lead a group, and go when this process does.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
