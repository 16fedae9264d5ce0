package gateway

import "time"

// Meter is told what happens, for metrics. Its methods return at once.
type Meter interface {
	// Received: a body for a file on host has ended after n bytes, in so much time
	// from its first byte to its last one being durable. code says why it was
	// refused, "cut" that it broke off; "" when it was taken.
	Received(host string, n int64, took time.Duration, code Code)
	// Finished: a finish has ended in Done, Failed or Cancelled so long after it was asked for.
	Finished(host string, state State, took time.Duration)
}

type noMeter struct{}

func (noMeter) Received(string, int64, time.Duration, Code) {}
func (noMeter) Finished(string, State, time.Duration)       {}

// cut is told of a body that broke off, or that its client gave up.
const cut Code = "cut"

// measureBody reports a body that has ended with err.
func (s *Service) measureBody(host string, n int64, began time.Time, err error) {
	code := CodeOf(explain(host, err))
	if err != nil && code == "" {
		code = cut
	}
	s.meter.Received(host, n, time.Since(began), code)
}

// measureFinish reports a finish that was asked for here.
func (u *upload) measureFinish(state State) {
	u.mu.Lock()
	asked := u.finishAt
	u.finishAt = time.Time{}
	u.mu.Unlock()
	if !asked.IsZero() {
		u.s.meter.Finished(u.hostID(), state, time.Since(asked))
	}
}

// Stats is what this gateway is busy with just now.
type Stats struct {
	// Uploads counts those in this gateway's memory by host and state.
	Uploads map[HostState]int
	// Bodies counts request bodies on their way in, by host.
	Bodies map[string]int
	// Backlog is what is committed and not merged, in bytes, by host.
	Backlog map[string]int64
}

// HostState is a host and a state.
type HostState struct {
	Host  string
	State State
}

// Stats counts; it asks nobody.
func (s *Service) Stats() Stats {
	st := Stats{map[HostState]int{}, s.limiter.CountBodies(), map[string]int64{}}
	s.mu.Lock()
	active := make([]*upload, 0, len(s.active))
	for _, u := range s.active {
		active = append(active, u)
	}
	s.mu.Unlock()
	for _, u := range active {
		host := u.hostID()
		u.mu.Lock()
		st.Uploads[HostState{host, u.state}]++
		u.mu.Unlock()
		st.Backlog[host] += u.ledger.Amounts().Unmerged
	}
	return st
}
