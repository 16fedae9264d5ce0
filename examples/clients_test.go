package examples_test

import "slices"

// client is an uploader, by its page.
type client struct {
	name    string // default the page's
	page    string
	dialect string // where its requests go
	input   string // what files are picked with; default #files
	// changes are options that others use: what stands in the page, and what
	// instead.
	changes []string
	// parts of the test that it goes through; default all.
	parts []string
	// wholly: the library's own default is not to cut files.
	wholly bool
	// forgets: a page that is opened again sends everything again.
	forgets bool
	// folders: its page also takes whole folders.
	folders bool
	// holds: chunks whose place is not known yet are held beside the file. What a killed
	// gateway held is nobody's, until a sweep comes by.
	holds bool
	// merging: it is also seen how it goes on when the merge is interrupted.
	merging bool
	// proves are the parts that are left to make prove.
	proves []string
	// person is who the page says is logged in.
	person string
	// without are files that the library does not send.
	without []string
	// large is the size of the file that is interrupted, where more is needed than others need.
	large int64
}

// clients are the pages as they stand here, and what else speaks tus in a way of its own.
var clients = []client{
	{page: "resumable", dialect: "resumable", folders: true, merging: true, proves: []string{"merging"}},
	{page: "flow", dialect: "resumable", folders: true},
	{page: "simple-uploader", dialect: "resumable", folders: true},
	{page: "tus", dialect: "tus", wholly: true, folders: true, merging: true},
	{page: "uppy", dialect: "tus", wholly: true, folders: true},
	{page: "dropzone", dialect: "dropzone", folders: true, forgets: true},
	{page: "content-range", dialect: "content-range", merging: true, proves: []string{"merging"}},
	{page: "form", dialect: "form", merging: true, proves: []string{"merging"}},
	{page: "panel", dialect: "panel", person: "alice", merging: true},
	{page: "plupload", dialect: "plupload", input: ".moxie-shim input", forgets: true},
	{page: "webuploader", dialect: "webuploader", forgets: true, holds: true, without: []string{empty}},
	{page: "filepond", dialect: "filepond", input: ".filepond--browser", folders: true, forgets: true},
	{
		name: "tus in parallel", page: "tus", dialect: "tus", wholly: true, parts: []string{"files", "killed", "reopened"},
		proves:  []string{"files", "reopened"},
		changes: []string{"headers,", "headers, parallelUploads: 4,"},
		large:   48 << 20, // of each of the four parts 8 MiB are safe well before all of it
	},
	{
		name: "tus of unknown length", page: "tus", dialect: "tus", wholly: true, parts: []string{"files", "killed"},
		proves:  []string{"killed"},
		changes: []string{"headers,", "headers, uploadLengthDeferred: true,"},
	},
	{
		name: "tus in chunks", page: "tus", dialect: "tus", wholly: true, parts: []string{"files", "exists"},
		proves:  []string{"exists"},
		changes: []string{"headers,", "headers, chunkSize: 256 * 1024, uploadDataDuringCreation: true,"},
	},
}

// variants are the same libraries with other options that people use.
var variants = []client{
	{
		name: "dropzone as it comes", page: "dropzone", dialect: "dropzone", parts: []string{"files"},
		changes: []string{"forceChunking: true,", "parallelChunkUploads: true,"},
	},
	{
		name: "filepond wholly", page: "filepond", dialect: "filepond", input: ".filepond--browser", parts: []string{"files", "exists", "down"},
		changes: []string{"chunkUploads: true", "chunkUploads: false"},
	},
	{
		name: "filepond in chunks", page: "filepond", dialect: "filepond", input: ".filepond--browser", parts: []string{"files"},
		changes: []string{"chunkUploads: true", "chunkUploads: true, chunkForce: true"},
	},
	{
		name: "resumable as it comes", page: "resumable", dialect: "resumable", parts: []string{"files"},
		changes: []string{"generateUniqueIdentifier:", "unused:"}, without: []string{twin}, // whose identifier another has
	},
	{
		name: "resumable with forceChunkSize", page: "resumable", dialect: "resumable", parts: []string{"files"},
		changes: []string{"testChunks: true,", "forceChunkSize: true, testChunks: false,"},
	},
	{
		name: "resumable octets", page: "resumable", dialect: "resumable", parts: []string{"files"},
		changes: []string{"testChunks: true,", "method: 'octet', testChunks: true,"},
	},
	{
		name: "flow octets", page: "flow", dialect: "resumable", parts: []string{"files"},
		changes: []string{"testChunks: true,", "method: 'octet', testChunks: true,"},
	},
	{
		name: "simple-uploader without list", page: "simple-uploader", dialect: "resumable", parts: []string{"files"},
		changes: []string{"?list=1`", "`", "checkChunkUploadedByResponse:", "unused:"},
	},
	{
		name: "simple-uploader octets", page: "simple-uploader", dialect: "resumable", parts: []string{"files"},
		changes: []string{"testChunks: true,", "method: 'octet', testChunks: true,"},
	},
}

// goesThrough tells whether a part of the test is for it.
func (c client) goesThrough(part string) bool {
	switch {
	case part == "folder" && !c.folders, part == "merging" && !c.merging:
		return false
	case !*prove && slices.Contains(c.proves, part):
		return false
	}
	return c.parts == nil || slices.Contains(c.parts, part)
}
