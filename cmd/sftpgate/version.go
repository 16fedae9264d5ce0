package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// Run prints the version, the Go release and the platform.
func (versionCmd) Run(c console) error {
	v := version()
	if v == "" {
		v = "of unknown version"
	}
	_, err := fmt.Fprintf(c.out, "sftpgate %s %s %s/%s\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// version is what the go command wrote into the binary: the module's version
// or the commit it was built from; "" when neither is known.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		return ""
	}
	return info.Main.Version
}
