// Package form speaks with pages that send chunks in forms and then ask for the merge:
//
//	POST …/upload-chunk/     file, filename, chunk_number (from 0), in any order
//	                         → {"message":…}
//	GET  …/uploaded-chunks/  ?filename= → {"uploaded_chunks":[…]}
//	POST …/merge-chunks/     filename, total_chunks → {"message":…}, or
//	                         400 {"error":"Missing chunk 3"}
//
// each with the slash at the end or without. The merge is answered when the file is
// published; after an interruption the same call goes on with it.
//
// Nobody says how long the file or a chunk is. A chunk is as long as chunk 0, once that
// has come whole, or as ?chunk_size= says; until then nobody knows where another chunk
// belongs, so it waits for a moment and is refused then. The end of the last chunk is
// the end of the file. So of every chunk all counts or nothing: half of the last one
// would be a shorter file.
//
// A file is called by its name in the directory, and nothing tells it from another one
// of that name but its bytes. When a chunk 0 comes again with other bytes, or another
// length, it is the beginning of another file, and what had arrived is given up. A page
// that leaves out what is listed, though, goes on with the chunks of the file that it
// began with; it is safe where it says file_id (in each call: a text that is new for a
// changed file, such as its size and the time of its change).
//
// Pages opened from a file have the origin "null"; --allow-origin null lets them in.
package form
