// Package mergetest is what every merge engine must pass, on a real OpenSSH
// server and through what package merge exports.
package mergetest
