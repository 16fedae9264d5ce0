package metrics

import "github.com/prometheus/client_golang/prometheus"

// Reloaded notes whether hosts.yaml could be taken over when it was read last.
func (m *Metrics) Reloaded(ok bool) {
	if !ok {
		m.reloadOK.Set(0)
		return
	}
	m.reloadOK.Set(1)
	m.reloadedAt.SetToCurrentTime()
}

// WatchRegistry shows whether the registry answered when it was needed last.
func (m *Metrics) WatchRegistry(answers func() bool) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: "registry_up",
		Help: "1 while the registry answers, else 0."}, func() float64 {
		if answers() {
			return 1
		}
		return 0
	}))
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
}
