package demohost

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/pkg/sftp"
)

// filter stands between a client and pkg/sftp's server, and answers itself what
// that does otherwise than OpenSSH:
//
//   - fsync@openssh.com, which it lacks: without, nothing here would be durable;
//   - REALPATH, which it answers without looking at symlinks;
//   - RENAME, which it lets replace an existing file.
type filter struct {
	root string

	mu      sync.Mutex // one answer at a time
	client  io.Writer
	partial []byte
	opening map[uint32]string // request id → path
	open    map[string]string // handle → path
}

// serveSFTP serves until the client's input ends.
func serveSFTP(client io.ReadWriter, root string) {
	f := &filter{root: root, client: client, opening: map[uint32]string{}, open: map[string]string{}}
	r, w := io.Pipe()
	server, err := sftp.NewServer(struct {
		io.Reader
		io.WriteCloser
	}{r, answers{f}}, sftp.WithServerWorkingDirectory(root))
	if err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve()
		_ = server.Close()
		_ = r.CloseWithError(io.ErrClosedPipe)
	}()
	_ = w.CloseWithError(f.requests(client, w))
	<-done
}

// requests passes on what is not answered here.
func (f *filter) requests(client io.Reader, server io.Writer) error {
	for {
		var head [4]byte
		if _, err := io.ReadFull(client, head[:]); err != nil {
			return io.EOF
		}
		n := binary.BigEndian.Uint32(head[:])
		if n == 0 || n > maxFrame {
			return errors.New("bad message length")
		}
		frame := append(head[:], make([]byte, n)...)
		if _, err := io.ReadFull(client, frame[4:]); err != nil {
			return io.EOF
		}
		if answer := f.answer(frame[4], fields(frame[5:])); answer != nil {
			f.send(answer)
			continue
		}
		if _, err := server.Write(frame); err != nil {
			return err
		}
	}
}

// answer does a request, or returns nil for those that are pkg/sftp's.
func (f *filter) answer(kind byte, b fields) []byte {
	id := b.uint32()
	switch kind {
	case fxpOpen:
		f.mu.Lock()
		f.opening[id] = f.path(b.string())
		f.mu.Unlock()
	case fxpClose:
		f.mu.Lock()
		delete(f.open, b.string())
		f.mu.Unlock()
	case fxpRealpath:
		path, err := realPath(f.path(b.string()))
		if err != nil {
			return status(id, err)
		}
		name := appendString(appendString(binary.BigEndian.AppendUint32(head(fxpName, id), 1), path), path)
		return binary.BigEndian.AppendUint32(name, 0)
	case fxpRename:
		from := f.path(b.string())
		return status(id, rename(from, f.path(b.string())))
	case fxpExtended:
		if b.string() == fsyncExtension {
			f.mu.Lock()
			path, known := f.open[b.string()]
			f.mu.Unlock()
			if !known {
				return status(id, fs.ErrNotExist)
			}
			return status(id, syncPath(path))
		}
	}
	return nil
}

func (f *filter) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(f.root, p)
}

// realPath lets the last name be missing, as OpenSSH does.
func realPath(p string) (string, error) {
	real, err := filepath.EvalSymlinks(p)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if _, err := os.Lstat(p); err == nil {
		return "", fs.ErrNotExist // a dangling symlink leads to no path that can be told
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(p))
	return filepath.Join(dir, filepath.Base(p)), err
}

// rename is create-only: files by link and unlink, as sftp-server does it.
func rename(from, to string) error {
	fi, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if fi.Mode().IsRegular() {
		if err := os.Link(from, to); err != nil {
			return err
		}
		return os.Remove(from)
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// syncPath syncs the file that was opened by this name; a client that renames
// between open and fsync is told that the file is not there.
func syncPath(p string) error {
	f, err := os.Open(p)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// answers is what pkg/sftp's server writes to: frames in one or more pieces.
type answers struct{ f *filter }

func (answers) Close() error { return nil }

func (a answers) Write(p []byte) (int, error) {
	f := a.f
	f.mu.Lock()
	defer f.mu.Unlock()
	f.partial = append(f.partial, p...)
	for len(f.partial) >= 4 {
		end := 4 + int(binary.BigEndian.Uint32(f.partial))
		if len(f.partial) < end {
			break
		}
		frame := f.learn(f.partial[:end])
		if _, err := f.client.Write(frame); err != nil {
			return 0, err
		}
		f.partial = f.partial[:copy(f.partial, f.partial[end:])]
	}
	return len(p), nil
}

// learn notes the handles that are given out, and offers fsync.
func (f *filter) learn(frame []byte) []byte {
	b := fields(frame[5:])
	id := b.uint32()
	if frame[4] == fxpVersion {
		return sized(appendString(appendString(append([]byte{}, frame...), fsyncExtension), "1"))
	}
	if path, asked := f.opening[id]; asked {
		delete(f.opening, id)
		if frame[4] == fxpHandle {
			f.open[b.string()] = path
		}
	}
	return frame
}

func (f *filter) send(frame []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _ = f.client.Write(sized(frame)) // a client that is gone ends the requests as well
}
