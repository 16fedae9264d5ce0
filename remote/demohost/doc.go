// Package demohost is a host inside the process: an SSH server on a free port of
// 127.0.0.1 that serves one directory over SFTP and runs a real sh, so that
// `sftpgate demo` needs no other machine. Host key and client credentials are
// made at the start and die with it.
//
// It is no sandbox: whoever holds the key does what this process may do.
package demohost
