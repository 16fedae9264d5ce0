package web

import (
	"time"

	"sftpgate/gateway"
)

// Upload is an upload as answers, problems and events show it (API version 1).
type Upload struct {
	ID   string `json:"id"`
	Host string `json:"host"`
	Path string `json:"path"`
	User string `json:"user"`
	// Size is null while it is not known, ChunkSize while it is not fixed.
	Size      *int64        `json:"size"`
	ChunkSize *int64        `json:"chunk_size"`
	State     gateway.State `json:"state"`
	// Received is left out where it is nil.
	Received      *[][2]int64 `json:"received,omitempty"`
	ReceivedBytes int64       `json:"received_bytes"`
	MergedBytes   int64       `json:"merged_bytes"`
	Engine        string      `json:"engine"`
	Digest        *string     `json:"digest"`
	Verified      string      `json:"verified"`
	Error         *Problem    `json:"error,omitempty"`
	Notes         []string    `json:"notes,omitempty"`
	// Token is there in the answer to POST /v1/uploads alone, where a ticket was shown.
	Token     string     `json:"token,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// ViewOf shows u. Received is shown when u has it (an empty list too).
func ViewOf(u gateway.Upload) Upload {
	v := Upload{
		ID: u.ID, Host: u.Host, Path: u.Path, User: u.User, State: u.State,
		ReceivedBytes: u.ReceivedBytes, MergedBytes: u.MergedBytes, Engine: u.Engine,
		Verified: u.Verified, Notes: u.Notes, Token: u.Token, CreatedAt: u.CreatedAt.UTC(),
	}
	if u.Size >= 0 {
		v.Size = &u.Size
	}
	if u.ChunkSize > 0 {
		v.ChunkSize = &u.ChunkSize
	}
	if u.Received != nil {
		v.Received = &u.Received
	}
	if u.Digest != nil {
		text := FormatDigest(*u.Digest)
		v.Digest = &text
	}
	if u.Error != nil {
		refusal := *u.Error
		refusal.Upload = nil // an upload within itself would not end
		p := Explain(&refusal)
		v.Error = &p
	}
	if !u.ExpiresAt.IsZero() {
		at := u.ExpiresAt.UTC()
		v.ExpiresAt = &at
	}
	return v
}
