// Package record says what an upload is and how far it has come, in a form that
// survives the gateway: spans of a file, the chunks that hold them, and the
// record file that is kept beside them on the host.
//
// It is pure: nothing here talks to a host. A record file is written once and
// never changed. What counts is the union over all valid records of a
// generation, so that two gateways that write at the same time can add to each
// other's progress and never take any of it back.
package record
