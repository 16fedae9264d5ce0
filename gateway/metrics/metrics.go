package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"sftpgate/gateway"
)

// namespace begins the name of every metric of ours.
const namespace = "sftpgate"

// Metrics counts for one gateway. It is a gateway.Meter. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests      *prometheus.CounterVec
	requestBytes  prometheus.Counter
	responseBytes prometheus.Counter

	received       *prometheus.CounterVec
	chunkSeconds   *prometheus.HistogramVec
	refused        *prometheus.CounterVec
	finishSeconds  *prometheus.HistogramVec
	dials          *prometheus.CounterVec
	dialSeconds    *prometheus.HistogramVec
	claimsOutcomes *prometheus.CounterVec
	reloadOK       prometheus.Gauge
	reloadedAt     prometheus.Gauge
}

// New makes metrics that know this program's version, the Go runtime and the process.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),

		requests:      counters("http_requests_total", "Requests answered, by the route's pattern and the status.", "method", "route", "code"),
		requestBytes:  counter("http_request_body_bytes_total", "Bytes read from request bodies."),
		responseBytes: counter("http_response_body_bytes_total", "Bytes written to answer bodies."),

		received: counters("received_bytes_total", "Bytes received for files on the host, including bytes that were not kept.", "host"),
		chunkSeconds: histograms("chunk_duration_seconds", "Time from the first byte of a body until its last byte is durable on the host.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}, "host"),
		refused: counters("chunks_refused_total", "Bodies refused, by the error code.", "host", "code"),
		finishSeconds: histograms("finish_duration_seconds", "Time from the request to finish an upload until it is done, failed or cancelled.",
			[]float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}, "host", "state"),
		dials: counters("host_dials_total", "Attempts to connect to the host, by outcome.", "host", "outcome"),
		dialSeconds: histograms("host_dial_duration_seconds", "Time to connect: TCP, SSH handshake, login, SFTP.",
			[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60}, "host"),
		reloadOK:       gauge("hosts_reload_success", "1 if hosts.yaml was valid when last read, else 0."),
		reloadedAt:     gauge("hosts_reload_success_timestamp_seconds", "When a valid hosts.yaml was last read."),
		claimsOutcomes: counters("claims_total", "Claim requests by outcome: granted (taken or renewed), held by another, released, or unavailable.", "outcome"),
	}
	m.Reloaded(true) // without hosts no gateway starts
	for _, outcome := range []string{granted, held, released, unavailable} {
		m.claimsOutcomes.WithLabelValues(outcome) // from 0 on, so that the first one is a rate
	}
	m.registry.MustRegister(m.requests, m.requestBytes, m.responseBytes, m.received, m.chunkSeconds, m.refused,
		m.finishSeconds, m.dials, m.dialSeconds, m.claimsOutcomes, m.reloadOK, m.reloadedAt, build(version),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

func build(version string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info",
		Help: "Always 1; the version is in the label.", ConstLabels: prometheus.Labels{"version": version}})
	g.Set(1)
	return g
}

// Received implements gateway.Meter.
func (m *Metrics) Received(host string, n int64, took time.Duration, code gateway.Code) {
	m.received.WithLabelValues(host).Add(float64(max(n, 0)))
	if code != "" {
		m.refused.WithLabelValues(host, string(code)).Inc()
		return
	}
	m.chunkSeconds.WithLabelValues(host).Observe(took.Seconds())
}

// Finished implements gateway.Meter.
func (m *Metrics) Finished(host string, state gateway.State, took time.Duration) {
	m.finishSeconds.WithLabelValues(host, string(state)).Observe(took.Seconds())
}
