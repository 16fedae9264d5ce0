// Package copydata lets a host's own SFTP server copy from file to file, by the
// extension "copy-data" that OpenSSH has since 9.0 (its file PROTOCOL; it comes
// from draft-ietf-secsh-filexfer-extensions-00, section 7). It brings the few
// requests of SFTP version 3 that this takes: the gateway's usual client cannot
// send an extension of its caller's choice.
//
// A server is not believed: lengths are compared before and after each copy, and
// the last block, which OpenSSH may fail to write and still report as copied, is
// read on both sides.
package copydata
