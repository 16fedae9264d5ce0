// Package dropzone speaks with Dropzone 5.9 and 6.
//
// A file of more than chunkSize, or any with forceChunking, comes in chunks: each a
// multipart POST with dzuuid, dzchunkindex (from 0), dztotalfilesize, dzchunksize,
// dztotalchunkcount and dzchunkbyteoffset before the file; one after the other, or all
// at once with parallelChunkUploads. Any other file comes whole, in a form without
// these fields; with uploadMultiple several do.
//
// Any 2xx is success, any other status is an error, whichever it is: then the chunk is
// sent again if retryChunks says so (three times, without a pause), or else the person
// sees the member "error" of the JSON body. So statuses are what they mean in HTTP.
//
// dzuuid belongs to the entry in the page's list. It is new after a reload, and stays
// when a page sends an entry again that failed. Dropzone never asks what has arrived.
//
// The file's name is that of the part. Dropzone knows the path of a file in a dropped
// folder (file.fullPath) and sends it nowhere; pages append it in "sending", by habit
// as the field fullPath, and then directories are made.
//
// dztotalfilesize is the size before transformFile, dztotalchunkcount counts the chunks
// after it. So images that Dropzone makes smaller (resizeWidth and its like) cannot be
// told from a file that lost its end, and are refused in chunks. With binaryBody
// Dropzone sends neither fields nor a name, and is refused.
//
// Sources: dropzone 6.0.0-beta.2 (src/dropzone.js, src/options.js), whose fields are
// those of 5.9.3.
package dropzone
