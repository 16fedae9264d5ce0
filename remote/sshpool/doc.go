// Package sshpool holds the connections to the hosts: dialling, host keys, the
// pool, deadlines, and what a host can do.
//
// Promises:
//
//   - No credential is sent before the host key is checked.
//   - An operation on a host that is gone or frozen ends: no wait in here is
//     longer than its deadline, and one deadline that strikes makes the host's
//     whole pool answer for itself.
//   - A host that refuses us is asked once, and then left alone for a while:
//     a hundred callers with a wrong password are one dial.
//   - What a host can do is found by trying it there, never by name or version.
//   - A host's processor is part of the cost: few connections, few logins, and no more
//     under way on a connection than the distance calls for.
//   - A host's configuration may change at any time: what runs ends on the
//     connection that it has, and whatever begins after it finds the new one.
package sshpool
