// Package dialect holds what the wire protocols of existing uploaders share, each of
// which is a package below it: what they ask of the gateway (gate.go), where a request
// wants its file (place.go), the fields that say so (fields.go), the form that brings a
// file or a chunk (form.go) and the bytes on their way to the host (sent.go), which
// upload they belong to (session.go), which chunks are there (count.go), and the finish
// whose answer waits for the publication (finish.go).
//
// [sftpgate/gateway/dialecttest] has the suite that all of them pass.
//
// # Which upload a request belongs to
//
// Identity is (user, host, directory, the client's id). The user comes from
// authentication, host and directory from the URL (the panel: from its fields), the id
// from the request. An id is one of three kinds:
//
//   - It is new at every try of the client (File.Once: Dropzone's uuid). A new one
//     supersedes the same user's unfinished upload at that path. When its upload has
//     ended, a request with it can only be a repetition.
//   - It is made of the file's own properties (Resumable.js' identifier; it can be with
//     X-File-ID). The same id goes on with the unfinished upload, also from a fresh page.
//     When that has ended, the first chunk may begin another one; any other chunk joins
//     what the first begins, or is a repetition. So no chunk that was acknowledged for
//     one upload is missing from another that the client takes for the same.
//   - It is little more than the name (Plupload, the form, the panel), and does not tell
//     two files apart. Then chunk 0 does, or a hash that the page sends (File.Content),
//     and Gate.Anew gives up what has arrived of the other file.
//
// # When a client may believe that it is done
//
// Most of these clients know no other end than the answer to their last chunk, and
// chunks arrive in any order. So whichever request makes the file complete starts the
// finish, and its answer waits until the file is published; after Gate.Wait it is
// still-finishing (503), and the repeated request joins the wait.
package dialect
