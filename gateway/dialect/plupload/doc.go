// Package plupload speaks with Plupload 2.
//
// # What it sends
//
// A multipart POST with name, with chunk_size also chunk (from 0) and chunks, then the
// file, whose part is called "blob" where it is a chunk; with multipart: false the
// fields are in the query and the body is the file. With send_chunk_number: false
// offset and total stand in the place of chunk and chunks. The chunks come one after
// the other. A file that fits one chunk has chunks = 1, an empty one 0.
//
// name is the file's, or with unique_names one that Plupload makes up.
//
// A status of 400 and more is an error, whichever it is: the chunk is sent again
// max_retries times (0 by default), a second later, and then the page's Error event is
// given the body as response. So statuses are what they mean in HTTP.
//
// # Where a chunk belongs
//
// Neither the file's size nor that of a chunk is sent. All chunks but the last are as
// long as chunk 0, and the size is known when the last one is there.
//
// # Which upload a chunk belongs to
//
// Nothing tells that but the name and the number of chunks, and both are a guess: after
// a reload Plupload sends all of the file again, and it may be another one. So chunk 0
// decides. Where an unfinished upload stands it is held on the host and compared: the
// same bytes go on with the upload, and what is there is not written again; others, or
// a chunk of another length, give it up. A later chunk with other bytes than are there
// gives it up too, and says so: the next chunk 0 begins a new one.
//
// A chunk must follow on what is there. So two pages that send different files under
// one name at once, which this protocol cannot tell apart, do not publish a file made
// of both: the one that is behind finds other bytes, the one ahead finds a gap.
// unique_names keeps them apart.
//
// Source: plupload 2.3.9 (src/plupload.js, js/moxie.js).
package plupload
