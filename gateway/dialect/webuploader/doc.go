// Package webuploader speaks with webuploader 0.1 (Baidu) and the many pages that send
// its fields.
//
// # What it sends
//
// A multipart POST with id, name, type, lastModifiedDate and size, for a file that was
// cut also chunks and chunk (from 0), then the file. With sendAsBinary the fields are in
// the query and the body is the file. Up to threads (3) chunks are on their way at once,
// and the last may come before the first.
//
// id (WU_FILE_0) begins again on every page and tells nothing. Name, size and
// lastModifiedDate do, and the number of chunks, as far as anything does: where a
// browser has no File.lastModifiedDate any more, webuploader sends the time at which the
// file was added, and the upload of a fresh page supersedes that of the old one.
//
// # Where a chunk belongs
//
// The chunk size is not sent. Chunk 0 belongs at 0. Any other one is held on the host
// until its own length is known, and that tells its place: index·length, or size−length
// for the last. Pages can spare that with ?chunk_size= in the server's URL.
//
// # What it makes of a status
//
//	2xx      success, unless the page's uploadAccept says otherwise
//	4xx      uploadError "http"; a chunk is sent twice more before (chunkRetry), at once.
//	         The body is thrown away.
//	5xx      uploadError "server", and nothing is sent again. The JSON of the body goes to
//	         uploadAccept(block, ret, fn), which may make fn(ret.message) the reason.
//
// So a refusal that nobody would see, and that would cost two more chunks, has 501 here
// instead of the 4xx that it has elsewhere; what passes by itself keeps its status.
//
// Source: webuploader 0.1.8 (src/widgets/upload.js, src/runtime/html5/transport.js).
package webuploader
