// Package filepond speaks with FilePond 4, with chunkUploads and without.
//
// # What it sends
//
// A file that is not cut is one multipart POST: under the name of the input (by default
// "filepond") first the metadata as JSON, then the file, or several where a plugin makes
// variants. The answer's text is the id by which FilePond knows the file from then on.
//
// A file of more than chunkSize, or any with chunkForce, begins with a POST of the
// metadata alone and Upload-Length; the answer's text is the id of the transfer. Then
// come its chunks, one after the other: PATCH ?patch=ID with Upload-Offset,
// Upload-Length and Upload-Name. There are floor(size/chunkSize)+1 of them, so that the
// last one may be empty. When all have had a 2xx the file is done, without a further
// call.
//
// When a transfer failed and the person retries, HEAD ?patch=ID asks for Upload-Offset.
// FilePond then takes every chunk that begins before that offset for sent, also one
// that the offset is in the middle of: so it is rounded down to where a chunk begins.
//
// A status of 400 and more is an error, whichever it is; a PATCH is then sent again
// after chunkRetryDelays. The body is given to the page's server.process.onerror. Of a
// HEAD there is none.
//
// # What it needs
//
// FilePond applies encodeURI to the endpoint that it is given: the directory goes into
// server.url as it is, not percent-encoded (and so has no ? and no #). "?patch=" becomes
// "&patch=" behind a query.
//
// Upload-Name is the name in UTF-8 as it is, without any encoding.
//
// # Ids
//
// The POST that begins a transfer knows no name. So it opens nothing on the host, and
// hears of a wrong host or directory alone; the first chunk hears of the rest. The id is
// random, and holds the directory where the metadata has relativePath (pages set it:
// item.setMetadata("relativePath", item.relativePath)).
//
// What has arrived is found by the id in the registry. The host knows uploads by their
// names, which HEAD has not: of an id that the registry does not know (any more), the
// offset is 0. Then the client sends all of it again; the chunks name the file, what is
// on the host is found, and equal bytes are dropped.
//
// # Revert
//
// DELETE with the id as its body cancels a transfer. A file that is published stays, and
// the answer says so with 409: FilePond lets the person take it off the list all the
// same, unless the page sets forceRevert. GET (load, restore, fetch) is not offered.
//
// Source: filepond 4.32.12 (dist/filepond.js).
package filepond
