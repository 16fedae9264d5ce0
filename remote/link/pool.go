package link

import (
	"context"
	"errors"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/hosts"
)

var errNotYet = errors.New("not yet")

// Pool is the connections to one host.
type Pool struct{ host hosts.Host }

// Host returns the host's configuration.
func (p *Pool) Host() hosts.Host { return p.host }

// Conn returns the least loaded connection; while all are busy and there are
// fewer than the host's Connections, another is dialled. The caller must Release it.
func (p *Pool) Conn(ctx context.Context) (*Conn, error) { return nil, errNotYet }

// Do runs fn with a connection and explains its error.
func (p *Pool) Do(ctx context.Context, fn func(*Conn) error) error { return errNotYet }

// Status tells what is known of the host without asking it.
func (p *Pool) Status() Status { return Status{} }

// Ping measures one SFTP round trip.
func (p *Pool) Ping(ctx context.Context) (time.Duration, error) { return 0, errNotYet }

// Abilities finds out what the host can do below root, by trying it in dir.
func (p *Pool) Abilities(ctx context.Context, root, dir string) (Abilities, error) {
	return Abilities{}, errNotYet
}

// Conn is one connection, lent by its pool.
type Conn struct{}

// SFTP returns the connection's SFTP client, which is safe for concurrent use.
func (c *Conn) SFTP() *sftp.Client { return nil }

// Subsystem opens another channel to a subsystem on this connection.
func (c *Conn) Subsystem(ctx context.Context, name string) (Channel, error) { return nil, errNotYet }

// Exec runs a command on the host.
func (c *Conn) Exec(ctx context.Context, command string) (Channel, error) { return nil, errNotYet }

// Release gives the connection back; the Conn must not be used after it.
func (c *Conn) Release() {}

// Break closes the connection for everybody; the pool dials anew next time.
func (c *Conn) Break(why error) {}

// Explain turns the error of an SFTP call into the host's failure where the
// connection was lost, and leaves it as it is where the host answered.
func (c *Conn) Explain(err error) error { return err }
