package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// Run prints the version, the Go release and the platform.
func (versionCmd) Run(c console) error {
	_, err := fmt.Fprintln(c.out, versionLine())
	return err
}

func versionLine() string {
	return fmt.Sprintf("sftpgate %s %s %s/%s", cmp.Or(version(), "(unknown version)"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// release is set by the linker (see the Makefile): the tag, or the commit.
var release string

// version is what the linker or the go command wrote into the binary: the module's
// version or the commit that it was built from; "" when neither is known.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		return ""
	}
	return info.Main.Version
}
