// Package metrics shows in Prometheus' format how a gateway is doing: requests,
// bytes, latencies, hosts, uploads and claims.
//
// Nothing is kept by path, upload, user or address: every label takes values
// from a list that hosts.yaml and this program bound. Names and units follow
// Prometheus' conventions, which a test holds them to.
//
// The numbers come in on three ways: the layers report what happens
// ([Metrics.Observe], gateway.Meter, [Metrics.Dialed]), one store is looked over
// the shoulder ([Metrics.Claims]), and what is the case at the moment is asked
// for when somebody scrapes ([Metrics.Watch]).
package metrics
