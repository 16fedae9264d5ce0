// Package shell drives one POSIX shell on a host: for copies on the host's own
// disk, hashes, and what only a process there can tell. The command is exactly
// "exec sh"; a constant script and every parameter go over standard input, so
// no name is ever read as code. The shell ends by itself when its input ends.
package shell
