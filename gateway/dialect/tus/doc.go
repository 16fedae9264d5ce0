// Package tus speaks tus 1.0.0: core, creation, creation-with-upload,
// creation-defer-length, termination, checksum, expiration and concatenation, for
// tus-js-client, Uppy, tuspy, tus-java-client, TUSKit and all others.
//
// A file's name comes from Upload-Metadata (filename, or relativePath for folders), or
// from ?name= of the endpoint. tus knows no identity of a file, so each creation gives
// up the user's unfinished upload at the same path. The URL of an upload holds host,
// target and id: it resolves where the registry has lost it.
//
// # What tus-js-client makes of answers
//
// It takes a failure of HEAD, other than 423, for the order to send the file from the
// beginning, and an offset at the end of the file for success. So trouble that passes is
// 423 to HEAD, and so, after the same wait as everywhere, is an upload that is complete
// and not published. 409, 423 and 5xx are tried again, for creations without an end:
// there a target that exists is 412, and another user's upload 403.
//
// # Concatenation
//
// A partial upload has no target: it is staged in the endpoint's directory and adopted
// by the final upload where it lies, by one record. Its URL answers as complete for a
// day after the end, since a client that has lost the answer to the final request asks
// there first.
//
// # Requirements
//
// Each MUST and SHOULD of the protocol, with the test that holds it, stands in
// docs/tus.md.
//
// Sources: tus.io/protocols/resumable-upload 1.0.0; tus-js-client 4.3 (lib/upload.ts).
package tus
