// Package contentrange speaks with pages that send slices with PUT and say in headers
// where each belongs:
//
//	PUT …/upload/chunk   X-File-ID, X-Chunk-Index (from 0), X-Total-Chunks,
//	                     Content-Range: bytes a-b/total; a form with the slice in it,
//	                     or the slice itself
//	                     → {"status":"ok","chunk":n}
//	GET …/upload/status  X-File-ID
//	                     → {"uploaded_chunks":[…],"total_chunks":n,"filename":…}
//
// The range alone decides the place. What the indexes count, for the status, follows
// from index and range together where X-Total-Chunks agrees; of a page whose slices
// differ in length nothing is listed, and it sends everything again. One that cuts the
// file otherwise than its status was counted could take a gap for sent: it is
// refused once, and what is there is given up, so that the next try is whole.
//
// A page takes the file for sent when every slice was answered, or is listed. So the
// answer to the last missing slice waits for the publication, and so does a status
// that would list all of them. After the end all are listed while the file stands as
// it was published, none after that.
//
// The file is called what ?name= says, else what the part is called; browsers call a
// slice "blob". An X-File-ID is new at each reload, or made of the file's properties:
// the same one goes on, another one takes the file's place.
package contentrange
