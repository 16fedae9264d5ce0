package main

import (
	"sftpgate/gateway/limit"
	"sftpgate/remote/hosts"
)

// limitFlags bound what one gateway takes in. What bounds a host stands in hosts.yaml.
type limitFlags struct {
	MaxBodies     int      `default:"${bodies}" placeholder:"N" help:"Chunks and files received at once, in total; more wait briefly, then get 429. No user gets all of them. Bounds memory: 256 need about 150 MiB. Default ${bodies}."`
	UserBodies    int      `placeholder:"N" help:"The same per user. Default: no limit."`
	UserBandwidth byteSize `placeholder:"SIZE" help:"Bytes per second that each user may send, such as 10MiB. Default: no limit."`
	MinBandwidth  byteSize `default:"1KiB" placeholder:"SIZE" help:"Bytes per second that a client must send while the gateway waits for it; one that falls a minute behind gets 408. 0: no minimum. Default 1KiB."`
	UserQuota     byteSize `placeholder:"SIZE" help:"Total size of each user's unfinished uploads, on all hosts, such as 500GiB. Default: no limit."`
}

// limits checks the flags; of a quota any size will do.
func (f limitFlags) limits() (limit.Limits, error) {
	l := limit.Limits{Bodies: f.MaxBodies, UserBodies: f.UserBodies, UserBandwidth: int64(f.UserBandwidth)}
	switch err := hosts.CheckBandwidth(l.UserBandwidth); {
	case l.Bodies < 1 || l.Bodies > hosts.MaxBodies:
		return l, misused("--max-bodies must be from 1 to %d, not %d", hosts.MaxBodies, l.Bodies)
	case l.UserBodies < 0:
		return l, misused("--user-bodies must not be negative; 0 means no limit")
	case err != nil:
		return l, misused("--user-bandwidth: %v", err)
	}
	return l, nil
}

// minBandwidth is the flag as the front takes it, where 0 means the default.
func (f limitFlags) minBandwidth() int64 {
	if f.MinBandwidth == 0 {
		return -1
	}
	return int64(f.MinBandwidth)
}

// byteSize is a number of bytes with its unit.
type byteSize int64

// UnmarshalText reads it as hosts.yaml does.
func (s *byteSize) UnmarshalText(text []byte) error {
	n, err := hosts.ParseSize(string(text))
	*s = byteSize(n)
	return err
}
