// Package web is the HTTP plumbing that the native API, the dialects and the
// page share: who is asking, what a refusal looks like, how long a silent
// client is waited for, and which other web sites may call.
//
// A request passes, in this order (see [Front.Handler]):
//
//	recovery and the log line → security headers → deadlines that move with the
//	bytes → names and origins → the base path → the routes ([Mux]) →
//	authentication ([UserFunc], [CallerOf]) → the handler → drain of what the
//	handler left unread
//
// Handlers return errors; [Fail] writes them in one place, as RFC 9457 problem
// details. A dialect with an error shape of its own asks [Explain] for status,
// code and sentence. A stream of events is [Events]. The package knows no SSH, no registry and no upload rules.
package web
