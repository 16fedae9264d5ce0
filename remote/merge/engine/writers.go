package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/pkg/sftp"

	"sftpgate/remote/record"
	"sftpgate/remote/shell"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

const bootID = "/proc/sys/kernel/random/boot_id"

// serverProcess names the server process behind an SFTP channel.
func serverProcess(c *sftp.Client) record.Writer {
	return writerSeenBy(func(name string) (string, error) { return readProc(c, name) })
}

// writerSeenBy names the server process that reads files for us: what it opens
// as /proc/self is itself. Fields stay empty where it cannot be told.
func writerSeenBy(read func(name string) (string, error)) record.Writer {
	w := record.Writer{Kind: "sftp"}
	line, err := read("/proc/self/stat")
	if err != nil {
		return w
	}
	boot, err := read(bootID)
	if err != nil {
		return w
	}
	self, err := shell.ParseStat(line)
	// The session leader's start time is what is looked at later.
	if err != nil || self.PID != self.Session {
		return w
	}
	w.PID, w.Session, w.Start, w.Boot = self.PID, self.Session, self.Start, boot
	return w
}

func process(c *sftp.Client, pid string) (shell.Process, error) {
	line, err := readProc(c, "/proc/"+pid+"/stat")
	if err != nil {
		return shell.Process{}, err
	}
	return shell.ParseStat(line)
}

// readProc reads a file of /proc, whose length is always given as 0.
func readProc(c *sftp.Client, name string) (string, error) {
	f, err := c.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text := make([]byte, 4096)
	n, err := f.ReadAt(text, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimSpace(string(text[:n])), nil
}

// Lingering returns the writers that may still have the part open: those that
// were not seen to end, and that the host does not show to be gone.
func Lingering(ctx context.Context, g *staging.Generation) ([]record.Writer, error) {
	var suspects, left []record.Writer
	for _, w := range g.State().Writers {
		if !w.Closed {
			suspects = append(suspects, w)
		}
	}
	if len(suspects) == 0 {
		return nil, nil
	}
	err := g.Host().Pool().Do(ctx, func(conn *sshpool.Conn) error {
		ask := prover{conn: conn}
		defer ask.close()
		for _, w := range suspects {
			gone, err := ask.gone(ctx, g, w)
			if err != nil {
				return fmt.Errorf("ask for the process of an earlier merge: %w", err)
			}
			if !gone {
				left = append(left, w)
			}
		}
		return nil
	})
	return left, err
}

type prover struct {
	conn *sshpool.Conn
	sh   *sshpool.Shell
}

func (p *prover) gone(ctx context.Context, g *staging.Generation, w record.Writer) (bool, error) {
	if w.Boot == "" || w.Session == 0 {
		return false, nil
	}
	if g.Can().Exec {
		if p.sh == nil {
			sh, err := g.Host().Pool().Shell(ctx)
			if err != nil {
				return false, err
			}
			p.sh = sh
		}
		gone, known, err := p.sh.Gone(ctx, shell.Process{PID: w.PID, Session: w.Session, Start: w.Start, Boot: w.Boot})
		return gone && known, err
	}
	return goneBySFTP(p.conn.SFTP(), w), nil
}

// goneBySFTP looks into /proc through the SFTP server. It can speak of single
// processes only, so for a shell, whose children write, it says nothing.
func goneBySFTP(c *sftp.Client, w record.Writer) bool {
	if _, err := process(c, "self"); err != nil {
		return false // /proc is not to be seen here: absence proves nothing
	}
	boot, err := readProc(c, bootID)
	if err != nil {
		return false
	}
	if boot != w.Boot {
		return true
	}
	now, err := process(c, fmt.Sprint(w.Session))
	switch {
	case err == nil:
		return now.Start != w.Start
	case errors.Is(err, fs.ErrNotExist):
		return w.Kind == "sftp"
	}
	return false
}

func (p *prover) close() {
	if p.sh != nil {
		_ = p.sh.Close()
	}
}
