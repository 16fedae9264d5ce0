package main

import (
	"slices"
)

// spread is how something that was measured several times lies.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spreadOf is nothing for nothing.
func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return spread{Median: (v[(n-1)/2] + v[n/2]) / 2, Min: v[0], Max: v[n-1]}
}

// series is every turn of every run, by the run's name.
type series map[string][]turn

// of is one figure of a run's turns.
func (s series) of(run string, what func(turn) float64) spread {
	var values []float64
	for _, t := range s[run] {
		values = append(values, what(t))
	}
	return spreadOf(values)
}

func seconds(t turn) float64   { return t.Seconds }
func finishing(t turn) float64 { return t.Finish }
func cpu(t turn) float64       { return t.CPU }
func resident(t turn) float64  { return float64(t.Peak) }
func retried(t turn) float64   { return float64(t.Retries) }
func syncing(t turn) float64   { return t.Sync }

func (t turn) hostCPU() float64     { return t.Host.CPU * gib / float64(max(t.Bytes, 1)) }
func (t turn) connections() float64 { return float64(t.Host.Connections) }
func (t turn) sessions() float64    { return float64(t.Host.Sessions) }
func (t turn) written() float64     { return float64(t.Host.Written) / float64(max(t.Bytes, 1)) }
func (t turn) room() float64        { return float64(t.Host.Room) / float64(max(t.Bytes, 1)) }

// cpuPerGiB is processor time for each GiB that was sent.
func cpuPerGiB(t turn) float64 { return t.CPU * gib / float64(max(t.Bytes, 1)) }

// what is the figure of a turn that a kind of row is about.
func (k kind) what() func(turn) float64 {
	switch k {
	case finish:
		return finishing
	case peak, growth:
		return resident
	case effort:
		return cpuPerGiB
	case hostEffort:
		return turn.hostCPU
	case connectionCount:
		return turn.connections
	case sessionCount:
		return turn.sessions
	case diskWrites:
		return turn.written
	case diskRoom:
		return turn.room
	}
	return seconds
}

// against is how one stands to another, by their medians: the other's time over
// ours, or ours over the other's where less is asked. 0 is not known.
func (k kind) against(ours, other spread) float64 {
	if k.more() {
		ours, other = other, ours
	}
	if other.Median == 0 {
		return 0
	}
	return ours.Median / other.Median
}

// value is what the row is judged by; 0 is not known. Where memory must not
// pass a bound, the worst turn counts.
func (r row) value(s series) float64 {
	ours := s.of(r.ours, r.kind.what())
	switch {
	case r.kind == peak, r.kind.counts():
		return ours.Max
	case len(r.peers) > 0:
		return r.kind.against(ours, s.of(r.peers[0], r.kind.what()))
	}
	return ours.Median
}

// reached reports whether v is as good as bound.
func (k kind) reached(v, bound float64) bool {
	if k.more() {
		return v >= bound
	}
	return (v > 0 || k.counts()) && v <= bound
}
