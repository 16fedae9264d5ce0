package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sftpgate/gateway"
	"sftpgate/remote/sshpool"
)

// Dialed counts a dial; it is for sshpool.Options.
func (m *Metrics) Dialed(host string, took time.Duration, failure *sshpool.Error) {
	outcome := "connected"
	if failure != nil {
		outcome = string(failure.Kind)
	}
	m.dials.WithLabelValues(host, outcome).Inc()
	m.dialSeconds.WithLabelValues(host).Observe(took.Seconds())
}

// Watch shows what is the case when somebody scrapes; neither function may wait
// for a host. It is called once.
func (m *Metrics) Watch(hosts func() []sshpool.Stats, service func() gateway.Stats) {
	m.registry.MustRegister(moment{hosts, service})
}

// moment collects what is true just now.
type moment struct {
	hosts   func() []sshpool.Stats
	service func() gateway.Stats
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
}

var (
	hostUp          = desc("host_up", "1 if the host was reachable when last needed, else 0.", "host")
	hostConnections = desc("host_connections", "Open SSH connections.", "host")
	hostBreaker     = desc("host_breaker_open", "1 while the host's breaker is open after failed dials.", "host")
	hostSent        = desc("host_sent_bytes_total", "Bytes of SFTP requests sent to the host.", "host")
	hostReceived    = desc("host_received_bytes_total", "Bytes of SFTP answers received from the host.", "host")
	uploads         = desc("uploads", "Uploads in this gateway's memory, by state.", "host", "state")
	bodies          = desc("bodies_in_flight", "Requests that are sending bytes now.", "host")
	backlog         = desc("merge_backlog_bytes", "Bytes safe on the host but not merged yet.", "host")
)

// Describe implements prometheus.Collector.
func (moment) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{hostUp, hostConnections, hostBreaker, hostSent, hostReceived, uploads, bodies, backlog} {
		out <- d
	}
}

// standing are the states shown for every host that is used, also where nothing is
// in them.
var standing = []gateway.State{gateway.Receiving, gateway.Merging, gateway.Verifying, gateway.Publishing, gateway.Failed}

// Collect implements prometheus.Collector.
func (m moment) Collect(out chan<- prometheus.Metric) {
	now := m.service()
	for _, h := range m.hosts() {
		if !used(h) {
			continue
		}
		show := func(d *prometheus.Desc, kind prometheus.ValueType, v float64) {
			out <- prometheus.MustNewConstMetric(d, kind, v, h.Host)
		}
		if h.State != sshpool.Unknown {
			show(hostUp, prometheus.GaugeValue, oneIf(h.State == sshpool.Up))
		}
		show(hostConnections, prometheus.GaugeValue, float64(h.Open))
		show(hostBreaker, prometheus.GaugeValue, oneIf(h.BreakerOpen))
		show(hostSent, prometheus.CounterValue, float64(h.Sent))
		show(hostReceived, prometheus.CounterValue, float64(h.Received))
		for _, state := range standing {
			now.Uploads[gateway.HostState{Host: h.Host, State: state}] += 0
		}
		now.Bodies[h.Host] += 0
		now.Backlog[h.Host] += 0
	}
	for at, n := range now.Uploads {
		out <- prometheus.MustNewConstMetric(uploads, prometheus.GaugeValue, float64(n), at.Host, string(at.State))
	}
	for host, n := range now.Bodies {
		out <- prometheus.MustNewConstMetric(bodies, prometheus.GaugeValue, float64(n), host)
	}
	for host, n := range now.Backlog {
		out <- prometheus.MustNewConstMetric(backlog, prometheus.GaugeValue, float64(n), host)
	}
}

// used reports whether the host was needed since the start. What nobody sends to has
// no numbers: ten thousand such hosts would be 5 MB at every scrape.
func used(h sshpool.Stats) bool {
	return h.State != sshpool.Unknown || h.Open > 0 || h.BreakerOpen || h.Sent > 0
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
