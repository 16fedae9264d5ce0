package staging

import (
	"errors"
	"io"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// openFile is an attempt as it is open on one lane.
type openFile struct {
	lane *lane
	file *sftp.File
}

// openOn opens the attempt on another lane. Where that fails it goes on without.
func (a *Attempt) openOn(lane *lane) {
	f, err := lane.conn.SFTP().OpenFile(a.path, writeOnly)
	l := a.lanes
	l.mu.Lock()
	joins := err == nil && !a.narrowed
	if joins {
		a.files = append(a.files, openFile{lane, f})
		l.changed.Broadcast()
	}
	l.mu.Unlock()
	if joins {
		return
	}
	if err == nil {
		_ = f.Close()
	}
	l.releaseLane(lane)
}

// stripe cuts r into blocks and sends each on the lane that carries least. It
// returns how much it has read once that is on its way, not when the host has
// answered.
func (a *Attempt) stripe(r io.Reader) (int64, error) {
	sent := int64(0)
	for {
		b := a.lanes.acquireBlock(a, a.sizeHint-a.len-sent)
		n, err := io.ReadFull(r, b[:a.packet()])
		if n == 0 {
			a.lanes.returnUnused(a, b)
		} else {
			a.sum.Write(b[:n])
			a.send(b, n, a.len+sent)
			sent += int64(n)
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return sent, nil
		case err != nil:
			return sent, err
		}
		if err := a.writeError(); err != nil {
			return sent, err
		}
	}
}

// send writes a block at off, as soon as a connection has room for it, and gives it back
// when the host has answered. The next block is read and hashed meanwhile.
func (a *Attempt) send(b *[blockSize]byte, n int, off int64) {
	a.writes.Go(func() {
		a.lanes.mu.Lock()
		ways := a.files
		a.lanes.mu.Unlock()
		conns := make([]*sshpool.Conn, len(ways))
		for i, w := range ways {
			conns[i] = w.lane.conn
		}
		err := sshpool.Send(conns, n, func(i int) error {
			a.lanes.writeStarted(a)
			_, err := ways[i].file.WriteAt(b[:n], off)
			if err != nil {
				err = conns[i].Explain(Doing("write", a.path, err))
			}
			return err
		})
		a.lanes.writeDone(a, b, err)
	})
}

// acquireBlock waits until another block may be under way; so many bytes are likely to be left.
func (l *Lanes) acquireBlock(a *Attempt, left int64) *[blockSize]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addLanesTo(a, left)
	for {
		lanes := max(len(l.lanes), len(a.files))
		if l.blocksInUse < ownBlocks || a.queued < maxQueued && l.blocksInUse < lanes*a.depth() && blocks.takeSpare(l.host, !l.striped) {
			l.blocksInUse++
			a.queued++
			return blocks.get()
		}
		l.changed.Wait()
	}
}

// maxQueued is how many blocks of an attempt are read before a connection has room for
// them. One that waits goes over none that is opened meanwhile.
const maxQueued = 2

// writeStarted is told of a block that waits no more.
func (l *Lanes) writeStarted(a *Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.queued--
	l.changed.Broadcast()
}

func (l *Lanes) writeDone(a *Attempt, b *[blockSize]byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.err == nil {
		a.err = err
	}
	l.releaseBlock(b)
}

func (l *Lanes) returnUnused(a *Attempt, b *[blockSize]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.queued--
	l.releaseBlock(b)
}

// releaseBlock returns a block. With l.mu held.
func (l *Lanes) releaseBlock(b *[blockSize]byte) {
	if l.blocksInUse > ownBlocks {
		blocks.giveSpare(l.host)
	}
	l.blocksInUse--
	blocks.put(b)
	l.changed.Broadcast()
}

// packet is how much of a block the host takes at once, in bytes.
func (a *Attempt) packet() int { return min(a.conn.PacketSize(), blockSize) }

// depth is how many blocks a lane may need: what it carries, and one that is being written.
func (a *Attempt) depth() int {
	_, each := a.host.pool.BodyWindow(a.packet())
	return int(each)/a.packet() + 1
}
