// Package client speaks the gateway's native API (version 1) from Go.
//
// [Client] has a method for each call. [Client.Send] brings a file to its place in
// chunks: it opens the upload or resumes it, sends what is missing, several chunks at
// once, has the file merged and waits for the end. [Client.PutFile] sends a small file
// in one request.
//
// What it promises:
//
//   - Only bytes that are not safe on the host yet are sent, whoever sent the others.
//   - Every body goes with its SHA-256, which the gateway checks before the bytes count.
//   - A refusal is an [*Error] with the gateway's code and words. What may pass by
//     itself (no answer, 429, 503, …) is tried again with growing pauses, and not
//     sooner than Retry-After says, until nothing has succeeded for [Options].RetryFor.
//   - A call ends when its context does, with the context's cause. What was
//     acknowledged until then is safe, and the same call continues from there.
package client
