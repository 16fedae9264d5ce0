// Package api is the native HTTP API, version 1: hosts and their directories,
// uploads in chunks or ranges, the merge, and whole files in one request.
//
// Here requests are decoded and answers encoded, strictly: an unknown field or
// parameter is refused and named, a path is percent-decoded exactly once and
// judged by the service, sizes and offsets are digits that fit. What may be done
// is decided behind [Service]. Bodies are streamed to it as they arrive.
package api
