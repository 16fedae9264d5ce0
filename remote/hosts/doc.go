// Package hosts reads hosts.yaml: the machines that files may be sent to, by id.
//
// A request never carries an address. It names a host id, and everything about
// the machine behind it – where it is, who logs in, which host key is believed,
// below which directories files may land – comes from here.
//
// The file is read strictly: an unknown key, a wrong type or a missing piece is
// an error that names file, line and column and says what to do. Secrets are
// references (env:NAME, file:/path) that are resolved when they are used.
package hosts
