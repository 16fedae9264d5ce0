package main

import (
	"encoding/json"
	"io"
	"time"

	"sftpgate/gateway/client"
)

// events are for programs: JSON, one event a line.
type events struct {
	to   io.Writer
	last map[string]client.Progress
}

// event is one line. Members that say nothing are left out.
type event struct {
	Event    string             `json:"event"`
	File     string             `json:"file,omitempty"`
	Host     string             `json:"host,omitempty"`
	Path     string             `json:"path,omitempty"`
	Resumed  bool               `json:"resumed,omitempty"`
	Safe     *int64             `json:"safe,omitempty"`
	Merged   *int64             `json:"merged,omitempty"`
	Upload   *client.Upload     `json:"upload,omitempty"`
	Replaces bool               `json:"replaces,omitempty"`
	Code     string             `json:"code,omitempty"`
	Error    string             `json:"error,omitempty"`
	Exit     int                `json:"exit,omitempty"`
	PauseMS  int64              `json:"pause_ms,omitempty"`
	Hosts    map[string]results `json:"hosts,omitempty"`
}

func (e *events) say(v event) {
	text, err := json.Marshal(v)
	if err == nil {
		_, _ = e.to.Write(append(text, '\n'))
	}
}

func about(what string, o outcome) event {
	return event{Event: what, File: o.name, Host: o.host, Path: o.target}
}

func (e *events) opened(o outcome, resumed bool) {
	v := about("opened", o)
	v.Resumed, v.Upload = resumed, &o.upload
	e.say(v)
}

// progress is an event when bytes became safe or were merged, and not when they left.
func (e *events) progress(o outcome, p client.Progress) {
	if e.last == nil {
		e.last = map[string]client.Progress{}
	}
	key := o.host + ":" + o.target
	p.Sent = 0
	if e.last[key] == p {
		return
	}
	e.last[key] = p
	v := about("progress", o)
	v.Safe, v.Merged = &p.Safe, &p.Merged
	e.say(v)
}

func (e *events) waits(err error, pause time.Duration) {
	e.say(event{Event: "waiting", Code: client.CodeOf(err), Error: err.Error(), PauseMS: pause.Milliseconds()})
}

func (e *events) ended(o outcome) {
	delete(e.last, o.host+":"+o.target)
	v := about(o.what, o)
	v.Replaces = o.replace
	if o.err != nil {
		v.Code, v.Error, v.Exit = client.CodeOf(o.err), inWords(o.err), statusOf(o.err)
	} else if o.upload.ID != "" {
		v.Upload = &o.upload
	}
	e.say(v)
}

func (e *events) close(all []outcome) {
	v := event{Event: "summary", Hosts: map[string]results{}}
	tallies, _ := tally(all)
	for host, t := range tallies {
		v.Hosts[host] = *t
	}
	e.say(v)
}
