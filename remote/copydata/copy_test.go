package copydata_test

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"sftpgate/remote/copydata"
	"sftpgate/remote/remotetest"
)

func TestCopyIsExact(t *testing.T) {
	const gib = 1 << 30
	onBoth(t, func(t *testing.T, h *host) {
		for i, c := range []struct {
			size int
			off  int64
		}{
			{1, 0}, {0, 5}, {65_535, 1}, {65_536, 12_345}, {65_537, 3}, {131_072, 65_535}, {150_001, 7}, {1_000_003, 99_999},
			{150_001, 4*gib - 70_001}, {150_001, 6*gib + 1},
		} {
			content := noise(c.size)
			name := strings.Repeat("x", i+1)
			from := h.write(name, 0, content)
			// Once where nothing stands yet, once into the midst of something.
			for _, part := range []string{"part of " + name, "$(it)'s \"part\"\t😀\n"} {
				at := h.write(part, 0, nil)
				before := append([]byte{}, h.read(part, max(0, c.off-100), int(min(c.off, 100)))...)
				behind := h.read(part, c.off+int64(c.size), 100)
				h.check(h.Copy(h.ctx, from, int64(c.size), at, c.off))
				if got := h.read(part, c.off, c.size); !bytes.Equal(got, content) {
					t.Fatalf("%d bytes to %d of %q are not there", c.size, c.off, part)
				}
				if got := h.read(part, max(0, c.off-100), len(before)); !bytes.Equal(got, before) {
					t.Errorf("what stood before %d was changed", c.off)
				}
				if got := h.read(part, c.off+int64(c.size), 100); !bytes.Equal(got, behind) {
					t.Errorf("what stood behind %d was changed", c.off+int64(c.size))
				}
			}
		}
		h.usable()
	})
}

// A chunk of another length is not copied: a longer one would run over what
// stands behind it.
func TestSourceOfAnotherLength(t *testing.T) {
	onBoth(t, func(t *testing.T, h *host) {
		from, part := h.write("chunk", 0, noise(70_000)), h.write("part", 0, noise(200_000))
		for _, length := range []int64{69_999, 70_001, 0} {
			if err := h.Copy(h.ctx, from, length, part, 10); !errors.Is(err, copydata.ErrLength) {
				t.Errorf("%d bytes: %v", length, err)
			}
		}
		if !bytes.Equal(h.read("part", 0, 300_000), noise(200_000)) {
			t.Error("the part was changed")
		}
		for _, names := range [][2]string{{from + "-none", part}, {from, part + "-none"}} {
			if err := h.Copy(h.ctx, names[0], 70_000, names[1], 10); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a file that is not there: %v", err)
			}
		}
		h.check(h.Copy(h.ctx, from, 70_000, part, 10))
		h.usable()
	})
}

// A server that reports success for a copy that is short is found out, by the
// length of the part or, where that was long enough before, by the last block.
func TestCopiesThatAreShort(t *testing.T) {
	for name, c := range map[string]struct {
		at  int64 // where in the chunk the copy ends
		old int   // bytes of the part before
	}{
		"last block, at the end":          {131_072, 0},
		"last block, in the midst":        {131_072, 400_000},
		"all, at the end":                 {0, 0},
		"all, in the midst":               {0, 400_000},
		"as long as the part was already": {131_072, 10 + 150_001},
	} {
		t.Run(name, func(t *testing.T) {
			armed := true
			_, h := onDisk(t, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
				if armed && op.Kind == remotetest.Write && op.Path2 != "" && op.Off == 10+c.at {
					return remotetest.ErrCopyShort
				}
				return nil
			}})
			from, part := h.write("chunk", 0, noise(150_001)), h.write("part", 0, noise(c.old))
			if err := h.Copy(h.ctx, from, 150_001, part, 10); !errors.Is(err, copydata.ErrUntrue) {
				t.Fatalf("believed: %v", err)
			}
			armed = false
			h.check(h.Copy(h.ctx, from, 150_001, part, 10))
			h.usable()
		})
	}
}

// The source changes while it is copied.
func TestSourceThatChanges(t *testing.T) {
	for name, size := range map[string]int64{"cut": 140_000, "cut before the last block": 100_000, "grown": 150_002} {
		t.Run(name, func(t *testing.T) {
			var d *remotetest.Disk
			var h *host
			d, h = onDisk(t, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
				if op.Kind == remotetest.Write && op.Path2 != "" && op.Off == 0 {
					return d.Truncate(op.Path2, size)
				}
				return nil
			}})
			from, part := h.write("chunk", 0, noise(150_001)), h.write("part", 0, noise(400_000))
			if err := h.Copy(h.ctx, from, 150_001, part, 0); !errors.Is(err, copydata.ErrLength) {
				t.Fatalf("got %v", err)
			}
			h.usable()
		})
	}
}

func TestDenied(t *testing.T) {
	try := func(t *testing.T, h *host, code uint32) {
		from, part := h.write("chunk", 0, noise(10)), h.write("part", 0, nil)
		err := h.Copy(h.ctx, from, 10, part, 0)
		var status *copydata.StatusError
		if !errors.As(err, &status) || status.Code != code {
			t.Errorf("got %v", err)
		}
		h.usable()
	}
	t.Run("OpenSSH", func(t *testing.T) {
		_, h := onSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp -P copy-data"})
		try(t, h, 3)
	})
	t.Run("unknown", func(t *testing.T) {
		_, h := onDisk(t, remotetest.ServerOptions{Deny: []string{"copy-data"}})
		try(t, h, 8)
	})
}

// The disk is full in the midst, or at its very end.
func TestFullDisk(t *testing.T) {
	for _, room := range []int64{0, 4096, 65_536, 131_072, 150_000 / 4096 * 4096} {
		d, h := onDisk(t, remotetest.ServerOptions{})
		from, part := h.write("chunk", 0, noise(150_001)), h.write("part", 0, nil)
		d.SetCapacity(d.UsedBytes() + room)
		var status *copydata.StatusError
		if err := h.Copy(h.ctx, from, 150_001, part, 0); !errors.As(err, &status) {
			t.Errorf("%d bytes free: %v", room, err)
		}
		h.usable()
	}
}

func TestReadStart(t *testing.T) {
	onBoth(t, func(t *testing.T, h *host) {
		h.write("f", 0, noise(40_000))
		for name, want := range map[string][]byte{h.path("f"): noise(40_000)[:32<<10], h.write("empty", 0, nil): {}} {
			if got, err := h.ReadStart(h.ctx, name); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		if _, err := h.ReadStart(h.ctx, h.path("none")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
		h.usable()
	})
}
