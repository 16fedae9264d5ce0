// Package resumable speaks with Resumable.js 1.1, Flow.js 2.14 and simple-uploader.js
// 0.6 (vue-simple-uploader): one protocol, three sets of field names, three ideas of
// what "missing" and "for good" are.
//
// A chunk is asked for with GET before it is sent with POST: as a multipart form, or
// with method "octet" as the body itself. Chunk numbers begin at 1. A chunk begins at
// (number−1)·chunkSize and has currentChunkSize bytes; how many chunks there are is
// never believed, since a page may still be slicing: without forceChunkSize the last
// one has up to twice the size.
//
// An identifier (by default the size and the name without all that is not ASCII) does
// not tell two files apart; with path and size it does, as far as a client can: a file
// that was changed and has the same size is the same to all three.
//
// Sources: resumable.js 1.1.0, flow.js 2.14.1 and simple-uploader.js 0.6.0.
package resumable
