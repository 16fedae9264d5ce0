package remotetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/sshpool"
)

// What a gate may return beside a status for the client.
var (
	// ErrDropReply: the operation is done, the answer never comes.
	ErrDropReply = errors.New("remotetest: the answer is lost")
	// ErrCutBefore: the connection breaks and the operation is not done.
	ErrCutBefore = errors.New("remotetest: connection cut before the operation")
	// ErrCutAfter: the operation is done, then the connection breaks.
	ErrCutAfter = errors.New("remotetest: connection cut after the operation")
	// ErrCopyShort, of a write in the middle of a copy-data: the copy ends before
	// that block and is reported as a success, as OpenSSH's can.
	ErrCopyShort = errors.New("remotetest: the copy is short")
)

// ServerOptions says how a server differs from OpenSSH's sftp-server on Linux.
type ServerOptions struct {
	Client string   // names the connection's operations in the log
	Deny   []string // extensions neither offered nor done, e.g. "fsync@openssh.com"
	// RenameOverwrites: SSH_FXP_RENAME replaces, as pkg/sftp's own server does.
	RenameOverwrites bool
	// NoHardLinks: the filesystem has none; RENAME looks first and then renames.
	NoHardLinks bool
	// NoDirOpen: a directory cannot be opened by SSH_FXP_OPEN, and so not synced.
	NoDirOpen bool
	// NoSpaceTold: statvfs answers zeros, as for ramfs and FUSE without statfs.
	NoSpaceTold bool
	// NameMax is how many bytes a name may have, which statvfs tells; default 255.
	NameMax int
	// Shell: "exec sh" gives one, which does what the script of package shell asks it.
	Shell bool
	// ShellTakes is how long that one takes until it answers.
	ShellTakes time.Duration
	// Gate is called before every operation, reads included, with no lock held. It
	// may block: the server of that channel then stands still with it, as a stopped
	// process would, while Ping goes on answering. It may return one of the errors
	// above; any other error is answered instead of doing the operation, with
	// [StatusError]'s code or what sftp-server makes of a syscall.Errno, else
	// SSH_FX_FAILURE. A write in the middle of a copy-data is asked for as well.
	Gate func(Op) error
}

// Dial makes connections to the disk, for sshpool.Options.Dial. Each subsystem
// "sftp" is a server of its own that does requests one by one, in order. When
// the client closes, a server still does the requests that had been sent, as a
// stalled process does when it wakes; one cut by its gate does not.
func (d *Disk) Dial(o ServerOptions) func(context.Context, hosts.Host) (sshpool.Transport, error) {
	return func(ctx context.Context, _ hosts.Host) (sshpool.Transport, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return &transport{disk: d, options: o, gone: make(chan struct{})}, nil
	}
}

type transport struct {
	disk    *Disk
	options ServerOptions

	mu       sync.Mutex
	channels []*channel
	gone     chan struct{}
	why      error
}

func (t *transport) Subsystem(name string) (sshpool.Channel, error) {
	if name != "sftp" {
		return nil, fmt.Errorf("subsystem %q refused: this host only has sftp", name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.why != nil {
		return nil, t.why
	}
	c, s := t.start()
	go func() { c.end(s.run()) }()
	return c, nil
}

// start makes a channel and what serves it. With t.mu held.
func (t *transport) start() (*channel, *server) {
	c := &channel{in: newPipe(), out: newPipe(), ended: make(chan struct{})}
	t.channels = append(t.channels, c)
	return c, &server{
		disk: t.disk, options: t.options, in: c.in, out: c.out,
		cut: t.end, handles: map[string]*handle{},
	}
}

func (t *transport) Exec(string) (sshpool.Channel, error) {
	if !t.options.Shell {
		return nil, errors.New("exec refused: this host runs no commands")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.why != nil {
		return nil, t.why
	}
	c, s := t.start()
	sh := &shellServer{server: s, pid: 1000 + len(t.channels)}
	go func() { c.end(sh.run()) }()
	return c, nil
}

// Ping is answered by the SSH server, whatever its sftp server does.
func (t *transport) Ping() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.why
}

func (t *transport) Wait() error {
	<-t.gone
	return t.why
}

func (t *transport) Close() error {
	t.end(errors.New("connection closed"))
	return nil
}

func (t *transport) end(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.why != nil {
		return
	}
	t.why = why
	close(t.gone)
	for _, c := range t.channels {
		c.end(why)
	}
}

type channel struct {
	in, out *pipe
	once    sync.Once
	ended   chan struct{}
	status  error
}

func (c *channel) Read(p []byte) (int, error)  { return c.out.Read(p) }
func (c *channel) Write(p []byte) (int, error) { return c.in.Write(p) }
func (c *channel) CloseWrite() error           { c.in.Close(); return nil }

func (c *channel) Close() error {
	c.end(errors.New("channel closed"))
	return nil
}

func (c *channel) Wait() error {
	<-c.ended
	return c.status
}

func (c *channel) end(status error) {
	c.once.Do(func() {
		c.status = status
		c.in.Close()
		c.out.Close()
		close(c.ended)
	})
}
