// Package remotetest gives tests the hosts they upload to.
//
// Two kinds, and one suite that both must pass:
//
//   - [StartSSHD] runs the real OpenSSH server on a free loopback port: for
//     semantics, exec, authentication and real processes that can be stopped.
//   - [Disk] is a filesystem in memory that logs every mutation and can be seen as
//     a power cut would have left it ([Disk.At]); [Disk.Dial] speaks SFTP version 3
//     for it over in-process pipes, each request passing a gate of the test's
//     choice ([ServerOptions.Gate]). It runs inside testing/synctest bubbles.
//
// [Proxy] cuts, stalls and delays the TCP connection to a host.
package remotetest
